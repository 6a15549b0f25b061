//! [`Outgoing`]: what is being written to the broker.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use salamander_net::Socket;
use tokio::io::{AsyncWrite, WriteHalf};

use super::state::{Phase, State};

/// The end of a connection that is written to, and what is on its way there.
pub(super) struct Outgoing {
    writer: WriteHalf<Socket>,
    bytes: Vec<u8>,
    written: usize,
    flushed: bool,
    /// When something was written last.
    pub(super) spoken: Instant,
}

impl Outgoing {
    pub(super) fn new(writer: WriteHalf<Socket>) -> Self {
        Self { writer, bytes: Vec::new(), written: 0, flushed: true, spoken: Instant::now() }
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.flushed
    }

    /// Takes what is to be written next; nothing may be on its way.
    pub(super) fn take(&mut self, out: &mut Vec<u8>) {
        self.bytes.clear();
        self.written = 0;
        std::mem::swap(&mut self.bytes, out);
        self.flushed = self.bytes.is_empty();
    }

    /// Writes until nothing is on its way any more.
    pub(super) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            let sent = Pin::new(&mut self.writer).poll_write(context, &self.bytes[self.written..]);
            match ready!(sent)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
            self.spoken = Instant::now();
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.writer).poll_flush(context))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl State {
    /// Writes from where this is called, which saves waking the session: for those who are alone. What others add meanwhile would not
    /// go together. False where the session has to be woken all the same.
    pub(super) fn send_at_once(&mut self) -> bool {
        let Self { consumers, out, outgoing, phase, .. } = self;
        let Some(outgoing) = outgoing.as_mut().filter(|outgoing| *phase == Phase::Up && outgoing.is_idle()) else {
            return false;
        };
        if consumers.values().try_for_each(|consumer| consumer.flush(out)).is_err() {
            return false;
        }
        outgoing.take(out);
        // Where it does not go on, or goes wrong, the session tries again and sees the same.
        matches!(outgoing.poll_send(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())))
    }
}
