//! [`LogicalClock`]: what happened before what, among machines whose clocks differ.

use std::sync::atomic::{AtomicI64, Ordering};

/// A clock of Lamport's: it counts what happens here, and is never behind what was heard of.
#[derive(Debug, Default)]
pub(crate) struct LogicalClock(AtomicI64);

impl LogicalClock {
    /// The time now.
    pub(crate) fn value(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    /// Something happens here: the time of it.
    pub(crate) fn forward(&self) -> i64 {
        self.change(|value| value.saturating_add(1))
    }

    /// Something was heard of, which happened at this time.
    pub(crate) fn adjust(&self, other: i64) -> i64 {
        self.change(|value| value.max(other).saturating_add(1))
    }

    fn change(&self, to: impl Fn(i64) -> i64) -> i64 {
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |value| Some(to(value)));
        to(before.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_behind() {
        let clock = LogicalClock::default();
        assert_eq!((clock.forward(), clock.adjust(10), clock.adjust(3), clock.forward()), (1, 11, 12, 13));
        assert_eq!((clock.adjust(i64::MAX), clock.forward(), clock.value()), (i64::MAX, i64::MAX, i64::MAX));
    }
}
