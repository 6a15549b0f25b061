//! [`Hub`]: exchanges and queues in this process, which the memory broker and the embedded one have in common.
//!
//! Messages pass as [`Parcel`]s: encoded, with what a queue has to know of them beside. What comes next is at hand in memory, and who waits
//! is woken; nothing polls. Where there is a [`Journal`], it is told of each change in the order in which they happen, and what it is told is
//! all that is needed to begin again where it ended. What does not come soon is there alone, and asked for when its turn comes: a long queue
//! costs no memory.

mod consumer;
mod exchange;
mod journal;
mod known;
mod local;
mod parcel;
mod queue;
mod shelf;
mod state;
mod subscriber;

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use salamander_value::Str;

use super::{Publication, Queue, Topology};
use crate::Result;
use crate::call::new_id;
pub(crate) use consumer::{HubConsumer, delivered};
pub(crate) use journal::{Confirmed, Entry, Journal, Journaled, Message as JournaledMessage, Page, Place};
pub(crate) use local::{Local, local_broker};
pub(crate) use parcel::Parcel;
#[cfg(test)]
pub(crate) use queue::Room;
use state::{State, Take};
pub(crate) use subscriber::{Subscription, Taken};

/// The queues of a process. Shared by all who use them.
pub(crate) struct Hub {
    state: Shared,
    /// What writes the journal; it ends behind this, and where the last one to use this is.
    writer: Option<Arc<dyn Any + Send + Sync>>,
}

/// What a hub holds; the journal's answers come here too.
#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells one user of a hub from another: exclusive queues go with who made them.
pub(crate) type Owner = u64;

/// A parcel and where it goes.
pub(crate) struct Posting {
    pub(crate) exchange: Str,
    pub(crate) routing_key: Str,
    pub(crate) parcel: Parcel,
    pub(crate) delay: Option<Duration>,
}

impl Posting {
    /// A message on its way, packed as Python's kombu wants it: with its address, and a tag to be acknowledged by.
    pub(crate) fn of(publication: Publication) -> Result<Self> {
        let Publication { exchange, routing_key, mut message, delay } = publication;
        let info = &mut message.properties.delivery_info;
        info.exchange = exchange.clone();
        info.routing_key = routing_key.clone();
        let tag = &mut message.properties.delivery_tag;
        tag.get_or_insert_with(new_id);
        Ok(Self { parcel: Parcel::pack(&message)?, exchange, routing_key, delay })
    }
}

/// What was written earlier, for a hub that begins with it.
pub(crate) struct Earlier(State);

impl Earlier {
    pub(crate) fn new() -> Self {
        Self(State::new())
    }

    /// The same with less of each queue at hand.
    #[cfg(test)]
    pub(crate) fn with_room(messages: usize, bytes: usize) -> Self {
        Self(State::new().with_room(messages, bytes))
    }

    pub(crate) fn take_up(&mut self, one: Journaled) {
        self.0.restore(one);
    }
}

impl Hub {
    /// An empty hub that keeps nothing.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Shared(Arc::new(Mutex::new(State::new()))), writer: None })
    }

    /// A hub that begins with what was written earlier.
    pub(crate) fn journaled(
        journal: Arc<dyn Journal>,
        writer: Arc<dyn Any + Send + Sync>,
        earlier: Earlier,
    ) -> Arc<Self> {
        let state = Arc::new_cyclic(|state| Mutex::new(earlier.0.begin(journal, state.clone())));
        Arc::new(Self { state: Shared(state), writer: Some(writer) })
    }

    /// What tells it from others.
    pub(crate) fn place(&self) -> Str {
        format!("hub:{:p}", Arc::as_ptr(&self.state.0)).into()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A number for somebody who begins to use the hub.
    pub(crate) fn owner(&self) -> Owner {
        self.state().number()
    }

    /// Somebody stops using it: his exclusive queues go. His consumers end when they are dropped.
    pub(crate) fn leave(&self, owner: Owner) {
        self.state().leave(owner);
    }

    /// Makes what is not there.
    pub(crate) async fn declare(&self, topology: &Topology, owner: Owner) -> Result<()> {
        let confirmed = {
            let mut state = self.state();
            topology.exchanges.iter().try_for_each(|exchange| state.declare_exchange(exchange))?;
            for queue in &topology.queues {
                state.declare(queue, owner)?;
            }
            state.confirm()
        };
        confirmed.wait().await
    }

    /// Makes a queue of which nothing is known but its name, unless there is one.
    pub(crate) async fn declare_plain(&self, name: &str) -> Result<()> {
        let confirmed = {
            let mut state = self.state();
            if state.queues.contains_key(name) {
                return Ok(());
            }
            state.declare_plain(name);
            state.confirm()
        };
        confirmed.wait().await
    }

    /// Publishes in the given order; done when the journal has all of it. Says how many of them found a queue.
    pub(crate) async fn publish(&self, postings: impl IntoIterator<Item = Posting>) -> Result<usize> {
        let (confirmed, routed) = self.post(postings);
        confirmed.wait().await.map(|()| routed)
    }

    /// The same: published at once, and it is to be waited for the journal.
    pub(crate) fn post(&self, postings: impl IntoIterator<Item = Posting>) -> (Confirmed, usize) {
        let mut state = self.state();
        let (mut lasting, mut routed) = (false, 0);
        for posting in postings {
            lasting |= posting.parcel.lasting;
            routed += usize::from(state.publish(posting));
        }
        match lasting && self.writer.is_some() {
            true => (state.confirm(), routed),
            false => (Confirmed::now(), routed),
        }
    }

    /// Puts a parcel into a queue, if there is one of that name.
    pub(crate) async fn put(&self, queue: &str, parcel: Parcel) -> Result<bool> {
        let posting = Posting { exchange: Str::default(), routing_key: queue.into(), parcel, delay: None };
        self.publish([posting]).await.map(|routed| routed == 1)
    }

    /// Takes a parcel out of a queue for good. None where there is none, and a second none where there is no such queue.
    pub(crate) async fn take(&self, queue: &str) -> Option<Option<Parcel>> {
        loop {
            let taken = self.state().take(queue)?;
            match taken {
                Take::Parcel(parcel) => return Some(Some(parcel)),
                Take::Nothing => return Some(None),
                Take::Away(came) => came.await,
            }
        }
    }

    /// Throws away what waits in a queue.
    pub(crate) fn purge(&self, queue: &str) -> Option<u64> {
        self.state().purge(queue)
    }

    /// How many wait in a queue.
    pub(crate) fn len(&self, queue: &str) -> Option<u64> {
        self.state().len(queue)
    }

    /// Removes a queue.
    pub(crate) fn delete(&self, queue: &str) -> bool {
        self.state().delete(queue)
    }

    /// Whether there is a queue.
    pub(crate) fn has(&self, queue: &str) -> bool {
        self.state().queues.contains_key(queue)
    }

    /// The names of all queues.
    pub(crate) fn names(&self) -> Vec<Str> {
        self.state().names()
    }

    /// Waits until the journal has all that was done before.
    pub(crate) async fn flush(&self) -> Result<()> {
        let confirmed = self.state().confirm();
        confirmed.wait().await
    }

    /// Begins to consume.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        queues: &[Queue],
        prefetch: u32,
        no_ack: bool,
        owner: Owner,
    ) -> Result<Subscription> {
        Subscription::begin(self, queues, prefetch, no_ack, owner)
    }

    /// A task has a result.
    pub(crate) fn stored(&self, task_id: &str) {
        self.state().known.stored(task_id);
    }

    /// How many messages of a queue are in memory.
    #[cfg(test)]
    pub(crate) fn here(&self, queue: &str) -> usize {
        self.state().queues.get(queue).map_or(0, queue::Lane::here)
    }

    /// Whether a task waits in a queue, or was taken out of one and may still run.
    pub(crate) fn knows(&self, task_id: &str) -> bool {
        self.state().known.knows(task_id)
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("journaled", &self.writer.is_some()).finish_non_exhaustive()
    }
}

/// Milliseconds since 1970, by the machine's clock: what is delayed or expires does so over a restart too.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A time from now, in the same way.
pub(crate) fn after(time: Duration) -> i64 {
    now().saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
