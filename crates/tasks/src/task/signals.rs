//! [`Retry`], [`Ignore`] and [`Reject`]: what a task says to the worker instead of a result.
//!
//! They are exceptions as Celery has them, and travel as such; what a worker has to know of them stands in their attributes.

use std::time::Duration;

use salamander_codec::Args;
use salamander_value::{DateTime, Dict, Exception, Str, Value};

use super::options::Seconds;

const RETRY: &str = "celery.exceptions.Retry";
const IGNORE: &str = "celery.exceptions.Ignore";
const REJECT: &str = "celery.exceptions.Reject";

/// Asks for the task to be run again: `return Err(Retry::new().countdown(10).into())`.
///
/// The worker sends the task again, with one retry more. Where `max_retries` is reached the task fails instead: with the exception
/// that was given, or `MaxRetriesExceededError`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retry {
    pub(crate) message: Option<Str>,
    pub(crate) cause: Option<Box<Exception>>,
    pub(crate) countdown: Option<f64>,
    pub(crate) eta: Option<DateTime>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) args: Option<Vec<Value>>,
    pub(crate) kwargs: Option<Dict>,
    pub(crate) time_limit: Option<f64>,
    pub(crate) soft_time_limit: Option<f64>,
    pub(crate) queue: Option<Str>,
    pub(crate) priority: Option<u8>,
}

impl Retry {
    /// After the task's `default_retry_delay`, with the same arguments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Because of this, which the task fails with if it may not be retried any more, and which is stored as its result until then.
    #[must_use]
    pub fn because(mut self, exception: impl Into<Exception>) -> Self {
        self.cause = Some(Box::new(exception.into()));
        self
    }

    /// With a message.
    #[must_use]
    pub fn message(mut self, message: impl Into<Str>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// After so long.
    #[must_use]
    pub fn countdown(mut self, after: impl Seconds) -> Self {
        self.countdown = Some(after.duration().as_secs_f64());
        self
    }

    /// Not before this time.
    #[must_use]
    pub fn eta(mut self, eta: DateTime) -> Self {
        self.eta = Some(eta);
        self
    }

    /// No more often than this, whatever the task's options say.
    #[must_use]
    pub fn max_retries(mut self, most: u32) -> Self {
        self.max_retries = Some(most);
        self
    }

    /// With other positional arguments.
    #[must_use]
    pub fn args(mut self, args: Vec<Value>) -> Self {
        self.args = Some(args);
        self
    }

    /// With other keyword arguments.
    #[must_use]
    pub fn kwargs(mut self, kwargs: Dict) -> Self {
        self.kwargs = Some(kwargs);
        self
    }

    /// To another queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Str>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// With another priority.
    #[must_use]
    pub fn priority(mut self, priority: u8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit.as_secs_f64());
        self
    }

    /// With another soft time limit.
    #[must_use]
    pub fn soft_time_limit(mut self, limit: Duration) -> Self {
        self.soft_time_limit = Some(limit.as_secs_f64());
        self
    }

    /// What an exception asks for, if that is what it is.
    pub fn from_exception(exception: &Exception) -> Option<Self> {
        if exception.class() != RETRY {
            return None;
        }
        let attribute = |name: &str| exception.attributes().get(name).filter(|value| **value != Value::None);
        let number = |name: &str| match attribute(name) {
            Some(Value::Float(number)) => Some(*number),
            Some(Value::Int(number)) => Some(*number as f64),
            _ => None,
        };
        let text = |name: &str| attribute(name).and_then(Value::as_str).map(Str::from);
        Some(Self {
            message: text("message"),
            cause: match attribute("exc") {
                Some(Value::Exception(cause)) => Some(cause.clone()),
                _ => None,
            },
            countdown: number("countdown"),
            eta: match attribute("eta") {
                Some(Value::DateTime(eta)) => Some(**eta),
                _ => None,
            },
            max_retries: attribute("max_retries").and_then(Value::as_int).and_then(|most| u32::try_from(most).ok()),
            args: attribute("args").and_then(Value::as_slice).map(<[Value]>::to_vec),
            kwargs: attribute("kwargs").and_then(Value::as_dict).cloned(),
            time_limit: number("time_limit"),
            soft_time_limit: number("soft_time_limit"),
            queue: text("queue"),
            priority: attribute("priority").and_then(Value::as_int).and_then(|number| u8::try_from(number).ok()),
        })
    }

    /// The arguments of the next run, where they are not the same: those that were given take the place of the old ones.
    pub(crate) fn arguments(&self, old: Args) -> Args {
        Args {
            positional: self.args.clone().unwrap_or(old.positional),
            keywords: self.kwargs.clone().unwrap_or(old.keywords),
        }
    }
}

impl From<Retry> for Exception {
    fn from(retry: Retry) -> Self {
        let cause = retry.cause.map_or(Value::None, Value::Exception);
        let when = match (retry.eta, retry.countdown) {
            (Some(eta), _) => Value::DateTime(Box::new(eta)),
            (None, countdown) => countdown.into(),
        };
        let mut exception = Exception::with_args(RETRY, vec![retry.message.clone().into(), cause.clone(), when]);
        let eta = retry.eta.map_or(Value::None, |eta| Value::DateTime(Box::new(eta)));
        for (name, value) in [
            ("message", retry.message.into()),
            ("exc", cause),
            ("countdown", retry.countdown.into()),
            ("eta", eta),
            ("max_retries", retry.max_retries.into()),
            ("args", retry.args.map_or(Value::None, Value::List)),
            ("kwargs", retry.kwargs.map_or(Value::None, Value::from)),
            ("time_limit", retry.time_limit.into()),
            ("soft_time_limit", retry.soft_time_limit.into()),
            ("queue", retry.queue.into()),
            ("priority", retry.priority.map(i64::from).into()),
        ] {
            if value != Value::None {
                exception.attributes_mut().insert(name, value);
            }
        }
        exception
    }
}

/// Ends the task without a state being stored; its message is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignore;

impl Ignore {
    /// Whether this is what an exception asks for.
    pub fn is(exception: &Exception) -> bool {
        exception.class() == IGNORE
    }
}

impl From<Ignore> for Exception {
    fn from(_: Ignore) -> Self {
        Exception::with_args(IGNORE, Vec::new())
    }
}

/// Refuses the message, where it is acknowledged late: back to its queue, or to where the broker puts what is dead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reject {
    /// Why.
    pub reason: Value,
    /// Whether it goes back to its queue.
    pub requeue: bool,
}

impl Reject {
    /// Refuses the message for good.
    pub fn new(reason: impl Into<Value>) -> Self {
        Self { reason: reason.into(), requeue: false }
    }

    /// Puts the message back.
    pub fn requeue(reason: impl Into<Value>) -> Self {
        Self { reason: reason.into(), requeue: true }
    }

    /// What an exception asks for, if that is what it is.
    pub fn from_exception(exception: &Exception) -> Option<Self> {
        if exception.class() != REJECT {
            return None;
        }
        let reason = exception.args().first().cloned().unwrap_or_default();
        Some(Self { reason, requeue: exception.args().get(1).is_some_and(Value::truth) })
    }
}

impl From<Reject> for Exception {
    fn from(reject: Reject) -> Self {
        Exception::with_args(REJECT, vec![reject.reason, reject.requeue.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_survives_as_an_exception() {
        let asked = Retry::new()
            .because(Exception::value_error("busy"))
            .countdown(2.5)
            .max_retries(7)
            .args(vec![1.into()])
            .queue("slow")
            .priority(3)
            .soft_time_limit(Duration::from_secs(9));
        assert_eq!(Retry::from_exception(&asked.clone().into()), Some(asked));
        assert_eq!(Retry::from_exception(&Exception::value_error("x")), None);
        assert!(Ignore::is(&Ignore.into()) && !Ignore::is(&Exception::value_error("x")));
        let reject = Reject::requeue("full");
        assert_eq!(Reject::from_exception(&reject.clone().into()), Some(reject));
    }

    #[test]
    fn a_function_may_raise_any_of_them() {
        fn raises(retry: bool) -> Result<(), Exception> {
            if retry {
                Err(Retry::new())?
            } else {
                Err(Reject::new("no"))?
            }
            Ok(())
        }
        assert!(raises(true).unwrap_err().is("Retry") && raises(false).unwrap_err().is("Reject"));
    }
}
