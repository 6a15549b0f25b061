//! [`Stop`]: why a task should come to its end.

use std::sync::atomic::{AtomicU8, Ordering};

use salamander_value::Exception;
use tokio::sync::Notify;

/// Why a task should come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stop {
    /// Its soft time limit has passed.
    SoftTimeLimit,
    /// Its time limit has passed: its result is of no use any more.
    TimeLimit,
    /// It was revoked, with the wish to terminate it.
    Revoked,
    /// The worker is shut down, and does not wait any longer.
    Shutdown,
}

impl Stop {
    const ALL: [Stop; 4] = [Stop::SoftTimeLimit, Stop::TimeLimit, Stop::Revoked, Stop::Shutdown];

    /// What Celery raises in the task, or for it.
    pub fn exception(self) -> Exception {
        match self {
            Stop::SoftTimeLimit => Exception::with_args("billiard.exceptions.SoftTimeLimitExceeded", Vec::new()),
            Stop::TimeLimit => Exception::with_args("billiard.exceptions.TimeLimitExceeded", Vec::new()),
            Stop::Revoked => Exception::new("celery.exceptions.TaskRevokedError", "terminated"),
            Stop::Shutdown => Exception::new("celery.exceptions.TaskRevokedError", "the worker shuts down"),
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The task looks whether there is a reason.
const WATCHED: u8 = 1 << 7;

/// Tells a task that it should stop. The last and most urgent reason counts.
#[derive(Debug, Default)]
pub(super) struct StopToken {
    reasons: AtomicU8,
    changed: Notify,
}

impl StopToken {
    pub(super) fn stop(&self, reason: Stop) {
        self.reasons.fetch_or(reason.bit(), Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Whether the task looks for itself whether it should stop.
    pub(super) fn is_watched(&self) -> bool {
        self.reasons.load(Ordering::Acquire) & WATCHED != 0
    }

    pub(super) fn reason(&self) -> Option<Stop> {
        let reasons = self.reasons.fetch_or(WATCHED, Ordering::AcqRel);
        Stop::ALL.into_iter().rev().find(|reason| reasons & reason.bit() != 0)
    }

    pub(super) async fn stopped(&self) -> Stop {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(reason) = self.reason() {
                return reason;
            }
            changed.await;
        }
    }
}
