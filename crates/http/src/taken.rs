//! [`Taken`]: whether what was handed to a connection has left for the client.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a stream of events and its connection know of each other. A connection keeps what its client does not take; with
/// this the next item is asked for when nothing is kept any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Something is on its way.
    handed: AtomicBool,
    waker: AtomicWaker,
}

impl Taken {
    /// Something is handed to the connection.
    pub(crate) fn hand(&self) {
        self.0.handed.store(true, Ordering::Release);
    }

    /// Waits until all that was handed over has left.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.0.handed.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.0.waker.register(cx.waker());
        if self.0.handed.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
    }

    fn left(&self) {
        if self.0.handed.swap(false, Ordering::AcqRel) {
            self.0.waker.wake();
        }
    }
}

/// A connection that says when all has been written.
pub(crate) struct Watched<S> {
    stream: S,
    taken: Taken,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, taken: Taken) -> Self {
        Self { stream, taken }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
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
        // Asked for when nothing is kept any more.
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.taken.left();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
