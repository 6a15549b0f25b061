//! [`Dialer`]: connections for clients of other protocols than Pyro's.

use std::fmt;
use std::sync::Arc;

use crate::config::Config;
use crate::error::Result;
use crate::socket::Socket;
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
    pub async fn dial(&self, host: &str, port: u16) -> Result<Socket> {
        let stream = Stream::connect(host, port, &self.config).await?;
        match &self.tls {
            Some(tls) => tls.connect(host, stream).await.map(Socket),
            None => Ok(Socket(stream)),
        }
    }

    /// Encrypts a connection to a host that began in plain text, where a protocol wants it so; one of a dialer for plain connections is as it
    /// was.
    ///
    /// # Errors
    /// Where the certificate of the other side is not accepted.
    pub async fn secure(&self, host: &str, socket: Socket) -> Result<Socket> {
        match &self.tls {
            Some(tls) => tls.connect(host, socket.0).await.map(Socket),
            None => Ok(socket),
        }
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls.is_some() { "<Dialer, encrypted>" } else { "<Dialer>" })
    }
}
