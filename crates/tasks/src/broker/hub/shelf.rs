//! [`Shelf`]: messages in their order, of which the later ones may lie in the journal alone.

use std::collections::BTreeMap;

use super::queue::Record;

/// What messages are ordered by; each has one of its own.
pub(super) trait Key: Copy + Ord {
    /// The one right behind it.
    fn next(self) -> Self;
}

impl Key for u64 {
    fn next(self) -> Self {
        self.saturating_add(1)
    }
}

impl Key for (i64, u64) {
    fn next(self) -> Self {
        (self.0, self.1.saturating_add(1))
    }
}

/// Messages in the order of their keys. Those at hand come first; where there are too many, the others are *away*: the journal has them, and
/// they are asked for when it is their turn.
#[derive(Debug)]
pub(super) struct Shelf<K> {
    here: BTreeMap<K, Record>,
    /// How many are away. Each of them is at `from` or behind it, and nothing that the journal has is at hand from there on.
    away: u64,
    from: Option<K>,
    /// The number of a question for those that are away, and the first that went away after it.
    asked: Option<(u64, Option<K>)>,
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Here,
    Away,
    Nothing,
}

impl<K> Default for Shelf<K> {
    fn default() -> Self {
        Self { here: BTreeMap::new(), away: 0, from: None, asked: None }
    }
}

impl<K: Key> Shelf<K> {
    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.here.len() as u64 + self.away
    }

    pub(super) fn front(&self) -> Front {
        match (self.first(), self.from) {
            (Some((key, _)), Some(from)) if key >= from => Front::Away,
            (Some(_), _) => Front::Here,
            (None, Some(_)) => Front::Away,
            (None, None) => Front::Nothing,
        }
    }

    /// The first of those at hand.
    pub(super) fn first(&self) -> Option<(K, &Record)> {
        self.here.first_key_value().map(|(key, record)| (*key, record))
    }

    pub(super) fn pop(&mut self) -> Option<Record> {
        self.here.pop_first().map(|(_, record)| record)
    }

    pub(super) fn has(&self, key: K) -> bool {
        self.here.contains_key(&key)
    }

    /// How many are at hand.
    pub(super) fn here(&self) -> usize {
        self.here.len()
    }

    /// Where those begin that are away.
    pub(super) fn from(&self) -> Option<K> {
        self.from
    }

    /// Puts a message in; says whether it is at hand. One that comes after others that are away is away as well.
    pub(super) fn put(&mut self, key: K, record: Record) -> bool {
        if record.written && self.from.is_some_and(|from| key >= from) {
            self.leave(key);
            return false;
        }
        self.here.insert(key, record);
        true
    }

    /// One more that the journal has, as it was found there.
    pub(super) fn restore(&mut self, key: K) {
        self.leave(key);
    }

    /// Puts the last of those at hand away, if the journal has it.
    pub(super) fn put_off(&mut self) -> Option<Record> {
        let last = self.here.last_entry().filter(|last| last.get().written)?;
        let (key, record) = last.remove_entry();
        self.leave(key);
        Some(record)
    }

    fn leave(&mut self, key: K) {
        self.away += 1;
        self.from = Some(self.from.map_or(key, |from| from.min(key)));
        if let Some((_, since)) = &mut self.asked {
            *since = Some(since.map_or(key, |since| since.min(key)));
        }
    }

    /// Asks for those that are away, by a number; says where they begin. Nothing where nobody is away, or they have been asked for.
    pub(super) fn ask(&mut self, number: u64) -> Option<K> {
        let from = self.from.filter(|_| self.asked.is_none())?;
        self.asked = Some((number, None));
        Some(from)
    }

    /// Takes the answer, which begins where it was asked for and has no gaps, but for those that are elsewhere: with a consumer, or done
    /// meanwhile. Says how many are at hand now that were away, and of how many bytes.
    pub(super) fn answered(
        &mut self,
        number: u64,
        records: Vec<(K, Record)>,
        is_elsewhere: impl Fn(&Record) -> bool,
    ) -> (usize, usize) {
        let Some((_, since)) = self.asked.take_if(|(asked, _)| *asked == number) else { return (0, 0) };
        let next = records.last().map(|(key, _)| key.next());
        let (mut came, mut bytes) = (0, 0);
        for (key, record) in records {
            if self.here.contains_key(&key) || is_elsewhere(&record) {
                continue;
            }
            came += 1;
            bytes += record.envelope.len();
            self.here.insert(key, record);
        }
        self.away = self.away.saturating_sub(came as u64);
        // Those that went away meanwhile may come before the next one.
        self.from = next.into_iter().chain(since).min();
        if self.from.is_none() && self.away > 0 {
            tracing::error!("{} messages are not where they were written", self.away);
            self.away = 0;
        }
        if self.away == 0 {
            self.from = None;
        }
        (came, bytes)
    }

    /// Takes out all that are at hand, and forgets the others; says how many those were.
    pub(super) fn empty(&mut self) -> (Vec<Record>, u64) {
        let all = std::mem::take(self);
        (all.here.into_values().collect(), all.away)
    }
}
