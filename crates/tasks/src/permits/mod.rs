//! [`Permits`]: what all who share a store may do together: so many at once, or once in a time.
//!
//! One mechanism serves three: a place among so many that run ([`TaskOptions::limit_concurrency`](crate::task::TaskOptions)) is a permit that is renewed while the task
//! runs and given back when it ends; a rate ([`TaskOptions::limit_rate`](crate::task::TaskOptions)) is a single one that lasts as long as the pause between two starts;
//! and a task that is to be sent once (`dedupe_key`) is a single one as well, whose holder is the first task.

mod kept;

use std::time::Duration;

use salamander_value::Str;

use crate::Waits;
pub(crate) use kept::{Journal, KeptPermits, Row};

/// A store that brokers or result backends have beside what they are for. Its clock counts, and no other.
///
/// # Cancellation
/// A future that is dropped stops waiting. What it began may still be done.
pub trait Permits: Send + Sync {
    /// Takes all of these, or none of them. Whoever holds one already keeps it, for so long from now on: taking twice is taking once.
    fn take(&self, wanted: Vec<Permit>) -> Waits<'_, Taken>;

    /// Keeps these for longer. One that has lapsed meanwhile is held again, although others may have it too: whatever it was for goes on.
    fn renew(&self, held: Vec<Permit>) -> Waits<'_, ()>;

    /// Gives these back.
    fn give_back(&self, held: Vec<Permit>) -> Waits<'_, ()>;
}

/// A permit that is wanted or held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Permit {
    /// What it is for.
    pub name: Str,
    /// Who has it; each of these has one of its own.
    pub holder: Str,
    /// How many may have it at once.
    pub most: u32,
    /// After how long it lapses by itself.
    pub time: Duration,
}

/// What came of taking permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All are held now.
    Granted,
    /// None are, because of this one.
    Refused {
        /// What it is for.
        name: Str,
        /// Whose lapses first of those who have it.
        holder: Str,
        /// And in how long at the latest.
        left: Duration,
    },
}

impl Permit {
    /// In milliseconds; at least one.
    pub(crate) fn millis(&self) -> i64 {
        i64::try_from(self.time.as_millis()).unwrap_or(i64::MAX >> 8).clamp(1, i64::MAX >> 8)
    }
}

impl Taken {
    pub(crate) fn refused(name: impl Into<Str>, holder: impl Into<Str>, millis: i64) -> Self {
        let left = Duration::from_millis(u64::try_from(millis).unwrap_or_default().max(1));
        Self::Refused { name: name.into(), holder: holder.into(), left }
    }
}
