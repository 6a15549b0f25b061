//! One queue: what is ready, what comes later, and who waits for it.

use std::collections::BTreeMap;

use bytes::Bytes;
use salamander_value::Str;

use super::{Owner, now};
use crate::broker;

/// A message in a queue, or with a consumer.
#[derive(Debug)]
pub(super) struct Record {
    /// Greater with each message: those of the same priority come in this order, also after they were given back.
    pub(super) id: u64,
    pub(super) envelope: Bytes,
    pub(super) priority: u8,
    pub(super) deliveries: u32,
    /// When it is thrown away, in milliseconds since 1970.
    pub(super) expires: Option<i64>,
    /// The journal has it.
    pub(super) written: bool,
    /// The hash of its task.
    pub(super) task: Option<u64>,
}

/// A queue.
pub(super) struct Lane {
    /// What the journal knows it by.
    pub(super) number: u64,
    pub(super) queue: broker::Queue,
    /// Nobody has said more of it than its name; the first who does is believed.
    pub(super) plain: bool,
    pub(super) owner: Option<Owner>,
    /// By urgency and age.
    ready: BTreeMap<(u8, u64), Record>,
    /// By when it is due.
    later: BTreeMap<(i64, u64), Record>,
    /// Who consumes it; the one after the last that was woken is woken next.
    pub(super) subscribers: Vec<u64>,
    pub(super) next: usize,
    /// Something in it may expire.
    expiring: bool,
    /// When it was last used.
    pub(super) used: i64,
}

impl Lane {
    pub(super) fn new(number: u64, queue: broker::Queue, plain: bool, owner: Option<Owner>) -> Self {
        Self {
            number,
            queue,
            plain,
            owner,
            ready: BTreeMap::new(),
            later: BTreeMap::new(),
            subscribers: Vec::new(),
            next: 0,
            expiring: false,
            used: now(),
        }
    }

    pub(super) fn name(&self) -> &Str {
        &self.queue.name
    }

    /// Puts a message in, which is ready now or at a time.
    pub(super) fn add(&mut self, record: Record, due: Option<i64>) {
        self.expiring |= record.expires.is_some();
        match due {
            Some(due) => self.later.insert((due, record.id), record),
            None => self.ready.insert((u8::MAX - record.priority, record.id), record),
        };
    }

    /// The next message; what has expired on the way to it is given to `expired`.
    pub(super) fn pop(&mut self, expired: impl FnMut(Record)) -> Option<Record> {
        self.tidy(expired);
        self.ready.pop_first().map(|(_, record)| record)
    }

    /// Whether a message is ready.
    pub(super) fn has_ready(&mut self, expired: impl FnMut(Record)) -> bool {
        self.tidy(expired);
        !self.ready.is_empty()
    }

    /// How many wait, for their time too.
    pub(super) fn len(&mut self, expired: impl FnMut(Record)) -> usize {
        self.tidy(expired);
        self.ready.len() + self.later.len()
    }

    /// When the next one is due that is not yet.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.later.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes all out.
    pub(super) fn empty(&mut self) -> impl Iterator<Item = Record> + use<> {
        self.expiring = false;
        std::mem::take(&mut self.ready).into_values().chain(std::mem::take(&mut self.later).into_values())
    }

    /// What is due becomes ready, and what has expired goes.
    fn tidy(&mut self, mut expired: impl FnMut(Record)) {
        if self.later.is_empty() && !self.expiring {
            return;
        }
        let now = now();
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let record = first.remove();
            self.ready.insert((u8::MAX - record.priority, record.id), record);
        }
        if !self.expiring {
            return;
        }
        let is_over = |record: &Record| record.expires.is_some_and(|expires| expires <= now);
        // Those before the first that stays: what has expired behind it is found when it comes to the front.
        while let Some(first) = self.ready.first_entry().filter(|first| is_over(first.get())) {
            expired(first.remove());
        }
        if self.ready.is_empty() && self.later.is_empty() {
            self.expiring = false;
        }
    }
}
