//! An application's settings out of Celery's names: from a file in TOML, or a dict as Python's programs have it.

use salamander_value::{Dict, Str, Value};

use super::names::{NAMES, SO_ANYWAY};
use super::read::FromSetting;
use super::{AppBuilder, Settings};
use crate::broker::{Exchange, ExchangeKind, Queue};
use crate::call::SendOptions;
use crate::error::{Error, Kind, Result};
use crate::routing::Routes;

impl Settings {
    /// Changes a setting, by Celery's name for it.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for a value of another type, and for names that are not Celery's, old, or of no effect here: with the reason.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        if SO_ANYWAY.iter().any(|(known, values)| *known == name && values.contains(&value)) {
            return Ok(());
        }
        self.put(name, &value).unwrap_or_else(|| Err(refused(name)))
    }
}

/// Why a setting is not taken.
#[cold]
fn refused(name: &str) -> Error {
    let text = match NAMES.iter().find(|(known, ..)| *known == name) {
        Some((_, _, Some(reason))) => format!("the setting {name} is not taken: {reason}"),
        Some((_, _, None)) => format!("the setting {name} is one of the whole application, not of Settings"),
        None => match NAMES.iter().find(|(_, old, _)| *old == name) {
            Some((new, ..)) => format!("the setting {name} is an old name; it is {new} today"),
            None => format!("there is no setting {name}"),
        },
    };
    Error::new(Kind::Misuse, text)
}

impl AppBuilder {
    /// Takes settings by Celery's names, as `broker_url`, `result_backend`, `task_routes`.
    ///
    /// # Errors
    /// As [`Settings::set`].
    pub fn config(mut self, settings: &Dict) -> Result<Self> {
        for (name, value) in settings.iter() {
            let name =
                name.as_str().ok_or_else(|| Error::new(Kind::Misuse, format!("a setting has a name, not {name}")))?;
            self = match name {
                "broker_url" => self.broker_urls(urls(name, value)?),
                "result_backend" => match value {
                    Value::None => self,
                    value => self.result_backend(text(name, value)?),
                },
                "task_queues" => queues(value)?.into_iter().fold(self, Self::queue),
                "task_routes" => routes(value)?.into_iter().fold(self, Self::routes),
                name => {
                    self.settings.set(name, value.clone())?;
                    self
                }
            };
        }
        Ok(self)
    }

    /// Takes settings from a text in TOML: from its table `celery`.
    ///
    /// ```toml
    /// [celery]
    /// broker_url = "redis://localhost/0"
    /// task_default_queue = "work"
    ///
    /// [celery.task_routes."feeds.*"]
    /// queue = "feeds"
    /// ```
    ///
    /// # Errors
    /// What is no TOML, and as [`AppBuilder::config`].
    pub fn toml(self, text: &str) -> Result<Self> {
        let wrong = |error: toml::de::Error| {
            Error::with_source(Kind::Misuse, format!("the settings are no TOML: {error}"), error)
        };
        let mut document: toml::Table = toml::from_str(text).map_err(wrong)?;
        match document.remove("celery") {
            Some(toml::Value::Table(table)) => {
                self.config(&table.into_iter().map(|(name, value)| (name, of_toml(value))).collect())
            }
            _ => Err(Error::new(Kind::Misuse, "the settings stand in a table [celery]")),
        }
    }
}

fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(when) => when.to_string().into(),
        toml::Value::Array(items) => Value::List(items.into_iter().map(of_toml).collect()),
        toml::Value::Table(table) => {
            table.into_iter().map(|(name, value)| (name, of_toml(value))).collect::<Dict>().into()
        }
    }
}

fn text(name: &str, value: &Value) -> Result<Str> {
    value.as_str().map(Str::from).ok_or_else(|| expected(name, "text", value))
}

#[cold]
fn expected(name: &str, what: &str, value: &Value) -> Error {
    Error::new(Kind::Misuse, format!("the setting {name} should be {what}, not {value}"))
}

/// One URL, several in a list, or several with semicolons between them.
fn urls(name: &str, value: &Value) -> Result<Vec<Str>> {
    let urls = Vec::<Str>::from_setting(value).ok_or_else(|| expected(name, "a URL or a list of URLs", value))?;
    Ok(urls
        .iter()
        .flat_map(|url| url.split(';'))
        .map(str::trim)
        .filter(|url| !url.is_empty())
        .map(Str::from)
        .collect())
}

/// Tables by name, or a list of tables or names.
fn queues(value: &Value) -> Result<Vec<Queue>> {
    let wrong = || expected("task_queues", "a table of queues, or a list of tables with a name", value);
    let none = Dict::new();
    match value {
        Value::None => Ok(Vec::new()),
        Value::Dict(tables) => tables
            .iter()
            .map(|(name, table)| queue(name.as_str().ok_or_else(wrong)?, table.as_dict().ok_or_else(wrong)?))
            .collect(),
        list => list
            .as_slice()
            .ok_or_else(wrong)?
            .iter()
            .map(|item| match item {
                Value::Str(name) => queue(name, &none),
                item => {
                    let table = item.as_dict().ok_or_else(wrong)?;
                    queue(table.get("name").and_then(Value::as_str).ok_or_else(wrong)?, table)
                }
            })
            .collect(),
    }
}

/// # Wire
/// As `kombu.Queue.from_dict`, with a routing key of the queue's name, and the default exchange, where there is none.
fn queue(name: &str, table: &Dict) -> Result<Queue> {
    let mut queue = Queue::new(name);
    queue.exchange = Exchange::new("", ExchangeKind::Direct);
    for (option, value) in table.iter() {
        let option = option.as_str().unwrap_or_default();
        let wrong = |what: &str| {
            Error::new(Kind::Misuse, format!("{option} of the queue {name} should be {what}, not {value}"))
        };
        let flag = || bool::from_setting(value).ok_or_else(|| wrong(bool::expected()));
        let text = || value.as_str().map(Str::from).ok_or_else(|| wrong("text"));
        let time = || Option::from_setting(value).ok_or_else(|| wrong("a number of seconds"));
        match option {
            "name" => {}
            "exchange" => queue.exchange.name = text()?,
            "exchange_type" => {
                queue.exchange.kind =
                    ExchangeKind::from_setting(value).ok_or_else(|| wrong(ExchangeKind::expected()))?;
            }
            "exchange_durable" => queue.exchange.durable = flag()?,
            "exchange_auto_delete" => queue.exchange.auto_delete = flag()?,
            "routing_key" | "binding_key" => queue.routing_key = text()?,
            "durable" | "queue_durable" => queue.durable = flag()?,
            "auto_delete" | "queue_auto_delete" => queue.auto_delete = flag()?,
            "exclusive" | "queue_exclusive" => queue.exclusive = flag()?,
            "max_priority" => queue.max_priority = Option::from_setting(value).ok_or_else(|| wrong("a number"))?,
            "expires" => queue.expires = time()?,
            "message_ttl" => queue.message_ttl = time()?,
            "queue_arguments" => {
                queue.arguments = Dict::from_setting(value).ok_or_else(|| wrong("a table"))?;
                if let Some(Value::Int(most)) = queue.arguments.remove("x-max-priority") {
                    queue.max_priority = u8::try_from(most).ok();
                }
            }
            _ => return Err(Error::new(Kind::Misuse, format!("a queue has no option {option}"))),
        }
    }
    if queue.exchange.name.is_empty() && table.contains_key("exchange_type") {
        queue.exchange.name = name.into();
    }
    Ok(queue)
}

/// A table of routes by names of tasks, a list of pairs, or a list of those.
fn routes(value: &Value) -> Result<Vec<Routes>> {
    let is_pair = |item: &Value| item.as_slice().is_some_and(|pair| pair.len() == 2 && pair[0].as_str().is_some());
    match value {
        Value::None => Ok(Vec::new()),
        Value::Dict(table) => {
            let entries = table.iter().map(|(name, route)| (name.clone(), route.clone()));
            Ok(vec![entries.into_iter().try_fold(Routes::new(), add_route)?])
        }
        list => {
            let items = list.as_slice().ok_or_else(|| expected("task_routes", "a table", value))?;
            if items.iter().all(is_pair) {
                let entries = items.iter().filter_map(Value::as_slice).map(|pair| (pair[0].clone(), pair[1].clone()));
                return Ok(vec![entries.into_iter().try_fold(Routes::new(), add_route)?]);
            }
            Ok(items.iter().map(routes).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        }
    }
}

fn add_route(routes: Routes, (name, route): (Value, Value)) -> Result<Routes> {
    let name = name.as_str().ok_or_else(|| expected("task_routes", "a table by names of tasks", &name))?;
    let mut options = SendOptions::new();
    match &route {
        Value::Str(queue) => options.queue = Some(queue.clone()),
        route => {
            let table =
                route.as_dict().ok_or_else(|| expected("task_routes", "a queue or a table for each task", route))?;
            for (option, value) in table.iter() {
                let option = option.as_str().unwrap_or_default();
                let wrong = || Error::new(Kind::Misuse, format!("{option} of the route {name} cannot be {value}"));
                let text = || value.as_str().map(Str::from).ok_or_else(wrong);
                match option {
                    "queue" => options.queue = Some(text()?),
                    "exchange" => options.exchange = Some(text()?),
                    "routing_key" => options.routing_key = Some(text()?),
                    "serializer" => options.serializer = Some(text()?),
                    "compression" => options.compression = Some(text()?),
                    "exchange_type" => options.exchange_type = Option::from_setting(value).ok_or_else(wrong)?,
                    "priority" => options.priority = Option::from_setting(value).ok_or_else(wrong)?,
                    "delivery_mode" => options.delivery_mode = Option::from_setting(value).ok_or_else(wrong)?,
                    _ => return Err(Error::new(Kind::Misuse, format!("a route has no option {option}"))),
                }
            }
        }
    }
    routes.add(name, options)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::App;
    use crate::call::RetryPolicy;

    fn refusal(name: &str) -> String {
        Settings::default().set(name, 1).unwrap_err().to_string()
    }

    #[test]
    fn every_setting_of_celerys_is_taken_or_refused_with_a_reason() {
        let (mut taken, mut other) = (0, 0);
        for (name, old, reason) in NAMES {
            let said = Settings::default().put(name, &Value::None);
            match reason {
                None if said.is_some() => taken += 1,
                None => other += 1,
                Some(reason) => {
                    assert!(said.is_none(), "{name}");
                    assert_eq!(refusal(name), format!("the setting {name} is not taken: {reason}"));
                }
            }
            assert_eq!(refusal(old), format!("the setting {old} is an old name; it is {name} today"));
        }
        assert_eq!((taken, other, NAMES.len()), (57, 4, 207));
        assert_eq!(refusal("task_nonsense"), "there is no setting task_nonsense");
    }

    #[test]
    fn settings_are_read_as_celery_reads_them() {
        let mut settings = Settings::default();
        settings.set("task_time_limit", 2.5).unwrap();
        settings.set("result_expires", Value::None).unwrap();
        settings.set("accept_content", vec!["json", "pickle"]).unwrap();
        settings.set("task_acks_late", "yes").unwrap();
        settings.set("task_default_rate_limit", "10/m").unwrap();
        settings.set("task_publish_retry_policy", Dict::from_iter([("max_retries", 7)])).unwrap();
        assert_eq!(settings.task_time_limit, Some(Duration::from_millis(2500)));
        assert_eq!((settings.result_expires, settings.task_acks_late), (None, true));
        assert_eq!(settings.accept_content, ["json", "pickle"]);
        assert_eq!(
            settings.task_publish_retry_policy,
            RetryPolicy { max_retries: Some(7), ..RetryPolicy::default() }
        );
        let error = settings.set("worker_concurrency", "many").unwrap_err().to_string();
        assert_eq!(error, "the setting worker_concurrency should be a whole number, not 'many'");
    }

    #[test]
    fn a_file_says_it_all() {
        let text = r#"
            [celery]
            broker_url = ["memory://"]
            task_default_queue = "work"
            task_serializer = "msgpack"
            [celery.task_routes]
            "feeds.*" = "feeds"
            "video.encode" = { queue = "video", priority = 3 }
            [celery.task_queues]
            feeds = { exchange = "media", exchange_type = "topic", routing_key = "feeds.#" }
            work = {}
        "#;
        let app = App::builder().toml(text).unwrap().build().unwrap();
        assert_eq!(app.settings().task_serializer, "msgpack");
        let queue = app.router().queues.get("feeds").unwrap();
        assert_eq!(
            (&*queue.exchange.name, queue.exchange.kind, &*queue.routing_key),
            ("media", ExchangeKind::Topic, "feeds.#")
        );
        let work = app.router().queues.get("work").unwrap();
        assert_eq!((&*work.exchange.name, &*work.routing_key), ("work", "work"));
        for (text, said) in [
            ("x", "the settings are no TOML"),
            ("[other]", "the settings stand in a table [celery]"),
            ("[celery]\nBROKER_URL = ''", "it is broker_url today"),
            ("[celery]\nbroker_url = 'nonsense://x'", "no broker for nonsense://"),
            (
                "[celery]\nresult_backend = 'nonsense://x'\nbroker_url = 'memory://'",
                "no result backend for nonsense://",
            ),
        ] {
            let error = App::builder().toml(text).and_then(AppBuilder::build).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
