//! [`RedisConsumer`]: the side of a consumer that waits and settles. The other one is the [`Pump`](super::pump::Pump).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use salamander_value::Str;
use tokio::sync::{Notify, oneshot};

use crate::broker::{Consumer, Delivery, Queue, Settle};
use crate::redis::closed;
use crate::{Error, Result, Waits};

/// How many deliveries wait at most where there is no other limit.
pub(super) const WAITING: usize = 1024;

/// What both sides of a consumer share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to be done.
    pub(super) work: Notify,
    /// There is something to be received.
    pub(super) arrived: Notify,
}

pub(super) struct State {
    pub(super) waiting: Vec<Delivery>,
    pub(super) settled: Vec<Settled>,
    pub(super) changes: Vec<Change>,
    pub(super) prefetch: u32,
    /// The consumer is gone, or the connection is closed.
    pub(super) stopped: bool,
    pub(super) failed: Option<Error>,
}

pub(super) enum Settled {
    Done(u64),
    Requeued(u64),
}

pub(super) enum Change {
    Add(Queue, oneshot::Sender<Result<()>>),
    Cancel(Str, oneshot::Sender<Result<()>>),
}

impl Shared {
    pub(super) fn new(prefetch: u32) -> Self {
        let state = State {
            waiting: Vec::new(),
            settled: Vec::new(),
            changes: Vec::new(),
            prefetch,
            stopped: false,
            failed: None,
        };
        Self { state: Mutex::new(state), work: Notify::new(), arrived: Notify::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more is to be taken, and what is held goes back.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.work.notify_one();
        self.arrived.notify_one();
    }

    /// Nothing can be taken any more.
    pub(super) fn fail(&self, error: &Error) {
        let mut state = self.state();
        state.failed.get_or_insert_with(|| error.clone());
        for change in state.changes.drain(..) {
            let (Change::Add(_, done) | Change::Cancel(_, done)) = change;
            let _ = done.send(Err(error.clone()));
        }
        drop(state);
        self.arrived.notify_one();
    }

    fn settle(&self, settled: Settled) {
        // What is not held has the tag 0.
        if let Settled::Done(0) | Settled::Requeued(0) = settled {
            return;
        }
        self.state().settled.push(settled);
        self.work.notify_one();
    }
}

impl Settle for Shared {
    fn ack(&self, tag: u64) {
        self.settle(Settled::Done(tag));
    }

    fn reject(&self, tag: u64, requeue: bool) {
        self.settle(if requeue { Settled::Requeued(tag) } else { Settled::Done(tag) });
    }
}

/// A consumer of lists and channels in Redis.
pub(super) struct RedisConsumer {
    shared: Arc<Shared>,
}

impl RedisConsumer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn change(&self, make: impl FnOnce(oneshot::Sender<Result<()>>) -> Change) -> Result<()> {
        let (done, waits) = oneshot::channel();
        {
            let mut state = self.shared.state();
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            state.changes.push(make(done));
        }
        self.shared.work.notify_one();
        waits.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Consumer for RedisConsumer {
    fn receive<'a>(&'a mut self, into: &'a mut Vec<Delivery>) -> Waits<'a, ()> {
        Box::pin(async move {
            loop {
                {
                    let mut state = self.shared.state();
                    if !state.waiting.is_empty() {
                        let many = state.waiting.len() >= WAITING / 2;
                        into.append(&mut state.waiting);
                        if many {
                            self.shared.work.notify_one();
                        }
                        return Ok(());
                    }
                    if let Some(error) = &state.failed {
                        return Err(error.clone());
                    }
                    if state.stopped {
                        return Err(closed());
                    }
                }
                self.shared.arrived.notified().await;
            }
        })
    }

    fn set_prefetch(&mut self, prefetch: u32) {
        self.shared.state().prefetch = prefetch;
        self.shared.work.notify_one();
    }

    fn add(&mut self, queue: Queue) -> Waits<'_, ()> {
        Box::pin(self.change(|done| Change::Add(queue, done)))
    }

    fn cancel<'a>(&'a mut self, queue: &'a str) -> Waits<'a, ()> {
        let queue = Str::from(queue);
        Box::pin(self.change(|done| Change::Cancel(queue, done)))
    }
}

impl Drop for RedisConsumer {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
