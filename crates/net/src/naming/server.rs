//! [`NameServerDaemon`]: a daemon that serves a name server, and answers broadcasts for it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::autoclean::Cleaner;
use super::broadcast::Responder;
use super::object;
use super::registry::{NAME_SERVER, NameRegistry};
use super::storage;
use crate::config::Config;
use crate::daemon::{Daemon, DaemonHandle};
use crate::error::{Error, Result};
use crate::uri::Uri;

/// How a name server is set up; what is not given is taken from the settings.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NameServerOptions {
    /// The host or address to bind to.
    pub host: Option<String>,
    /// The port to bind to; 0 is a free one.
    pub port: Option<u16>,
    /// The file of a Unix domain socket to bind to, instead of host and port.
    pub unix_socket: Option<String>,
    /// Where the registrations are kept: `memory`, or `sql:` and a file.
    pub storage: Option<String>,
    /// The host under which it is reached from outside.
    pub nat_host: Option<String>,
    /// The port under which it is reached from outside.
    pub nat_port: Option<u16>,
    /// Broadcasts are not answered.
    pub no_broadcast: bool,
    /// The address on which broadcasts are heard.
    pub broadcast_host: Option<String>,
    /// The port on which broadcasts are heard; 0 is a free one.
    pub broadcast_port: Option<u16>,
}

/// A name server with its daemon.
pub struct NameServerDaemon {
    daemon: Daemon,
    registry: Arc<NameRegistry>,
    uri: Uri,
    internal_uri: Uri,
    responder: Option<Responder>,
    /// Why broadcasts are not answered, where that was not asked for.
    silent: Option<&'static str>,
    existing: usize,
}

impl NameServerDaemon {
    /// Binds a name server.
    ///
    /// # Errors
    /// Where the address or the storage cannot be used, or `NS_AUTOCLEAN` is too short.
    pub async fn bind(options: NameServerOptions, config: Arc<Config>) -> Result<Self> {
        Cleaner::check(&config)?;
        let storage = storage::open(options.storage.as_deref().unwrap_or("memory"))
            .map_err(|error| Error::misuse(error.to_string()))?;
        let registry = Arc::new(NameRegistry::of_box(storage).with_name_server_port(config.ns_port));
        let existing = registry.count().map_err(Error::from)?;
        let mut builder = Daemon::builder().config(config.clone());
        if let Some(host) = &options.nat_host {
            builder = builder.nat(host.clone(), options.nat_port.unwrap_or(config.natport));
        }
        let location = match &options.unix_socket {
            Some(path) => format!("./u:{path}"),
            None => {
                let host = options.host.clone().unwrap_or_else(|| config.host.clone());
                let host = if host.contains(':') { format!("[{host}]") } else { host };
                format!("{host}:{}", options.port.unwrap_or(config.ns_port))
            }
        };
        let daemon = builder.bind(&location).await?;
        let uri = serve_names(&daemon, registry.clone(), &config)?;
        let internal_uri = daemon.internal_uri_for(NAME_SERVER)?;
        let silent = silent(&options, daemon.local_addr());
        let responder = match silent {
            None if !options.no_broadcast => Some(
                Responder::bind(
                    &internal_uri,
                    options.broadcast_host.as_deref().or(config.ns_bchost.as_deref()),
                    options.broadcast_port.unwrap_or(config.ns_bcport),
                )
                .await?,
            ),
            _ => None,
        };
        Ok(Self { daemon, registry, uri, internal_uri, responder, silent, existing })
    }

    /// The URI of the name server, at its NAT address if it has one.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The URI of the name server at the address that it is bound to.
    pub fn internal_uri(&self) -> &Uri {
        &self.internal_uri
    }

    /// How many names the storage held already.
    pub fn existing(&self) -> usize {
        self.existing
    }

    /// Where broadcasts are heard.
    pub fn broadcast_addr(&self) -> Option<SocketAddr> {
        self.responder.as_ref().and_then(Responder::local_addr)
    }

    /// Why broadcasts are not heard, unless that was asked for.
    pub fn silent_because(&self) -> Option<&'static str> {
        self.silent
    }

    /// The names.
    pub fn registry(&self) -> &Arc<NameRegistry> {
        &self.registry
    }

    /// The daemon, where more objects can be registered.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Serves until the daemon is shut down.
    ///
    /// # Errors
    /// As [`Daemon::serve`].
    pub async fn serve(self) -> Result<()> {
        let answering = self.responder.map(|responder| tokio::spawn(responder.answer()));
        let done = self.daemon.serve().await;
        if let Some(answering) = answering {
            answering.abort();
        }
        done
    }
}

/// Registers a name server at a daemon: the object, its own name, and the cleaning of names that nobody serves any more.
///
/// # Errors
/// Where the daemon has a name server already, or the storage fails.
pub fn serve_names(daemon: &DaemonHandle, registry: Arc<NameRegistry>, config: &Config) -> Result<Uri> {
    Cleaner::check(config)?;
    let uri = daemon.register(NAME_SERVER, object::NameServer(registry.clone()))?;
    registry.add(NAME_SERVER, &uri, false, ["class:Pyro5.nameserver.NameServer".to_owned()].into())?;
    if let Some(every) = config.autoclean() {
        let timeout = config.comm_timeout().unwrap_or(CONNECT_TIMEOUT);
        let cleaner = Cleaner::new(registry, every, timeout);
        let daemon = daemon.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = cleaner.run() => {}
                () = daemon.stopping() => {}
            }
        });
    }
    Ok(uri)
}

/// How long a connection to a registered object may take before it counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why broadcasts are not answered although they could be.
fn silent(options: &NameServerOptions, bound: Option<SocketAddr>) -> Option<&'static str> {
    if options.unix_socket.is_some() {
        return Some("a Unix domain socket");
    }
    match bound.map(|address| address.ip()) {
        Some(IpAddr::V6(_)) => Some("IPv6"),
        Some(IpAddr::V4(address)) if address.is_loopback() => Some("localhost"),
        _ => None,
    }
}

impl fmt::Debug for NameServerDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<NameServerDaemon {}>", self.uri)
    }
}
