//! [`Builder`]: how a daemon is set up.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use salamander_object::{Call, Local, Outcome, Session};
use salamander_value::{Exception, Value};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use tower_layer::Layer;
use tower_service::Service;

use super::routed::{self, BoxLayer};
use super::server::{Daemon, Listener, Setup};
use crate::config::Config;
use crate::error::{Error, Result};

type Checked = Pin<Box<dyn Future<Output = Result<Value, Exception>> + Send>>;

type ConnectHook = Arc<dyn Fn(Handshake) -> Checked + Send + Sync>;
type DisconnectHook = Arc<dyn Fn(&Session) + Send + Sync>;

/// What the user wants to know or decide about connections.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) connect: Option<ConnectHook>,
    pub(crate) disconnect: Option<DisconnectHook>,
}

/// A client that wants to connect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The session it would be.
    pub session: Arc<Session>,
    /// The value that the client sent; `"hello"` unless it was told otherwise.
    pub data: Value,
    /// The id of the object that it wants to call.
    pub object: String,
}

/// Sets up a [`Daemon`].
#[must_use = "a daemon is made by `bind`"]
pub struct Builder {
    config: Option<Arc<Config>>,
    nat: Option<(String, u16)>,
    hooks: Hooks,
    max_connections: Option<usize>,
    refuse_when_full: bool,
    layer: Option<BoxLayer>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            config: None,
            nat: None,
            hooks: Hooks::default(),
            max_connections: None,
            refuse_when_full: false,
            layer: None,
        }
    }

    /// With these settings instead of those of the environment.
    pub fn config(mut self, config: Arc<Config>) -> Self {
        self.config = Some(config);
        self
    }

    /// URIs carry this host and port instead of the bound ones; port 0 is the bound one.
    pub fn nat(mut self, host: impl Into<String>, port: u16) -> Self {
        self.nat = Some((host.into(), port));
        self
    }

    /// Asks `check` about every client that connects. What it gives is sent to the client as the answer to the handshake; an
    /// error refuses the client, who is told the message.
    pub fn on_connect<F, C>(mut self, check: C) -> Self
    where
        C: Fn(Handshake) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, Exception>> + Send + 'static,
    {
        self.hooks.connect = Some(Arc::new(move |handshake| Box::pin(check(handshake))));
        self
    }

    /// Tells `gone` of every client that has left after it had connected.
    pub fn on_disconnect(mut self, gone: impl Fn(&Session) + Send + Sync + 'static) -> Self {
        self.hooks.disconnect = Some(Arc::new(gone));
        self
    }

    /// Puts a layer in front of the objects: a limit, a timeout, a log of the calls, anything of `tower`'s. Every call, each
    /// of a batch by itself, passes through the service that it makes of [`Local`]; only what concerns the daemon itself does not.
    /// Without a layer, plain methods are called with no service between.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Local> + Send + 'static,
        L::Service: Service<Call, Response = Outcome> + Clone + Send + Sync + 'static,
        <L::Service as Service<Call>>::Future: Send,
        <L::Service as Service<Call>>::Error: Into<Exception>,
    {
        self.layer = Some(Box::new(move |local| routed::route(layer.layer(local))));
        self
    }

    /// At most this many clients at once; more of them wait until one leaves.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.max_connections = Some(limit);
        self
    }

    /// Clients beyond the limit are refused with a message, instead of waiting.
    pub fn refuse_when_full(mut self) -> Self {
        self.refuse_when_full = true;
        self
    }

    /// Binds to `host:port`, `[ipv6]:port` or `./u:path`. Port 0 lets the system choose one; `localhost` is both 127.0.0.1
    /// and ::1, where there is one.
    ///
    /// # Errors
    /// Where the address is none, or taken.
    pub async fn bind(self, location: &str) -> Result<Daemon> {
        let config = match self.config {
            Some(config) => config,
            None => Config::global()?,
        };
        config.check_supported()?;
        let (listeners, location) = listen(location).await?;
        let bound_port = location.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
        let nat = self.nat.or_else(|| config.nathost.clone().map(|host| (host, config.natport)));
        let nat_location = nat.map(|(host, port)| {
            let port = if port == 0 { bound_port } else { port };
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
        });
        // Pyro's setting refuses whoever is too many.
        let refuse_when_full = self.refuse_when_full || self.max_connections.is_none();
        let limit = self.max_connections.or_else(|| config.connection_limit());
        let limit = limit.map(|limit| Arc::new(Semaphore::new(limit)));
        let (hooks, layer) = (self.hooks, self.layer);
        let setup = Setup { config, hooks, nat_location, limit, refuse_when_full, layer };
        Ok(Daemon::start(listeners, location, setup))
    }
}

/// Opens the sockets of a location, and gives the location with the port that was chosen.
async fn listen(location: &str) -> Result<(Vec<Listener>, String)> {
    if let Some(path) = location.strip_prefix("./u:") {
        #[cfg(unix)]
        {
            let path = PathBuf::from(path);
            let listener = tokio::net::UnixListener::bind(&path)
                .map_err(|error| Error::connection(format!("cannot bind to {location}: {error}")))?;
            return Ok((vec![Listener::Unix(listener, path)], location.to_owned()));
        }
        #[cfg(not(unix))]
        return Err(Error::misuse("there are no Unix domain sockets on this system"));
    }
    let bad = || Error::misuse(format!("'{location}' is no location; it should be host:port or [ipv6]:port"));
    let (host, port) = location.rsplit_once(':').ok_or_else(bad)?;
    let port: u16 = port.parse().map_err(|_| bad())?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let failed = |host: &str, port: u16, error: std::io::Error| {
        let hint = if error.kind() == std::io::ErrorKind::AddrInUse {
            " (choose another port, or 0 for a free one)"
        } else {
            ""
        };
        Error::connection(format!("cannot bind to {host}:{port}: {error}{hint}"))
    };
    let bind = async |host: &str, port: u16| TcpListener::bind((host, port)).await;
    if host == "localhost" {
        let first = bind("127.0.0.1", port).await.map_err(|error| failed(host, port, error))?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![Listener::Tcp(first)];
        // Where there is no IPv6, 127.0.0.1 is all of localhost.
        match bind("::1", port).await {
            Ok(second) => listeners.push(Listener::Tcp(second)),
            Err(error) => tracing::debug!("not listening on [::1]:{port}: {error}"),
        }
        return Ok((listeners, format!("localhost:{port}")));
    }
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let listener = bind(host, port).await.map_err(|error| failed(host, port, error))?;
    let port = listener.local_addr()?.port();
    let location = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    Ok((vec![Listener::Tcp(listener)], location))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("nat", &self.nat).field("max_connections", &self.max_connections).finish()
    }
}
