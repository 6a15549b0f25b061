//! [`TaskOptions`]: what Celery lets be said of a task.

use std::time::Duration;

use salamander_value::Str;

/// The options of a task, by Celery's names. None means: as the settings say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TaskOptions {
    /// The name that it is sent by, such as `tasks.add`.
    pub name: Str,
    /// How often it may be retried; none for any number of times.
    pub max_retries: Option<u32>,
    /// How long a retry waits where nothing else is said.
    pub default_retry_delay: Duration,
    /// Exceptions that lead to a retry by themselves, by their classes.
    pub autoretry_for: Vec<Str>,
    /// Of those, the ones that do not.
    pub dont_autoretry_for: Vec<Str>,
    /// Pauses before retries double, from this on.
    pub retry_backoff: Option<Duration>,
    /// No further than this.
    pub retry_backoff_max: Duration,
    /// They are drawn at random, between nothing and what they would be.
    pub retry_jitter: bool,
    /// How often each worker may start it.
    pub rate_limit: Option<RateLimit>,
    /// After so long it is ended.
    pub time_limit: Option<Duration>,
    /// After so long it is told.
    pub soft_time_limit: Option<Duration>,
    /// Its message is acknowledged when it is done, not before it begins.
    pub acks_late: Option<bool>,
    /// A message is acknowledged although the task failed or took too long.
    pub acks_on_failure_or_timeout: Option<bool>,
    /// A task whose process was lost goes back to its queue.
    pub reject_on_worker_lost: Option<bool>,
    /// Its beginning is stored as the state `STARTED`.
    pub track_started: Option<bool>,
    /// Nothing is stored of it.
    pub ignore_result: Option<bool>,
    /// Except its errors.
    pub store_errors_even_if_ignored: Option<bool>,
    /// How its arguments and result are serialized: `json`, `msgpack`, `yaml`, `pickle`.
    pub serializer: Option<Str>,
    /// How its messages are compressed.
    pub compression: Option<Str>,
    /// The priority of its messages.
    pub priority: Option<u8>,
    /// The queue that it is sent to.
    pub queue: Option<Str>,
    /// The exchange that it is sent to.
    pub exchange: Option<Str>,
    /// The routing key that it is sent with.
    pub routing_key: Option<Str>,
    /// A message that waits for longer is not run.
    pub expires: Option<Duration>,
}

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// So many times.
    pub count: f64,
    /// In this time.
    pub per: Duration,
}

impl TaskOptions {
    /// A task of this name with Celery's defaults.
    pub fn new(name: impl Into<Str>) -> Self {
        Self {
            name: name.into(),
            max_retries: Some(3),
            default_retry_delay: Duration::from_secs(180),
            autoretry_for: Vec::new(),
            dont_autoretry_for: Vec::new(),
            retry_backoff: None,
            retry_backoff_max: Duration::from_secs(600),
            retry_jitter: true,
            rate_limit: None,
            time_limit: None,
            soft_time_limit: None,
            acks_late: None,
            acks_on_failure_or_timeout: None,
            reject_on_worker_lost: None,
            track_started: None,
            ignore_result: None,
            store_errors_even_if_ignored: None,
            serializer: None,
            compression: None,
            priority: None,
            queue: None,
            exchange: None,
            routing_key: None,
            expires: None,
        }
    }
}
