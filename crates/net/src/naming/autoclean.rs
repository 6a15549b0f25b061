//! [`Cleaner`]: removes names whose daemons have been out of reach for a while (`NS_AUTOCLEAN`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::registry::{NAME_SERVER, NameRegistry};
use crate::DAEMON_NAME;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::uri::Uri;

/// Pyro refuses to look more often than this.
const SHORTEST: Duration = Duration::from_secs(3);

/// Names that have been out of reach for so long are removed.
const UNREACHABLE: Duration = Duration::from_secs(20);

pub(super) struct Cleaner {
    registry: Arc<NameRegistry>,
    every: Duration,
    timeout: Duration,
    /// Since when names are out of reach.
    unreachable: HashMap<String, Instant>,
}

impl Cleaner {
    pub(super) fn new(registry: Arc<NameRegistry>, every: Duration, timeout: Duration) -> Self {
        Self { registry, every, timeout, unreachable: HashMap::new() }
    }

    /// Whether the setting can be used.
    pub(super) fn check(config: &Config) -> Result<()> {
        match config.autoclean() {
            Some(every) if every < SHORTEST => {
                Err(Error::misuse(format!("NS_AUTOCLEAN cannot be smaller than {}", SHORTEST.as_secs())))
            }
            _ => Ok(()),
        }
    }

    /// Cleans for ever.
    pub(super) async fn run(mut self) {
        let mut tick = tokio::time::interval(self.every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look().await {
                tracing::warn!("autoclean: {error}");
            }
        }
    }

    /// Looks at all names once.
    async fn look(&mut self) -> Result<()> {
        let registry = self.registry.clone();
        let names = blocking(move || registry.select(None, None, false)).await??;
        self.unreachable.retain(|name, _| names.contains_key(name));
        for (name, entry) in names {
            if name == DAEMON_NAME || name == NAME_SERVER {
                continue;
            }
            if self.reaches(&entry.uri).await {
                self.unreachable.remove(&name);
                continue;
            }
            let since = *self.unreachable.entry(name.clone()).or_insert_with(Instant::now);
            if since.elapsed() >= UNREACHABLE {
                let seconds = UNREACHABLE.as_secs();
                tracing::info!("autoclean: unregistering {name}; cannot connect {} for {seconds} sec", entry.uri);
                let (registry, gone) = (self.registry.clone(), name.clone());
                blocking(move || registry.remove(Some(&gone), None, None)).await??;
                self.unreachable.remove(&name);
            }
        }
        Ok(())
    }

    /// Whether something listens where this URI points.
    async fn reaches(&self, uri: &str) -> bool {
        let Ok(uri) = uri.parse::<Uri>() else { return true };
        #[cfg(unix)]
        if let Some(path) = uri.socket_name() {
            return tokio::net::UnixStream::connect(path).await.is_ok();
        }
        let (Some(host), Some(port)) = (uri.host(), uri.port()) else { return true };
        matches!(tokio::time::timeout(self.timeout, TcpStream::connect((host, port))).await, Ok(Ok(_)))
    }
}

/// Runs what may wait for a storage.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::connection(error.to_string()))
}
