//! [`Daemon`]: accepts clients until it is stopped.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use salamander_codec::{Classes, Generation};
use salamander_object::{Local, Registry, Streams};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::beside::Neighbours;
use super::builder::{Builder, Hooks, PYRO5};
use super::client::Door;
use super::daemon_object::DaemonObject;
use super::leases::Leases;
use super::listen::Listener;
use super::recognise;
use super::routed::BoxLayer;
use super::shared::{DaemonHandle, Shared};
use crate::DAEMON_NAME;
use crate::config::Config;
use crate::dialect::{Dialect, Key};
use crate::error::Result;
use crate::stream::Stream;
use crate::tls::ServerTls;
use crate::zone;

/// A server of objects.
///
/// It listens as soon as it is bound, and answers while [`Daemon::serve`] runs. All that can be done with it while it serves is
/// done through its [`DaemonHandle`], to which it dereferences.
///
/// ```no_run
/// # use salamander_net::{Daemon, Error};
/// # #[salamander_macros::expose(crate = "salamander_net::__private")]
/// # impl Greeter { fn greet(&self) -> &'static str { "hello" } }
/// # struct Greeter;
/// # async fn example() -> Result<(), Error> {
/// let daemon = Daemon::bind("localhost:0").await?;
/// let uri = daemon.register("example.greeting", Greeter)?;
/// println!("{uri}");
/// daemon.serve().await
/// # }
/// ```
pub struct Daemon {
    handle: DaemonHandle,
    listeners: Vec<Listener>,
    /// A client that is there from the beginning.
    client: Option<Stream>,
    refuse_when_full: bool,
}

/// How a daemon was asked to be.
pub(crate) struct Setup {
    pub(crate) config: Arc<Config>,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) hooks: Hooks,
    pub(crate) nat_location: Option<String>,
    pub(crate) limit: Option<Arc<Semaphore>>,
    pub(crate) refuse_when_full: bool,
    pub(crate) layer: Option<BoxLayer>,
    pub(crate) doors: Vec<Arc<dyn Door>>,
    pub(crate) leases: Option<Duration>,
    pub(crate) key: Option<Key>,
    /// The protocols that are let in although they know no key.
    pub(crate) keyless: Vec<String>,
    pub(crate) classes: Classes,
}

impl Daemon {
    /// Binds to a location, with the settings of the environment. See [`Builder::bind`] for locations.
    ///
    /// # Errors
    /// Where the address is none, or taken, or a setting of the environment is wrong.
    pub async fn bind(location: &str) -> Result<Self> {
        Self::builder().bind(location).await
    }

    /// Sets up a daemon in another way than by default.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A daemon on sockets that are open.
    pub(crate) fn start(listeners: Vec<Listener>, location: String, setup: Setup) -> Self {
        let Setup {
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
        } = setup;
        // A key is of no use while somebody can come without.
        let doors = doors
            .into_iter()
            .filter(|door| key.is_none() || keyless.iter().any(|name| name == door.name()))
            .collect();
        let mut codec_settings = zone::codec_settings(&config);
        codec_settings.classes = classes;
        let registry = Arc::new(Registry::new());
        let shared = Arc::new(Shared {
            route: layer.map(|layer| layer(Local::new(registry.clone()).on_error(hooks.error.clone()))),
            local_addr: listeners.first().and_then(Listener::local_addr),
            dialects: [Generation::Pyro5, Generation::Pyro4]
                .map(|spoken| Dialect::new(spoken, key.as_ref(), &codec_settings)),
            pyro5: key.is_none() || keyless.iter().any(|name| name == PYRO5),
            config,
            tls,
            registry,
            streams: Streams::default(),
            leases: Leases::new(leases),
            hooks,
            doors,
            location,
            nat_location,
            stopping: CancellationToken::new(),
            stopped: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            limit,
            connections: AtomicUsize::new(0),
            beside: Neighbours::default(),
        });
        let own = salamander_object::Shared::from(DaemonObject(Arc::downgrade(&shared)));
        // Nothing is registered yet that could be in the way.
        let _ = shared.registry.register(DAEMON_NAME, Arc::new(own));
        Self { handle: DaemonHandle(shared), listeners, client: None, refuse_when_full }
    }

    /// The same, which serves this client and ends with it.
    pub(crate) fn with_client(self, client: Stream) -> Self {
        Self { client: Some(client), ..self }
    }

    /// A handle that stays usable while the daemon serves.
    pub fn handle(&self) -> DaemonHandle {
        self.handle.clone()
    }

    /// Serves clients until the daemon is shut down, and returns when the last call is answered.
    ///
    /// # Errors
    /// None so far: what is wrong with one client is logged and does not stop the others.
    pub async fn serve(self) -> Result<()> {
        let shared = &self.handle.0;
        tracing::info!("daemon on {} is serving", shared.location);
        // Among the others, so that who waits for the end of all finds the port free.
        for listener in self.listeners {
            shared.tasks.spawn(accept(listener, shared.clone(), self.refuse_when_full));
        }
        if let Some(client) = self.client {
            let (handle, task) = (self.handle.clone(), recognise::run_connected(client, shared.clone()));
            shared.tasks.spawn(async move {
                task.await;
                handle.shutdown();
            });
        }
        while !shared.stopping.is_cancelled() {
            // A timer costs every wake-up of the runtime a look at the clock: there is none while nothing ends by itself.
            tokio::select! {
                () = shared.stopping.cancelled() => break,
                () = shared.streams.opened() => {}
                () = shared.leases.granted() => {}
            }
            while let Some(pause) = shared.housekeeping_pause() {
                tokio::select! {
                    () = shared.stopping.cancelled() => break,
                    () = tokio::time::sleep(pause) => shared.housekeeping(),
                }
            }
        }
        self.handle.stopped().await;
        tracing::info!("daemon on {} has stopped", shared.location);
        Ok(())
    }

    /// Serves in the background; the handle stops it.
    pub fn spawn(self) -> DaemonHandle {
        let handle = self.handle();
        tokio::spawn(self.serve());
        handle
    }
}

/// How long to wait when the system has no more file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);

async fn accept(listener: Listener, shared: Arc<Shared>, refuse_when_full: bool) {
    loop {
        // A place first: clients beyond the limit wait in the system's queue.
        let place = match &shared.limit {
            Some(limit) if !refuse_when_full => tokio::select! {
                () = shared.stopping.cancelled() => return,
                place = limit.clone().acquire_owned() => place.ok(),
            },
            _ => None,
        };
        let stream = tokio::select! {
            () = shared.stopping.cancelled() => return,
            accepted = listener.accept(&shared.config) => match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!("accepting a client failed: {error}");
                    tokio::time::sleep(EXHAUSTED).await;
                    continue;
                }
            },
        };
        let (place, refused) = match &shared.limit {
            Some(limit) if refuse_when_full => match limit.clone().try_acquire_owned() {
                Ok(place) => (Some(place), false),
                Err(_) => (None, true),
            },
            _ => (place, false),
        };
        let task = recognise::run(stream, shared.clone(), refused);
        shared.tasks.spawn(async move {
            task.await;
            drop(place);
        });
    }
}

/// Counts a connection as long as it lives.
pub(crate) struct Counted(Arc<Shared>);

impl Counted {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Deref for Daemon {
    type Target = DaemonHandle;

    fn deref(&self) -> &DaemonHandle {
        &self.handle
    }
}

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
