//! [`NameServerDaemon`]: a daemon that serves a name server, and answers broadcasts for it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::autoclean::{Cleaner, blocking};
use super::broadcast::Responder;
use super::object;
use super::registry::{NAME_SERVER, NameRegistry, TAG};
use super::storage;
use crate::config::Config;
use crate::daemon::{Builder, Daemon, DaemonHandle};
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
    /// Where the registrations are kept, as [`storage::open`] understands it: `memory`, `sql:` and a file, or the URL of a store.
    pub storage: Option<String>,
    /// Only clients that show a certificate may change names; all may look them up. Connections have to be encrypted for that.
    /// What passes calls on with a certificate of its own, as a door for another protocol might, lets everybody change them.
    pub certified_changes: bool,
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
    /// The protocols whose clients are let in although they cannot show that they know the key; see
    /// [`Builder::without_key`](crate::Builder::without_key).
    pub without_key: Vec<String>,
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
        Self::bind_with(options, config, |builder| builder).await
    }

    /// Binds a name server whose daemon is set up further: with doors for other protocols, hooks, limits.
    ///
    /// # Errors
    /// As [`NameServerDaemon::bind`].
    pub async fn bind_with(
        options: NameServerOptions,
        config: Arc<Config>,
        set_up: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self> {
        Cleaner::check(&config)?;
        let storage = options.storage.clone().unwrap_or_else(|| "memory".to_owned());
        let ns_port = config.ns_port;
        // A storage may be far away.
        let (registry, existing) = blocking(move || {
            let storage = storage::open(&storage).map_err(|error| Error::misuse(error.to_string()))?;
            let registry = Arc::new(NameRegistry::of_box(storage).with_name_server_port(ns_port));
            let existing = registry.count().map_err(Error::from)?;
            Ok::<_, Error>((registry, existing))
        })
        .await??;
        let certified = options.certified_changes;
        if certified && !config.ssl {
            return Err(Error::misuse(
                "clients can show a certificate only where connections are encrypted: turn SSL on",
            ));
        }
        let mut builder = Daemon::builder().config(config.clone());
        if certified {
            builder = builder.ask_for_certificates();
        }
        let mut builder = set_up(builder);
        for protocol in &options.without_key {
            builder = builder.without_key(protocol);
        }
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
        let (handle, names, settings) = (daemon.handle(), registry.clone(), config.clone());
        let uri = blocking(move || serve_names_to(&handle, names, &settings, certified)).await??;
        let internal_uri = daemon.internal_uri_for(NAME_SERVER)?;
        let silent = silent(&options, daemon.local_addr());
        let responder = match silent {
            None if !options.no_broadcast => Some(
                Responder::bind(
                    &internal_uri,
                    options.broadcast_host.as_deref().or(config.ns_bchost.as_deref()),
                    options.broadcast_port.unwrap_or(config.ns_bcport),
                    config.sock_reuse,
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

/// Registers a name server at a daemon: the object, its own name, and the cleaning of names that have expired or that nobody
/// serves any more. It waits for the storage.
///
/// # Errors
/// Where the daemon has a name server already, or the storage fails.
pub fn serve_names(daemon: &DaemonHandle, registry: Arc<NameRegistry>, config: &Config) -> Result<Uri> {
    serve_names_to(daemon, registry, config, false)
}

/// The same; with changes for those alone who have shown a certificate, if that is wanted.
fn serve_names_to(
    daemon: &DaemonHandle,
    registry: Arc<NameRegistry>,
    config: &Config,
    certified: bool,
) -> Result<Uri> {
    Cleaner::check(config)?;
    let uri = daemon.register(NAME_SERVER, object::NameServer { names: registry.clone(), certified })?;
    registry.add(NAME_SERVER, &uri, false, [TAG.to_owned()].into())?;
    let (names, stopping) = (registry.clone(), daemon.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = expire(names) => {}
            () = stopping.stopping() => {}
        }
    });
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

/// Removes what expires, soon after it does.
async fn expire(registry: Arc<NameRegistry>) {
    let mut failed = false;
    loop {
        let names = registry.clone();
        let done = blocking(move || names.expire()).await;
        let next = match done.and_then(|next| Ok(next?)) {
            Ok(next) => {
                failed = false;
                next.unwrap_or(EXPIRE_PAUSE)
            }
            // Said once, not each second.
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!("names that have expired cannot be removed: {error}");
                }
                EXPIRE_PAUSE
            }
        };
        tokio::time::sleep(next.clamp(Duration::from_millis(10), EXPIRE_PAUSE)).await;
    }
}

/// How often to look for names that have expired, where none is known to expire sooner.
const EXPIRE_PAUSE: Duration = Duration::from_secs(1);

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
