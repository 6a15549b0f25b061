//! [`Door`]: protocols beside Pyro's on a daemon's port, and the clients that come by them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use salamander_object::Session;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::recognise::Arrival;
use super::server::Counted;
use super::shared::DaemonHandle;
use crate::stream::Stream;

/// A protocol beside Pyro's that a daemon's port understands; see [`Builder::door`](super::Builder::door).
///
/// A door is asked about the first bytes of every client, and serves those that it says yes to. Doors are asked in the order in
/// which they were given; a client that none of them knows is taken for a Pyro client.
pub trait Door: Send + Sync + 'static {
    /// The protocol, for logs and messages.
    fn name(&self) -> &'static str;

    /// Whether a client that begins with these bytes, of which there is at least one, speaks this protocol.
    fn recognise(&self, first: &[u8]) -> Recognised;

    /// Serves a client until it leaves or the daemon stops ([`DaemonHandle::stopping`]).
    fn serve(&self, client: Client) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// What a [`Door`] says of the first bytes of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// They are of its protocol.
    Yes,
    /// They are of another.
    No,
    /// They may be the beginning of its protocol, and are too few to tell.
    TooShort,
}

impl Recognised {
    /// Whether bytes begin with a prefix.
    pub fn prefix(first: &[u8], prefix: &[u8]) -> Self {
        let common = first.len().min(prefix.len());
        match first[..common] == prefix[..common] {
            true if common == prefix.len() => Self::Yes,
            true => Self::TooShort,
            false => Self::No,
        }
    }
}

/// A client of a [`Door`]: its socket, from its first byte on, and what is known of it.
pub struct Client {
    stream: Stream,
    /// What was read before it was known whom it is for.
    input: BytesMut,
    session: Arc<Session>,
    daemon: DaemonHandle,
    refused: bool,
    _counted: Counted,
}

impl Client {
    pub(super) fn new(arrival: Arrival) -> Self {
        let Arrival { stream, input, shared, session, refused, .. } = arrival;
        let counted = Counted::new(shared.clone());
        Self { stream, input, session, daemon: DaemonHandle(shared), refused, _counted: counted }
    }

    /// The address it comes from; none on a Unix domain socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.stream.peer()
    }

    /// The session: what calls of this client have in common.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The daemon that it came to.
    pub fn daemon(&self) -> &DaemonHandle {
        &self.daemon
    }

    /// Whether there are too many clients: then it is to be told so in its protocol's words, and closed.
    pub fn is_refused(&self) -> bool {
        self.refused
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.session.end();
    }
}

impl AsyncRead for Client {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let count = self.input.len().min(buf.remaining());
        buf.put_slice(&self.input[..count]);
        self.input.advance(count);
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_known_when_it_is_there() {
        for (first, recognised) in
            [(&b"GET / HTTP"[..], Recognised::Yes), (b"GE", Recognised::TooShort), (b"PUT", Recognised::No)]
        {
            assert_eq!(Recognised::prefix(first, b"GET "), recognised);
        }
    }
}
