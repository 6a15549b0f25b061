//! [`Builder`]: how a daemon is set up.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use salamander_codec::Classes;
use salamander_object::{Annotations, Call, ErrorHook, FailedCall, Local, Outcome, Session};
use salamander_value::{Exception, Value};
use tokio::sync::Semaphore;

use tower_layer::Layer;
use tower_service::Service;

use super::client::Door;
use super::listen;
use super::routed::{self, BoxLayer};
use super::server::{Daemon, Setup};
use crate::config::Config;
use crate::connected::ConnectedSocket;
use crate::dialect::Key;
use crate::error::{Error, Result};
use crate::tls::{Certificate, ServerTls};
use crate::uri::Location;

type Checked = Pin<Box<dyn Future<Output = Result<Value, Exception>> + Send>>;

type ConnectHook = Arc<dyn Fn(Handshake) -> Checked + Send + Sync>;
type DisconnectHook = Arc<dyn Fn(&Session) + Send + Sync>;
type AnnotationsHook = Arc<dyn Fn() -> Annotations + Send + Sync>;

/// What the user wants to know or decide about connections.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) connect: Option<ConnectHook>,
    pub(crate) disconnect: Option<DisconnectHook>,
    pub(crate) annotations: Option<AnnotationsHook>,
    pub(crate) error: ErrorHook,
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
    /// The certificate that it has shown; there is one where connections are encrypted and `SSL_REQUIRECLIENTCERT` is on.
    pub certificate: Option<Certificate>,
}

/// The name of Pyro 5's protocol, for [`Builder::without_key`].
pub const PYRO5: &str = "pyro5";

/// Sets up a [`Daemon`].
#[must_use = "a daemon is made by `bind`"]
pub struct Builder {
    config: Option<Arc<Config>>,
    nat: Option<(String, u16)>,
    hooks: Hooks,
    max_connections: Option<usize>,
    refuse_when_full: bool,
    layer: Option<BoxLayer>,
    doors: Vec<Arc<dyn Door>>,
    leases: Option<Duration>,
    key: Option<Key>,
    keyless: Vec<String>,
    classes: Classes,
    asks_for_certificates: bool,
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
            doors: Vec::new(),
            leases: None,
            key: None,
            keyless: Vec::new(),
            classes: Classes::new(),
            asks_for_certificates: false,
        }
    }

    /// With these settings instead of those of the environment.
    pub fn config(mut self, config: Arc<Config>) -> Self {
        self.config = Some(config);
        self
    }

    /// Clients may show a certificate where connections are encrypted, even if `SSL_REQUIRECLIENTCERT` does not say that they have
    /// to. One that is shown is checked as it is there; [`Session::certificate`] gives it.
    pub fn ask_for_certificates(mut self) -> Self {
        self.asks_for_certificates = true;
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

    /// What every answer carries, beside the annotations that methods set; asked for at each answer.
    pub fn annotations(mut self, annotations: impl Fn() -> Annotations + Send + Sync + 'static) -> Self {
        self.hooks.annotations = Some(Arc::new(annotations));
        self
    }

    /// Tells `failed` of every call whose method raised an exception, one-way calls and those of batches among them.
    pub fn on_error(mut self, failed: impl Fn(&FailedCall<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.error = ErrorHook::new(failed);
        self
    }

    /// Objects that are handed over ([`DaemonHandle::share`](super::DaemonHandle::share)) are taken out when nobody has used them for
    /// so long: no client is connected that has called them or connected for them. An idle Python proxy is not connected, and
    /// nobody can see it: such a client has to come within this time. Without this they stay until they are taken out.
    pub fn leases(mut self, time: Duration) -> Self {
        self.leases = Some(time);
        self
    }

    /// What becomes of instances of classes that clients send, where a method takes a [`Value`] of any type.
    pub fn classes(mut self, classes: Classes) -> Self {
        self.classes = classes;
        self
    }

    /// Opens the port to another protocol beside Pyro's.
    pub fn door(mut self, door: impl Door) -> Self {
        self.doors.push(Arc::new(door));
        self
    }

    /// Lets in only those who know this key, which messages of Pyro 4 are signed with (HMAC-SHA1), instead of the setting
    /// `HMAC_KEY`. An empty key is none.
    ///
    /// No other protocol can show that it knows the key: all of them are closed then, Pyro 5's too, but for those that
    /// [`Builder::without_key`] names. The key keeps nothing secret that is sent, see `SECURITY.md`.
    pub fn hmac_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Key::new(key.as_ref());
        self
    }

    /// Lets clients of this protocol in although they cannot show that they know the key: [`PYRO5`], or the name of a
    /// [`Door`].
    pub fn without_key(mut self, protocol: impl Into<String>) -> Self {
        self.keyless.push(protocol.into());
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
    /// and ::1, where there is one and `PREFER_IP_VERSION` does not choose; no host is all addresses of this machine. Where it
    /// is to be seen that other machines cannot use the daemon's URIs, that is logged as a warning.
    ///
    /// # Errors
    /// Where the address is none, or taken; where settings contradict each other, or a file that they name is wrong.
    pub async fn bind(self, location: &str) -> Result<Daemon> {
        let config = self.settings()?;
        let is_file = location.starts_with(Location::UNIX_PREFIX);
        if is_file && (self.nat.is_some() || config.nathost.is_some()) {
            return Err(Error::misuse("NATHOST cannot be used together with a Unix domain socket"));
        }
        let tls = ServerTls::of(&config, self.asks_for_certificates)?;
        let (listeners, location) = listen::listen(location, &config).await?;
        let bound_port = location.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
        let nat = self.nat.clone().or_else(|| config.nathost.clone().map(|host| (host, config.natport)));
        let nat_location = nat.map(|(host, port)| listen::at(&host, if port == 0 { bound_port } else { port }));
        if let Some(bound) = listeners.first().and_then(|listener| listener.local_addr())
            && let Some(why) = listen::unreachable_because(&location, nat_location.as_deref(), bound.ip())
        {
            tracing::warn!("{why}");
        }
        Ok(Daemon::start(listeners, location, self.set_up(config, tls, nat_location)))
    }

    /// Binds to the host that `HOST` names, and this port; 0 lets the system choose one.
    ///
    /// # Errors
    /// As [`Builder::bind`].
    pub async fn bind_port(self, port: u16) -> Result<Daemon> {
        let location = listen::at(&self.settings()?.host, port);
        self.bind(&location).await
    }

    /// Serves the one client at the other end of a socket that is connected already, such as one of a pair, and ends with it.
    /// There is no handshake, and URIs lead nobody here: a client has to have the other end of the socket. Where `SSL` is on, the client
    /// has to begin with TLS.
    ///
    /// # Errors
    /// Where the socket is not connected, or settings are wrong.
    ///
    /// # Wire
    /// Pyro 502 without `CONNECT`, as Pyro's `connected_socket` has it.
    pub async fn connected(self, socket: impl Into<ConnectedSocket>) -> Result<Daemon> {
        let config = self.settings()?;
        let tls = ServerTls::of(&config, self.asks_for_certificates)?;
        let socket = socket.into();
        let location = socket.location();
        let stream = socket.into_stream()?;
        Ok(Daemon::start(Vec::new(), location, self.set_up(config, tls, None)).with_client(stream))
    }

    fn settings(&self) -> Result<Arc<Config>> {
        let config = match &self.config {
            Some(config) => config.clone(),
            None => Config::global()?,
        };
        config.check()?;
        Ok(config)
    }

    fn set_up(self, config: Arc<Config>, tls: Option<ServerTls>, nat_location: Option<String>) -> Setup {
        // Pyro's setting refuses whoever is too many.
        let refuse_when_full = self.refuse_when_full || self.max_connections.is_none();
        let limit = self.max_connections.or_else(|| config.connection_limit());
        let limit = limit.map(|limit| Arc::new(Semaphore::new(limit)));
        let Self { hooks, layer, doors, leases, classes, keyless, .. } = self;
        let key = self.key.or_else(|| config.key());
        Setup {
            config,
            tls,
            hooks,
            nat_location,
            limit,
            refuse_when_full,
            layer,
            doors,
            leases,
            classes,
            key,
            keyless,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("nat", &self.nat).field("max_connections", &self.max_connections).finish()
    }
}
