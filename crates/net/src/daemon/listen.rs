//! [`Listener`]: the sockets that clients connect to, and what is to be said of where they are.

use std::io;
use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::address;
use crate::config::{Config, IpVersion};
use crate::error::{Error, Result};
use crate::stream::Stream;

pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, PathBuf),
}

/// How many clients may wait to be accepted.
const BACKLOG: u32 = 1024;

impl Listener {
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Listener::Unix(..) => None,
        }
    }

    pub(crate) async fn accept(&self, config: &Config) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(config.sock_nodelay.get())?;
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            Listener::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    /// Binds to the first of these addresses that can be bound to.
    fn bind(addresses: &[SocketAddr], config: &Config) -> io::Result<TcpListener> {
        let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for &address in addresses {
            match Self::bind_to(address, config) {
                Ok(listener) => return Ok(listener),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn bind_to(address: SocketAddr, config: &Config) -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // On Windows it would let several programs have the same port.
        if cfg!(not(windows)) {
            socket.set_reuseaddr(config.sock_reuse)?;
        }
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        // As Pyro has it; those who are accepted inherit it.
        SockRef::from(&listener).set_keepalive(true)?;
        Ok(listener)
    }
}

#[cfg(unix)]
impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// How long to wait when the system has no more file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// The next client that connects to one of these sockets, once there is a place for it.
pub(crate) async fn accept_any(
    sockets: &[Listener],
    places: &Arc<Semaphore>,
    config: &Config,
) -> (Stream, OwnedSemaphorePermit) {
    loop {
        // Nobody closes it.
        let Ok(place) = places.clone().acquire_owned().await else { std::future::pending().await };
        let (accepted, ..) = select_all(sockets.iter().map(|socket| Box::pin(socket.accept(config)))).await;
        match accepted {
            Ok(stream) => return (stream, place),
            Err(error) => {
                tracing::warn!("accepting a client failed: {error}");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Opens the sockets of a location, and gives the location with the port that was chosen.
pub(crate) async fn listen(location: &str, config: &Config) -> Result<(Vec<Listener>, String)> {
    if let Some(path) = location.strip_prefix("./u:") {
        return listen_unix(path);
    }
    let bad = || Error::misuse(format!("'{location}' is no location; it should be host:port or [ipv6]:port"));
    let (host, port) = location.rsplit_once(':').ok_or_else(bad)?;
    let port: u16 = port.parse().map_err(|_| bad())?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let failed = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => " (choose another port, or 0 for a free one)",
            _ => "",
        };
        Error::connection(format!("cannot bind to {host}:{port}: {error}{hint}"))
    };
    if host == "localhost" {
        let listeners = listen_localhost(port, config).map_err(failed)?;
        let port = listeners.first().and_then(Listener::local_addr).map_or(port, |address| address.port());
        return Ok((listeners, format!("localhost:{port}")));
    }
    let host = match (host, config.prefer_ip_version) {
        ("", IpVersion::V6) => "::",
        ("", _) => "0.0.0.0",
        (host, _) => host,
    };
    let addresses = address::lookup(host, port, config.prefer_ip_version).await.map_err(failed)?;
    let listener = Listener::bind(&addresses, config).map_err(failed)?;
    let port = listener.local_addr()?.port();
    Ok((vec![Listener::Tcp(listener)], at(host, port)))
}

/// Both addresses of this machine to itself, or the preferred one.
fn listen_localhost(port: u16, config: &Config) -> io::Result<Vec<Listener>> {
    let [v4, v6] = [IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)];
    let bind = |address: IpAddr, port: u16| Listener::bind_to(SocketAddr::new(address, port), config);
    if config.prefer_ip_version == IpVersion::V6 {
        return Ok(vec![Listener::Tcp(bind(v6, port)?)]);
    }
    let first = bind(v4, port)?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![Listener::Tcp(first)];
    if config.prefer_ip_version == IpVersion::Any {
        // Where there is no IPv6, 127.0.0.1 is all of localhost.
        match bind(v6, port) {
            Ok(second) => listeners.push(Listener::Tcp(second)),
            Err(error) => tracing::debug!("not listening on [::1]:{port}: {error}"),
        }
    }
    Ok(listeners)
}

#[cfg(unix)]
fn listen_unix(path: &str) -> Result<(Vec<Listener>, String)> {
    let listener = tokio::net::UnixListener::bind(path).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => in_use(path),
            _ => "",
        };
        Error::connection(format!("cannot bind to ./u:{path}: {error}{hint}"))
    })?;
    Ok((vec![Listener::Unix(listener, path.into())], format!("./u:{path}")))
}

/// What to do about a file that is there already. It is not removed unasked: it may be something else, or be in use.
#[cfg(unix)]
fn in_use(path: &str) -> &'static str {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => " (a server listens there; choose another file)",
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            " (nobody listens there: a server that was killed has left the file, which can be removed)"
        }
        Err(_) => "",
    }
}

#[cfg(not(unix))]
fn listen_unix(_path: &str) -> Result<(Vec<Listener>, String)> {
    Err(Error::misuse("there are no Unix domain sockets on this system"))
}

/// A host and port as they stand in URIs.
pub(super) fn at(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Why those to whom the daemon's URIs are given may not reach it, where that is to be seen from here.
pub(super) fn unreachable_because(location: &str, nat: Option<&str>, bound: IpAddr) -> Option<String> {
    let host = |location: &str| location.rsplit_once(':').map_or(location, |(host, _)| host).to_owned();
    let own = host(location);
    match nat.map(host) {
        Some(nat) if is_unspecified(&nat) => Some(format!(
            "URIs say {nat}, which is no address that anybody can reach: NATHOST should be a name or an address"
        )),
        Some(nat) if is_loopback(&nat) && !bound.is_loopback() => Some(format!(
            "URIs say {nat}, which leads other machines to themselves, although the daemon listens on {own}: NATHOST should be \
             the name or address by which they reach it"
        )),
        Some(_) => None,
        None if bound.is_unspecified() => Some(format!(
            "URIs say {own}, which leads nowhere from other machines: bind to this machine's name or address, or set NATHOST"
        )),
        None if bound.is_loopback() && !is_loopback(&own) => {
            Some(format!("{own} is {bound} here, which other machines do not reach: is the name set up as meant?"))
        }
        None => None,
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn is_unspecified(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_ok_and(|address| address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_that_lead_nowhere_are_warned_of() {
        let warned = |location: &str, nat: Option<&str>, bound: &str| {
            unreachable_because(location, nat, bound.parse().unwrap()).is_some()
        };
        assert!(warned("0.0.0.0:1", None, "0.0.0.0") && warned("[::]:1", None, "::"));
        assert!(warned("myhost:1", None, "127.0.1.1"));
        assert!(
            warned("0.0.0.0:1", Some("localhost:1"), "0.0.0.0") && warned("10.0.0.1:1", Some("[::1]:2"), "10.0.0.1")
        );
        assert!(warned("10.0.0.1:1", Some("0.0.0.0:2"), "10.0.0.1"));
        assert!(!warned("0.0.0.0:1", Some("example.org:1"), "0.0.0.0"));
        assert!(
            !warned("localhost:1", None, "127.0.0.1") && !warned("127.0.0.1:1", Some("localhost:5"), "127.0.0.1")
        );
        assert!(!warned("[::1]:1", None, "::1") && !warned("myhost:1", None, "10.0.0.1"));
        // A tunnel leads from there to here.
        assert!(!warned("localhost:1", Some("example.org:1"), "127.0.0.1"));
    }
}
