//! [`Backend`]: what keeps the states and results of tasks.
//!
//! A worker stores, whoever sent the task looks or waits. Backends that can tell somebody at once ([`Capabilities::push`]) do not
//! poll.

pub(crate) mod chords;
mod database;
mod embedded;
pub(crate) mod groups;
pub(crate) mod ledger;
mod open;
#[cfg(feature = "redis")]
mod redis;
mod replied;
mod rpc;
mod stored;

use salamander_value::Str;
use salamander_wire::celery::ResultMeta;

#[cfg(feature = "redis")]
pub use self::redis::RedisResults;
use crate::Waits;
pub use crate::broker::pyro::PyroResults;
use crate::permits::Permits;
pub use chords::{Begun, Broken, Chords, Claim, Counted, Lost, Part};
pub use database::Database;
pub use embedded::EmbeddedResults;
pub(crate) use embedded::Kept;
pub use groups::Groups;
pub(crate) use groups::groups_among_results;
pub(crate) use ledger::sqlite::{TABLES as CHORDS, answer};
pub(crate) use ledger::{Answer, Ask, Hold};
pub(crate) use open::Open;
pub use replied::Replied;
pub use rpc::{RpcOptions, RpcResults};
pub use stored::ResultOptions;
pub(crate) use stored::{Stored, finality};

/// A result backend, shared by all who store and wait.
///
/// # Cancellation
/// A future that is dropped stops waiting. A store that was begun may still be done.
pub trait Backend: Send + Sync + 'static {
    /// What this backend can do.
    fn capabilities(&self) -> Capabilities;

    /// Its URL as people may see it: without a password.
    fn url(&self) -> String;

    /// The queue that results are sent to, where they are messages; it travels with each task.
    fn reply_to(&self) -> Option<Str> {
        None
    }

    /// Makes ready for results, where that takes something: done before the task is sent whose result is wanted.
    fn prepare(&self) -> Option<Waits<'_, ()>> {
        None
    }

    /// Says that somebody will wait for this task, before it is sent: what comes from now on is kept until the guard is dropped.
    fn expect(&self, task_id: &str) -> Expected;

    /// Stores a state. A result that is there stays: a later state that is no result does not take its place.
    fn store(&self, update: Update) -> Waits<'_, ()>;

    /// What is known of a task now.
    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found>;

    /// Waits until something else is known of a task than what the caller has seen.
    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta>;

    /// Forgets a task and its result.
    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()>;

    /// Removes results that have expired, where nobody else does; says how many.
    fn cleanup(&self) -> Waits<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }

    /// What counts the parts of chords, where the backend can.
    fn chords(&self) -> Option<&dyn Chords> {
        None
    }

    /// What is kept beside the results of what all who share them may do together, where the backend can.
    fn permits(&self) -> Option<&dyn Permits> {
        None
    }

    /// What keeps the results of groups together, where the backend can.
    fn groups(&self) -> Option<&dyn Groups> {
        None
    }

    /// Stores what is still to be stored, and closes the connection.
    fn close(&self) -> Waits<'_, ()>;
}

/// A state to be stored.
#[derive(Clone, Debug)]
pub struct Update {
    /// What is stored.
    pub meta: ResultMeta,
    /// Where results are messages: the queue of whoever waits.
    pub reply_to: Option<Str>,
    /// And what they know it by, if that is not the task's id.
    pub correlation_id: Option<Str>,
}

/// What is known of a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Found {
    /// It has a state.
    Known(Box<ResultMeta>),
    /// Nothing is stored. It may wait in a queue, or run without telling, or never have been sent.
    Pending,
    /// It can be told that there is no such task: neither here nor in a queue.
    Unknown,
}

/// What a backend can do beyond the base; the contract suite shows each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Results survive a restart of what keeps them.
    pub durable: bool,
    /// Who waits is told, and does not poll.
    pub push: bool,
    /// Anybody can look for a result, any number of times; else only who sent the task.
    pub shared: bool,
    /// Results expire.
    pub expires: bool,
    /// The parent and the group of a task are kept with its result; else nobody can look for them.
    pub relations: bool,
    /// It can tell a task that is not there from one that waits.
    pub unknown: bool,
}

/// Kept as long as somebody waits for a task; see [`Backend::expect`].
#[must_use = "what comes for the task is kept only as long as this is"]
pub struct Expected(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Expected {
    /// A guard that does this when it is dropped.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }

    /// A guard for backends that keep everything anyway.
    pub fn nothing() -> Self {
        Self(None)
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl std::fmt::Debug for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Expected")
    }
}
