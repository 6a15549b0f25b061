//! [`Options`]: how both ends of a connection are opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use salamander_wire::multiprocessing::{AuthKey, Role};

use super::connection::Connection;
use super::exchange;
use super::listener::Listener;
use crate::config::Config;
use crate::daemon::listen;
use crate::ends::Ends;
use crate::error::{Error, Result};
use crate::rpc::{Form, RpcProxy, Way};

/// How long the other end has to show that it has the key.
const KEY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client of a server of calls may say nothing before its first call where it needs no key.
const FIRST_CALL: Duration = Duration::from_secs(60);

/// How the ends of connections are opened, for [`Listener`] and [`Connection`].
///
/// Where they are is said as everywhere: `host:port`, `[ipv6]:port`, or `./u:path` for what is `AF_UNIX` in Python.
#[derive(Clone)]
#[must_use = "nothing is opened yet"]
pub struct Options {
    key: Option<Vec<u8>>,
    pub(super) without_md5: bool,
    pub(super) key_timeout: Duration,
    pub(super) first_call: Duration,
    pub(super) ends: Ends,
}

impl Options {
    /// Without a key, and with Pyro's settings of the environment where they say something of sockets and sizes.
    pub fn new() -> Self {
        Self {
            key: None,
            without_md5: false,
            key_timeout: KEY_TIMEOUT,
            first_call: FIRST_CALL,
            ends: Ends::default(),
        }
    }

    /// Both ends have to show that they have this key, before anything else. It hides nothing of what is sent afterwards.
    pub fn authkey(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(key.as_ref().to_owned());
        self
    }

    /// Refuses to show or be shown the key by HMAC-MD5, which is the only way that Python knows up to 3.11.
    pub fn without_md5(mut self) -> Self {
        self.without_md5 = true;
        self
    }

    /// How long the other end has to show that it has the key: 10 seconds unless something else is said here. One that has no key
    /// may say nothing at all.
    pub fn key_timeout(mut self, time: Duration) -> Self {
        self.key_timeout = time;
        self
    }

    /// How long a client may say nothing before its first call where a server of calls has no key: a minute unless something else is said
    /// here. It may wait for a challenge that never comes, and would do so for ever.
    pub fn first_call_timeout(mut self, time: Duration) -> Self {
        self.first_call = time;
        self
    }

    /// How large messages may be, in both directions, instead of `MAX_MESSAGE_SIZE`.
    pub fn max_message_size(mut self, size: usize) -> Self {
        self.ends.max_message_size = Some(size);
        self
    }

    /// How many clients a listener has at once, those that have not shown their key yet among them: 1,024 unless something else is
    /// said here. Others wait in the system's queue.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.ends.max_connections = limit;
        self
    }

    /// With these settings instead of those of the environment.
    pub fn config(mut self, config: Arc<Config>) -> Self {
        self.ends.config = Some(config);
        self
    }

    /// Listens; port 0 lets the system choose one, and `localhost` is both 127.0.0.1 and ::1.
    ///
    /// # Errors
    /// Where the location is none, or taken; where the key is empty.
    ///
    /// # Wire
    /// Python's `multiprocessing.connection.Listener`, 3.8 to 3.13.
    pub async fn listen(self, location: &str) -> Result<Listener> {
        let (config, key) = (self.ends.settings()?, self.key()?);
        let (sockets, location) = listen::listen(location, &config).await?;
        Ok(Listener::new(sockets, location, self, config, key))
    }

    /// Connects, and shows the key if there is one.
    ///
    /// # Errors
    /// Where nobody listens there; [`Refused`](crate::Kind::Refused) where the ends do not have the same key, and
    /// [`Deadline`](crate::Kind::Deadline) where the other end says nothing of a key.
    ///
    /// # Wire
    /// Python's `multiprocessing.connection.Client`, 3.8 to 3.13.
    pub async fn connect(&self, location: &str) -> Result<Connection> {
        let key = self.key()?;
        let (stream, size) = self.ends.connect(location).await?;
        let mut connection = Connection::new(stream, size);
        if let Some(key) = key {
            exchange::run(&mut connection, key, Role::Client, self).await?;
        }
        Ok(connection)
    }

    /// Calls the functions of the server there. Nothing is connected yet.
    pub fn proxy(self, location: &str) -> RpcProxy {
        RpcProxy::new(Way::Multiprocessing(self), location, Form::default())
    }

    pub(super) fn key(&self) -> Result<Option<AuthKey>> {
        let empty = || Error::misuse("an empty authkey is no key: leave it out, or give one");
        self.key.as_ref().map(|key| AuthKey::new(&key[..]).ok_or_else(empty)).transpose()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Options {
    /// The key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("authkey", &self.key.is_some())
            .field("key_timeout", &self.key_timeout)
            .finish()
    }
}
