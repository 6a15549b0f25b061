//! [`TaskOptions`]: what Celery lets be said of a task.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use salamander_object::Members;
use salamander_value::{Exception, Str};

use super::KeyTemplate;
use crate::{Error, Kind};

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
    /// How often retries by themselves are made, where that differs from `max_retries` (`retry_kwargs`).
    pub autoretry_max_retries: Option<u32>,
    /// How long they wait, where there is no backoff (`retry_kwargs`).
    pub autoretry_countdown: Option<Duration>,
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
    /// The same for failures alone.
    pub acks_on_failure: Option<bool>,
    /// The same for tasks that took too long alone.
    pub acks_on_timeout: Option<bool>,
    /// A task whose process was lost goes back to its queue.
    pub reject_on_worker_lost: Option<bool>,
    /// Its beginning is stored as the state `STARTED`.
    pub track_started: Option<bool>,
    /// Nothing is stored of it.
    pub ignore_result: Option<bool>,
    /// Except its errors.
    pub store_errors_even_if_ignored: Option<bool>,
    /// Arguments are checked when it is sent.
    pub typing: bool,
    /// How its arguments are serialized: `json`, `msgpack`, `yaml`, `pickle`.
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
    /// The key of those of its limits that hold over all workers, with arguments in it: `user-{user_id}`, `{0}`, `{order.id}`; none for the
    /// name of the task. Tasks with the same key share its places.
    pub limit_key: Option<Str>,
    /// How often all workers together may start a task of one key.
    pub limit_rate: Option<RateLimit>,
    /// How many tasks of one key all workers together may run at once.
    pub limit_concurrency: Option<u32>,
    /// Of several that are sent with the same key only the first is; a key is as that of the limits.
    pub dedupe_key: Option<Str>,
    /// For so long from the first on.
    pub dedupe_for: Option<Duration>,
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
            autoretry_max_retries: None,
            autoretry_countdown: None,
            rate_limit: None,
            time_limit: None,
            soft_time_limit: None,
            acks_late: None,
            acks_on_failure_or_timeout: None,
            acks_on_failure: None,
            acks_on_timeout: None,
            reject_on_worker_lost: None,
            track_started: None,
            ignore_result: None,
            store_errors_even_if_ignored: None,
            typing: true,
            serializer: None,
            compression: None,
            priority: None,
            queue: None,
            exchange: None,
            routing_key: None,
            expires: None,
            limit_key: None,
            limit_rate: None,
            limit_concurrency: None,
            dedupe_key: None,
            dedupe_for: None,
        }
    }
}

impl TaskOptions {
    /// What is wrong with its keys and limits, in words.
    pub(crate) fn check(&self, members: &Members) -> Result<(), String> {
        let params = members.methods.first().map_or(&[][..], |method| method.params);
        for key in self.limit_key.iter().chain(&self.dedupe_key) {
            KeyTemplate::parse(key)?.check(params)?;
        }
        match self {
            Self { dedupe_key: Some(_), dedupe_for: None, .. }
            | Self { dedupe_key: None, dedupe_for: Some(_), .. } => {
                Err("dedupe_key and dedupe_for go together".to_owned())
            }
            Self { limit_key: Some(_), limit_rate: None, limit_concurrency: None, .. } => {
                Err("limit_key is the key of limit_rate and limit_concurrency, and neither is there".to_owned())
            }
            Self { limit_concurrency: Some(0), .. } => Err("limit_concurrency is 0: it would never run".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether a task that raised this is retried by itself.
    pub fn retries_for(&self, exception: &Exception) -> bool {
        let among = |classes: &[Str]| classes.iter().any(|class| is_a(exception, class));
        !self.autoretry_for.is_empty() && among(&self.autoretry_for) && !among(&self.dont_autoretry_for)
    }

    /// How long a retry by itself waits that follows on so many, where there is backoff. `random` draws a number below the one it
    /// is given.
    ///
    /// # Wire
    /// Celery's: whole seconds, doubled each time, no more than the most, drawn between nothing and all of it.
    pub fn backoff(&self, retries: u32, random: impl FnOnce(u64) -> u64) -> Option<Duration> {
        let factor = self.retry_backoff?.as_secs().max(1);
        let doubled = 1_u64.checked_shl(retries).and_then(|times| factor.checked_mul(times));
        let countdown = doubled.unwrap_or(u64::MAX).min(self.retry_backoff_max.as_secs());
        Some(Duration::from_secs(if self.retry_jitter { random(countdown.saturating_add(1)) } else { countdown }))
    }
}

/// As Python's `except` sees it: what is not known where it derives from is at least an exception.
fn is_a(exception: &Exception, class: &str) -> bool {
    matches!(class, "Exception" | "BaseException" | "builtins.Exception" | "builtins.BaseException")
        || exception.is(class)
}

impl FromStr for RateLimit {
    type Err = Error;

    /// `10/s`, `10/m`, `10/h`, or a number for each second.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(Kind::Misuse, format!("a rate is written 10/s, 10/m or 10/h, not {text:?}"));
        let (count, per) = text.split_once('/').unwrap_or((text, "s"));
        let per = match per {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(wrong()),
        };
        let count = count.trim().parse::<f64>().ok().filter(|count| count.is_finite() && *count >= 0.0);
        Ok(Self { count: count.ok_or_else(wrong)?, per: Duration::from_secs(per) })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, per } = self;
        match per.as_secs() {
            60 => write!(f, "{count}/m"),
            3600 => write!(f, "{count}/h"),
            _ => write!(f, "{}/s", count / per.as_secs_f64()),
        }
    }
}

/// A time, in seconds or as such.
pub trait Seconds {
    /// As a duration; what is negative or no number is none at all.
    fn duration(self) -> Duration;
}

impl Seconds for Duration {
    fn duration(self) -> Duration {
        self
    }
}

impl Seconds for f64 {
    fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self).unwrap_or_default()
    }
}

macro_rules! whole_seconds {
    ($($number:ty),*) => {$(
        impl Seconds for $number {
            fn duration(self) -> Duration {
                Duration::from_secs(u64::try_from(self).unwrap_or_default())
            }
        }
    )*};
}
whole_seconds!(i32, i64, u16, u32, u64, usize);

/// What `retry_backoff` may be: a flag, or the first pause.
pub trait Backoff {
    /// The first pause.
    fn first(self) -> Option<Duration>;
}

impl Backoff for bool {
    fn first(self) -> Option<Duration> {
        self.then_some(Duration::from_secs(1))
    }
}

macro_rules! first_pauses {
    ($($time:ty),*) => {$(
        impl Backoff for $time {
            fn first(self) -> Option<Duration> {
                Some(self.duration()).filter(|first| !first.is_zero())
            }
        }
    )*};
}
first_pauses!(i32, i64, u16, u32, u64, usize, f64, Duration);

/// What `#[task]` makes of times.
#[doc(hidden)]
pub fn seconds(time: impl Seconds) -> Duration {
    time.duration()
}

/// What `#[task]` makes of `retry_backoff`.
#[doc(hidden)]
pub fn backoff(first: impl Backoff) -> Option<Duration> {
    first.first()
}

/// The name of a task that was given none: that of its module and its own.
#[doc(hidden)]
pub fn default_name(module: &str, function: &str) -> Str {
    let module = module.rsplit("::").next().unwrap_or(module);
    format!("{module}.{function}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most() {
        let mut options = TaskOptions::new("tasks.add");
        assert_eq!(options.backoff(0, |_| 0), None);
        options.retry_backoff = backoff(true);
        options.retry_jitter = false;
        let pauses: Vec<_> = [0, 1, 2, 9, 10, 70].map(|n| options.backoff(n, |_| 0).unwrap().as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 512, 600, 600]);
        options.retry_backoff = backoff(5);
        options.retry_backoff_max = Duration::from_secs(30);
        assert_eq!([0, 1, 2, 3].map(|n| options.backoff(n, |_| 0).unwrap().as_secs()), [5, 10, 20, 30]);
        options.retry_jitter = true;
        assert_eq!(options.backoff(1, |below| below - 1), Some(Duration::from_secs(10)));
    }

    #[test]
    fn exceptions_are_chosen_by_class_and_base() {
        let mut options = TaskOptions::new("tasks.add");
        let key = Exception::key_error("x");
        assert!(!options.retries_for(&key));
        options.autoretry_for = vec!["LookupError".into(), "shop.SoldOut".into()];
        assert!(options.retries_for(&key) && options.retries_for(&Exception::new("shop.SoldOut", "")));
        assert!(!options.retries_for(&Exception::value_error("x")));
        options.dont_autoretry_for = vec!["KeyError".into()];
        assert!(!options.retries_for(&key));
        options.autoretry_for = vec!["Exception".into()];
        assert!(options.retries_for(&Exception::new("shop.SoldOut", "")) && !options.retries_for(&key));
    }

    #[test]
    fn rates_are_celerys() {
        let rate = |text: &str| text.parse::<RateLimit>().map(|rate| (rate.count, rate.per.as_secs())).ok();
        assert_eq!(rate("10/m"), Some((10.0, 60)));
        assert_eq!((rate("0.5/h"), rate("3")), (Some((0.5, 3600)), Some((3.0, 1))));
        assert_eq!((rate("x/m"), rate("1/d"), rate("-1/s"), rate("")), (None, None, None, None));
    }

    #[test]
    fn names_are_those_of_the_last_module() {
        assert_eq!(default_name("shop::tasks", "add"), "tasks.add");
        assert_eq!(default_name("shop", "add"), "shop.add");
    }
}
