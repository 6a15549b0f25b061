//! [`Job`]: a task that this worker has taken, and what it knows of the tasks that there are.

use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use salamander_object::{Object, Outcome};
use salamander_value::Str;
use salamander_wire::celery::{Embed, TaskMessage};
use tokio::sync::Notify;

use super::gate::{Answered, Limits};
use super::time;
use crate::broker::Settlement;
use crate::task::{self, RateLimit, TaskContext, TaskOptions};

/// A registered task, with all that its options and the settings say about running it.
pub(crate) struct Known {
    pub(crate) options: Arc<TaskOptions>,
    pub(crate) object: Arc<dyn Object>,
    /// It runs right where it is called, for as long as it likes.
    pub(crate) blocks: bool,
    pub(crate) acks_late: bool,
    pub(crate) acks_on_failure: bool,
    pub(crate) acks_on_timeout: bool,
    pub(crate) reject_on_worker_lost: bool,
    pub(crate) track_started: bool,
    pub(crate) ignore_result: bool,
    pub(crate) store_errors: bool,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) soft_time_limit: Option<Duration>,
    pub(crate) rate_limit: Option<RateLimit>,
    /// Those over all workers.
    pub(crate) limits: Option<Limits>,
}

impl Known {
    pub(crate) fn name(&self) -> &Str {
        &self.options.name
    }
}

/// A task that was taken out of a queue, until all that is to be said about it has been said.
pub(crate) struct Job {
    /// Counts from 1 in each worker; the `Job: N` of Celery's messages.
    pub(crate) number: u64,
    pub(crate) known: Arc<Known>,
    /// The message, and what the task knows and says.
    pub(crate) context: TaskContext,
    /// The queue that it came out of.
    pub(crate) queue: Str,
    pub(crate) redelivered: bool,
    /// How often it was delivered before, where the broker counts.
    pub(crate) deliveries: Option<u32>,
    /// Nothing is stored, because its options, its message or the settings say so.
    pub(crate) ignore_result: bool,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) soft_time_limit: Option<Duration>,
    /// In seconds since 1970.
    pub(crate) expires: Option<f64>,
    /// What follows it, where there is something.
    pub(crate) embed: Option<Box<Embed>>,
    /// Its beginning is worth telling: it is stored, or there are limits.
    pub(crate) tells_start: bool,
    pub(crate) settlement: Mutex<Option<Settlement>>,
    pub(crate) began: OnceLock<Began>,
    pub(crate) stop: Stop,
}

/// When a job began, and in which child process.
pub(crate) struct Began {
    pub(crate) at: Instant,
    pub(crate) process: Option<u32>,
}

impl Job {
    /// Its message.
    pub(crate) fn message(&self) -> &Arc<TaskMessage> {
        &self.context.request().message
    }

    /// The id of the task.
    pub(crate) fn id(&self) -> &Str {
        &self.message().headers.id
    }

    /// Whether it is of no use any more.
    pub(crate) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| time::now_seconds() > expires)
    }

    /// Its soft time limit has passed.
    pub(crate) fn soft(&self) {
        self.context.stop(task::Stop::SoftTimeLimit);
        self.stop.raise(SOFT);
    }

    /// Nobody waits for it any more; a child that runs it gets this signal.
    pub(crate) fn hard(&self, why: task::Stop, signal: i32) {
        self.context.stop(why);
        self.stop.signal.store(signal, Ordering::Release);
        self.stop.raise(HARD);
    }

    /// The name by which it is logged.
    pub(crate) fn shown(&self) -> &str {
        self.message().headers.shown_name()
    }

    /// Whether errors are stored.
    pub(crate) fn store_errors(&self) -> bool {
        !self.ignore_result || self.known.store_errors
    }

    /// It is done with; the first to say so is heard.
    pub(crate) fn ack(&self) {
        if let Some(settlement) = self.take_settlement() {
            settlement.ack();
        }
    }

    /// It is refused; the first to say so is heard.
    pub(crate) fn reject(&self, requeue: bool) {
        if let Some(settlement) = self.take_settlement() {
            settlement.reject(requeue);
        }
    }

    /// Whether all has been said to the broker.
    pub(crate) fn is_settled(&self) -> bool {
        self.settlement.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Its message comes again, because the connection that it came by is gone.
    pub(crate) fn comes_again(&self) -> bool {
        let settlement = self.settlement.lock().unwrap_or_else(PoisonError::into_inner);
        settlement.as_ref().is_some_and(|settlement| !settlement.is_valid())
    }

    fn take_settlement(&self) -> Option<Settlement> {
        self.settlement.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Tells whoever runs a job that it should stop.
#[derive(Default)]
pub(crate) struct Stop {
    state: AtomicU8,
    /// The signal that a child gets.
    signal: AtomicI32,
    changed: Notify,
}

const SOFT: u8 = 1;
const HARD: u8 = 2;
/// It has begun.
const ENTERED: u8 = 4;
/// Its lane goes on without it.
const ABANDONED: u8 = 8;
/// It has ended.
const LEFT: u8 = 16;
/// It is not to begin.
const SKIPPED: u8 = 32;

impl Stop {
    pub(crate) fn is_soft(&self) -> bool {
        self.has(SOFT)
    }

    pub(crate) fn is_hard(&self) -> bool {
        self.has(HARD)
    }

    pub(crate) fn signal(&self) -> i32 {
        self.signal.load(Ordering::Acquire)
    }

    /// It begins. False if it is not to.
    pub(crate) fn enter(&self) -> bool {
        self.state.fetch_or(ENTERED, Ordering::AcqRel) & (HARD | SKIPPED) == 0
    }

    /// It is not to begin. False if it has begun already.
    pub(crate) fn skip(&self) -> bool {
        self.state.fetch_or(SKIPPED, Ordering::AcqRel) & ENTERED == 0
    }

    /// It has begun.
    pub(crate) fn is_entered(&self) -> bool {
        self.has(ENTERED)
    }

    /// Its lane is to go on without it. False if it has ended already.
    pub(crate) fn abandon(&self) -> bool {
        self.state.fetch_or(ABANDONED, Ordering::AcqRel) & LEFT == 0
    }

    /// It has ended. False if its lane has gone on without it.
    pub(crate) fn leave(&self) -> bool {
        self.state.fetch_or(LEFT, Ordering::AcqRel) & ABANDONED == 0
    }

    fn has(&self, flag: u8) -> bool {
        self.state.load(Ordering::Acquire) & flag != 0
    }

    fn raise(&self, flag: u8) {
        self.state.fetch_or(flag, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Waits until it is to stop, or, unless that is known already, until its soft limit has passed.
    pub(crate) async fn changed(&self, told: bool) {
        let mut changed = std::pin::pin!(self.changed.notified());
        loop {
            changed.as_mut().enable();
            if self.is_hard() || (self.is_soft() && !told) {
                return;
            }
            changed.as_mut().await;
            changed.set(self.changed.notified());
        }
    }
}

/// How a job ended, as whoever ran it saw it.
pub(crate) struct Ended {
    pub(crate) job: Arc<Job>,
    pub(crate) how: How,
    pub(crate) runtime: Duration,
}

/// What a job came to.
pub(crate) enum How {
    /// It ran to its end.
    Of(Outcome),
    /// The process that ran it is gone: in the words of billiard.
    Lost(String),
    /// It was stopped because somebody asked for it.
    Stopped,
    /// It was not begun, because its time has passed.
    Expired,
}

/// What pools tell the worker.
pub(crate) enum Event {
    /// A job begins, of which that is worth telling.
    Started(Arc<Job>, Instant, Option<u32>),
    /// A job has ended.
    Ended(Ended),
    /// What the store says of limits over all workers.
    Permits(Answered),
    /// A place of this key is free.
    Freed(Str),
}
