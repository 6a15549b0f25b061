//! [`Keys`]: what things are called in Redis, as kombu calls them.

use std::time::Duration;

use salamander_value::Dict;
use salamander_wire::celery::Message;

use crate::redis::Place;
use crate::{Error, Kind, Result};

/// Names and times, by the names that kombu's `transport_options` have for them.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) prefix: String,
    pub(super) separator: String,
    pub(super) steps: Vec<u8>,
    pub(super) held: String,
    pub(super) index: String,
    pub(super) mutex: String,
    pub(super) fanout_prefix: String,
    pub(super) fanout_patterns: bool,
    pub(super) order: Order,
    /// What is held for longer is delivered again.
    pub(super) visibility: Duration,
    /// A consumer of ours of which nothing was heard for so long is dead.
    pub(super) consumer_timeout: Duration,
}

/// Which of several queues is looked into first: `queue_order_strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Each in turn.
    RoundRobin,
    /// In the order of their names.
    Sorted,
    /// In the order in which they were given.
    Priority,
}

impl Keys {
    /// What a URL and the options say.
    ///
    /// # Errors
    /// What is wrong with them, by name.
    pub(super) fn parse(url: &str, options: &Dict) -> Result<(Place, Self)> {
        let (mut place, mut options) = Place::parse(url, options)?;
        let mut prefix = options.text("global_keyprefix")?.unwrap_or_default();
        place.in_slot_of(&mut prefix);
        let mut name = |option: &str, default: &str| -> Result<String> {
            Ok(format!("{prefix}{}", options.text(option)?.as_deref().unwrap_or(default)))
        };
        let (held, index) = (name("unacked_key", "unacked")?, name("unacked_index_key", "unacked_index")?);
        let mutex = name("unacked_mutex_key", "unacked_mutex")?;
        let order = match options.text("queue_order_strategy")?.as_deref() {
            None | Some("round_robin") => Order::RoundRobin,
            Some("sorted") => Order::Sorted,
            Some("priority") => Order::Priority,
            Some(other) => {
                let message = format!("queue_order_strategy is round_robin, sorted or priority, not {other}");
                return Err(Error::new(Kind::Misuse, message));
            }
        };
        // A flag in old settings, text in newer ones.
        let fanout_prefix = match options.take("fanout_prefix") {
            None | Some(salamander_value::Value::Bool(true)) => "/{db}.".to_owned(),
            Some(salamander_value::Value::Str(prefix)) => prefix.to_string(),
            Some(_) => String::new(),
        };
        let keys = Self {
            fanout_prefix: format!("{prefix}{}", fanout_prefix.replace("{db}", &place.database.to_string())),
            separator: options.text("sep")?.unwrap_or_else(|| "\u{6}\u{16}".to_owned()),
            steps: options.steps("priority_steps")?.unwrap_or_else(|| vec![0, 3, 6, 9]),
            held,
            index,
            mutex,
            fanout_patterns: options.flag("fanout_patterns")?.unwrap_or(true),
            order,
            visibility: options.seconds("visibility_timeout")?.unwrap_or(Duration::from_secs(3600)),
            consumer_timeout: options.seconds("consumer_timeout")?.unwrap_or(Duration::from_secs(30)),
            prefix,
        };
        options.done()?;
        Ok((place, keys))
    }

    /// The list of a queue for a priority.
    pub(super) fn list(&self, queue: &str, priority: u8) -> String {
        match self.steps.iter().rev().find(|step| **step <= priority) {
            None | Some(0) => format!("{}{queue}", self.prefix),
            Some(step) => format!("{}{queue}{}{step}", self.prefix, self.separator),
        }
    }

    /// The lists of a queue, the most urgent first.
    pub(super) fn lists<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = String> + 'a {
        self.steps.iter().map(move |step| self.list(queue, *step))
    }

    /// The list that a message goes to.
    pub(super) fn list_of(&self, queue: &str, message: &Message) -> String {
        self.list(queue, message.properties.priority.unwrap_or(0).min(9))
    }

    /// The table of an exchange.
    pub(super) fn table(&self, exchange: &str) -> String {
        format!("{}_kombu.binding.{exchange}", self.prefix)
    }

    /// Those of its bindings whose queues do not expire.
    pub(super) fn permanent(&self, exchange: &str) -> String {
        format!("{}_kombu.binding_permanent.{exchange}", self.prefix)
    }

    /// Until when tables are kept whose queues all expire.
    pub(super) fn deadlines(&self) -> String {
        format!("{}_kombu.binding_deadlines", self.prefix)
    }

    /// Consumers of ours, and how often they were heard of. kombu knows nothing of it.
    pub(super) fn consumers(&self) -> String {
        format!("{}_salamander.consumers", self.prefix)
    }

    /// The consumers of a queue that goes with the last of them.
    pub(super) fn attendants(&self, queue: &str) -> String {
        format!("{}_salamander.attendants.{queue}", self.prefix)
    }

    /// The channel that a fanout exchange publishes to, or who is bound to it listens to.
    pub(super) fn topic(&self, exchange: &str, key: &str) -> String {
        match key.is_empty() || !self.fanout_patterns {
            true => format!("{}{exchange}", self.fanout_prefix),
            false => format!("{}{exchange}/{key}", self.fanout_prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kombus() {
        let (_, keys) = Keys::parse("redis://h/2", &Dict::new()).unwrap();
        let lists: Vec<String> = keys.lists("celery").collect();
        assert_eq!(lists, ["celery", "celery\u{6}\u{16}3", "celery\u{6}\u{16}6", "celery\u{6}\u{16}9"]);
        for (priority, list) in [(0, 0), (2, 0), (3, 1), (5, 1), (8, 2), (9, 3), (200, 3)] {
            assert_eq!(keys.list("celery", priority), lists[list], "{priority}");
        }
        assert_eq!((&*keys.held, &*keys.index, &*keys.mutex), ("unacked", "unacked_index", "unacked_mutex"));
        assert_eq!(keys.topic("celery.pidbox", ""), "/2.celery.pidbox");
        assert_eq!(keys.topic("celeryev", "worker.#"), "/2.celeryev/worker.#");
        let (_, keys) =
            Keys::parse("redis://h?global_keyprefix=x.&priority_steps=0,5&fanout_patterns=false", &Dict::new())
                .unwrap();
        assert_eq!(keys.lists("q").collect::<Vec<_>>(), ["x.q", "x.q\u{6}\u{16}5"]);
        assert_eq!(
            (&*keys.held, keys.table("e"), keys.topic("e", "k")),
            ("x.unacked", "x._kombu.binding.e".into(), "x./0.e".into())
        );
    }

    #[test]
    fn options_are_checked_by_name() {
        for (option, said) in [
            ("nonsense=1", "nonsense is no option"),
            ("visibility_timeout=0", "visibility_timeout should be"),
            ("priority_steps=3,0", "priority_steps should be"),
            ("queue_order_strategy=x", "queue_order_strategy is"),
        ] {
            let error = Keys::parse(&format!("redis://h?{option}"), &Dict::new()).map(drop).unwrap_err();
            assert!(error.kind() == Kind::Misuse && error.to_string().contains(said), "{error}");
        }
    }
}
