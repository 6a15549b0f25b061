//! [`RpcServer`]: calls of a daemon's functions and objects.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::{Connection, Listener, MULTIPROCESSING, Options};
use crate::rpc::{Answers, write_reply};
use crate::stream::within;
use crate::{Beside, DaemonHandle, Result};

/// Serves a daemon's functions and objects to programs that follow the recipe for calls over `multiprocessing.connection`, each call in
/// the [form](super::Form) in which it comes. It has a port of its own, because there the server speaks first.
///
/// A name is that of a function ([`DaemonHandle::register_fn`]) or `object.method`, divided at the last dot. Calls pass through the
/// daemon's layers. Calls of one client are made one after the other. What a daemon asks or tells of Pyro's handshake
/// ([`Builder::on_connect`](crate::Builder::on_connect) and the like) does not concern these clients, nor does TLS.
///
/// ```no_run
/// use salamander_net::Daemon;
/// use salamander_net::multiprocessing::Options;
///
/// # async fn example() -> Result<(), salamander_net::Error> {
/// let daemon = Daemon::bind("localhost:0").await?;
/// let calls = Options::new().authkey("secret").serve(&daemon, "localhost:17000").await?;
/// calls.spawn(); // it ends with the daemon
/// daemon.serve().await
/// # }
/// ```
pub struct RpcServer {
    listener: Listener,
    daemon: DaemonHandle,
}

/// Replies of calls that came together are sent together, up to this size.
const TOGETHER: usize = 64 * 1024;

/// How long a client has to take its last replies when the daemon stops.
const LAST_REPLIES: Duration = Duration::from_secs(5);

impl Options {
    /// Listens for calls of what is registered at a daemon. See [`Options::listen`] for locations.
    ///
    /// Without a key whoever reaches the port can call everything there.
    ///
    /// # Errors
    /// As [`Options::listen`].
    pub async fn serve(self, daemon: &DaemonHandle, location: &str) -> Result<RpcServer> {
        let config = self.ends.config.clone().unwrap_or_else(|| daemon.0.config.clone());
        let listener = self.config(config).listen(location).await?;
        Ok(RpcServer { listener, daemon: daemon.clone() })
    }
}

impl RpcServer {
    /// Where clients find it: `host:port` or `./u:path`.
    pub fn location(&self) -> &str {
        self.listener.location()
    }

    /// The address that it is bound to; none for a Unix domain socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where it is, with lines of code that call there. Where there is a key, they say `KEY` in its place.
    pub fn beside(&self) -> Beside {
        let location = self.location();
        let address = match location.strip_prefix("./u:") {
            Some(path) => format!("\"{path}\""),
            None => {
                let (host, port) = location.rsplit_once(':').unwrap_or((location, "0"));
                format!("(\"{}\", {port})", host.trim_matches(['[', ']']))
            }
        };
        let (key, option) = match self.listener.has_key() {
            true => (", authkey=b\"KEY\"", ".authkey(\"KEY\")"),
            false => ("", ""),
        };
        let python = format!(
            "from multiprocessing.connection import Client; c = Client({address}{key}); \
             c.send((\"add\", (2, 3), {{}})); print(c.recv())"
        );
        let rust = format!(
            "let sum: i64 = multiprocessing::Options::new(){option}.proxy(\"{location}\").call(\"add\", (2, 3)).await?;"
        );
        Beside {
            protocol: MULTIPROCESSING,
            location: location.to_owned(),
            samples: vec![("Python", python), ("Rust", rust)],
        }
    }

    /// Serves clients until the daemon stops, which waits until this port is closed and calls that are under way are answered.
    pub async fn serve(self) {
        let shared = self.daemon.0.clone();
        // A daemon that has stopped has closed this port too: this is given back after the listener.
        let _listening = shared.tasks.token();
        let announced = self.beside();
        let Self { mut listener, daemon } = self;
        let settings = Answers::settings_of(&daemon);
        let _announced = daemon.announce(announced);
        let first_call = listener.first_call_timeout();
        tracing::info!("calls by multiprocessing connections are served on {}", listener.location());
        loop {
            tokio::select! {
                () = shared.stopping.cancelled() => return,
                connection = listener.accept() => {
                    let answers = Answers::new(daemon.clone(), settings.clone(), connection.peer());
                    let client = Client { connection, daemon: daemon.clone(), answers };
                    shared.tasks.spawn(client.run(first_call));
                }
            }
        }
    }

    /// Serves in the background; stopping the daemon stops it.
    pub fn spawn(self) {
        tokio::spawn(self.serve());
    }
}

/// A client that has been let in.
struct Client {
    connection: Connection,
    daemon: DaemonHandle,
    answers: Answers,
}

impl Client {
    /// Answers calls until the client leaves or the daemon stops.
    async fn run(mut self, first_call: Option<Duration>) {
        if let Err(error) = self.answer_all(first_call).await {
            let client = self.connection.peer().map_or("on a Unix domain socket".to_owned(), |peer| peer.to_string());
            tracing::debug!("client {client}: {error}");
        }
    }

    async fn answer_all(&mut self, mut first_call: Option<Duration>) -> Result<()> {
        while let Some(message) = self.next(first_call.take()).await? {
            self.answer(&message).await?;
        }
        Ok(())
    }

    /// The next message; nothing when the client has left or the daemon stops. What has been answered is sent before anybody waits.
    async fn next(&mut self, timeout: Option<Duration>) -> Result<Option<Bytes>> {
        let shared = self.daemon.0.clone();
        if self.connection.unsent() < TOGETHER
            && !shared.is_stopping()
            && let Some(message) = self.connection.received()?
        {
            return Ok(Some(message));
        }
        tokio::select! {
            biased;
            sent = self.connection.flush() => sent?,
            () = async { shared.stopping.cancelled().await; tokio::time::sleep(LAST_REPLIES).await } => return Ok(None),
        }
        if shared.is_stopping() {
            return Ok(None);
        }
        tokio::select! {
            biased;
            message = within(timeout, self.connection.recv_bytes(), "waiting for the first call") => message?,
            () = shared.stopping.cancelled() => Ok(None),
        }
    }

    async fn answer(&mut self, message: &Bytes) -> Result<()> {
        let (form, outcome) = self.answers.begin(message)?;
        let outcome = outcome.await;
        write_reply(&mut self.connection, form, self.answers.settings(), outcome)
    }
}

impl fmt::Debug for RpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcServer").field("listener", &self.listener).finish_non_exhaustive()
    }
}
