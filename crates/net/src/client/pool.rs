//! [`Pool`]: the connections of a proxy.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::WeakShared;

use super::connection::Connection;
use crate::error::{Error, Result};

/// The connections that calls of this proxy go over: those that are shared, and idle ones for calls within calls.
pub(crate) struct Pool {
    shared: Vec<Place>,
    next: AtomicUsize,
    idle: Mutex<Vec<Arc<Connection>>>,
}

#[derive(Default)]
struct Place(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Empty,
    /// Callers are connecting. All of them drive the same attempt, so that none depends on another being polled.
    Opening(WeakShared<Opening>),
    Open(Arc<Connection>),
}

type Opening = Pin<Box<dyn Future<Output = Result<Arc<Connection>>> + Send>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    /// The connection, if there is one.
    fn get(&self) -> Option<Arc<Connection>> {
        match &*lock(&self.0) {
            State::Open(connection) => Some(connection.clone()),
            _ => None,
        }
    }

    /// Forgets a connection that is closed.
    fn forget(&self, closed: &Arc<Connection>) {
        let mut state = lock(&self.0);
        if matches!(&*state, State::Open(connection) if Arc::ptr_eq(connection, closed)) {
            *state = State::Empty;
        }
    }

    /// The connection, opened by `connect` if nobody is at it already.
    async fn open(&self, connect: impl FnOnce() -> Opening) -> Result<Arc<Connection>> {
        let opening = {
            let mut state = lock(&self.0);
            let under_way = match &*state {
                State::Open(connection) => return Ok(connection.clone()),
                State::Opening(opening) => opening.upgrade().filter(|opening| opening.peek().is_none()),
                _ => None,
            };
            under_way.unwrap_or_else(|| {
                let opening = connect().shared();
                *state = opening.downgrade().map(State::Opening).unwrap_or_default();
                opening
            })
        };
        let opened = opening.clone().await;
        let mut state = lock(&self.0);
        // Only the attempt that stands here has a say; a later one may be under way.
        let mine = matches!(&*state, State::Opening(weak) if weak.upgrade().is_some_and(|it| it.ptr_eq(&opening)));
        if mine {
            *state = match &opened {
                Ok(connection) => State::Open(connection.clone()),
                Err(_) => State::Empty,
            };
        }
        opened
    }
}

impl Pool {
    pub(crate) fn new(connections: usize) -> Self {
        let shared = std::iter::repeat_with(Place::default).take(connections.max(1)).collect();
        Self { shared, next: AtomicUsize::new(0), idle: Mutex::default() }
    }

    /// The place whose turn it is.
    fn place(&self) -> &Place {
        match &self.shared[..] {
            [only] => only,
            many => &many[self.next.fetch_add(1, Ordering::Relaxed) % many.len()],
        }
    }

    /// A shared connection, if it has been opened.
    pub(crate) fn shared(&self) -> Option<Arc<Connection>> {
        match &self.shared[..] {
            [only] => only.get(),
            // With several, `open` takes the turn.
            _ => None,
        }
    }

    /// A shared connection, opened by `connect` if it has to be.
    pub(crate) async fn open<F>(&self, connect: impl FnOnce() -> F) -> Result<Arc<Connection>>
    where
        F: Future<Output = Result<Arc<Connection>>> + Send + 'static,
    {
        self.place().open(|| Box::pin(connect())).await
    }

    /// A connection for one call alone, which gives it back when it is done.
    pub(crate) async fn lease<F>(&self, connect: impl FnOnce() -> F) -> Result<Lease<'_>>
    where
        F: Future<Output = Result<Arc<Connection>>>,
    {
        let idle = loop {
            let Some(connection) = lock(&self.idle).pop() else { break None };
            if !connection.is_closed() {
                break Some(connection);
            }
        };
        let connection = match idle {
            Some(connection) => connection,
            None => connect().await?,
        };
        Ok(Lease { pool: self, connection })
    }

    /// Forgets a connection that is closed, so that the next call opens another.
    pub(crate) fn forget(&self, closed: &Arc<Connection>) {
        self.shared.iter().for_each(|place| place.forget(closed));
    }

    /// Forgets the connections to peers that answer in the order of the calls: one that takes too long holds up all
    /// behind it. Calls that are under way keep theirs.
    pub(crate) fn forget_held_up(&self) {
        for place in &self.shared {
            let mut state = lock(&place.0);
            if matches!(&*state, State::Open(connection) if !connection.settings.own_peer) {
                *state = State::Empty;
            }
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.shared.iter().any(|place| matches!(*lock(&place.0), State::Open(_)))
    }

    pub(crate) fn close(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        let shared = self.shared.iter().filter_map(|place| match std::mem::take(&mut *lock(&place.0)) {
            State::Open(connection) => Some(connection),
            _ => None,
        });
        for connection in idle.into_iter().chain(shared) {
            connection.close(Error::connection("the proxy was released"));
        }
    }
}

/// A connection that one call has for itself. It is not used again unless it is given back: behind a call that was abandoned
/// the next one would wait.
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    connection: Arc<Connection>,
}

/// Idle connections beyond this number are closed.
const MOST_IDLE: usize = 16;

impl Lease<'_> {
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Gives the connection back, on which nothing is outstanding.
    pub(crate) fn give_back(self) {
        let mut idle = lock(&self.pool.idle);
        if idle.len() < MOST_IDLE && !self.connection.is_closed() {
            idle.push(self.connection);
        }
    }
}
