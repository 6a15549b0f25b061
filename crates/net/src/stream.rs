//! [`Stream`]: a connected socket of any kind.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use salamander_codec::Output;
use salamander_wire::pyro5::Decoder;
use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_util::io::poll_read_buf;

use crate::error::{Error, Kind, Result};

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Room for a read when nothing is known of what comes.
pub(crate) const READ_ROOM: usize = 16 * 1024;

impl Stream {
    /// Connects to a host and port.
    pub(crate) async fn connect(host: &str, port: u16, timeout: Option<Duration>) -> Result<Self> {
        let failed = |error: io::Error| Error::connection(format!("cannot connect to {host}:{port}: {error}"));
        let stream = within(timeout, TcpStream::connect((host, port)), "connecting").await?.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Stream::Tcp(stream))
    }

    /// Connects to a Unix domain socket.
    #[cfg(unix)]
    pub(crate) async fn connect_unix(path: &str) -> Result<Self> {
        let stream = UnixStream::connect(path).await;
        stream.map(Stream::Unix).map_err(|error| Error::connection(format!("cannot connect to ./u:{path}: {error}")))
    }

    /// The address of the peer, if it has one.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Stream::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Stream::Unix(_) => None,
        }
    }

    /// Whether there may be something to read; asks nobody for it.
    pub(crate) fn is_readable(&self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
        }
    }

    /// Reads what is there, up to what the decoder is waiting for; gives 0 at the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        decoder: &Decoder,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        if decoder.pending().is_some() {
            decoder.reserve(buffer);
        } else if buffer.capacity() - buffer.len() < READ_ROOM / 4 {
            buffer.reserve(READ_ROOM);
        }
        match self {
            Stream::Tcp(stream) => poll_read_buf(Pin::new(stream), cx, buffer),
            #[cfg(unix)]
            Stream::Unix(stream) => poll_read_buf(Pin::new(stream), cx, buffer),
        }
    }

    /// Writes `out` from byte `written` on, until it is all written; then `out` is empty and `written` 0.
    pub(crate) fn poll_write_all(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Output,
        written: &mut usize,
    ) -> Poll<io::Result<()>> {
        while *written < out.total_len() {
            let count = if out.has_attached() {
                let mut slices = [io::IoSlice::new(&[]); 16];
                let pieces = out.io_slices(*written, &mut slices);
                match self {
                    Stream::Tcp(stream) => ready!(Pin::new(stream).poll_write_vectored(cx, &slices[..pieces])),
                    #[cfg(unix)]
                    Stream::Unix(stream) => ready!(Pin::new(stream).poll_write_vectored(cx, &slices[..pieces])),
                }
            } else {
                match self {
                    Stream::Tcp(stream) => ready!(Pin::new(stream).poll_write(cx, &out[*written..])),
                    #[cfg(unix)]
                    Stream::Unix(stream) => ready!(Pin::new(stream).poll_write(cx, &out[*written..])),
                }
            }?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += count;
        }
        *written = 0;
        out.reset(KEEP_OUTPUT);
        Poll::Ready(Ok(()))
    }
}

/// Output buffers that have grown beyond this are given back.
const KEEP_OUTPUT: usize = 256 * 1024;

/// Awaits a future for so long at most.
pub(crate) async fn within<F: Future>(timeout: Option<Duration>, future: F, doing: &str) -> Result<F::Output> {
    match timeout {
        None => Ok(future.await),
        Some(timeout) => tokio::time::timeout(timeout, future)
            .await
            .map_err(|_| Error::new(Kind::Deadline, format!("{doing}: timeout after {timeout:?}"))),
    }
}
