//! What all connections of a daemon share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use salamander_codec::Generation;
use salamander_object::{Local, Object, Registry, Session, Streams, unknown_object};
use salamander_value::{Dict, Exception};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::beside::Neighbours;
use super::builder::Hooks;
use super::client::Door;
use super::leases::Leases;
use super::routed::Route;
use crate::DAEMON_NAME;
use crate::config::Config;
use crate::dialect::Dialect;
use crate::tls::ServerTls;

pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    /// What makes connections secure, if they are to be.
    pub(crate) tls: Option<ServerTls>,
    pub(crate) dialects: [Arc<Dialect>; 2],
    /// Whether clients may come by Pyro 5, which knows no key.
    pub(crate) pyro5: bool,
    pub(crate) registry: Arc<Registry>,
    /// What takes the calls, where there are layers in front of the registry.
    pub(crate) route: Option<Route>,
    pub(crate) streams: Streams,
    pub(crate) leases: Leases,
    pub(crate) hooks: Hooks,
    /// The protocols beside Pyro's.
    pub(crate) doors: Vec<Arc<dyn Door>>,
    /// Where clients find this daemon: `host:port` or `./u:path`.
    pub(crate) location: String,
    pub(crate) local_addr: Option<SocketAddr>,
    /// The location that URIs carry, if it is another (NAT).
    pub(crate) nat_location: Option<String>,
    pub(crate) stopping: CancellationToken,
    /// Whether `stopping` has been cancelled, to be asked without a lock.
    pub(crate) stopped: AtomicBool,
    /// The connections and the calls that outlive them.
    pub(crate) tasks: TaskTracker,
    pub(crate) limit: Option<Arc<Semaphore>>,
    pub(crate) connections: AtomicUsize,
    /// The ports of other protocols.
    pub(crate) beside: Neighbours,
}

/// A handle on a daemon: registers objects and stops it, from anywhere. Cheap to clone.
///
/// Pyro's `resetMetadataCache` has no counterpart: it is for Python classes that get methods while their daemon serves, and what a Rust
/// type exposes is known when it is compiled. No client can call it; one whose object has been replaced by another makes a new proxy, as in
/// Pyro.
#[derive(Clone)]
pub struct DaemonHandle(pub(crate) Arc<Shared>);

impl DaemonHandle {
    /// Where clients find this daemon: `host:port` or `./u:path`.
    pub fn location(&self) -> &str {
        &self.0.location
    }

    /// The address that the daemon is bound to; none for a Unix domain socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.0.local_addr
    }

    /// Whether clients have to encrypt.
    pub fn is_encrypted(&self) -> bool {
        self.0.tls.is_some()
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// How many item streams are open.
    pub fn open_streams(&self) -> usize {
        self.0.streams.len()
    }

    /// Stops the daemon: no more clients, idle connections close, calls under way finish and are answered. Returns at
    /// once; [`DaemonHandle::stopped`] waits.
    pub fn shutdown(&self) {
        self.0.stopped.store(true, Ordering::Release);
        self.0.stopping.cancel();
        self.0.streams.clear();
    }

    /// Waits until somebody stops the daemon.
    pub async fn stopping(&self) {
        self.0.stopping.cancelled().await;
    }

    /// Waits until the daemon has been stopped and the last call is answered.
    pub async fn stopped(&self) {
        self.0.stopping.cancelled().await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Shared {
    /// The objects as a place that takes calls.
    pub(crate) fn local(&self) -> Local {
        Local::new(self.registry.clone()).on_error(self.hooks.error.clone())
    }

    /// What clients of a generation of Pyro speak.
    pub(crate) fn dialect(&self, generation: Generation) -> &Arc<Dialect> {
        let [pyro5, pyro4] = &self.dialects;
        match generation {
            Generation::Pyro5 => pyro5,
            Generation::Pyro4 => pyro4,
        }
    }

    /// Whether the daemon is being stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// One line about the daemon, as Pyro's daemon object gives it.
    pub(crate) fn info(&self) -> String {
        format!(
            "{DAEMON_NAME} bound on {}, NAT {}, {} objects registered. Servertype: salamander {}; {} connections",
            self.location,
            self.nat_location.as_deref().unwrap_or("None"),
            self.registry.len(),
            env!("CARGO_PKG_VERSION"),
            self.connections.load(Ordering::Relaxed),
        )
    }

    /// The metadata of an object, for a session that wants to call it.
    pub(crate) fn metadata(&self, id: &str, session: Option<&Arc<Session>>) -> Result<Dict, Exception> {
        let object = self.asked_for(id)?;
        if let Some(session) = session {
            object.greeted(session);
        }
        Ok(object.members().metadata())
    }

    /// All that is known of the members of an object.
    pub(crate) fn interface(&self, id: &str) -> Result<Dict, Exception> {
        Ok(self.asked_for(id)?.members().interface())
    }

    fn asked_for(&self, id: &str) -> Result<Arc<dyn Object>, Exception> {
        self.registry.get(id).ok_or_else(|| {
            tracing::debug!("unknown object requested: {id}");
            unknown_object()
        })
    }

    /// How long until the next housekeeping, if there is anything that ends by itself.
    pub(crate) fn housekeeping_pause(&self) -> Option<Duration> {
        let streams = (!self.streams.is_empty()).then(|| self.config.housekeeping_pause());
        let leases = if self.leases.is_empty() { None } else { self.leases.pause() };
        streams.into_iter().chain(leases).min()
    }

    /// Ends streams and leases that are past their time.
    pub(crate) fn housekeeping(&self) {
        for id in self.leases.expire(Instant::now()) {
            tracing::debug!("nobody uses {id} any more: it is taken out");
            self.registry.unregister(&id);
        }
        let ended = self.streams.expire(Instant::now(), self.config.stream_limits());
        if ended > 0 {
            tracing::debug!("{ended} item streams ended, past their time");
        }
    }
}

impl fmt::Debug for DaemonHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Daemon on {}; {} objects>", self.0.location, self.0.registry.len())
    }
}
