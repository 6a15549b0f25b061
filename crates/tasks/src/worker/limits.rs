//! [`Buckets`]: rate limits of tasks, as token buckets that hold one token.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use salamander_value::Str;

use crate::task::RateLimit;

/// What waits for its turn, by task.
///
/// As Celery's: a bucket holds one token and fills at the rate of the limit, so that starts are spread evenly.
pub(crate) struct Buckets<T> {
    buckets: HashMap<Str, Bucket<T>>,
    waiting: usize,
}

struct Bucket<T> {
    limit: RateLimit,
    /// Between two starts.
    pause: Duration,
    next: Instant,
    waiting: VecDeque<T>,
}

impl<T> Default for Buckets<T> {
    fn default() -> Self {
        Self { buckets: HashMap::new(), waiting: 0 }
    }
}

impl<T> Buckets<T> {
    /// Sets the limit of a task, or takes it away; then it gives back what waited.
    pub(crate) fn limit(&mut self, task: &str, limit: Option<RateLimit>, now: Instant) -> Vec<T> {
        let Some(limit) = limit.filter(|limit| limit.count > 0.0) else {
            let waiting: Vec<T> = self.buckets.remove(task).map(|bucket| bucket.waiting.into()).unwrap_or_default();
            self.waiting -= waiting.len();
            return waiting;
        };
        let pause = limit.per.div_f64(limit.count);
        let new = || Bucket { limit, pause, next: now, waiting: VecDeque::new() };
        let bucket = self.buckets.entry(task.into()).or_insert_with(new);
        bucket.next = bucket.next.min(now + pause);
        (bucket.limit, bucket.pause) = (limit, pause);
        Vec::new()
    }

    /// The limit of a task.
    pub(crate) fn limit_of(&self, task: &str) -> Option<RateLimit> {
        self.buckets.get(task).map(|bucket| bucket.limit)
    }

    /// Gives back what may start at once; the rest waits for [`Buckets::due`].
    pub(crate) fn take(&mut self, task: &str, item: T, now: Instant) -> Option<T> {
        if self.buckets.is_empty() {
            return Some(item);
        }
        let Some(bucket) = self.buckets.get_mut(task) else { return Some(item) };
        if bucket.waiting.is_empty() && bucket.next <= now {
            bucket.spend(now);
            return Some(item);
        }
        bucket.waiting.push_back(item);
        self.waiting += 1;
        None
    }

    /// What may start now.
    pub(crate) fn due(&mut self, now: Instant, into: &mut Vec<T>) {
        if self.waiting == 0 {
            return;
        }
        for bucket in self.buckets.values_mut() {
            while bucket.next <= now
                && let Some(item) = bucket.waiting.pop_front()
            {
                bucket.spend(now);
                self.waiting -= 1;
                into.push(item);
            }
        }
    }

    /// When something may start next.
    pub(crate) fn next(&self) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        self.buckets.values().filter(|bucket| !bucket.waiting.is_empty()).map(|bucket| bucket.next).min()
    }

    /// All that waits.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.buckets.values().flat_map(|bucket| &bucket.waiting)
    }

    /// Takes out whatever is so, before its turn.
    pub(crate) fn remove(&mut self, is_so: impl Fn(&T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        if self.waiting == 0 {
            return out;
        }
        for bucket in self.buckets.values_mut() {
            for item in std::mem::take(&mut bucket.waiting) {
                match is_so(&item) {
                    true => out.push(item),
                    false => bucket.waiting.push_back(item),
                }
            }
        }
        self.waiting -= out.len();
        out
    }

    /// All that waits, in the end.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.waiting = 0;
        self.buckets.values_mut().flat_map(|bucket| bucket.waiting.drain(..))
    }
}

impl<T> Bucket<T> {
    fn spend(&mut self, now: Instant) {
        // What was not used is not saved up: the bucket holds one token.
        self.next = now + self.pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_spread_evenly_and_in_order() {
        let now = Instant::now();
        let mut buckets = Buckets::default();
        let limit = RateLimit { count: 10.0, per: Duration::from_secs(1) };
        assert!(buckets.limit("a", Some(limit), now).is_empty());
        assert_eq!(buckets.take("b", 0, now), Some(0));
        assert_eq!(buckets.take("a", 1, now), Some(1));
        assert_eq!((buckets.take("a", 2, now), buckets.take("a", 3, now)), (None, None));
        let mut due = Vec::new();
        buckets.due(now + Duration::from_millis(99), &mut due);
        assert!(due.is_empty());
        assert_eq!(buckets.next(), Some(now + Duration::from_millis(100)));
        buckets.due(now + Duration::from_millis(100), &mut due);
        assert_eq!(due, [2]);
        // What was not used is not saved up, except for one.
        buckets.due(now + Duration::from_secs(9), &mut due);
        assert_eq!(due, [2, 3]);
        assert_eq!(buckets.next(), None);
    }

    #[test]
    fn a_limit_that_is_taken_away_lets_everything_go() {
        let now = Instant::now();
        let mut buckets = Buckets::default();
        buckets.limit("a", Some(RateLimit { count: 1.0, per: Duration::from_secs(3600) }), now);
        assert_eq!(buckets.limit_of("a").map(|limit| limit.to_string()), Some("1/h".into()));
        assert_eq!(buckets.take("a", 1, now), Some(1));
        assert_eq!(buckets.take("a", 2, now), None);
        assert_eq!(buckets.take("a", 4, now), None);
        assert_eq!((buckets.remove(|item| *item == 4), buckets.remove(|item| *item == 9)), (vec![4], vec![]));
        assert_eq!(buckets.iter().collect::<Vec<_>>(), [&2]);
        assert_eq!(buckets.limit("a", None, now), [2]);
        assert_eq!(buckets.take("a", 3, now), Some(3));
    }
}
