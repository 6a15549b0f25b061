//! [`Stream`]: a connected socket of any kind.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use salamander_codec::Output;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_util::io::poll_read_buf;

use crate::address;
use crate::config::Config;
use crate::dialect::Decoder;
use crate::error::{Error, Kind, Result};
use crate::tls::Secured;
use crate::uri::Location;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// Over one of the others.
    Tls(Secured),
}

/// Room for a read when nothing is known of what comes.
pub(crate) const READ_ROOM: usize = 16 * 1024;

impl Stream {
    /// Connects to a host and port, as the settings have it.
    pub(crate) async fn connect(host: &str, port: u16, config: &Config) -> Result<Self> {
        let failed = |error: io::Error| Error::connection(format!("cannot connect to {host}:{port}: {error}"));
        let addresses = address::lookup(host, port, config.prefer_ip_version).await.map_err(failed)?;
        let stream = TcpStream::connect(&addresses[..]).await.map_err(failed)?;
        stream.set_nodelay(config.sock_nodelay.get()).map_err(failed)?;
        SockRef::from(&stream).set_keepalive(true).map_err(failed)?;
        Ok(Stream::Tcp(stream))
    }

    /// Connects to a Unix domain socket.
    #[cfg(unix)]
    pub(crate) async fn connect_unix(path: &str) -> Result<Self> {
        let stream = UnixStream::connect(path).await;
        stream.map(Stream::Unix).map_err(|error| Error::connection(format!("cannot connect to ./u:{path}: {error}")))
    }

    /// Connects to a location, `host:port` or `./u:path`.
    pub(crate) async fn connect_to(location: &str, config: &Config) -> Result<Self> {
        match Location::parse(location, None)? {
            Location::Tcp { host, port } => Self::connect(&host, port, config).await,
            #[cfg(unix)]
            Location::Unix(path) => Self::connect_unix(&path).await,
            #[cfg(not(unix))]
            Location::Unix(_) => Err(Error::misuse("there are no Unix domain sockets on this system")),
        }
    }

    /// The address of the peer, if it has one.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Stream::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Stream::Unix(_) => None,
            Stream::Tls(stream) => stream.socket().peer(),
        }
    }

    /// How the logs call the peer.
    pub(crate) fn peer_name(&self) -> String {
        self.peer().map_or_else(|| "on a local socket".to_owned(), |peer| peer.to_string())
    }

    /// The certificate that the peer showed, in DER, if it did.
    pub(crate) fn peer_certificate(&self) -> Option<Bytes> {
        match self {
            Stream::Tls(stream) => stream.peer_certificate(),
            _ => None,
        }
    }

    pub(crate) fn is_secure(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }

    /// Whether there may be something to read; asks nobody for it.
    pub(crate) fn is_readable(&self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
            Stream::Tls(stream) => stream.socket().is_readable(),
        }
    }

    /// Ends the connection at once, whoever still holds it.
    pub(crate) fn shut(&mut self) {
        let socket = match self {
            Stream::Tls(stream) => {
                stream.say_goodbye();
                return stream.socket_mut().shut();
            }
            Stream::Tcp(stream) => SockRef::from(&*stream),
            #[cfg(unix)]
            Stream::Unix(stream) => SockRef::from(&*stream),
        };
        // It may be over already.
        let _ = socket.shutdown(std::net::Shutdown::Both);
    }

    /// Reads what is there, up to what the decoder is waiting for; gives 0 at the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        decoder: &Decoder,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        if !decoder.reserve(buffer) && buffer.capacity() - buffer.len() < READ_ROOM / 4 {
            buffer.reserve(READ_ROOM);
        }
        poll_read_buf(Pin::new(self), cx, buffer)
    }

    /// Reads what is there; gives 0 at the end.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        buffer.reserve(READ_ROOM / 4);
        poll_read_buf(Pin::new(self), cx, buffer)
    }

    /// Writes `out` from byte `written` on, until the system has it all; then `out` is empty and `written` 0.
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
                ready!(Pin::new(&mut *self).poll_write_vectored(cx, &slices[..pieces]))
            } else {
                ready!(Pin::new(&mut *self).poll_write(cx, &out[*written..]))
            }?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += count;
        }
        // Until it is passed on, it counts as not written: `out` is kept.
        if let Stream::Tls(stream) = self {
            ready!(Pin::new(stream).poll_flush(cx))?;
        }
        *written = 0;
        out.reset(KEEP_OUTPUT);
        Poll::Ready(Ok(()))
    }
}

/// Does the same with the socket, whatever its kind.
macro_rules! each {
    ($stream:expr, $socket:ident => $do:expr) => {
        match $stream {
            Stream::Tcp($socket) => $do,
            #[cfg(unix)]
            Stream::Unix($socket) => $do,
            Stream::Tls($socket) => $do,
        }
    };
}

impl AsyncRead for Stream {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), socket => Pin::new(socket).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), socket => Pin::new(socket).poll_write(cx, buf))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), socket => Pin::new(socket).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, socket => socket.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), socket => Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), socket => Pin::new(socket).poll_shutdown(cx))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `SOCK_NODELAY`: small packets wait only where somebody has said so.
    #[tokio::test]
    async fn small_packets_are_delayed_only_where_it_is_set() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for (setting, without_delay) in [(None, true), (Some(true), true), (Some(false), false)] {
            let mut config = Config::default();
            if let Some(setting) = setting {
                config.sock_nodelay = setting.into();
            }
            let Stream::Tcp(stream) = Stream::connect("127.0.0.1", port, &config).await.unwrap() else { panic!() };
            assert_eq!(stream.nodelay().unwrap(), without_delay, "{setting:?}");
            assert!(SockRef::from(&stream).keepalive().unwrap());
        }
    }
}
