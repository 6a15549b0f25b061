//! What all connections of a daemon share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use salamander_codec::Settings;
use salamander_object::{Expose, Object, Registry, Streams};
use salamander_value::Exception;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::builder::Hooks;
use super::routed::Route;
use crate::DAEMON_NAME;
use crate::config::Config;
use crate::error::Result;
use crate::uri::Uri;

pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    pub(crate) codec_settings: Arc<Settings>,
    pub(crate) registry: Arc<Registry>,
    /// What takes the calls, where there are layers in front of the registry.
    pub(crate) route: Option<Route>,
    pub(crate) streams: Streams,
    pub(crate) hooks: Hooks,
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
}

/// A handle on a daemon: registers objects and stops it, from anywhere. Cheap to clone.
#[derive(Clone)]
pub struct DaemonHandle(pub(crate) Arc<Shared>);

impl DaemonHandle {
    /// Registers an object under an id and gives its URI.
    ///
    /// # Errors
    /// Where the id is taken.
    pub fn register<T: Expose>(&self, id: &str, object: T) -> Result<Uri> {
        self.register_object(id, Arc::new(T::Store::from(object)))
    }

    /// Registers an object under an id of its own making and gives its URI.
    ///
    /// # Errors
    /// Never for want of an id.
    pub fn register_anonymous<T: Expose>(&self, object: T) -> Result<Uri> {
        self.register(&format!("obj_{}", uuid::Uuid::new_v4().simple()), object)
    }

    /// Registers anything that can be called.
    ///
    /// # Errors
    /// Where the id is taken.
    pub fn register_object(&self, id: &str, object: Arc<dyn Object>) -> Result<Uri> {
        self.0.registry.register(id, object)?;
        self.uri_for(id)
    }

    /// Takes an object out; calls under way finish. The daemon's own object stays.
    pub fn unregister(&self, id: &str) -> bool {
        id != DAEMON_NAME && self.0.registry.unregister(id).is_some()
    }

    /// The URI of an object id at this daemon, whether there is such an object or not.
    ///
    /// # Errors
    /// Where the id cannot stand in a URI.
    pub fn uri_for(&self, id: &str) -> Result<Uri> {
        let location = self.0.nat_location.as_ref().unwrap_or(&self.0.location);
        Ok(format!("PYRO:{id}@{location}").parse::<Uri>()?)
    }

    /// The same without regard to NAT: the URI at the address that the daemon is bound to.
    ///
    /// # Errors
    /// Where the id cannot stand in a URI.
    pub fn internal_uri_for(&self, id: &str) -> Result<Uri> {
        Ok(format!("PYRO:{id}@{}", self.0.location).parse::<Uri>()?)
    }

    /// Where clients find this daemon: `host:port` or `./u:path`.
    pub fn location(&self) -> &str {
        &self.0.location
    }

    /// The address that the daemon is bound to; none for a Unix domain socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.0.local_addr
    }

    /// The ids of all registered objects.
    pub fn registered(&self) -> Vec<String> {
        self.0.registry.ids()
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

    /// The metadata of an object.
    pub(crate) fn metadata(&self, id: &str) -> Result<salamander_value::Dict, Exception> {
        let object = self.registry.get(id).ok_or_else(|| {
            tracing::debug!("unknown object requested: {id}");
            unknown_object()
        })?;
        Ok(object.members().metadata())
    }

    /// Ends streams that are past their time.
    pub(crate) fn housekeeping(&self) {
        let ended = self.streams.expire(Instant::now(), self.config.stream_limits());
        if ended > 0 {
            tracing::debug!("{ended} item streams ended, past their time");
        }
    }
}

pub(crate) fn unknown_object() -> Exception {
    Exception::pyro("DaemonError", "unknown object")
}

impl fmt::Debug for DaemonHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Daemon on {}; {} objects>", self.0.location, self.0.registry.len())
    }
}
