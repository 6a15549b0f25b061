//! [`Dialer`]: connections for clients of other protocols than Pyro's.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::config::Config;
use crate::error::Result;
use crate::stream::Stream;
use crate::tls::ClientTls;

/// Opens connections for clients of other protocols than Pyro's, plain or encrypted.
///
/// For encrypted ones the `SSL_` settings say who is believed and what is shown, as for proxies; whether they are encrypted, the
/// protocol says, not the settings.
#[derive(Clone)]
pub struct Dialer {
    config: Arc<Config>,
    tls: Option<ClientTls>,
}

/// A connection that a [`Dialer`] has opened.
pub struct Dialed(Stream);

impl Dialer {
    /// A dialer for plain connections, or for encrypted ones.
    ///
    /// # Errors
    /// Where the settings for encryption are wrong.
    pub fn new(config: Arc<Config>, encrypted: bool) -> Result<Self> {
        let tls = match encrypted {
            true => {
                let mut secure = Config::clone(&config);
                secure.ssl = true;
                ClientTls::of(&secure)?
            }
            false => None,
        };
        Ok(Self { config, tls })
    }

    /// Connects to a port of a host.
    ///
    /// # Errors
    /// Where nobody answers there, or its certificate is not accepted.
    pub async fn dial(&self, host: &str, port: u16) -> Result<Dialed> {
        let stream = Stream::connect(host, port, &self.config).await?;
        match &self.tls {
            Some(tls) => tls.connect(host, stream).await.map(Dialed),
            None => Ok(Dialed(stream)),
        }
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls.is_some() { "<Dialer, encrypted>" } else { "<Dialer>" })
    }
}

impl AsyncRead for Dialed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Dialed {
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
