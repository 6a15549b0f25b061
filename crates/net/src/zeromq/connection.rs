//! [`Connection`]: a session on a socket.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;

use bytes::Bytes;
use salamander_codec::Output;
use salamander_wire::WireError;
use salamander_wire::zmtp::{Session, SocketType, begin, finish, write_part};

use crate::error::{Error, Kind, Result};
use crate::pipe::Pipe;
use crate::stream::Stream;

/// A connection to another socket.
pub(crate) struct Connection {
    pipe: Pipe,
    session: Session,
    max: usize,
    /// A message that came together with the end of the handshake.
    early: Option<Vec<Bytes>>,
}

/// What a [`Connection`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something has come.
    Received,
    /// All that was to be sent has been.
    Sent,
    /// The other end has closed the connection.
    Closed,
}

impl Connection {
    pub(super) fn new(stream: Stream, socket: SocketType, max_message_size: usize) -> Self {
        let mut pipe = Pipe::new(stream);
        let session = Session::new(socket, max_message_size);
        session.greet(&mut pipe.output);
        Self { pipe, session, max: max_message_size, early: None }
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.pipe.peer()
    }

    pub(super) fn peer_name(&self) -> String {
        self.pipe.peer_name()
    }

    /// Greets, and shakes hands.
    pub(super) async fn open(&mut self) -> Result<()> {
        loop {
            match self.received() {
                Ok(message) => self.early = message,
                Err(error) => {
                    // Perhaps the other end is still there to be told why.
                    let _ = self.flush().await;
                    return Err(error);
                }
            }
            if self.session.is_open() {
                return self.flush().await;
            }
            if self.turn(true).await? == Turn::Closed {
                return Err(Error::new(Kind::Refused, "the other end left before the handshake was done"));
            }
        }
    }

    /// The next message that has been received as a whole.
    pub(super) fn received(&mut self) -> Result<Option<Vec<Bytes>>> {
        if let Some(message) = self.early.take() {
            return Ok(Some(message));
        }
        if self.session.is_open() && self.pipe.input.is_empty() {
            return Ok(None);
        }
        self.session.receive(&mut self.pipe.input, &mut self.pipe.output).map_err(|error| of_wire(&error))
    }

    /// How much is to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.pipe.unsent()
    }

    /// Sends what there is, or receives, whichever goes first; it only receives where that is wanted.
    pub(super) async fn turn(&mut self, receive: bool) -> Result<Turn> {
        let Self { pipe, session, .. } = self;
        poll_fn(|cx| {
            if pipe.unsent() > 0
                && let Poll::Ready(sent) = pipe.poll_send(cx)
            {
                return Poll::Ready(sent.map(|()| Turn::Sent));
            }
            if !receive {
                return Poll::Pending;
            }
            session.reserve(&mut pipe.input);
            pipe.poll_receive(cx).map_ok(|there| if there { Turn::Received } else { Turn::Closed })
        })
        .await
    }

    /// Sends all that there is.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        self.pipe.flush().await
    }

    /// Puts a request into the output, as a `REQ` sends it: behind an empty part.
    pub(crate) fn write_request<E: Into<Error>>(
        &mut self,
        body: impl FnOnce(&mut Output) -> Result<(), E>,
    ) -> Result<()> {
        self.write(&[Bytes::new()], body)
    }

    /// Puts a message into the output: these parts, and what is written as its last.
    pub(super) fn write<E: Into<Error>>(
        &mut self,
        envelope: &[Bytes],
        body: impl FnOnce(&mut Output) -> Result<(), E>,
    ) -> Result<()> {
        let output = &mut self.pipe.output;
        let start = output.mark();
        for part in envelope {
            write_part(output, part, true);
        }
        let started = begin(output);
        let written = match body(output) {
            Ok(()) => finish(output, started, self.max).map_err(|error| of_wire(&error)),
            Err(error) => Err(error.into()),
        };
        if written.is_err() {
            output.rewind(start);
        }
        written
    }

    /// What a `REQ` is answered; nothing where the other end has closed the connection.
    pub(crate) async fn reply(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(mut message) = self.received()? {
                return match message.pop() {
                    Some(reply) if message.len() == 1 && message[0].is_empty() => Ok(Some(reply)),
                    _ => Err(Error::protocol("a reply that is not one part behind an empty one")),
                };
            }
            if self.turn(true).await? == Turn::Closed {
                return Ok(None);
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}

/// What the other end did wrong.
fn of_wire(error: &WireError) -> Error {
    Error::with_exception(Kind::Protocol, error.exception())
}
