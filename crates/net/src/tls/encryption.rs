//! [`Encryption`]: the serving side of TLS, for servers that are no daemon.

use std::time::Duration;

use tokio::net::TcpStream;

use super::ServerTls;
use crate::config::Config;
use crate::error::Result;
use crate::socket::Socket;
use crate::stream::Stream;

/// How a server with sockets of its own encrypts them, by the same settings as a daemon: `SSL`, `SSL_SERVERCERT`, `SSL_SERVERKEY`,
/// `SSL_SERVERKEYPASSWD`, `SSL_REQUIRECLIENTCERT` and `SSL_CACERTS`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Encryption(ServerTls);

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
    pub async fn accept(&self, socket: TcpStream, patience: Duration) -> Option<Socket> {
        self.0.let_in(Stream::Tcp(socket), Some(patience)).await.map(Socket)
    }
}
