//! The blocking twins of both ends of multiprocessing connections.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wait;
use crate::__waiting as waiting;
use crate::error::Result;
use crate::multiprocessing::{self, Options};

/// Waits for clients; the blocking twin of [`Listener`](multiprocessing::Listener).
#[derive(Debug)]
pub struct Listener(multiprocessing::Listener);

impl Listener {
    /// Listens; the blocking twin of [`Options::listen`].
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn bind(options: Options, location: &str) -> Result<Self> {
        wait(options.listen(location))?.map(Self)
    }

    /// Where clients find it: `host:port` or `./u:path`.
    pub fn location(&self) -> &str {
        self.0.location()
    }

    /// The address that it is bound to; none for a Unix domain socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.0.local_addr()
    }

    /// The next client; the blocking twin of [`Listener::accept`](multiprocessing::Listener::accept).
    ///
    /// # Errors
    /// Where it is called in asynchronous code.
    pub fn accept(&mut self) -> Result<Connection> {
        wait(self.0.accept()).map(Connection)
    }
}

/// One end of a connection; the blocking twin of [`Connection`](multiprocessing::Connection).
#[derive(Debug)]
pub struct Connection(multiprocessing::Connection);

impl Connection {
    /// Connects; the blocking twin of [`Options::connect`].
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn connect(options: &Options, location: &str) -> Result<Self> {
        wait(options.connect(location))?.map(Self)
    }

    /// The address of the other end; none on a Unix domain socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer()
    }

    waiting! {
        (&mut self)
        send_bytes(bytes: impl Into<Bytes>) -> ();
        recv_bytes() -> Option<Bytes>;
        recv_bytes_up_to(max: usize) -> Option<Bytes>;
        send(value: &(impl Serialize + ?Sized)) -> ();
        recv<T: DeserializeOwned>() -> Option<T>;
    }
}
