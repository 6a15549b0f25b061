//! [`SendOptions`] as the dict that travels in a signature, and out of it.

use std::time::Duration;

use salamander_value::{Dict, Str, Value};

use super::{Expires, RetryPolicy, SendOptions};
use crate::broker::ExchangeKind;
use crate::error::{Error, Kind, Result};

impl SendOptions {
    /// As they stand in a signature that travels, by Celery's names. What is not said is left out.
    pub(crate) fn to_dict(&self) -> Dict {
        let mut dict = Dict::new();
        let mut put = |name: &str, value: Value| {
            if value != Value::None {
                dict.insert(name, value);
            }
        };
        let seconds = |time: Option<Duration>| time.map(|time| number(time.as_secs_f64()));
        let expires = self.expires.as_ref().map(|expires| match expires {
            Expires::After(seconds) => number(*seconds),
            Expires::At(time) => time.clone().into(),
        });
        for (name, value) in [
            ("task_id", Value::from(self.task_id.clone())),
            ("countdown", self.countdown.map(number).into()),
            ("eta", self.eta.clone().into()),
            ("expires", expires.into()),
            ("queue", self.queue.clone().into()),
            ("exchange", self.exchange.clone().into()),
            ("exchange_type", self.exchange_type.map(ExchangeKind::name).into()),
            ("routing_key", self.routing_key.clone().into()),
            ("priority", self.priority.map(i64::from).into()),
            ("serializer", self.serializer.clone().into()),
            ("compression", self.compression.clone().into()),
            ("delivery_mode", self.delivery_mode.map(i64::from).into()),
            ("time_limit", seconds(self.time_limit).into()),
            ("soft_time_limit", seconds(self.soft_time_limit).into()),
            ("ignore_result", self.ignore_result.into()),
            ("shadow", self.shadow.clone().into()),
            ("reply_to", self.reply_to.clone().into()),
            ("root_id", self.root_id.clone().into()),
            ("parent_id", self.parent_id.clone().into()),
            ("group_id", self.group_id.clone().into()),
            ("group_index", self.group_index.into()),
            ("link", self.embed.callbacks.clone()),
            ("link_error", self.embed.errbacks.clone()),
            ("chain", self.embed.chain.clone()),
            ("chord", self.embed.chord.clone()),
            ("retry", self.retry.into()),
            ("retry_policy", self.retry_policy.map(|policy| policy.to_dict()).into()),
            ("timeout", seconds(self.publish_timeout).into()),
            ("add_to_parent", self.add_to_parent.into()),
            ("route_name", self.route_name.clone().into()),
            ("stamped_headers", self.stamped_headers.clone().into()),
        ] {
            put(name, value);
        }
        if self.replaced_task_nesting > 0 {
            put("replaced_task_nesting", i64::from(self.replaced_task_nesting).into());
        }
        if !self.headers.is_empty() {
            put("headers", self.headers.clone().into());
        }
        for (name, value) in self.stamps.iter().chain(self.properties.iter()) {
            if let Some(name) = name.as_str() {
                put(name, value.clone());
            }
        }
        dict
    }

    /// Out of a signature that has travelled. What is not known is a property of the message, as with Celery.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for what is of another type than it should be.
    pub(crate) fn from_dict(said: Dict) -> Result<Self> {
        let mut options = Self::default();
        let stamped = said.get("stamped_headers").and_then(Value::as_slice).unwrap_or_default().to_vec();
        for (name, value) in said {
            let Some(known) = name.as_str() else { continue };
            if stamped.contains(&name) {
                options.stamps.insert(known, value);
            } else if !value.is_none() {
                let wrong = || {
                    let what = format!("the option {known} of a signature is of the type {}", value.type_name());
                    Error::new(Kind::Misuse, what)
                };
                options.take(known, &value).ok_or_else(wrong)?;
            }
        }
        Ok(options)
    }

    /// Takes an option; none where it is of a wrong type.
    fn take(&mut self, name: &str, value: &Value) -> Option<()> {
        let text = || value.as_str().map(Str::from);
        let small = || value.as_int().and_then(|number| u8::try_from(number).ok());
        let seconds = || Duration::try_from_secs_f64(float(value)?).ok();
        let truth = || match value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        };
        // Times come as such where the serializer has a word for them.
        let moment = || match value {
            Value::DateTime(when) => Some(Str::from(when.to_string())),
            value => value.as_str().map(Str::from),
        };
        match name {
            "task_id" => self.task_id = Some(text()?),
            "countdown" => self.countdown = Some(float(value)?),
            "eta" => self.eta = Some(moment()?),
            "expires" => self.expires = Some(float(value).map(Expires::After).or_else(|| moment().map(Expires::At))?),
            "queue" => self.queue = Some(text()?),
            "exchange" => self.exchange = Some(text()?),
            "exchange_type" => self.exchange_type = Some(ExchangeKind::named(value.as_str()?)?),
            "routing_key" => self.routing_key = Some(text()?),
            "priority" => self.priority = Some(small()?),
            "serializer" => self.serializer = Some(text()?),
            "compression" => self.compression = Some(text()?),
            "delivery_mode" => self.delivery_mode = Some(small()?),
            "time_limit" => self.time_limit = Some(seconds()?),
            "soft_time_limit" => self.soft_time_limit = Some(seconds()?),
            "ignore_result" => self.ignore_result = Some(truth()?),
            "shadow" => self.shadow = Some(text()?),
            "reply_to" => self.reply_to = Some(text()?),
            "root_id" => self.root_id = Some(text()?),
            "parent_id" => self.parent_id = Some(text()?),
            "group_id" => self.group_id = Some(text()?),
            "group_index" => self.group_index = Some(value.as_int()?),
            "link" => self.embed.callbacks = listed(value),
            "link_error" => self.embed.errbacks = listed(value),
            "chain" => self.embed.chain = value.clone(),
            "chord" => self.embed.chord = value.clone(),
            "headers" => self.headers = value.as_dict()?.clone(),
            "retry" => self.retry = Some(truth()?),
            "retry_policy" => self.retry_policy = Some(RetryPolicy::from_dict(value.as_dict()?)),
            "timeout" => self.publish_timeout = Some(seconds()?),
            "add_to_parent" => self.add_to_parent = Some(truth()?),
            "route_name" => self.route_name = Some(text()?),
            "replaced_task_nesting" => self.replaced_task_nesting = u32::try_from(value.as_int()?).ok()?,
            "stamped_headers" => {
                self.stamped_headers =
                    Some(value.as_slice()?.iter().filter_map(Value::as_str).map(Str::from).collect());
            }
            other => _ = self.properties.insert(other, value.clone()),
        }
        Some(())
    }
}

impl RetryPolicy {
    fn to_dict(self) -> Dict {
        Dict::from_iter([
            ("max_retries", Value::from(self.max_retries.map(i64::from))),
            ("interval_start", number(self.interval_start)),
            ("interval_step", number(self.interval_step)),
            ("interval_max", number(self.interval_max)),
        ])
    }

    /// What is not said is as it is by default.
    fn from_dict(dict: &Dict) -> Self {
        let default = Self::default();
        let named = |name: &str, default: f64| dict.get(name).and_then(float).unwrap_or(default);
        let max_retries = match dict.get("max_retries") {
            None => default.max_retries,
            Some(most) => most.as_int().and_then(|most| u32::try_from(most).ok()),
        };
        Self {
            max_retries,
            interval_start: named("interval_start", default.interval_start),
            interval_step: named("interval_step", default.interval_step),
            interval_max: named("interval_max", default.interval_max),
        }
    }
}

/// A number of seconds as whoever gave it most likely wrote it.
fn number(seconds: f64) -> Value {
    if seconds.fract() == 0.0 && seconds.abs() < 1e15 { Value::Int(seconds as i64) } else { Value::Float(seconds) }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// One signature stands for a list of one.
fn listed(value: &Value) -> Value {
    match value {
        Value::List(_) | Value::Tuple(_) => value.clone(),
        one => Value::List(vec![one.clone()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_travels_and_comes_back() {
        let mut options = SendOptions::to_queue("q").with_priority(3);
        options.task_id = Some("id".into());
        options.countdown = Some(2.5);
        options.expires = Some(Expires::After(60.0));
        options.exchange_type = Some(ExchangeKind::Topic);
        options.time_limit = Some(Duration::from_secs(9));
        options.retry_policy = Some(RetryPolicy { max_retries: None, ..RetryPolicy::default() });
        options.stamped_headers = Some(vec!["stamp".into()]);
        options.stamps.insert("stamp", 7);
        options.headers.insert("mine", true);
        options.properties.insert("app_id", "x");
        options.embed.callbacks = Value::List(vec![Dict::from_iter([("task", "t")]).into()]);
        assert_eq!(SendOptions::from_dict(options.to_dict()).unwrap(), options);
        assert!(SendOptions::default().to_dict().is_empty());
    }

    #[test]
    fn an_option_of_another_type_is_named() {
        let error = SendOptions::from_dict(Dict::from_iter([("queue", 5)])).unwrap_err();
        assert_eq!(error.to_string(), "the option queue of a signature is of the type int");
        assert!(SendOptions::from_dict(Dict::from_iter([("queue", Value::None)])).is_ok());
    }
}
