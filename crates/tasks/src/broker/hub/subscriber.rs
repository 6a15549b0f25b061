//! [`Subscription`]: one consumer of queues. It pulls as much as it may hold, and is woken when there is more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use salamander_value::Str;
use tokio::sync::Notify;

use super::journal::Entry;
use super::queue::{Popped, Record};
use super::state::State;
use super::{Hub, Owner, now};
use crate::broker::{Queue, Settle};
use crate::{Error, Kind, Result};

/// How many are taken at once where no prefetch limit is set.
const AT_ONCE: usize = 512;
/// The longest sleep until something is due: the clock may be set.
const LONGEST: Duration = Duration::from_secs(60);

/// What the hub knows of a consumer.
pub(super) struct Subscriber {
    pub(super) queues: Vec<Str>,
    prefetch: u32,
    no_ack: bool,
    /// The queue that comes first the next time.
    turn: usize,
    held: HashMap<u64, Held>,
    /// It waits for messages.
    pub(super) waiting: bool,
    closed: bool,
    notify: Arc<Notify>,
}

/// A message that is with a consumer.
struct Held {
    record: Record,
    queue: Str,
}

/// A message that was taken out of a queue.
pub(crate) struct Taken {
    /// What it is settled by.
    pub(crate) tag: u64,
    pub(crate) envelope: Bytes,
    pub(crate) queue: Str,
    /// How often it was delivered before.
    pub(crate) deliveries: u32,
}

impl Subscriber {
    /// How many it may take.
    pub(super) fn room(&self) -> usize {
        match self.prefetch {
            0 => AT_ONCE,
            _ if self.no_ack => self.prefetch as usize,
            limit => (limit as usize).saturating_sub(self.held.len()),
        }
    }

    /// Whether it has this message.
    pub(super) fn holds(&self, id: u64) -> bool {
        self.held.contains_key(&id)
    }

    /// The messages that it has of a queue.
    pub(super) fn held_of<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = u64> + 'a {
        self.held.iter().filter(move |(_, held)| *held.queue == *queue).map(|(id, _)| *id)
    }

    pub(super) fn wake(&mut self) {
        self.waiting = false;
        self.notify.notify_one();
    }
}

/// One consumer. Dropped, it is over: what it holds goes back.
pub(crate) struct Subscription {
    handle: Arc<Handle>,
    notify: Arc<Notify>,
}

/// A consumer as its deliveries know it.
struct Handle {
    hub: Arc<Hub>,
    id: u64,
}

impl Handle {
    fn close(&self) {
        let mut state = self.hub.state();
        state.give_back_all(self.id);
        if let Some(subscriber) = state.subscribers.get_mut(&self.id) {
            subscriber.closed = true;
            subscriber.wake();
        }
    }
}

/// What became of an attempt to take messages.
enum Turn {
    Taken,
    /// There is nothing until somebody wakes it, or until then.
    Until(Option<i64>),
    Closed,
}

impl Subscription {
    pub(super) fn begin(hub: &Arc<Hub>, queues: &[Queue], prefetch: u32, no_ack: bool, owner: Owner) -> Result<Self> {
        let notify = Arc::new(Notify::new());
        let id = {
            let mut state = hub.state();
            let id = state.number();
            let subscriber = Subscriber {
                queues: Vec::new(),
                prefetch,
                no_ack,
                turn: 0,
                held: HashMap::new(),
                waiting: false,
                closed: false,
                notify: notify.clone(),
            };
            state.subscribers.insert(id, subscriber);
            for queue in queues {
                if let Err(error) = state.add_subscriber(id, &queue.name, owner) {
                    state.end_subscriber(id);
                    return Err(error);
                }
            }
            id
        };
        Ok(Self { handle: Arc::new(Handle { hub: hub.clone(), id }), notify })
    }

    /// What settles the deliveries.
    pub(crate) fn settle(&self) -> Arc<dyn Settle> {
        self.handle.clone()
    }

    /// Waits until at least one message can be taken, and takes up to so many.
    ///
    /// # Errors
    /// [`Kind::Closed`]
    pub(crate) async fn take(&self, most: usize, into: &mut Vec<Taken>) -> Result<()> {
        loop {
            let until = match self.try_take(most, into) {
                Turn::Taken => return Ok(()),
                Turn::Closed => return Err(Error::new(Kind::Closed, "the broker is closed")),
                Turn::Until(until) => until,
            };
            let mut waiting = Waiting(Some(&self.handle));
            match until {
                None => self.notify.notified().await,
                Some(until) => {
                    let left = Duration::from_millis(u64::try_from(until.saturating_sub(now())).unwrap_or(0));
                    let _ = tokio::time::timeout(left.min(LONGEST), self.notify.notified()).await;
                }
            }
            // From here on it sees for itself what there is.
            waiting.0 = None;
        }
    }

    fn try_take(&self, most: usize, into: &mut Vec<Taken>) -> Turn {
        let mut state = self.handle.hub.state();
        let state = &mut *state;
        let id = self.handle.id;
        let Some(subscriber) = state.subscribers.get_mut(&id) else { return Turn::Closed };
        if subscriber.closed {
            return Turn::Closed;
        }
        let (mut room, no_ack) = (subscriber.room().min(most.max(1)), subscriber.no_ack);
        subscriber.turn = subscriber.turn.wrapping_add(1);
        let first = subscriber.turn;
        let queues = std::mem::take(&mut subscriber.queues);
        let before = into.len();
        let mut due = None;
        // From each queue in turn; a queue that has nothing more is asked no more.
        let mut open: Vec<&Str> = (0..queues.len()).map(|step| &queues[(first + step) % queues.len()]).collect();
        while room > 0 && !open.is_empty() {
            open.retain(|queue| {
                if room == 0 {
                    return true;
                }
                let found = state.with(queue, |lane, expired| {
                    let popped = lane.pop(|record| expired.push(record));
                    if matches!(popped, Popped::Nothing) {
                        due = due.into_iter().chain(lane.next_due()).min();
                    }
                    popped
                });
                // It is woken when those come that are away.
                let Some(Popped::Message(record)) = found else { return false };
                room -= 1;
                into.push(state.hand_over(id, queue, record, no_ack));
                true
            });
        }
        let full = into.len() == before && room == 0;
        if full {
            // It was woken and may take nothing: others can.
            state.wake_for(&queues);
        }
        if let Some(subscriber) = state.subscribers.get_mut(&id) {
            subscriber.queues = queues;
            subscriber.waiting = into.len() == before;
        }
        if into.len() > before { Turn::Taken } else { Turn::Until(due) }
    }

    /// Changes how many may be held.
    pub(crate) fn set_prefetch(&self, prefetch: u32) {
        let mut state = self.handle.hub.state();
        let Some(subscriber) = state.subscribers.get_mut(&self.handle.id) else { return };
        subscriber.prefetch = prefetch;
        if subscriber.waiting {
            subscriber.wake();
        }
    }

    /// Consumes another queue.
    pub(crate) fn add(&self, queue: &str, owner: Owner) -> Result<()> {
        let mut state = self.handle.hub.state();
        state.add_subscriber(self.handle.id, queue, owner)?;
        if let Some(subscriber) = state.subscribers.get_mut(&self.handle.id)
            && subscriber.waiting
        {
            subscriber.wake();
        }
        Ok(())
    }

    /// Consumes a queue no more.
    pub(crate) fn cancel(&self, queue: &str) {
        self.handle.hub.state().remove_subscriber(self.handle.id, queue);
    }

    /// What ends it from outside: whoever waits is told, and what it holds goes back.
    pub(crate) fn closer(&self) -> impl Fn() + Send + Sync + use<> {
        let handle = Arc::downgrade(&self.handle);
        move || {
            if let Some(handle) = handle.upgrade() {
                handle.close();
            }
        }
    }

    /// Ends it, although others have it too.
    pub(crate) fn close(&self) {
        self.handle.close();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.handle.hub.state().end_subscriber(self.handle.id);
    }
}

/// Somebody waits for messages, until this is dropped.
struct Waiting<'h>(Option<&'h Arc<Handle>>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(handle) = self.0 else { return };
        let mut state = handle.hub.state();
        let Some(subscriber) = state.subscribers.get_mut(&handle.id) else { return };
        // It was woken. If it does not come back for the messages, somebody else is to have them.
        if !std::mem::replace(&mut subscriber.waiting, false) {
            let queues = subscriber.queues.clone();
            state.wake_for(&queues);
        }
    }
}

impl Settle for Handle {
    fn ack(&self, tag: u64) {
        let mut state = self.hub.state();
        if let Some(held) = state.release(self.id, tag) {
            state.done(&held.record);
        }
    }

    fn reject(&self, tag: u64, requeue: bool) {
        let mut state = self.hub.state();
        let Some(held) = state.release(self.id, tag) else { return };
        if requeue { state.give_back(held) } else { state.discard(&held.record) }
    }
}

impl State {
    fn add_subscriber(&mut self, id: u64, queue: &str, owner: Owner) -> Result<()> {
        let Some(lane) = self.queues.get_mut(queue) else {
            return Err(Error::new(Kind::Refused, format!("there is no queue {queue}; declare it first")));
        };
        if lane.owner.is_some_and(|other| other != owner) {
            return Err(Error::new(Kind::Refused, format!("the queue {queue} is for another connection alone")));
        }
        lane.used = now();
        if let Some(subscriber) = self.subscribers.get_mut(&id)
            && !subscriber.queues.iter().any(|other| **other == *queue)
        {
            subscriber.queues.push(lane.name().clone());
            lane.subscribers.push(id);
        }
        Ok(())
    }

    /// Ends a consumer's interest in a queue, which goes with the last one if it is made so.
    fn remove_subscriber(&mut self, id: u64, queue: &str) {
        if let Some(subscriber) = self.subscribers.get_mut(&id) {
            subscriber.queues.retain(|other| **other != *queue);
        }
        let Some(lane) = self.queues.get_mut(queue) else { return };
        let before = lane.subscribers.len();
        lane.subscribers.retain(|other| *other != id);
        lane.used = now();
        if lane.queue.auto_delete && lane.subscribers.is_empty() && before > 0 {
            self.delete(queue);
        }
    }

    fn end_subscriber(&mut self, id: u64) {
        let Some(subscriber) = self.subscribers.get(&id) else { return };
        let queues = subscriber.queues.clone();
        // Others first hear of what comes back when this one does not count any more.
        for queue in &queues {
            if let Some(lane) = self.queues.get_mut(queue) {
                lane.subscribers.retain(|other| *other != id);
            }
        }
        self.give_back_all(id);
        for queue in &queues {
            let is_over = |lane: &super::queue::Lane| lane.queue.auto_delete && lane.subscribers.is_empty();
            if self.queues.get(queue).is_some_and(is_over) {
                self.delete(queue);
            } else if let Some(lane) = self.queues.get_mut(queue) {
                lane.used = now();
            }
        }
        let woken = self.subscribers.remove(&id).is_some_and(|subscriber| !subscriber.waiting);
        if woken {
            // It may have been woken for something that it did not take.
            self.wake_for(&queues);
        }
    }

    /// Wakes others for what lies in these queues.
    fn wake_for(&mut self, queues: &[Str]) {
        for queue in queues {
            if self.with(queue, |lane, expired| lane.has_ready(|record| expired.push(record))) == Some(true) {
                self.wake(queue);
            }
        }
    }

    fn give_back_all(&mut self, id: u64) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        let held = std::mem::take(&mut subscriber.held);
        held.into_values().for_each(|held| self.give_back(held));
    }

    fn give_back(&mut self, held: Held) {
        let Held { record, queue } = held;
        match self.queues.get_mut(&queue) {
            Some(lane) => {
                lane.add(record, None);
                self.wake(&queue);
            }
            None => self.discard(&record),
        }
    }

    fn hand_over(&mut self, id: u64, queue: &Str, mut record: Record, no_ack: bool) -> Taken {
        let (tag, deliveries) = (record.id, record.deliveries);
        let taken = Taken { tag, envelope: record.envelope.clone(), queue: queue.clone(), deliveries };
        if no_ack {
            self.done(&record);
            return taken;
        }
        record.deliveries += 1;
        if record.written {
            self.tell(Entry::Taken { id: tag, deliveries: record.deliveries });
        }
        if let Some(subscriber) = self.subscribers.get_mut(&id) {
            subscriber.held.insert(tag, Held { record, queue: queue.clone() });
        }
        taken
    }

    /// Takes a message from a consumer, if it holds it.
    fn release(&mut self, id: u64, tag: u64) -> Option<Held> {
        let subscriber = self.subscribers.get_mut(&id)?;
        let was_full = subscriber.room() == 0;
        let held = subscriber.held.remove(&tag)?;
        if was_full && subscriber.waiting {
            subscriber.wake();
        }
        Some(held)
    }
}
