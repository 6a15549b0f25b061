//! The time of day, to whoever sends a datagram.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::time::{self, time_line};
use super::{PlainHandle, in_time};

/// A server that answers any datagram with the time, as [`PlainServer::time`](super::PlainServer::time) does over connections.
///
/// Its answers are longer than the shortest questions, by twenty-six bytes at most; still, who listens beyond this machine lends his voice to
/// whoever writes another's address on a question.
#[derive(Debug)]
pub struct TimeDatagrams {
    sockets: Vec<UdpSocket>,
    address: SocketAddr,
    handle: PlainHandle,
}

impl TimeDatagrams {
    /// Binds to a host and port; port 0 is a free one, `localhost` is both 127.0.0.1 and ::1, where there is one.
    ///
    /// # Errors
    /// Where the address is none, or taken.
    pub async fn bind(host: &str, port: u16) -> io::Result<Self> {
        let first = if host == "localhost" { "127.0.0.1" } else { host };
        let first = UdpSocket::bind((first, port)).await?;
        let address = first.local_addr()?;
        let mut sockets = vec![first];
        if host == "localhost" {
            match UdpSocket::bind(("::1", address.port())).await {
                Ok(second) => sockets.push(second),
                Err(error) => tracing::debug!("not listening on [::1]:{}: {error}", address.port()),
            }
        }
        Ok(Self { sockets, address, handle: PlainHandle::default() })
    }

    /// The address that it is bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A handle that stays usable while it serves.
    pub fn handle(&self) -> PlainHandle {
        self.handle.clone()
    }

    /// Serves until it is stopped.
    pub async fn serve(self) {
        let answering = futures_util::future::join_all(self.sockets.iter().map(answer));
        tokio::select! {
            () = self.handle.0.cancelled() => {}
            _ = answering => {}
        }
    }
}

/// One at a time: there is nothing to wait for.
async fn answer(socket: &UdpSocket) {
    loop {
        let client = match socket.recv_from(&mut [0]).await {
            Ok((_, client)) => client,
            Err(error) => {
                // Such as that an earlier client is gone, or that its datagram is longer than what is looked at.
                tracing::debug!("a datagram failed: {error}");
                tokio::task::yield_now().await;
                continue;
            }
        };
        if let Err(error) = socket.send_to(time_line().as_bytes(), client).await {
            tracing::debug!("answering {client} failed: {error}");
        }
    }
}

/// Asks a time server, at `host:port`, for its line by a datagram. One that is lost is not sent again.
///
/// # Errors
/// Where nobody answers in time, or what is said is no line of text.
pub async fn ask_time_by_datagram(address: &str, patience: Duration) -> io::Result<String> {
    in_time(patience, async {
        let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for server in tokio::net::lookup_host(address).await? {
            match ask(server).await {
                Ok(line) => return Ok(line),
                // Nobody there; the other address of the host may have somebody.
                Err(error) => failed = error,
            }
        }
        Err(failed)
    })
    .await
}

async fn ask(server: SocketAddr) -> io::Result<String> {
    let local = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).await?;
    // From then on nobody else is listened to.
    socket.connect(server).await?;
    socket.send(b"time?\r\n").await?;
    let mut said = [0; time::MOST as usize];
    let length = socket.recv(&mut said).await?;
    time::text(&said[..length])
}
