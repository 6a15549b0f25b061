//! [`Listener`]: waits for clients.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use salamander_wire::multiprocessing::{AuthKey, Role};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::exchange;
use super::options::Options;
use crate::config::Config;
use crate::daemon::listen;
use crate::error::Kind;

/// Waits for clients, and lets in those that have the key.
///
/// Dropping it closes its sockets and removes the file of a Unix domain socket; connections that were accepted stay.
///
/// # Wire
/// Python's `multiprocessing.connection.Listener`, 3.8 to 3.13.
pub struct Listener {
    sockets: Vec<listen::Listener>,
    location: String,
    options: Options,
    config: Arc<Config>,
    key: Option<AuthKey>,
    /// Those that have not shown their key yet.
    arriving: JoinSet<Option<Connection>>,
    places: Arc<Semaphore>,
}

impl Listener {
    pub(super) fn new(
        sockets: Vec<listen::Listener>,
        location: String,
        options: Options,
        config: Arc<Config>,
        key: Option<AuthKey>,
    ) -> Self {
        let places = options.ends.places();
        Self { sockets, location, options, config, key, arriving: JoinSet::new(), places }
    }

    /// Where clients find it: `host:port` or `./u:path`.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The address that it is bound to; none for a Unix domain socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.sockets.first().and_then(listen::Listener::local_addr)
    }

    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// How long a client may say nothing before its first call.
    pub(super) fn first_call_timeout(&self) -> Option<Duration> {
        self.key.is_none().then_some(self.options.first_call)
    }

    /// The next client, which has shown that it has the key if there is one. Those that do not show it are logged and closed; they keep
    /// nobody else waiting, nor does one that says nothing.
    ///
    /// The future may be dropped, and loses nobody.
    pub async fn accept(&mut self) -> Connection {
        loop {
            tokio::select! {
                Some(arrived) = self.arriving.join_next(), if !self.arriving.is_empty() => {
                    if let Ok(Some(connection)) = arrived {
                        return connection;
                    }
                }
                (stream, place) = listen::accept_any(&self.sockets, &self.places, &self.config) => {
                    let max = self.options.ends.size_limit(&self.config);
                    let connection = Connection::new(stream, max).with_place(place);
                    match &self.key {
                        None => return connection,
                        Some(key) => drop(self.arriving.spawn(shown(connection, key.clone(), self.options.clone()))),
                    }
                }
            }
        }
    }
}

/// The connection, if its client shows the key in time.
async fn shown(mut connection: Connection, key: AuthKey, options: Options) -> Option<Connection> {
    match exchange::run(&mut connection, key, Role::Server, &options).await {
        Ok(()) => return Some(connection),
        Err(error) => {
            let client = connection.peer().map_or("on a Unix domain socket".to_owned(), |peer| peer.to_string());
            match error.kind() {
                Kind::Connection => tracing::debug!("client {client} left before it was connected: {error}"),
                _ => tracing::warn!("client {client} is not let in: {error}"),
            }
        }
    }
    None
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("location", &self.location).field("authkey", &self.key.is_some()).finish()
    }
}
