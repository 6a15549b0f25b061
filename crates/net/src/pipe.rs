//! [`Pipe`]: a socket, what has come from it and what is to go to it, for protocols whose frames are read and written elsewhere.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::BytesMut;
use salamander_codec::Output;

use crate::error::{Error, Result};
use crate::stream::Stream;

/// A socket with its buffers. What is being received or sent may be given up at any time, and goes on with the next attempt.
#[derive(Debug)]
pub(crate) struct Pipe {
    stream: Stream,
    /// What has come and is not read yet.
    pub(crate) input: BytesMut,
    /// What is to be sent.
    pub(crate) output: Output,
    /// How much of the output the system has.
    written: usize,
}

impl Pipe {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, input: BytesMut::new(), output: Output::new(), written: 0 }
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.stream.peer()
    }

    /// How the logs call the other end.
    pub(crate) fn peer_name(&self) -> String {
        self.stream.peer_name()
    }

    /// How much is to be sent.
    pub(crate) fn unsent(&self) -> usize {
        self.output.total_len() - self.written
    }

    /// Sends all that there is.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let failed = |error| Error::connection(format!("sending failed: {error}"));
        self.stream.poll_write_all(cx, &mut self.output, &mut self.written).map_err(failed)
    }

    /// Receives something; false where the other end has closed the connection between two messages.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        self.stream.poll_fill(cx, &mut self.input).map(|read| match read {
            Ok(0) if self.input.is_empty() => Ok(false),
            Ok(0) => Err(Error::connection("the connection ends in the middle of a message")),
            Ok(_) => Ok(true),
            Err(error) => Err(Error::connection(format!("receiving failed: {error}"))),
        })
    }

    /// Sends all that there is.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await
    }
}
