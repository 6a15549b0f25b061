//! A stage: a name server of ours, and the settings by which one example's programs find it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::prelude::*;
use salamander::{Builder, Config, Generation};

use super::printed::Printed;
use super::program::folder;

/// Where one example is played: with a name server of its own, on a free port.
pub struct Stage {
    generation: Generation,
    config: Arc<Config>,
    port: u16,
    broadcasts: Option<SocketAddr>,
    /// What the servers in Rust print.
    pub printed: Printed,
}

impl Stage {
    /// A stage for Pyro5's programs with Pyro's default settings.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings for its servers in Rust, by the names of environment variables.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(Generation::Pyro5, settings).await
    }

    /// A stage for the programs of a generation. The servers in Rust are the same for both.
    ///
    /// # Panics
    /// Where a setting is wrong, or there is no free port.
    pub async fn of(generation: Generation, settings: &[(&str, &str)]) -> Self {
        let mut options = NameServerOptions::default();
        (options.host, options.port) = (Some("127.0.0.1".to_owned()), Some(0));
        Self::with_names(generation, settings, options).await
    }

    /// A stage whose name server is found by broadcast as well.
    ///
    /// # Panics
    /// Where there is no free port.
    pub async fn discoverable(generation: Generation) -> Self {
        let mut options = NameServerOptions::default();
        // A name server that is there for its own machine alone does not answer broadcasts.
        (options.host, options.port) = (Some("0.0.0.0".to_owned()), Some(0));
        (options.broadcast_host, options.broadcast_port) = (Some("127.0.0.1".to_owned()), Some(0));
        Self::with_names(generation, &[], options).await
    }

    async fn with_names(generation: Generation, settings: &[(&str, &str)], options: NameServerOptions) -> Self {
        let names = NameServerDaemon::bind(options, Arc::default()).await.expect("there is a free port");
        let port = names.daemon().local_addr().expect("it is bound to a port").port();
        let broadcasts = names.broadcast_addr();
        tokio::spawn(names.serve());
        let text = port.to_string();
        let own = [("PYRO_NS_HOST", "127.0.0.1"), ("PYRO_NS_PORT", &text)];
        let config = Config::from_vars(settings.iter().copied().chain(own)).expect("the settings are right");
        Self { generation, config: Arc::new(config), port, broadcasts, printed: Printed::default() }
    }

    /// Whose programs are played.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The folder of the programs.
    pub(super) fn folder(&self) -> PathBuf {
        folder(self.generation)
    }

    /// Where the name server hears broadcasts.
    pub fn broadcasts(&self) -> Option<SocketAddr> {
        self.broadcasts
    }

    /// The settings of the servers.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The port of the name server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A daemon with the settings of the stage, to be set up.
    pub fn builder(&self) -> Builder {
        Daemon::builder().config(self.config.clone())
    }

    /// A daemon where Pyro's are: on a free port of `localhost`.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn daemon(&self) -> Result<Daemon> {
        self.builder().bind("localhost:0").await
    }

    /// The name server.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn names(&self) -> Result<NameServer> {
        NameServer::locate_with(None, None, self.config.clone()).await
    }

    /// A proxy for a URI or a name.
    ///
    /// # Errors
    /// Where it is no URI.
    pub fn proxy(&self, uri: &str) -> Result<Proxy> {
        Proxy::with_config(uri.parse()?, self.config.clone())
    }
}
