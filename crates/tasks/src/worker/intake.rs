//! From a delivery to a job, or to what Celery does with what is none.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{Message, ResultMeta, State, TaskMessage};
use salamander_wire::{WireError, WireErrorKind};

use super::job::{Job, Known, Stop};
use super::pool::Order;
use super::{Shared, time};
use crate::backend::Update;
use crate::broker::{Delivery, Settlement};
use crate::task::{TaskContext, TaskRequest};

/// What a delivery is.
pub(super) enum Taken {
    /// A task that is to be run, and when: in seconds since 1970.
    Job(Arc<Job>, Option<f64>),
    /// A task of which only that is left to be done.
    Failed(Box<Update>),
    /// It is settled.
    Nothing,
}

impl Shared {
    /// Takes a delivery. What is no task that can be run is settled here as Celery does it, and said in the log.
    pub(super) fn take(self: &Arc<Self>, delivery: Delivery, number: u64) -> Taken {
        let Delivery { message, queue, redelivered, deliveries, settlement } = delivery;
        let known = match message.header("task") {
            Some(name) => match self.known(name) {
                Some(known) => Some(known),
                None => return self.unknown_task(&message, settlement),
            },
            None => None,
        };
        let old = message.header("task").is_none();
        let about = About { body: message.body.clone(), content_type: message.content_type.clone(), old };
        let task = match TaskMessage::from_message(message, &self.decoding) {
            Ok(task) => task,
            Err(error) => return refused(&error, &about, settlement),
        };
        let known = match known.or_else(|| self.known(&task.headers.task)) {
            Some(known) => known,
            None => return self.unknown_task(&task.into_message(), settlement),
        };
        // What is malformed is known before it is run.
        let embed = match task.body.checked_embed(&self.decoding.settings) {
            Ok(embed) => Some(embed).filter(|embed| !embed.is_empty()).map(Box::new),
            Err(error) => return refused(&error, &about, settlement),
        };
        let times = |text: &Option<Str>, what: &str| match text {
            None => Ok(None),
            Some(text) => {
                time::from_iso(text).map(Some).map_err(|error| format!("invalid {what} value '{text}': {error}"))
            }
        };
        let (eta, expires) = match (times(&task.headers.eta, "ETA"), times(&task.headers.expires, "expires")) {
            (Ok(eta), Ok(expires)) => (eta, expires),
            (Err(error), _) | (_, Err(error)) => {
                invalid(&error, &about);
                settlement.reject(false);
                return Taken::Nothing;
            }
        };
        let source = Source { number, queue, redelivered, deliveries, settlement: Some(settlement) };
        let mut job = self.job(known, Arc::new(task), source);
        (job.embed, job.expires) = (embed, expires);
        Taken::Job(Arc::new(job), eta)
    }

    /// A job of a message.
    fn job(&self, known: Arc<Known>, message: Arc<TaskMessage>, source: Source) -> Job {
        let Source { number, queue, redelivered, deliveries, settlement } = source;
        let headers = &message.headers;
        let limit = |seconds: Option<f64>, own: Option<Duration>| {
            let told = seconds
                .filter(|seconds| *seconds > 0.0)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            told.or(own)
        };
        let time_limit = limit(headers.timelimit.hard, known.time_limit);
        let soft_time_limit = limit(headers.timelimit.soft, known.soft_time_limit);
        let ignore_result = self.app.backend().is_none() || headers.ignore_result.unwrap_or(known.ignore_result);
        let tells_start =
            time_limit.is_some() || soft_time_limit.is_some() || (known.track_started && !ignore_result);
        let context = TaskContext::new(self.app.clone(), TaskRequest::new(message, self.name.clone()));
        Job {
            number,
            known,
            context,
            queue,
            redelivered,
            deliveries,
            ignore_result,
            time_limit,
            soft_time_limit,
            expires: None,
            embed: None,
            tells_start,
            settlement: Mutex::new(settlement),
            began: OnceLock::new(),
            stop: Stop::default(),
        }
    }

    /// A job as a child process gets it.
    ///
    /// # Errors
    /// Where this process does not know the task.
    pub(super) fn ordered(&self, order: Order) -> Result<Job, Exception> {
        let Order { number, queue, redelivered, message } = order;
        let missing = || Exception::new("celery.exceptions.NotRegistered", message.headers.task.clone());
        let known = self.known(&message.headers.task).ok_or_else(missing)?;
        Ok(self.job(known, message, Source { number, queue, redelivered, deliveries: None, settlement: None }))
    }

    /// Celery tells who waits for it, and refuses the message.
    fn unknown_task(&self, message: &Message, settlement: Settlement) -> Taken {
        let name = message.header("task").unwrap_or_default();
        let headers = Value::from(message.headers.clone()).to_string();
        tracing::error!(
            target: "celery.worker.consumer.consumer",
            "Received unregistered task of type '{name}'.\nThe message has been ignored and discarded.\n\n\
             Is it registered with this application? These tasks are: {}\n\nThe full contents of the message body was:\n{}\n\n\
             The full contents of the message headers:\n{}",
            self.names().join(", "),
            shown(&message.body),
            headers,
        );
        settlement.reject(false);
        let Some(id) = message.header("id") else { return Taken::Nothing };
        let exception = Exception::new("celery.exceptions.NotRegistered", name);
        let mut meta = ResultMeta::failed(id, State::Failure, &exception);
        meta.date_done = Some(time::iso_utc(time::now_micros()).into());
        let properties = &message.properties;
        let reply_to = properties.reply_to.clone().filter(|queue| !queue.is_empty());
        Taken::Failed(Box::new(Update { meta, reply_to, correlation_id: properties.correlation_id.clone() }))
    }
}

/// Where a job comes from.
struct Source {
    number: u64,
    queue: Str,
    redelivered: bool,
    deliveries: Option<u32>,
    settlement: Option<Settlement>,
}

/// What is said of a message that is no task.
struct About {
    body: Bytes,
    content_type: Str,
    /// Nothing is known of it before its body is decoded.
    old: bool,
}

/// What cannot be read at all is acknowledged, so that it does not come again; what is wrong otherwise is refused.
fn refused(error: &WireError, about: &About, settlement: Settlement) -> Taken {
    let undecodable = match error.kind() {
        WireErrorKind::UnknownMessage => {
            tracing::warn!(
                target: "celery.worker.consumer.consumer",
                "Received and deleted unknown message. Wrong destination?!?\n\nThe full contents of the message body was: {}",
                shown(&about.body)
            );
            settlement.reject(false);
            return Taken::Nothing;
        }
        WireErrorKind::Decode
        | WireErrorKind::TooLarge { .. }
        | WireErrorKind::Compression
        | WireErrorKind::NotInstalled => true,
        WireErrorKind::ContentDisallowed => about.old,
        _ => false,
    };
    if undecodable {
        tracing::error!(
            target: "celery.worker.consumer.consumer",
            "Can't decode message body: {error} [type:'{}']\n\nbody: {}", about.content_type, shown(&about.body)
        );
        settlement.ack();
    } else {
        invalid(&error.to_string(), about);
        settlement.reject(false);
    }
    Taken::Nothing
}

fn invalid(error: &str, about: &About) {
    tracing::error!(
        target: "celery.worker.consumer.consumer",
        "Received invalid task message: {error}\nThe message has been ignored and discarded.\n\n\
         The full contents of the message body was:\n{}",
        shown(&about.body)
    );
}

/// The beginning of a body, for people.
fn shown(body: &Bytes) -> String {
    let head = body.get(..1024).unwrap_or(body);
    format!("{} ({}b)", Value::from(Bytes::copy_from_slice(head)), body.len())
}
