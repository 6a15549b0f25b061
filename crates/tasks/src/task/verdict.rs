//! [`Verdict`]: what the outcome of a task's function means.

use salamander_object::{Encoded, Outcome};
use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{TaskBody, TaskMessage};

use super::{Ignore, Reject, Retry, TaskContext, TaskOptions};
use crate::call::{Clock, arguments_text, codec_settings, random_below};
use crate::canvas::Canvas;
use crate::error::Result;

/// What the outcome of a task's function means.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It has a result.
    Success(Encoded),
    /// It is to be run again.
    Retry(Box<Retrying>),
    /// It has failed.
    Failure(Exception),
    /// Another canvas is to run in its place.
    Replaced(Box<Canvas>),
    /// Nothing is to be stored.
    Ignored,
    /// Its message is refused.
    Rejected(Reject),
}

/// A task that is to be run again.
#[derive(Clone, Debug)]
pub struct Retrying {
    /// What is sent: the same task with one retry more. Its delivery info says where to.
    pub message: TaskMessage,
    /// How many seconds it waits.
    pub countdown: Option<f64>,
    /// The `Retry` that is raised.
    pub retry: Exception,
    /// What led to it, which is stored as the result of the state `RETRY`.
    pub cause: Option<Exception>,
    /// `Retry in 10s: ValueError('busy')`
    pub text: String,
}

impl TaskContext {
    /// What the outcome of the task's function means: whether it is retried, by itself or because it said so.
    ///
    /// # Wire
    /// As Celery's `Task.retry` and `autoretry_for`.
    pub fn verdict(&self, options: &TaskOptions, outcome: Outcome) -> Verdict {
        let exception = match outcome {
            Outcome::Value(encoded) => return Verdict::Success(encoded),
            Outcome::Exception(exception) => exception,
            Outcome::Stream(_) => Exception::type_error("a task has one result and no stream of items"),
        };
        let asked = match Retry::from_exception(&exception) {
            Some(asked) => asked,
            None if Ignore::is(&exception) => {
                let replacement = self.take_replacement().map(Box::new);
                return replacement.map_or(Verdict::Ignored, Verdict::Replaced);
            }
            None => match Reject::from_exception(&exception) {
                Some(reject) => return Verdict::Rejected(reject),
                None if options.retries_for(&exception) => self.by_itself(options, exception),
                None => return Verdict::Failure(exception),
            },
        };
        let retries = self.retries().saturating_add(1);
        if self.request().called_directly {
            return Verdict::Failure(asked.cause.map_or_else(exception_of_direct_call, |cause| *cause));
        }
        if asked.max_retries.or(options.max_retries).is_some_and(|most| retries > most) {
            return Verdict::Failure(match asked.cause {
                Some(cause) => *cause,
                None => self.too_often(&asked),
            });
        }
        match self.again(options, asked, retries) {
            Ok(retrying) => Verdict::Retry(Box::new(retrying)),
            // Celery refuses the message where the retry cannot be sent.
            Err(error) => Verdict::Rejected(Reject::new(error.to_string())),
        }
    }

    /// The retry that the options ask for.
    fn by_itself(&self, options: &TaskOptions, exception: Exception) -> Retry {
        let pause = options.backoff(self.retries(), random_below).or(options.autoretry_countdown);
        let mut retry = Retry::new().because(exception);
        retry.countdown = pause.map(|pause| pause.as_secs_f64());
        retry.max_retries = options.autoretry_max_retries;
        retry
    }

    /// The message of the next run.
    fn again(&self, options: &TaskOptions, asked: Retry, retries: u32) -> Result<Retrying> {
        let request = self.request();
        let mut message = TaskMessage::clone(&request.message);
        let countdown = match (asked.eta, asked.countdown) {
            (Some(_), _) => None,
            (None, Some(countdown)) => Some(countdown),
            (None, None) => Some(options.default_retry_delay.as_secs_f64()),
        };
        let now = Clock::now();
        let headers = &mut message.headers;
        headers.retries = retries;
        headers.eta = match (asked.eta, countdown) {
            (Some(eta), _) => Some(eta.to_string().into()),
            (None, Some(countdown)) if countdown > 0.0 => Some(now.after(countdown)),
            _ => None,
        };
        headers.timelimit.hard = asked.time_limit.or(headers.timelimit.hard);
        headers.timelimit.soft = asked.soft_time_limit.or(headers.timelimit.soft);
        for name in X_DEATH {
            headers.other.remove(name);
        }
        if asked.args.is_some() || asked.kwargs.is_some() {
            let settings = codec_settings();
            let body = &message.body;
            let arguments = asked.arguments(body.decode(settings)?);
            let (args, kwargs) = arguments_text(&arguments);
            (headers.argsrepr, headers.kwargsrepr) = (Some(args.into()), Some(kwargs.into()));
            message.body = TaskBody::encode(body.serializer, &arguments, &body.embed(settings)?, settings)?;
        }
        let properties = &mut message.properties;
        properties.correlation_id = Some(headers.id.clone());
        properties.priority = asked.priority.or(properties.priority);
        properties.expiration = headers.expires.as_deref().and_then(|expires| now.expiration(expires));
        properties.delivery_tag = None;
        let info = &mut properties.delivery_info;
        info.redelivered = false;
        if let Some(queue) = &asked.queue {
            (info.exchange, info.routing_key) = (Str::default(), queue.clone());
        }
        let text = retry_text(&asked, countdown);
        let cause = asked.cause.clone().map(|cause| *cause);
        Ok(Retrying { message, countdown, text, cause, retry: asked.into() })
    }

    fn too_often(&self, asked: &Retry) -> Exception {
        let arguments = self.request().arguments().map(|old| asked.arguments(old)).unwrap_or_default();
        let text = format!(
            "Can't retry {}[{}] args:{} kwargs:{}",
            self.request().task(),
            self.id(),
            Value::List(arguments.positional),
            Value::from(arguments.keywords)
        );
        Exception::new("celery.exceptions.MaxRetriesExceededError", text)
    }
}

/// The headers by which RabbitMQ knows that a message goes in circles.
const X_DEATH: [&str; 7] = [
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
];

fn exception_of_direct_call() -> Exception {
    Exception::new("celery.exceptions.Retry", "Task can be retried")
}

/// What Python's `str(Retry)` says.
fn retry_text(asked: &Retry, countdown: Option<f64>) -> String {
    if let Some(message) = &asked.message {
        return message.to_string();
    }
    let when = match (asked.eta, countdown) {
        (Some(eta), _) => format!("at {}", eta.to_string().replacen('T', " ", 1)),
        (None, Some(countdown)) if countdown.fract() == 0.0 => format!("in {countdown:.0}s"),
        (None, countdown) => format!("in {}s", countdown.unwrap_or_default()),
    };
    match &asked.cause {
        Some(cause) => format!("Retry {when}: {}", exception_repr(cause)),
        None => format!("Retry {when}"),
    }
}

/// Python's `repr()` of an exception.
pub(crate) fn exception_repr(exception: &Exception) -> String {
    let args: Vec<String> = exception.args().iter().map(Value::to_string).collect();
    let args = match &args[..] {
        [one] => one.clone(),
        many => many.join(", "),
    };
    format!("{}({args})", exception.class_name())
}
