//! [`PyroConsumer`]: takes messages out of queues of another process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use salamander_value::Str;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::client::{Inner, apart};
use super::link::{Fault, closed};
use super::terms::{Declared, DeclaredExchange, Given};
use crate::broker::hub::{Taken, delivered};
use crate::broker::{Consume, Consumer, Delivery, Queue, Settle};
use crate::{Error, Result, Waits};

/// How long a call waits at the other end for messages.
const WAIT: Duration = Duration::from_secs(30);
/// As many are asked for at once, and no more lie here where there is no limit.
const MOST: usize = 512;

/// A consumer over a connection.
pub(super) struct PyroConsumer {
    shared: Arc<Shared>,
}

/// What the consumer has in common with its tasks.
pub(super) struct Shared {
    inner: Arc<Inner>,
    state: Mutex<State>,
    /// Something lies here.
    came: Notify,
    /// Something was taken.
    went: Notify,
    /// Something is to be settled, or how many may be held has changed.
    settled: Notify,
    /// One at a time, so that none that is on its way is overtaken by the end.
    settling: tokio::sync::Mutex<()>,
    runtime: Handle,
}

struct State {
    queues: Vec<Queue>,
    prefetch: u32,
    /// The other end has not been told of it.
    prefetch_changed: bool,
    no_ack: bool,
    /// What it is at the other end, and the how manieth that is: what came by another connection cannot be settled.
    number: u64,
    generation: u64,
    lying: VecDeque<Given>,
    settlements: Settlements,
    /// Why nothing comes any more.
    over: Option<Error>,
}

impl State {
    /// What came so far comes again, and what is said of it has no effect.
    fn void(&mut self) {
        self.generation += 1;
        self.lying.clear();
        self.settlements = Settlements::default();
    }
}

#[derive(Default)]
struct Settlements {
    done: Vec<u64>,
    back: Vec<u64>,
    away: Vec<u64>,
}

impl Settlements {
    fn is_empty(&self) -> bool {
        self.done.is_empty() && self.back.is_empty() && self.away.is_empty()
    }
}

impl PyroConsumer {
    pub(super) async fn begin(inner: Arc<Inner>, consume: Consume) -> Result<(Self, Weak<Shared>)> {
        let Consume { queues, prefetch, no_ack, .. } = consume;
        let state = State {
            queues,
            prefetch,
            prefetch_changed: false,
            no_ack,
            number: 0,
            generation: 0,
            lying: VecDeque::new(),
            settlements: Settlements::default(),
            over: None,
        };
        let shared = Arc::new(Shared {
            inner,
            state: Mutex::new(state),
            came: Notify::new(),
            went: Notify::new(),
            settled: Notify::new(),
            settling: tokio::sync::Mutex::default(),
            runtime: Handle::current(),
        });
        // The first time a refusal is an error; a connection is waited for.
        let mut pause = None;
        loop {
            match shared.open().await {
                Ok(()) => break,
                Err(Fault::Lost(error)) if !shared.inner.link.is_closed() => {
                    shared.inner.link.pause(&mut pause, &error).await;
                }
                Err(fault) => return Err(fault.error()),
            }
        }
        tokio::spawn(receive(Arc::downgrade(&shared)));
        tokio::spawn(settle(Arc::downgrade(&shared)));
        let weak = Arc::downgrade(&shared);
        Ok((Self { shared }, weak))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to consume over a connection that knows nothing of it.
    async fn open(&self) -> Result<(), Fault> {
        let link = &self.inner.link;
        let (queues, prefetch, no_ack) = {
            let state = self.state();
            (state.queues.clone(), state.prefetch, state.no_ack)
        };
        let declared: Vec<Declared> = self.inner.known(&queues);
        if !declared.is_empty() {
            link.attempt::<()>("declare", (&declared, Vec::<DeclaredExchange>::new()), Duration::ZERO).await?;
        }
        let names: Vec<&Str> = queues.iter().map(|queue| &queue.name).collect();
        let number = link.attempt("consume", (names, prefetch, no_ack), Duration::ZERO).await?;
        let mut state = self.state();
        state.number = number;
        state.void();
        state.prefetch_changed = state.prefetch != prefetch;
        if state.prefetch_changed {
            self.settled.notify_one();
        }
        Ok(())
    }

    /// Sends what is to be settled. When it is done, so is all that was settled before.
    async fn send_settlements(&self) {
        let _turn = self.settling.lock().await;
        let (number, settlements, prefetch) = {
            let mut state = self.state();
            let changed = std::mem::take(&mut state.prefetch_changed);
            (state.number, std::mem::take(&mut state.settlements), changed.then_some(state.prefetch))
        };
        // In the order of the changes: the last one is to stay. The next connection begins with it.
        if let Some(prefetch) = prefetch {
            let _ = self.inner.link.attempt::<()>("set_prefetch", (number, prefetch), Duration::ZERO).await;
        }
        if !settlements.is_empty() {
            let Settlements { done, back, away } = settlements;
            let sent = self.inner.link.attempt::<()>("settle", (number, done, back, away), Duration::ZERO).await;
            if let Err(fault) = sent {
                tracing::debug!("what was settled comes again: {}", fault.error());
            }
        }
    }

    /// Ends it: what it holds goes back.
    pub(super) async fn end(&self, error: Error) {
        let number = {
            let mut state = self.state();
            if state.over.is_some() {
                return;
            }
            state.over = Some(error);
            state.lying.clear();
            state.number
        };
        self.came.notify_one();
        self.went.notify_one();
        self.settled.notify_one();
        self.send_settlements().await;
        let _ = self.inner.link.attempt::<()>("end", (number,), Duration::ZERO).await;
    }
}

/// Brings messages here, over cuts of the connection too.
async fn receive(weak: Weak<Shared>) {
    let mut pause = None;
    loop {
        let Some(shared) = weak.upgrade() else { return };
        let number = {
            let state = shared.state();
            if state.over.is_some() {
                return;
            }
            (state.lying.len() < MOST).then_some(state.number)
        };
        let Some(number) = number else {
            shared.went.notified().await;
            continue;
        };
        let link = &shared.inner.link;
        let given = link.attempt::<Vec<Given>>("receive", (number, MOST, WAIT.as_secs_f64()), WAIT);
        let fault = tokio::select! {
            given = given => match given {
                Ok(given) => {
                    pause = None;
                    if !given.is_empty() {
                        shared.state().lying.extend(given);
                        shared.came.notify_one();
                    }
                    continue;
                }
                Err(fault) => fault,
            },
            () = link.closed() => return,
        };
        {
            let mut state = shared.state();
            if state.over.is_some() {
                return;
            }
            // Not only when there is another connection: what is held here is not to begin meanwhile, because it comes again.
            state.void();
        }
        let error = match fault {
            Fault::Lost(error) | Fault::Unknown(error) => error,
            Fault::Refused(error) => {
                // Where the other end stops, it says so, and begins anew. If it does not stop, nothing is to stay with what was.
                tracing::debug!("receiving was refused: {error}");
                let _ = link.attempt::<()>("end", (number,), Duration::ZERO).await;
                error
            }
        };
        link.pause(&mut pause, &error).await;
        match shared.open().await {
            Ok(()) | Err(Fault::Lost(_)) => {}
            Err(fault) => {
                let error = fault.error();
                tracing::warn!("a consumer cannot go on at {}: {error}", link.url());
            }
        }
    }
}

/// Sends what is settled; while that is under way, more gathers.
async fn settle(weak: Weak<Shared>) {
    loop {
        let Some(shared) = weak.upgrade() else { return };
        shared.settled.notified().await;
        shared.send_settlements().await;
        if shared.state().over.is_some() {
            return;
        }
    }
}

/// Settles what came by one connection.
struct Settling {
    shared: Weak<Shared>,
    generation: u64,
}

impl Settling {
    fn settle(&self, tag: u64, kind: impl FnOnce(&mut Settlements) -> &mut Vec<u64>) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = shared.state();
        if state.generation == self.generation {
            kind(&mut state.settlements).push(tag);
            drop(state);
            shared.settled.notify_one();
        }
    }
}

impl Settle for Settling {
    fn ack(&self, tag: u64) {
        self.settle(tag, |settlements| &mut settlements.done);
    }

    fn reject(&self, tag: u64, requeue: bool) {
        self.settle(tag, |settlements| if requeue { &mut settlements.back } else { &mut settlements.away });
    }

    fn is_valid(&self, _tag: u64) -> bool {
        let Some(shared) = self.shared.upgrade() else { return false };
        let state = shared.state();
        state.no_ack || state.generation == self.generation
    }
}

impl Consumer for PyroConsumer {
    fn receive<'a>(&'a mut self, into: &'a mut Vec<Delivery>) -> Waits<'a, ()> {
        Box::pin(async move {
            let shared = &self.shared;
            let before = into.len();
            loop {
                let (given, generation) = {
                    let mut state = shared.state();
                    if let Some(error) = &state.over {
                        return Err(error.clone());
                    }
                    (std::mem::take(&mut state.lying), state.generation)
                };
                shared.went.notify_one();
                let settle: Arc<dyn Settle> = Arc::new(Settling { shared: Arc::downgrade(shared), generation });
                into.extend(given.into_iter().filter_map(|Given(tag, queue, deliveries, envelope)| {
                    delivered(Taken { tag, envelope: envelope.into_bytes(), queue, deliveries }, &settle)
                }));
                if into.len() > before {
                    return Ok(());
                }
                shared.came.notified().await;
            }
        })
    }

    fn set_prefetch(&mut self, prefetch: u32) {
        let mut state = self.shared.state();
        state.prefetch = prefetch;
        state.prefetch_changed = true;
        drop(state);
        self.shared.settled.notify_one();
    }

    fn add(&mut self, queue: Queue) -> Waits<'_, ()> {
        Box::pin(async move {
            let shared = self.shared.clone();
            apart(async move {
                use crate::broker::{Broker, Topology};
                let broker = super::Pyro(shared.inner.clone());
                broker.declare(&Topology::from(queue.clone())).await?;
                let number = {
                    let mut state = shared.state();
                    state.queues.retain(|other| other.name != queue.name);
                    state.queues.push(queue.clone());
                    state.number
                };
                let link = &shared.inner.link;
                match link.attempt::<()>("consume_also", (number, &queue.name), Duration::ZERO).await {
                    // The next connection begins with it.
                    Ok(()) | Err(Fault::Lost(_) | Fault::Unknown(_)) => Ok(()),
                    Err(fault) => Err(fault.error()),
                }
            })
            .await?
        })
    }

    fn cancel<'a>(&'a mut self, queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            let (shared, queue) = (self.shared.clone(), queue.to_owned());
            apart(async move {
                let number = {
                    let mut state = shared.state();
                    state.queues.retain(|other| *other.name != *queue);
                    state.number
                };
                let link = &shared.inner.link;
                match link.attempt::<()>("cancel", (number, &queue), Duration::ZERO).await {
                    Ok(()) | Err(Fault::Lost(_) | Fault::Unknown(_)) => Ok(()),
                    Err(fault) => Err(fault.error()),
                }
            })
            .await?
        })
    }
}

impl Drop for PyroConsumer {
    fn drop(&mut self) {
        let shared = self.shared.clone();
        self.shared.runtime.spawn(async move { shared.end(closed()).await });
    }
}
