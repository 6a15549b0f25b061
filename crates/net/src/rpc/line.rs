//! [`Line`]: over what messages go.

use bytes::Bytes;
use salamander_codec::{Output, Settings};
use salamander_wire::multiprocessing::CHALLENGE;

use crate::error::{Error, Kind, Result};
use crate::{multiprocessing, zeromq};

/// Where messages are put that are to be sent.
pub(crate) trait Replies {
    /// Puts a message into the output.
    ///
    /// # Errors
    /// Where it cannot be written, or is too large. Nothing of it is sent then.
    fn write<E: Into<Error>>(&mut self, body: impl FnOnce(&mut Output) -> Result<(), E>) -> Result<()>;
}

/// How a server is reached.
#[derive(Clone)]
pub(crate) enum Way {
    Multiprocessing(multiprocessing::Options),
    ZeroMq(zeromq::Options),
}

impl Way {
    pub(crate) async fn connect(&self, location: &str) -> Result<Line> {
        match self {
            Way::Multiprocessing(options) => options.connect(location).await.map(Line::Multiprocessing),
            Way::ZeroMq(options) => options.connect(location).await.map(Line::ZeroMq),
        }
    }
}

/// A connection to a server, on which a reply follows each call.
#[derive(Debug)]
pub(crate) enum Line {
    Multiprocessing(multiprocessing::Connection),
    ZeroMq(zeromq::Connection),
}

impl Line {
    pub(crate) fn settings() -> &'static Settings {
        multiprocessing::settings()
    }

    /// Sends what has been written.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        match self {
            Line::Multiprocessing(connection) => connection.flush().await,
            Line::ZeroMq(connection) => connection.flush().await,
        }
    }

    /// What the server replies.
    pub(crate) async fn reply(&mut self) -> Result<Bytes> {
        let reply = match self {
            Line::Multiprocessing(connection) => match connection.recv_bytes().await? {
                Some(reply) if reply.starts_with(CHALLENGE) => {
                    return Err(Error::new(Kind::Refused, "the server asks for an authkey"));
                }
                reply => reply,
            },
            Line::ZeroMq(connection) => connection.reply().await?,
        };
        reply.ok_or_else(|| Error::connection("the server has closed the connection"))
    }
}

impl Replies for Line {
    fn write<E: Into<Error>>(&mut self, body: impl FnOnce(&mut Output) -> Result<(), E>) -> Result<()> {
        match self {
            Line::Multiprocessing(connection) => connection.write(body),
            Line::ZeroMq(connection) => connection.write_request(body),
        }
    }
}
