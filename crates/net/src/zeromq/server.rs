//! [`RpcServer`]: calls of a daemon's functions and objects.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use salamander_codec::{Output, Settings};

use super::connection::{Connection, Turn};
use super::options::{Options, ServerType, plain};
use crate::config::Config;
use crate::daemon::listen::{self, Listener};
use crate::rpc::{Answers, Replies, write_reply};
use crate::stream::{Stream, within};
use crate::{Beside, DaemonHandle, Error, Result};

/// Serves a daemon's functions and objects to ZeroMQ sockets that ask, each call in the [form](super::Form) in which it comes. It has a
/// port of its own.
///
/// A name is that of a function ([`DaemonHandle::register_fn`]) or `object.method`, divided at the last dot. Calls pass through the
/// daemon's layers. The call is the last part of a message; what is in front of it, by which devices on the way and `DEALER`s know whose
/// reply it is, is sent back in front of the reply. What a daemon asks or tells of Pyro's handshake
/// ([`Builder::on_connect`](crate::Builder::on_connect) and the like) does not concern these clients, nor do keys or TLS.
pub struct RpcServer {
    sockets: Vec<Listener>,
    location: String,
    options: Options,
    config: Arc<Config>,
    daemon: DaemonHandle,
}

/// How many calls of a connection a `ROUTER` makes at once, and how many are read ahead of those that are made.
const SIDE_BY_SIDE: usize = 64;

/// Where so much waits to be sent, nothing is read.
const MAX_UNSENT: usize = 64 * 1024;

/// How long a client has to take its last replies when the daemon stops.
const LAST_REPLIES: Duration = Duration::from_secs(5);

impl Options {
    /// Listens for calls of what is registered at a daemon. See [`Options`] for locations.
    ///
    /// Whoever reaches the port can call everything there.
    ///
    /// # Errors
    /// Where the location is none, or taken.
    pub async fn serve(self, daemon: &DaemonHandle, location: &str) -> Result<RpcServer> {
        let config = self.ends.config.clone().unwrap_or_else(|| daemon.0.config.clone());
        let (sockets, location) = listen::listen(&plain(location), &config).await?;
        Ok(RpcServer { sockets, location, options: self, config, daemon: daemon.clone() })
    }
}

impl RpcServer {
    /// Where clients find it: `host:port` or `./u:path`.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The address that it is bound to; none for a Unix domain socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.sockets.first().and_then(Listener::local_addr)
    }

    /// Where it is, with lines of code that call there.
    pub fn beside(&self) -> Beside {
        let location = match self.location.strip_prefix("./u:") {
            Some(path) => format!("ipc://{path}"),
            None => format!("tcp://{}", self.location),
        };
        let python = format!(
            "import zmq; s = zmq.Context().socket(zmq.REQ); s.connect(\"{location}\"); \
             s.send_json([\"add\", [2, 3], {{}}]); print(s.recv_json())"
        );
        let rust =
            format!("let sum: i64 = zeromq::Options::new().proxy(\"{location}\").call(\"add\", (2, 3)).await?;");
        Beside { protocol: "ZeroMQ", location, samples: vec![("Python", python), ("Rust", rust)] }
    }

    /// Serves clients until the daemon stops, which waits until this port is closed and calls that are under way are answered.
    pub async fn serve(self) {
        let shared = self.daemon.0.clone();
        // A daemon that has stopped has closed this port too: this is given back after the sockets.
        let _listening = shared.tasks.token();
        let _announced = self.daemon.announce(self.beside());
        let Self { sockets, location, options, config, daemon } = self;
        let places = options.ends.places();
        let settings = Answers::settings_of(&daemon);
        tracing::info!("calls by ZeroMQ are served on {location}");
        loop {
            tokio::select! {
                () = shared.stopping.cancelled() => return,
                (stream, place) = listen::accept_any(&sockets, &places, &config) => {
                    let (options, daemon, settings) = (options.clone(), daemon.clone(), settings.clone());
                    let size = options.ends.size_limit(&config);
                    shared.tasks.spawn(async move {
                        serve_client(stream, options, size, daemon, settings).await;
                        drop(place);
                    });
                }
            }
        }
    }

    /// Serves in the background; stopping the daemon stops it.
    pub fn spawn(self) {
        tokio::spawn(self.serve());
    }
}

/// Shakes hands with a client, and answers it until it leaves or the daemon stops.
async fn serve_client(stream: Stream, options: Options, size: usize, daemon: DaemonHandle, settings: Arc<Settings>) {
    let mut connection = Connection::new(stream, options.server_type.socket(), size);
    let peer = connection.peer_name();
    let opened = within(Some(options.handshake_timeout), connection.open(), "shaking hands");
    let opened = tokio::select! {
        opened = opened => opened.and_then(|opened| opened),
        () = daemon.stopping() => return,
    };
    if let Err(error) = opened {
        tracing::warn!("client {peer} is not let in: {error}");
        return;
    }
    let answers = Answers::new(daemon.clone(), settings, connection.peer());
    let at_once = match options.server_type {
        ServerType::Rep => 1,
        ServerType::Router => SIDE_BY_SIDE,
    };
    if let Err(error) = answer_all(&mut connection, answers, at_once, &daemon).await {
        tracing::debug!("client {peer}: {error}");
    }
}

/// Answers calls until the client leaves, or the daemon stops and those under way are answered.
async fn answer_all(
    connection: &mut Connection,
    mut answers: Answers,
    at_once: usize,
    daemon: &DaemonHandle,
) -> Result<()> {
    let mut waiting: VecDeque<Vec<Bytes>> = VecDeque::new();
    let mut calls = FuturesUnordered::new();
    loop {
        let stopping = daemon.0.is_stopping();
        while !stopping && waiting.len() < SIDE_BY_SIDE && connection.unsent() < MAX_UNSENT {
            let Some(message) = connection.received()? else { break };
            waiting.push_back(message);
        }
        while !stopping && calls.len() < at_once && connection.unsent() < MAX_UNSENT {
            let Some(mut envelope) = waiting.pop_front() else { break };
            // There is no message without a part.
            let Some(call) = envelope.pop() else { continue };
            let (form, outcome) = answers.begin(&call)?;
            calls.push(async move { (envelope, form, outcome.await) });
        }
        if stopping && calls.is_empty() {
            return within(Some(LAST_REPLIES), connection.flush(), "sending the last replies").await?;
        }
        let room = !stopping && waiting.len() < SIDE_BY_SIDE && connection.unsent() < MAX_UNSENT;
        let may_turn = room || connection.unsent() > 0;
        tokio::select! {
            biased;
            Some((envelope, form, outcome)) = calls.next(), if !calls.is_empty() => {
                write_reply(&mut Reply { connection, envelope }, form, answers.settings(), outcome)?;
            }
            turned = connection.turn(room), if may_turn => {
                if turned? == Turn::Closed {
                    return Ok(());
                }
            }
            () = daemon.stopping(), if !stopping => {}
        }
    }
}

/// Where the reply of a call is put: behind what was in front of the call.
struct Reply<'a> {
    connection: &'a mut Connection,
    envelope: Vec<Bytes>,
}

impl Replies for Reply<'_> {
    fn write<E: Into<Error>>(&mut self, body: impl FnOnce(&mut Output) -> Result<(), E>) -> Result<()> {
        self.connection.write(&self.envelope, body)
    }
}

impl fmt::Debug for RpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcServer").field("location", &self.location).finish_non_exhaustive()
    }
}
