//! [`Secured`]: a secure connection over another [`Stream`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsStream;

use crate::stream::Stream;

/// A connection on which the TLS handshake is done. The other end is told when it is dropped.
#[derive(Debug)]
pub(crate) struct Secured(Box<TlsStream<Stream>>);

impl Secured {
    pub(super) fn new(stream: TlsStream<Stream>) -> Self {
        Self(Box::new(stream))
    }

    /// What it lies over.
    pub(crate) fn socket(&self) -> &Stream {
        self.0.get_ref().0
    }

    pub(crate) fn socket_mut(&mut self) -> &mut Stream {
        self.0.get_mut().0
    }

    /// Tells the other end that nothing more comes, as far as the system takes it at once: nobody is waited for.
    pub(crate) fn say_goodbye(&mut self) {
        let _ = Pin::new(&mut *self.0).poll_shutdown(&mut Context::from_waker(Waker::noop()));
    }

    /// The certificate that the other end showed, in DER, if it did.
    pub(crate) fn peer_certificate(&self) -> Option<Bytes> {
        let chain = self.0.get_ref().1.peer_certificates()?;
        chain.first().map(|certificate| Bytes::copy_from_slice(certificate))
    }
}

impl AsyncRead for Secured {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut *self.0).poll_read(cx, buf) {
            // Peers that just close are common, and messages have lengths: nothing can be cut off unnoticed.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => read,
        }
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    /// Passes on what has been encrypted and not been sent.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        self.say_goodbye();
    }
}
