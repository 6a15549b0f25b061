//! [`Responder`]: tells those who ask by broadcast where the name server is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::locate::GET_NSURI;
use crate::error::{Error, Result};
use crate::uri::{Location, Uri};

/// Answers `GET_NSURI` datagrams with the URI of the name server.
pub(super) struct Responder {
    socket: UdpSocket,
    uri: Uri,
}

/// Questions longer than this are none.
const LONGEST_QUESTION: usize = 100;

impl Responder {
    /// `reuse`: whether other name servers of this machine may hear on the same port. Each hears what is broadcast.
    pub(super) async fn bind(uri: &Uri, host: Option<&str>, port: u16, reuse: bool) -> Result<Self> {
        let host = host.filter(|host| !host.is_empty()).unwrap_or("0.0.0.0");
        let socket = hear(host, port, reuse)
            .await
            .map_err(|error| Error::connection(format!("cannot hear broadcasts on {host}:{port}: {error}")))?;
        Ok(Self { socket, uri: uri.clone() })
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Answers for ever.
    pub(super) async fn answer(self) {
        let mut question = [0; LONGEST_QUESTION];
        loop {
            match self.socket.recv_from(&mut question).await {
                Ok((count, from)) if question[..count] == *GET_NSURI => {
                    let uri = self.uri_for(from).await;
                    tracing::debug!("responding to broadcast request from {from}: {uri}");
                    // Pyro writes it in Latin 1; what we have is ASCII or an international host name.
                    if let Err(error) = self.socket.send_to(uri.to_string().as_bytes(), from).await {
                        tracing::debug!("the answer to {from} failed: {error}");
                    }
                }
                Ok((_, from)) => tracing::debug!("{from} broadcasts something else"),
                Err(error) => tracing::debug!("broadcast: {error}"),
            }
        }
    }

    /// The URI as the asker can use it: "any address" becomes that of the interface towards him.
    async fn uri_for(&self, asker: SocketAddr) -> Uri {
        let (Some(host), Some(port)) = (self.uri.host(), self.uri.port()) else { return self.uri.clone() };
        if host != "0.0.0.0" {
            return self.uri.clone();
        }
        match interface_towards(asker).await {
            Some(address) => self.uri.at(Location::tcp(address.to_string(), port)),
            None => self.uri.clone(),
        }
    }
}

async fn hear(host: &str, port: u16, reuse: bool) -> std::io::Result<UdpSocket> {
    let address = tokio::net::lookup_host((host, port)).await?.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv4() {
        socket.set_broadcast(true)?;
    }
    socket.set_reuse_address(reuse)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// The own address from which packets go to somebody.
async fn interface_towards(other: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.ok()?;
    // A datagram socket that is connected sends nothing.
    socket.connect(other).await.ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
