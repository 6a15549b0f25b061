//! [`Pool`]: the connections of a proxy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Connection;
use crate::error::{Error, Result};

/// The connections that calls of this proxy go over: those that are shared, and idle ones for calls within calls.
pub(crate) struct Pool {
    shared: Vec<Place>,
    next: AtomicUsize,
    idle: Mutex<Vec<Arc<Connection>>>,
}

#[derive(Default)]
struct Place {
    connection: Mutex<Option<Arc<Connection>>>,
    /// Held by whoever opens the connection, so that only one does.
    opening: tokio::sync::Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    fn get(&self) -> Option<Arc<Connection>> {
        let connection = lock(&self.connection).clone()?;
        if connection.is_closed() {
            *lock(&self.connection) = None;
            return None;
        }
        Some(connection)
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

    /// A shared connection that is open.
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
        F: Future<Output = Result<Arc<Connection>>>,
    {
        let place = self.place();
        if let Some(connection) = place.get() {
            return Ok(connection);
        }
        let _opening = place.opening.lock().await;
        if let Some(connection) = place.get() {
            return Ok(connection);
        }
        let connection = connect().await?;
        *lock(&place.connection) = Some(connection.clone());
        Ok(connection)
    }

    /// A connection for one call alone; it comes back when the lease is dropped.
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

    pub(crate) fn is_connected(&self) -> bool {
        self.shared.iter().any(|place| lock(&place.connection).is_some())
    }

    pub(crate) fn close(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        let shared = self.shared.iter().filter_map(|place| lock(&place.connection).take());
        for connection in idle.into_iter().chain(shared) {
            connection.close(Error::connection("the proxy was released"));
        }
    }
}

/// A connection that one call has for itself.
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
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut idle = lock(&self.pool.idle);
        if idle.len() < MOST_IDLE {
            idle.push(self.connection.clone());
        }
    }
}
