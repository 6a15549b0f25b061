//! [`Timer`]: what is held until its time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Things by the time when they are due; those of the same time in the order in which they came.
pub(crate) struct Timer<T> {
    heap: BinaryHeap<Entry<T>>,
    count: u64,
}

struct Entry<T> {
    at: Instant,
    order: u64,
    item: T,
}

impl<T> Default for Timer<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }
}

impl<T> Timer<T> {
    /// Holds something until then.
    pub(crate) fn hold(&mut self, at: Instant, item: T) {
        self.count += 1;
        self.heap.push(Entry { at, order: self.count, item });
    }

    /// What is due next, if it is due now.
    pub(crate) fn due(&mut self, now: Instant) -> Option<T> {
        if self.heap.peek()?.at > now {
            return None;
        }
        self.heap.pop().map(|entry| entry.item)
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// How much is held.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Forgets what is not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.heap.retain(|entry| keep(&entry.item));
    }

    /// All that is held, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.heap.iter().map(|entry| &entry.item)
    }

    /// Takes out whatever is so, before its time.
    pub(crate) fn remove(&mut self, is_so: impl Fn(&T) -> bool) -> Vec<T> {
        if !self.iter().any(&is_so) {
            return Vec::new();
        }
        let (out, left): (Vec<_>, Vec<_>) = self.heap.drain().partition(|entry| is_so(&entry.item));
        self.heap = left.into();
        out.into_iter().map(|entry| entry.item).collect()
    }

    /// All that is held, in the end.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.heap.drain().map(|entry| entry.item)
    }
}

// The earliest is the greatest.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at).then_with(|| other.order.cmp(&self.order))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_due_comes_in_order() {
        let now = Instant::now();
        let mut timer = Timer::default();
        for (seconds, item) in [(3, 'c'), (1, 'a'), (3, 'd'), (2, 'b')] {
            timer.hold(now + Duration::from_secs(seconds), item);
        }
        assert_eq!((timer.due(now), timer.next()), (None, Some(now + Duration::from_secs(1))));
        let later = now + Duration::from_secs(3);
        let due: String = std::iter::from_fn(|| timer.due(later)).collect();
        assert_eq!((due.as_str(), timer.len()), ("abcd", 0));
    }

    #[test]
    fn some_are_taken_out_before_their_time() {
        let now = Instant::now();
        let mut timer = Timer::default();
        (0..6).for_each(|number| timer.hold(now + Duration::from_secs(6 - number), number));
        assert_eq!(timer.remove(|number| *number > 9), []);
        let mut out = timer.remove(|number| number % 2 == 0);
        out.sort_unstable();
        assert_eq!(out, [0, 2, 4]);
        let left: Vec<u64> = std::iter::from_fn(|| timer.due(now + Duration::from_secs(9))).collect();
        assert_eq!(left, [5, 3, 1]);
    }
}
