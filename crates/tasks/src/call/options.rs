//! [`SendOptions`]: what can be said of one call, of all calls of a task, and by a route.

use std::time::Duration;

use salamander_value::{DateTime, Dict, Str};
use salamander_wire::celery::Embed;

use crate::broker::ExchangeKind;
use crate::task::TaskOptions;

/// What can be said of a call, by Celery's names for the arguments of `apply_async`. None means: as the next one says, of the call, the
/// task, the route and the settings, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct SendOptions {
    pub task_id: Option<Str>,
    pub countdown: Option<f64>,
    pub eta: Option<Str>,
    pub expires: Option<Expires>,
    pub queue: Option<Str>,
    pub exchange: Option<Str>,
    pub exchange_type: Option<ExchangeKind>,
    pub routing_key: Option<Str>,
    pub priority: Option<u8>,
    pub serializer: Option<Str>,
    pub compression: Option<Str>,
    pub delivery_mode: Option<u8>,
    pub time_limit: Option<Duration>,
    pub soft_time_limit: Option<Duration>,
    pub ignore_result: Option<bool>,
    pub shadow: Option<Str>,
    pub headers: Dict,
    pub reply_to: Option<Str>,
    pub root_id: Option<Str>,
    pub parent_id: Option<Str>,
    pub group_id: Option<Str>,
    pub group_index: Option<i64>,
    pub replaced_task_nesting: u32,
    pub stamped_headers: Option<Vec<Str>>,
    pub stamps: Dict,
    /// Callbacks, errbacks, chain and chord.
    pub embed: Embed,
    /// Whether publishing is tried again.
    pub retry: Option<bool>,
    pub retry_policy: Option<RetryPolicy>,
    /// How long publishing may take in all.
    pub publish_timeout: Option<Duration>,
    /// Whether it counts as a child of the task that sends it; it does, if nothing is said.
    pub add_to_parent: Option<bool>,
    /// The task by whose routes it goes, where that is another one.
    pub route_name: Option<Str>,
    /// Further properties of the message.
    pub properties: Dict,
    /// It is sent only where none was sent with this key before, for so long; not said in messages.
    pub dedupe: Option<(Str, Duration)>,
}

/// When a task is of no use any more.
#[derive(Clone, Debug, PartialEq)]
pub enum Expires {
    /// So many seconds after it is sent.
    After(f64),
    /// At a time in the form of ISO 8601.
    At(Str),
}

/// How publishing is tried again, as `task_publish_retry_policy`. Times are seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often; none for ever.
    pub max_retries: Option<u32>,
    /// The first pause.
    pub interval_start: f64,
    /// By how much each pause is longer than the one before.
    pub interval_step: f64,
    /// The longest pause.
    pub interval_max: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_retries: Some(3), interval_start: 0.0, interval_step: 0.2, interval_max: 1.0 }
    }
}

impl SendOptions {
    /// Nothing is said.
    pub fn new() -> Self {
        Self::default()
    }

    /// A route to a queue.
    pub fn to_queue(queue: impl Into<Str>) -> Self {
        Self { queue: Some(queue.into()), ..Self::default() }
    }

    /// A route to an exchange.
    pub fn to_exchange(exchange: impl Into<Str>, routing_key: impl Into<Str>) -> Self {
        Self { exchange: Some(exchange.into()), routing_key: Some(routing_key.into()), ..Self::default() }
    }

    /// With this priority.
    #[must_use]
    pub fn with_priority(mut self, priority: u8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Where nothing is said here, what is said there counts.
    pub(crate) fn fill(&mut self, lower: &Self) {
        macro_rules! fill {
            ($($field:ident)*) => {$(
                if self.$field.is_none() {
                    self.$field.clone_from(&lower.$field);
                }
            )*};
        }
        fill! {
            task_id countdown eta expires queue exchange exchange_type routing_key priority serializer compression
            delivery_mode time_limit soft_time_limit ignore_result shadow reply_to root_id parent_id group_id group_index
            stamped_headers retry retry_policy publish_timeout add_to_parent route_name
        }
        for (own, lower) in [(&mut self.headers, &lower.headers), (&mut self.properties, &lower.properties)] {
            for (name, value) in lower.iter() {
                if own.get_value(name).is_none() {
                    // It was a key before.
                    _ = own.insert_value(name.clone(), value.clone());
                }
            }
        }
    }

    /// What the options of a task say of each call of it.
    pub(crate) fn fill_task(&mut self, task: &TaskOptions) {
        let text = |own: &mut Option<Str>, other: &Option<Str>| {
            if own.is_none() {
                own.clone_from(other);
            }
        };
        text(&mut self.queue, &task.queue);
        text(&mut self.exchange, &task.exchange);
        text(&mut self.routing_key, &task.routing_key);
        text(&mut self.serializer, &task.serializer);
        text(&mut self.compression, &task.compression);
        self.priority = self.priority.or(task.priority);
        self.time_limit = self.time_limit.or(task.time_limit);
        self.soft_time_limit = self.soft_time_limit.or(task.soft_time_limit);
        if self.expires.is_none() {
            self.expires = task.expires.map(|expires| Expires::After(expires.as_secs_f64()));
        }
    }
}

impl From<f64> for Expires {
    fn from(seconds: f64) -> Self {
        Self::After(seconds)
    }
}

impl From<i32> for Expires {
    fn from(seconds: i32) -> Self {
        Self::After(f64::from(seconds))
    }
}

impl From<Duration> for Expires {
    fn from(after: Duration) -> Self {
        Self::After(after.as_secs_f64())
    }
}

impl From<DateTime> for Expires {
    fn from(time: DateTime) -> Self {
        Self::At(time.to_string().into())
    }
}

impl From<std::time::SystemTime> for Expires {
    fn from(time: std::time::SystemTime) -> Self {
        super::environment::date_time(time).map_or(Self::After(0.0), Self::from)
    }
}
