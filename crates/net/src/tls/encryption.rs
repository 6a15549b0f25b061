//! [`Encryption`]: the serving side of TLS, for servers that are no daemon.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::ServerTls;
use crate::config::Config;
use crate::error::Result;
use crate::stream::Stream;

/// How a server with sockets of its own encrypts them, by the same settings as a daemon: `SSL`, `SSL_SERVERCERT`, `SSL_SERVERKEY`,
/// `SSL_SERVERKEYPASSWD`, `SSL_REQUIRECLIENTCERT` and `SSL_CACERTS`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Encryption(ServerTls);

/// An encrypted connection.
#[derive(Debug)]
pub struct Encrypted(Stream);

impl Encryption {
    /// What the settings say; none where `SSL` is off.
    ///
    /// # Errors
    /// Where a file is missing or is not what it should be.
    pub fn of(config: &Config) -> Result<Option<Self>> {
        Ok(ServerTls::of(config, false)?.map(Self))
    }

    /// Makes the connection of a client secure. Gives nothing where the client cannot do that or may not, or takes longer than this:
    /// it has been told, and so has the log.
    pub async fn accept(&self, socket: TcpStream, patience: Duration) -> Option<Encrypted> {
        self.0.let_in(Stream::Tcp(socket), Some(patience)).await.map(Encrypted)
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
