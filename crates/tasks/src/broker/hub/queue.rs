//! One queue: what is ready, what comes later, and who waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use salamander_value::Str;
use tokio::sync::Notify;

use super::journal::Place;
use super::shelf::{Front, Shelf};
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

/// How much of a queue is at hand, where a journal has it as well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// The most messages.
    pub(crate) messages: usize,
    /// The most bytes of them, but for one message.
    pub(crate) bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { messages: 8192, bytes: 16 << 20 }
    }
}

impl Room {
    /// The most messages that are asked for at once; as many as this are at hand while they come.
    pub(super) fn page(self) -> usize {
        (self.messages / 4).max(1)
    }
}

/// A queue.
pub(super) struct Lane {
    /// What the journal knows it by.
    pub(super) number: u64,
    pub(super) queue: broker::Queue,
    /// Nobody has said more of it than its name; the first who does is believed.
    pub(super) plain: bool,
    pub(super) owner: Option<Owner>,
    /// By urgency, the greatest first, and age.
    ready: BTreeMap<u8, Shelf<u64>>,
    /// By when it is due.
    later: Shelf<(i64, u64)>,
    room: Room,
    /// How many are at hand, and their bytes.
    here: usize,
    bytes: usize,
    /// What became ready that was not, and nobody has told the journal yet.
    pub(super) became_ready: Vec<u64>,
    /// Who waits for messages that are away.
    pub(super) came: Arc<Notify>,
    /// Who consumes it; the one after the last that was woken is woken next.
    pub(super) subscribers: Vec<u64>,
    pub(super) next: usize,
    /// Something in it may expire.
    expiring: bool,
    /// When it was last used.
    pub(super) used: i64,
}

/// What comes out of a queue.
pub(super) enum Popped {
    Message(Record),
    /// What comes next has to be read first.
    Away,
    Nothing,
}

impl Lane {
    pub(super) fn new(number: u64, queue: broker::Queue, plain: bool, owner: Option<Owner>, room: Room) -> Self {
        Self {
            number,
            queue,
            plain,
            owner,
            ready: BTreeMap::new(),
            later: Shelf::default(),
            room,
            here: 0,
            bytes: 0,
            became_ready: Vec::new(),
            came: Arc::default(),
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
        let (id, size) = (record.id, record.envelope.len());
        let here = match due {
            Some(due) => self.later.put((due, id), record),
            None => self.ready.entry(u8::MAX - record.priority).or_default().put(id, record),
        };
        if here {
            self.here += 1;
            self.bytes += size;
            self.make_room();
        }
    }

    /// A message that the journal has, as it was found there.
    pub(super) fn restore(&mut self, id: u64, priority: u8, due: Option<i64>, expires: bool) {
        self.expiring |= expires;
        match due {
            Some(due) => self.later.restore((due, id)),
            None => self.ready.entry(u8::MAX - priority).or_default().restore(id),
        }
    }

    /// Puts away what comes last where there is too much.
    fn make_room(&mut self) {
        while self.here > 1 && (self.here > self.room.messages || self.bytes > self.room.bytes) {
            let last = self.ready.values_mut().rev().find(|shelf| shelf.here() > 0);
            let Some(record) = self.later.put_off().or_else(|| last.and_then(Shelf::put_off)) else { return };
            self.left(&record);
        }
    }

    /// It is no longer at hand.
    fn left(&mut self, record: &Record) {
        self.here -= 1;
        self.bytes -= record.envelope.len();
    }

    /// The next message; what has expired on the way to it is given to `expired`.
    pub(super) fn pop(&mut self, expired: impl FnMut(Record)) -> Popped {
        self.tidy(expired);
        match self.front() {
            Front::Here => {
                let record = self.ready.values_mut().find_map(Shelf::pop);
                record.map_or(Popped::Nothing, |record| {
                    self.left(&record);
                    Popped::Message(record)
                })
            }
            Front::Away => Popped::Away,
            Front::Nothing => Popped::Nothing,
        }
    }

    /// Whether a message is ready, and at hand.
    pub(super) fn has_ready(&mut self, expired: impl FnMut(Record)) -> bool {
        self.tidy(expired);
        self.front() == Front::Here
    }

    fn front(&self) -> Front {
        self.ready.values().map(Shelf::front).find(|front| *front != Front::Nothing).unwrap_or(Front::Nothing)
    }

    /// How many wait, for their time too.
    pub(super) fn len(&mut self, expired: impl FnMut(Record)) -> u64 {
        self.tidy(expired);
        self.ready.values().map(Shelf::len).sum::<u64>() + self.later.len()
    }

    /// How many of them are at hand.
    #[cfg(test)]
    pub(super) fn here(&self) -> usize {
        self.here
    }

    /// When the next one is due that is not yet.
    pub(super) fn next_due(&self) -> Option<i64> {
        let here = self.later.first().map(|((due, _), _)| due);
        here.into_iter().chain(self.later.from().map(|(due, _)| due)).min()
    }

    /// Takes all out; those that are away are forgotten, and counted.
    pub(super) fn empty(&mut self) -> (Vec<Record>, u64) {
        (self.expiring, self.here, self.bytes) = (false, 0, 0);
        let (mut records, mut away) = self.later.empty();
        for shelf in std::mem::take(&mut self.ready).values_mut() {
            let (more, count) = shelf.empty();
            records.extend(more);
            away += count;
        }
        self.came.notify_waiters();
        (records, away)
    }

    /// What is to be asked for now of what is away, by this number.
    pub(super) fn ask(&mut self, number: u64) -> Option<Place> {
        if self.later.from().is_some_and(|(due, _)| due <= now())
            && let Some((due, id)) = self.later.ask(number)
        {
            return Some(Place::Later { due, id });
        }
        let (level, shelf) = self.ready.iter_mut().find(|(_, shelf)| shelf.front() != Front::Nothing)?;
        let few = shelf.here() <= self.room.page() && self.bytes <= self.room.bytes / 4;
        let id = (few || shelf.front() == Front::Away).then(|| shelf.ask(number))??;
        Some(Place::Ready { priority: u8::MAX - level, id })
    }

    /// Takes what was asked for by this number.
    pub(super) fn answered(
        &mut self,
        number: u64,
        place: &Place,
        records: Vec<(Option<i64>, Record)>,
        is_elsewhere: impl Fn(&Record) -> bool,
    ) {
        let Self { ready, later, .. } = self;
        let (came, bytes) = match place {
            Place::Ready { priority, .. } => {
                let records = records.into_iter().map(|(_, record)| (record.id, record)).collect();
                let shelf = ready.entry(u8::MAX - priority).or_default();
                shelf.answered(number, records, is_elsewhere)
            }
            Place::Later { .. } => {
                let keyed = |(due, record): (Option<i64>, Record)| ((due.unwrap_or_default(), record.id), record);
                let is_ready = |record: &Record| {
                    ready.get(&(u8::MAX - record.priority)).is_some_and(|shelf| shelf.has(record.id))
                };
                let records = records.into_iter().map(keyed).collect();
                later.answered(number, records, |record| is_ready(record) || is_elsewhere(record))
            }
        };
        self.here += came;
        self.bytes += bytes;
        self.came.notify_waiters();
    }

    /// What is due becomes ready, and what has expired goes.
    fn tidy(&mut self, mut expired: impl FnMut(Record)) {
        if self.later.len() == 0 && !self.expiring {
            return;
        }
        let now = now();
        while self.later.front() == Front::Here && self.later.first().is_some_and(|((due, _), _)| due <= now) {
            let Some(record) = self.later.pop() else { break };
            self.left(&record);
            if record.written {
                self.became_ready.push(record.id);
            }
            self.add(record, None);
        }
        if !self.expiring {
            return;
        }
        // Those before the first that stays: what has expired behind it is found when it comes to the front.
        for shelf in self.ready.values_mut() {
            let is_over = |record: &Record| record.expires.is_some_and(|expires| expires <= now);
            while shelf.front() == Front::Here && shelf.first().is_some_and(|(_, record)| is_over(record)) {
                let Some(record) = shelf.pop() else { break };
                self.here -= 1;
                self.bytes -= record.envelope.len();
                expired(record);
            }
            if shelf.front() != Front::Nothing {
                return;
            }
        }
        if self.later.len() == 0 {
            self.expiring = false;
        }
    }
}
