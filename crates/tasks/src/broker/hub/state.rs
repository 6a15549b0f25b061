//! What a hub holds, and how it changes. All of it happens under one lock, briefly.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use salamander_value::Str;
use tokio::sync::futures::OwnedNotified;
use tokio::sync::oneshot;

use super::exchange::Bound;
use super::journal::{self, Confirmed, Entry, Journal, Journaled, Page, Place};
use super::known::Known;
use super::queue::{Lane, Popped, Record, Room};
use super::subscriber::Subscriber;
use super::{Owner, Parcel, Posting, Shared, after, now};
use crate::broker::{Exchange, Queue};
use crate::{Error, Kind, Result};

pub(super) struct State {
    pub(super) queues: HashMap<Str, Lane>,
    pub(super) exchanges: HashMap<Str, Bound>,
    pub(super) subscribers: HashMap<u64, Subscriber>,
    pub(super) known: Known,
    pub(super) journal: Option<Arc<dyn Journal>>,
    /// Where the journal's answers go.
    own: Weak<Mutex<State>>,
    /// How much of each queue is at hand.
    room: Room,
    /// How many questions to the journal are open, and which messages were done meanwhile.
    asking: usize,
    gone: HashSet<u64>,
    /// The names of queues by their numbers, while what was written earlier is read.
    numbers: HashMap<u64, Str>,
    /// Whether a queue may go by itself.
    expiring: bool,
    last: u64,
}

/// What is taken out of a queue for good.
pub(super) enum Take {
    Parcel(Parcel),
    /// It has to be read first; this ends when something was.
    Away(OwnedNotified),
    Nothing,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            queues: HashMap::new(),
            exchanges: HashMap::new(),
            subscribers: HashMap::new(),
            known: Known::default(),
            journal: None,
            own: Weak::new(),
            room: Room::default(),
            asking: 0,
            gone: HashSet::new(),
            numbers: HashMap::new(),
            expiring: false,
            last: 0,
        }
    }

    /// From now on a journal is told.
    pub(super) fn begin(mut self, journal: Arc<dyn Journal>, own: Weak<Mutex<State>>) -> Self {
        self.journal = Some(journal);
        self.own = own;
        self.numbers = HashMap::new();
        self
    }

    /// The same with less at hand.
    #[cfg(test)]
    pub(super) fn with_room(mut self, messages: usize, bytes: usize) -> Self {
        self.room = Room { messages, bytes };
        self
    }

    /// A number that was not given before.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn tell(&self, entry: Entry) {
        if let Some(journal) = &self.journal {
            journal.add(entry);
        }
    }

    /// Whether all up to here is written.
    pub(super) fn confirm(&self) -> Confirmed {
        let Some(journal) = &self.journal else { return Confirmed::now() };
        let (sender, receiver) = oneshot::channel();
        journal.add(Entry::Confirm(sender));
        Confirmed::by(receiver)
    }

    /// Takes up what was written earlier.
    pub(super) fn restore(&mut self, earlier: Journaled) {
        match earlier {
            Journaled::Queue { number, queue, plain } => {
                self.last = self.last.max(number);
                self.expiring |= queue.expires.is_some();
                self.numbers.insert(number, queue.name.clone());
                self.queues.insert(queue.name.clone(), Lane::new(number, *queue, plain, None, self.room));
            }
            Journaled::Exchange(exchange) => {
                self.exchanges.insert(exchange.name.clone(), Bound::new(exchange));
            }
            Journaled::Bind { exchange, routing_key, queue } => {
                if let (Some(bound), Some(queue)) = (self.exchanges.get_mut(&exchange), self.numbers.get(&queue)) {
                    bound.bind(&routing_key, queue);
                }
            }
            Journaled::Message { id, queue, priority, due, expires, task } => {
                self.last = self.last.max(id);
                let Some(lane) = self.numbers.get(&queue).and_then(|name| self.queues.get_mut(name)) else { return };
                let task = task.map(|task| self.known.hash(&task));
                task.into_iter().for_each(|task| self.known.came(task));
                lane.restore(id, priority, due, expires);
            }
        }
    }

    pub(super) fn declare(&mut self, queue: &Queue, owner: Owner) -> Result<()> {
        self.sweep();
        self.declare_exchange(&queue.exchange)?;
        let written = queue.durable && !queue.exclusive;
        let number = match self.queues.get_mut(&queue.name) {
            Some(lane) if lane.plain => {
                lane.plain = false;
                lane.queue = queue.clone();
                lane.used = now();
                let number = lane.number;
                self.tell(Entry::Queue { number, queue: Box::new(queue.clone()), plain: false });
                number
            }
            Some(lane) => {
                if let Some(what) = difference(&lane.queue, queue) {
                    return Err(refused("queue", &queue.name, what));
                }
                if lane.owner.is_some_and(|other| other != owner) {
                    let message = format!("the queue {} is for another connection alone", queue.name);
                    return Err(Error::new(Kind::Refused, message));
                }
                lane.used = now();
                lane.number
            }
            None => {
                let number = self.number();
                let owner = queue.exclusive.then_some(owner);
                self.queues.insert(queue.name.clone(), Lane::new(number, queue.clone(), false, owner, self.room));
                if written {
                    self.tell(Entry::Queue { number, queue: Box::new(queue.clone()), plain: false });
                }
                number
            }
        };
        self.expiring |= queue.expires.is_some();
        if let Some(bound) = self.exchanges.get_mut(&queue.exchange.name)
            && bound.bind(&queue.routing_key, &queue.name)
            && written
            && bound.exchange.durable
        {
            let (exchange, routing_key) = (queue.exchange.name.clone(), queue.routing_key.clone());
            self.tell(Entry::Bind { exchange, routing_key, queue: number });
        }
        Ok(())
    }

    pub(super) fn declare_exchange(&mut self, exchange: &Exchange) -> Result<()> {
        if exchange.name.is_empty() {
            return Ok(());
        }
        match self.exchanges.get(&exchange.name) {
            Some(bound) if bound.exchange.kind != exchange.kind => {
                Err(refused("exchange", &exchange.name, "another type"))
            }
            Some(_) => Ok(()),
            None => {
                self.exchanges.insert(exchange.name.clone(), Bound::new(exchange.clone()));
                if exchange.durable {
                    self.tell(Entry::Exchange(exchange.clone()));
                }
                Ok(())
            }
        }
    }

    pub(super) fn declare_plain(&mut self, name: &str) {
        self.sweep();
        let mut queue = Queue::new(name);
        queue.exchange.name = Str::default();
        // The queue of somebody who waits for answers is named by a UUID, and nobody says when he does no more.
        queue.expires = uuid::Uuid::try_parse(name).is_ok().then_some(Duration::from_secs(86_400));
        self.expiring |= queue.expires.is_some();
        let number = self.number();
        self.queues.insert(name.into(), Lane::new(number, queue.clone(), true, None, self.room));
        self.tell(Entry::Queue { number, queue: Box::new(queue), plain: true });
    }

    /// Puts a parcel into all queues that it goes to; says whether there was one.
    pub(super) fn publish(&mut self, posting: Posting) -> bool {
        let Posting { exchange, routing_key, parcel, delay } = posting;
        if exchange.is_empty() {
            return self.enqueue(&routing_key, parcel, delay);
        }
        let queues = self.exchanges.get(&exchange).map(|bound| bound.route(&routing_key)).unwrap_or_default();
        let mut routed = false;
        for queue in &queues {
            routed |= self.enqueue(queue, parcel.clone(), delay);
        }
        routed
    }

    fn enqueue(&mut self, queue: &str, parcel: Parcel, delay: Option<Duration>) -> bool {
        let Parcel { envelope, priority, ttl, lasting, task } = parcel;
        self.last += 1;
        let id = self.last;
        let Some(lane) = self.queues.get_mut(queue) else { return false };
        let ttl = ttl.into_iter().chain(lane.queue.message_ttl).min();
        // What is delayed begins to wait when it is there.
        let expires = ttl.map(|ttl| after(ttl.saturating_add(delay.unwrap_or_default())));
        let due = delay.filter(|delay| !delay.is_zero()).map(after);
        let written = lasting && lane.queue.durable && !lane.queue.exclusive && self.journal.is_some();
        let (number, hash) = (lane.number, task.as_deref().map(|task| self.known.hash(task)));
        hash.into_iter().for_each(|task| self.known.came(task));
        let record = Record { id, envelope: envelope.clone(), priority, deliveries: 0, expires, written, task: hash };
        lane.add(record, due);
        if written && let Some(journal) = &self.journal {
            let message =
                journal::Message { id, queue: number, priority, due, expires, deliveries: 0, task, envelope };
            journal.add(Entry::Insert(Box::new(message)));
        }
        self.wake(queue);
        true
    }

    /// Wakes somebody who waits for this queue and can take a message, in turn.
    pub(super) fn wake(&mut self, queue: &str) {
        let Some(lane) = self.queues.get_mut(queue) else { return };
        let count = lane.subscribers.len();
        for step in 0..count {
            let at = (lane.next + step) % count;
            if let Some(subscriber) = self.subscribers.get_mut(&lane.subscribers[at])
                && subscriber.waiting
                && subscriber.room() > 0
            {
                subscriber.wake();
                lane.next = at + 1;
                return;
            }
        }
    }

    /// What is thrown away: the journal is told, and the task forgotten.
    pub(super) fn discard(&mut self, record: &Record) {
        self.removed(record);
        record.task.into_iter().for_each(|task| self.known.gone(task));
    }

    /// What is done.
    pub(super) fn done(&mut self, record: &Record) {
        self.removed(record);
        record.task.into_iter().for_each(|task| self.known.done(task));
    }

    fn removed(&mut self, record: &Record) {
        if !record.written {
            return;
        }
        self.tell(Entry::Remove { id: record.id });
        // An answer that is under way may have it still.
        if self.asking > 0 {
            self.gone.insert(record.id);
        }
    }

    /// Does something with a queue that may find that messages have expired, are ready now, or have to be asked for.
    pub(super) fn with<T>(&mut self, queue: &str, run: impl FnOnce(&mut Lane, &mut Vec<Record>) -> T) -> Option<T> {
        let mut expired = Vec::new();
        let lane = self.queues.get_mut(queue)?;
        let done = run(lane, &mut expired);
        if let Some(journal) = &self.journal {
            lane.became_ready.drain(..).for_each(|id| journal.add(Entry::Ready { id }));
        }
        expired.iter().for_each(|record| self.discard(record));
        self.ask(queue);
        Some(done)
    }

    /// Asks for messages that are away, if it is their turn.
    fn ask(&mut self, queue: &str) {
        let (Some(journal), Some(lane)) = (&self.journal, self.queues.get_mut(queue)) else { return };
        let Some(from) = lane.ask(self.last + 1) else { return };
        self.last += 1;
        let (turn, number, name) = (self.last, lane.number, lane.name().clone());
        self.asking += 1;
        let own = self.own.clone();
        let answer = Box::new(move |messages| {
            if let Some(state) = own.upgrade().map(Shared) {
                state.lock().answered(turn, (number, &name), &from, messages);
            }
        });
        journal.page(Page { queue: number, from, most: self.room.page(), bytes: self.room.bytes / 2, answer });
    }

    /// Takes messages that were asked for.
    fn answered(&mut self, turn: u64, queue: (u64, &Str), from: &Place, messages: Vec<journal::Message>) {
        self.asking -= 1;
        let gone = std::mem::take(&mut self.gone);
        if let Some(lane) = self.queues.get_mut(queue.1).filter(|lane| lane.number == queue.0) {
            let (known, subscribers) = (&self.known, &self.subscribers);
            let records = messages.into_iter().map(|message| {
                let journal::Message { id, priority, due, expires, deliveries, task, envelope, .. } = message;
                let task = task.map(|task| known.hash(&task));
                (due, Record { id, envelope, priority, deliveries, expires, written: true, task })
            });
            let is_elsewhere = |record: &Record| {
                gone.contains(&record.id) || subscribers.values().any(|subscriber| subscriber.holds(record.id))
            };
            lane.answered(turn, from, records.collect(), is_elsewhere);
            // Also where nothing came: what is at hand may be next now.
            (0..lane.subscribers.len()).for_each(|_| self.wake(queue.1));
            self.ask(queue.1);
        }
        if self.asking > 0 {
            self.gone.extend(gone);
        }
    }

    pub(super) fn take(&mut self, queue: &str) -> Option<Take> {
        let (popped, came) = self.with(queue, |lane, expired| {
            lane.used = now();
            (lane.pop(|record| expired.push(record)), lane.came.clone())
        })?;
        Some(match popped {
            Popped::Message(record) => {
                self.done(&record);
                let Record { envelope, priority, .. } = record;
                Take::Parcel(Parcel { envelope, priority, ttl: None, lasting: record.written, task: None })
            }
            // Made here, before the answer can come.
            Popped::Away => Take::Away(came.notified_owned()),
            Popped::Nothing => Take::Nothing,
        })
    }

    pub(super) fn purge(&mut self, queue: &str) -> Option<u64> {
        let lane = self.queues.get_mut(queue)?;
        let (number, (records, away)) = (lane.number, lane.empty());
        records.iter().for_each(|record| self.discard(record));
        self.purge_away(queue, number, away);
        Some(records.len() as u64 + away)
    }

    /// Those of a queue that were away are gone too.
    fn purge_away(&mut self, queue: &str, number: u64, away: u64) {
        let Some(journal) = self.journal.as_ref().filter(|_| away > 0) else { return };
        let keep = self.subscribers.values().flat_map(|subscriber| subscriber.held_of(queue)).collect();
        let own = self.own.clone();
        let tasks = Box::new(move |tasks: Vec<Str>| {
            if let Some(state) = own.upgrade().map(Shared) {
                let known = &mut state.lock().known;
                tasks.iter().for_each(|task| known.gone(known.hash(task)));
            }
        });
        journal.add(Entry::Purge { queue: number, keep, tasks });
    }

    pub(super) fn len(&mut self, queue: &str) -> Option<u64> {
        self.sweep();
        self.with(queue, |lane, expired| lane.len(|record| expired.push(record)))
    }

    pub(super) fn names(&mut self) -> Vec<Str> {
        self.sweep();
        self.queues.keys().cloned().collect()
    }

    /// Removes a queue with all that is in it; what consumers hold of it can only be done.
    pub(super) fn delete(&mut self, queue: &str) -> bool {
        let Some(mut lane) = self.queues.remove(queue) else { return false };
        let (records, away) = lane.empty();
        records.iter().filter_map(|record| record.task).for_each(|task| self.known.gone(task));
        self.purge_away(queue, lane.number, away);
        self.tell(Entry::QueueGone { number: lane.number });
        let mut gone = Vec::new();
        for (name, bound) in &mut self.exchanges {
            if bound.unbind(queue) && bound.exchange.auto_delete {
                gone.push(name.clone());
            }
        }
        for name in gone {
            self.exchanges.remove(&name);
            self.tell(Entry::ExchangeGone(name));
        }
        for id in lane.subscribers {
            if let Some(subscriber) = self.subscribers.get_mut(&id) {
                subscriber.queues.retain(|other| *other != *queue);
            }
        }
        true
    }

    pub(super) fn leave(&mut self, owner: Owner) {
        let theirs = self.queues.values().filter(|lane| lane.owner == Some(owner));
        let theirs: Vec<Str> = theirs.map(|lane| lane.name().clone()).collect();
        theirs.iter().for_each(|queue| _ = self.delete(queue));
    }

    /// Removes queues that nobody has used for as long as they say.
    fn sweep(&mut self) {
        if !self.expiring {
            return;
        }
        let now = now();
        let unused = self.queues.values().filter(|lane| {
            lane.subscribers.is_empty()
                && lane.queue.expires.is_some_and(|time| {
                    i64::try_from(time.as_millis()).is_ok_and(|time| lane.used.saturating_add(time) <= now)
                })
        });
        let unused: Vec<Str> = unused.map(|lane| lane.name().clone()).collect();
        unused.iter().for_each(|queue| _ = self.delete(queue));
    }
}

/// What two declarations of a queue do not agree on.
fn difference(a: &Queue, b: &Queue) -> Option<&'static str> {
    match () {
        () if a.durable != b.durable => Some("another durable"),
        () if a.auto_delete != b.auto_delete => Some("another auto_delete"),
        () if a.exclusive != b.exclusive => Some("another exclusive"),
        () if a.max_priority != b.max_priority => Some("another x-max-priority"),
        () if a.expires != b.expires => Some("another x-expires"),
        () if a.message_ttl != b.message_ttl => Some("another x-message-ttl"),
        () => None,
    }
}

fn refused(what: &str, name: &str, difference: &str) -> Error {
    Error::new(
        Kind::Refused,
        format!("the {what} {name} is there with {difference}; delete it, or declare it as it is"),
    )
}
