//! [`Connection`]: messages to and fro.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::OnceLock;

use bytes::Bytes;
use salamander_codec::{Codec, Output, Settings};
use salamander_value::to_writer;
use salamander_wire::multiprocessing::{Decoder, begin, finish, write_frame};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::exchange::of_wire;
use crate::error::{Error, Kind, Result};
use crate::pipe::Pipe;
use crate::rpc::Replies;
use crate::stream::Stream;
use crate::zone;

/// One end of a connection: messages of bytes, or of one value each.
///
/// Dropping it closes it. A future that receives may be dropped and loses nothing; one that sends may too, and what it was about to send
/// is sent before what comes next.
///
/// # Wire
/// Python's `multiprocessing.connection.Connection`, 3.8 to 3.13.
#[derive(Debug)]
pub struct Connection {
    pipe: Pipe,
    decoder: Decoder,
    max: usize,
    /// Its place among those of the listener.
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    pub(super) fn new(stream: Stream, max_message_size: usize) -> Self {
        Self { pipe: Pipe::new(stream), decoder: Decoder::new(max_message_size), max: max_message_size, _place: None }
    }

    pub(super) fn with_place(self, place: OwnedSemaphorePermit) -> Self {
        Self { _place: Some(place), ..self }
    }

    /// The address of the other end; none on a Unix domain socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.pipe.peer()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// Where it is too large, or the connection is broken.
    ///
    /// # Wire
    /// `Connection.send_bytes`
    pub async fn send_bytes(&mut self, bytes: impl Into<Bytes>) -> Result<()> {
        write_frame(&mut self.pipe.output, &bytes.into(), self.max).map_err(|error| of_wire(&error))?;
        self.flush().await
    }

    /// Sends a value, by pickle. Instances of one's own classes are no values that pickle carries.
    ///
    /// # Errors
    /// Where pickle does not carry it, where it is too large, or the connection is broken.
    ///
    /// # Wire
    /// `Connection.send`
    pub async fn send<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.write(|out| Codec::Pickle.write(out, settings(), |writer| to_writer(value, writer)))?;
        self.flush().await
    }

    /// The next message; nothing where the other end has closed the connection.
    ///
    /// # Errors
    /// Where it is too large, or the connection breaks inside of it. The connection is of no further use then.
    ///
    /// # Wire
    /// `Connection.recv_bytes`
    pub async fn recv_bytes(&mut self) -> Result<Option<Bytes>> {
        self.recv_bytes_up_to(self.max).await
    }

    /// The next message, if it has at most this many bytes.
    ///
    /// # Errors
    /// As [`Connection::recv_bytes`].
    ///
    /// # Wire
    /// `Connection.recv_bytes(maxlength)`
    pub async fn recv_bytes_up_to(&mut self, max: usize) -> Result<Option<Bytes>> {
        loop {
            if let Some(message) = self.whole(max)? {
                return Ok(Some(message));
            }
            let there = poll_fn(|cx| {
                self.decoder.reserve(&mut self.pipe.input);
                self.pipe.poll_receive(cx)
            });
            if !there.await? {
                return Ok(None);
            }
        }
    }

    /// The value in the next message; nothing where the other end has closed the connection.
    ///
    /// # Errors
    /// As [`Connection::recv_bytes`]; where the message is no pickle, holds what pickle could have called or constructed, or a value
    /// of another type. The next message can be received all the same.
    ///
    /// # Wire
    /// `Connection.recv`
    pub async fn recv<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let Some(message) = self.recv_bytes().await? else { return Ok(None) };
        let value = Codec::Pickle.decode(&message, settings());
        value.map(Some).map_err(|error| Error::with_exception(Kind::Protocol, error.exception()))
    }

    /// What has been received and is a whole message.
    pub(super) fn received(&mut self) -> Result<Option<Bytes>> {
        self.whole(self.max)
    }

    fn whole(&mut self, max: usize) -> Result<Option<Bytes>> {
        self.decoder.set_max(max);
        let message = self.decoder.decode(&mut self.pipe.input).map_err(|error| of_wire(&error))?;
        match message {
            // Its length was read when another limit was in force.
            Some(message) if message.len() > max => {
                Err(Error::protocol(format!("bad message length ({}, max={max})", message.len())))
            }
            message => Ok(message),
        }
    }

    /// How much is to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.pipe.unsent()
    }

    /// Sends what there is in the output.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        self.pipe.flush().await
    }
}

impl Replies for Connection {
    fn write<E: Into<Error>>(&mut self, body: impl FnOnce(&mut Output) -> Result<(), E>) -> Result<()> {
        let output = &mut self.pipe.output;
        let started = begin(output);
        if let Err(error) = body(output) {
            started.abandon(output);
            return Err(error.into());
        }
        finish(output, started, self.max).map_err(|error| of_wire(&error))
    }
}

/// Those of pickle between programs that know nothing of Pyro.
pub(crate) fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let mut settings = zone::here();
        settings.without_pyro = true;
        settings
    })
}
