//! [`Options`]: how both ends are opened.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use salamander_wire::zmtp::SocketType;

use super::connection::Connection;
use crate::config::Config;
use crate::ends::Ends;
use crate::error::Result;
use crate::rpc::{Form, RpcProxy, Way};
use crate::stream::within;

/// How long the other end has for the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What kind of socket a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerType {
    /// `REP`, for clients that are `REQ` or `DEALER`: the calls of a connection are made one after the other, and answered in their order.
    #[default]
    Rep,
    /// `ROUTER`, for clients that are `REQ`, `DEALER` or `ROUTER`: up to 64 calls of a connection run side by side, and each is answered
    /// when it is done. The parts in front of a call come back in front of its reply, to tell by them which it answers.
    Router,
}

impl ServerType {
    pub(super) fn socket(self) -> SocketType {
        match self {
            ServerType::Rep => SocketType::Rep,
            ServerType::Router => SocketType::Router,
        }
    }
}

/// How servers and clients of calls over ZeroMQ are opened.
///
/// Where they are is said as everywhere, `host:port`, `[ipv6]:port` or `./u:path`, or as ZeroMQ has it: `tcp://host:port`, `tcp://*:port`,
/// `ipc://path`.
#[derive(Clone, Debug)]
#[must_use = "nothing is opened yet"]
pub struct Options {
    pub(super) server_type: ServerType,
    pub(super) handshake_timeout: Duration,
    pub(super) ends: Ends,
}

impl Options {
    /// With Pyro's settings of the environment where they say something of sockets and sizes.
    pub fn new() -> Self {
        Self { server_type: ServerType::default(), handshake_timeout: HANDSHAKE_TIMEOUT, ends: Ends::default() }
    }

    /// What kind of socket a server is; [`Rep`](ServerType::Rep) unless something else is said here.
    pub fn server_type(mut self, server_type: ServerType) -> Self {
        self.server_type = server_type;
        self
    }

    /// How long the other end has for the handshake: 10 seconds unless something else is said here.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }

    /// How large messages may be, in both directions, instead of `MAX_MESSAGE_SIZE`.
    pub fn max_message_size(mut self, size: usize) -> Self {
        self.ends.max_message_size = Some(size);
        self
    }

    /// How many clients a server has at once, those that have not shaken hands yet among them: 1,024 unless something else is said
    /// here. Others wait in the system's queue.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.ends.max_connections = limit;
        self
    }

    /// With these settings instead of those of the environment.
    pub fn config(mut self, config: Arc<Config>) -> Self {
        self.ends.config = Some(config);
        self
    }

    /// Calls the functions of the server there, by a `REQ` socket. Nothing is connected yet. Calls are pickles unless
    /// [`RpcProxy::with_form`] says otherwise.
    pub fn proxy(self, location: &str) -> RpcProxy {
        RpcProxy::new(Way::ZeroMq(self), location, Form::Pickle)
    }

    /// Connects a `REQ`, and shakes hands.
    pub(crate) async fn connect(&self, location: &str) -> Result<Connection> {
        let (stream, size) = self.ends.connect(&plain(location)).await?;
        let mut connection = Connection::new(stream, SocketType::Req, size);
        within(Some(self.handshake_timeout), connection.open(), "shaking hands").await??;
        Ok(connection)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// A location as it is written here, of one that may be written as ZeroMQ has it.
pub(super) fn plain(location: &str) -> Cow<'_, str> {
    if let Some(path) = location.strip_prefix("ipc://") {
        return format!("./u:{path}").into();
    }
    match location.strip_prefix("tcp://") {
        Some(place) => place.strip_prefix('*').unwrap_or(place).into(),
        None => location.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_may_be_written_in_both_ways() {
        for (location, expected) in [
            ("localhost:17001", "localhost:17001"),
            ("./u:/tmp/x", "./u:/tmp/x"),
            ("tcp://127.0.0.1:5555", "127.0.0.1:5555"),
            ("tcp://[::1]:5555", "[::1]:5555"),
            ("tcp://*:5555", ":5555"),
            ("ipc:///tmp/x", "./u:/tmp/x"),
        ] {
            assert_eq!(plain(location), expected);
        }
    }
}
