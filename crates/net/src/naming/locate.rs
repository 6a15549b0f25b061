//! Finding a name server, and what a name or metadata stands for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::client::{NameServer, retry};
use crate::NAME_SERVER_NAME;
use crate::address;
use crate::client::Proxy;
use crate::config::{Config, IpVersion};
use crate::error::{Error, Kind, Result};
use crate::uri::{Location, Protocol, Uri};

/// The direct URI of an object: a name or metadata is looked up at the name server, waiting `NS_LOOKUP_DELAY` at most.
///
/// # Errors
/// [`Kind::Naming`] where no name server is found; the name server's own error where it does not know the name.
pub async fn resolve(uri: &Uri, config: &Arc<Config>) -> Result<Uri> {
    if uri.protocol() == Protocol::Pyro {
        return Ok(uri.clone());
    }
    let host = uri.location().map(|location| match location {
        Location::Tcp { host, .. } => host.clone(),
        Location::Unix(path) => format!("./u:{path}"),
    });
    let name_server = NameServer::locate_with(host.as_deref(), uri.port(), config.clone()).await?;
    let delay = config.ns_lookup_delay;
    match uri.protocol() {
        Protocol::PyroMeta => {
            let found = retry(delay, || async {
                let found = name_server.with_all(uri.tags().iter().map(String::as_str)).await?;
                let mut uris: Vec<String> = found.into_values().map(|registration| registration.uri).collect();
                if uris.is_empty() {
                    return Err(Error::new(
                        Kind::Naming,
                        format!("no registrations available with desired metadata properties {}", uri.object()),
                    ));
                }
                // Any of them will do: whoever asks often spreads over all.
                Ok(uris.swap_remove(random(uris.len())))
            })
            .await?;
            Ok(found.parse::<Uri>()?)
        }
        _ => name_server.lookup_within(uri.object(), delay).await,
    }
}

/// As [`resolve`], with a type that is known: resolving makes a proxy, which resolves.
pub(crate) fn resolve_boxed<'a>(
    uri: &'a Uri,
    config: &'a Arc<Config>,
) -> Pin<Box<dyn Future<Output = Result<Uri>> + Send + 'a>> {
    Box::pin(resolve(uri, config))
}

/// A number below `below`, another each time.
fn random(below: usize) -> usize {
    (uuid::Uuid::new_v4().as_u128() % below.max(1) as u128) as usize
}

/// How long one attempt on this very machine may take.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Finds a name server as Pyro does: on this machine first, then by broadcast, then where the settings say.
pub(super) async fn locate(
    host: Option<&str>,
    port: Option<u16>,
    broadcast: bool,
    config: &Arc<Config>,
) -> Result<Proxy> {
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        return direct(host, port.unwrap_or(config.ns_port), config).await;
    }
    let ns_host = &*config.ns_host;
    if ns_host == "localhost" || ns_host == "::1" || ns_host.starts_with("127.") {
        let attempt = direct(ns_host, port.unwrap_or(config.ns_port), config);
        if let Ok(Ok(proxy)) = tokio::time::timeout(LOCAL_TIMEOUT, attempt).await {
            return Ok(proxy);
        }
    }
    if broadcast && config.prefer_ip_version != IpVersion::V6 {
        let port = port.unwrap_or(config.ns_bcport);
        if let Some(uri) = by_broadcast(port, config).await? {
            tracing::debug!("located the name server by broadcast: {uri}");
            return bound(uri, config).await;
        }
        tracing::debug!("no name server answers to broadcast, trying NS_HOST");
    }
    direct(ns_host, config.ns_port, config).await
}

async fn direct(host: &str, port: u16, config: &Arc<Config>) -> Result<Proxy> {
    let location = match host.strip_prefix("./u:") {
        Some(path) => Location::Unix(path.to_owned()),
        None => Location::tcp(host, port),
    };
    let uri = Uri::new(NAME_SERVER_NAME, location)?;
    bound(uri, config).await
}

async fn bound(uri: Uri, config: &Arc<Config>) -> Result<Proxy> {
    let at = uri.location().map(ToString::to_string).unwrap_or_default();
    let proxy = Proxy::with_config(uri, config.clone())?;
    proxy.bind().await.map_err(|error| {
        let hint = match error.kind() {
            Kind::Connection | Kind::Deadline => "; start one with `salamander ns`",
            // Somebody is there.
            _ => "",
        };
        Error::new(Kind::Naming, format!("Failed to locate the nameserver at {at}: {error}{hint}"))
    })?;
    Ok(proxy)
}

/// How long to wait for an answer to a broadcast, and how often to ask.
const BROADCAST_WAIT: Duration = Duration::from_millis(700);
const BROADCAST_TRIES: usize = 3;

/// Asks all machines of the network for a name server.
async fn by_broadcast(port: u16, config: &Config) -> Result<Option<Uri>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.set_broadcast(true)?;
    let mut targets = Vec::new();
    for host in &config.broadcast_addrs {
        match &**host {
            "<broadcast>" => targets.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), port)),
            host => match address::lookup(host, port, IpVersion::V4).await {
                Ok(found) => targets.extend(found.into_iter().filter(SocketAddr::is_ipv4)),
                Err(error) => tracing::warn!("BROADCAST_ADDRS: {host} should be an address or a host: {error}"),
            },
        }
    }
    let mut answer = [0; 512];
    for _ in 0..BROADCAST_TRIES {
        for target in &targets {
            // Some addresses cannot be reached from here; the others may.
            if let Err(error) = socket.send_to(GET_NSURI, target).await {
                tracing::debug!("broadcast to {target} failed: {error}");
            }
        }
        match tokio::time::timeout(BROADCAST_WAIT, socket.recv_from(&mut answer)).await {
            Ok(Ok((count, from))) => {
                let text: String = answer[..count].iter().map(|&byte| char::from(byte)).collect();
                match text.parse::<Uri>() {
                    Ok(uri) => return Ok(Some(uri)),
                    Err(error) => tracing::debug!("{from} answers a broadcast with what is no URI: {error}"),
                }
            }
            Ok(Err(error)) => tracing::debug!("broadcast: {error}"),
            Err(_) => {}
        }
    }
    Ok(None)
}

/// What is asked by broadcast.
pub(super) const GET_NSURI: &[u8] = b"GET_NSURI";
