//! [`Objects`]: the objects that are called, with connections that are kept.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use salamander_net::{Codec, Config, Error, Kind, NameServer, Proxy, Uri};
use tokio::sync::Semaphore;

use super::options::GatewayOptions;

/// How long it is believed that a name leads to the same place.
const TRUSTED: Duration = Duration::from_secs(1);

/// How long it is believed that there is no name server.
const GONE: Duration = Duration::from_secs(1);

/// The objects behind the names of a name server.
pub(super) struct Objects {
    config: Arc<Config>,
    /// Where the name server is.
    place: Mutex<(Option<String>, Option<u16>)>,
    max_calls: usize,
    max_objects: usize,
    idle: Duration,
    names: tokio::sync::Mutex<Names>,
    known: Arc<Mutex<Known>>,
}

/// The name server, or why there is none.
#[derive(Default)]
struct Names {
    found: Option<NameServer>,
    missing: Option<(Instant, Error)>,
}

#[derive(Default)]
struct Known {
    objects: HashMap<String, Entry>,
    /// Somebody looks for those that nobody calls.
    sweeping: bool,
}

struct Entry {
    object: Arc<Remote>,
    /// When the name was looked up.
    checked: Instant,
    used: Instant,
}

/// An object that is called.
pub(super) struct Remote {
    pub(super) uri: Uri,
    pub(super) proxy: Proxy,
    /// How many calls are made at once; each has a connection of its own.
    pub(super) calls: Semaphore,
    since: Instant,
}

impl Objects {
    pub(super) fn new(options: &GatewayOptions, config: &Config) -> Self {
        let mut config = config.clone();
        config.serializer = Codec::Json;
        config.commtimeout = options.timeout.unwrap_or_default();
        Self {
            config: Arc::new(config),
            place: Mutex::new((options.name_server_host.clone(), options.name_server_port)),
            max_calls: options.max_calls,
            max_objects: options.max_objects,
            idle: options.idle,
            names: tokio::sync::Mutex::default(),
            known: Arc::default(),
        }
    }

    /// Names another name server, to be looked for when it is needed.
    pub(super) fn use_name_server(&self, uri: &Uri) {
        let host = uri.host().map(str::to_owned).or_else(|| uri.socket_name().map(|path| format!("./u:{path}")));
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = (host, uri.port());
    }

    /// The name server, looked for if it is not known.
    pub(super) async fn name_server(&self) -> Result<NameServer, Error> {
        let mut names = self.names.lock().await;
        if let Some(found) = &names.found {
            return Ok(found.clone());
        }
        if let Some((when, error)) = &names.missing
            && when.elapsed() < GONE
        {
            return Err(error.clone());
        }
        let (host, port) = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match NameServer::locate_with(host.as_deref(), port, self.config.clone()).await {
            Ok(found) => {
                names.found = Some(found.clone());
                Ok(found)
            }
            Err(error) => {
                names.missing = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Asks the name server; where it is lost, looks for one once more.
    pub(super) async fn ask<T, F>(&self, ask: impl Fn(NameServer) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let names = self.name_server().await?;
        let done = ask(names).await;
        if !done
            .as_ref()
            .is_err_and(|error| matches!(error.kind(), Kind::Connection | Kind::Refused | Kind::Deadline))
        {
            return done;
        }
        tracing::info!("the connection with the name server is lost, looking for it");
        self.names.lock().await.found = None;
        ask(self.name_server().await?).await
    }

    /// The object of a name, as the name server knows it, or did a moment ago.
    pub(super) async fn find(&self, name: &str) -> Result<Arc<Remote>, Error> {
        let now = Instant::now();
        let known = {
            let mut known = self.known();
            known.objects.get_mut(name).map(|entry| {
                entry.used = now;
                let fresh = now.duration_since(entry.checked) < TRUSTED;
                if !fresh {
                    // Others need not ask the same.
                    entry.checked = now;
                }
                (entry.object.clone(), fresh)
            })
        };
        if let Some((object, true)) = &known {
            return Ok(object.clone());
        }
        match (self.ask(async |names| names.lookup(name).await).await, known) {
            (Ok(uri), Some((object, _))) if object.uri == uri => Ok(object),
            (Ok(uri), _) => self.remember(name, uri),
            // Who was found keeps being called while the name server is away.
            (Err(error), Some((object, _))) if !error.is("NamingError") => {
                tracing::warn!("{name} cannot be looked up: {error}");
                Ok(object)
            }
            (Err(error), _) => {
                self.forget(name);
                Err(error)
            }
        }
    }

    /// Whether this object has been found before.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.known().objects.contains_key(name)
    }

    /// Forgets where a name leads, because nobody answers there.
    pub(super) fn forget(&self, name: &str) {
        self.known().objects.remove(name);
    }

    /// The same object on new connections: its daemon may have been started anew, with other methods.
    pub(super) fn renewed(&self, name: &str, object: &Arc<Remote>) -> Result<Option<Arc<Remote>>, Error> {
        if object.since.elapsed() < TRUSTED {
            return Ok(None);
        }
        self.remember(name, object.uri.clone()).map(Some)
    }

    fn remember(&self, name: &str, uri: Uri) -> Result<Arc<Remote>, Error> {
        let proxy = Proxy::with_config(uri.clone(), self.config.clone())?;
        let now = Instant::now();
        let object = Arc::new(Remote { uri, proxy, calls: Semaphore::new(self.max_calls), since: now });
        let mut known = self.known();
        if known.objects.len() >= self.max_objects && !known.objects.contains_key(name) {
            let oldest = known.objects.iter().min_by_key(|(_, entry)| entry.used).map(|(name, _)| name.clone());
            oldest.and_then(|oldest| known.objects.remove(&oldest));
        }
        let entry = Entry { object: object.clone(), checked: now, used: now };
        known.objects.insert(name.to_owned(), entry);
        if !std::mem::replace(&mut known.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.known), self.idle));
        }
        Ok(object)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the objects that nobody calls any more, until there are none.
async fn sweep(known: Weak<Mutex<Known>>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / 2).await;
        let Some(known) = known.upgrade() else { return };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.objects.retain(|_, entry| entry.used.elapsed() < idle);
        if known.objects.is_empty() {
            known.sweeping = false;
            return;
        }
    }
}
