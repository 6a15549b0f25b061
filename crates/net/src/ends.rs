//! [`Ends`]: what is to be said of servers and clients of protocols with ports of their own, whatever the protocol.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::Result;
use crate::stream::{Stream, within};

/// How many clients a server has at once.
const MAX_CONNECTIONS: usize = 1024;

/// How both ends are opened.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    /// How large messages may be, instead of `MAX_MESSAGE_SIZE`.
    pub(crate) max_message_size: Option<usize>,
    /// How many clients a server has at once.
    pub(crate) max_connections: usize,
    /// Instead of the settings of the environment.
    pub(crate) config: Option<Arc<Config>>,
}

impl Ends {
    /// The settings.
    ///
    /// # Errors
    /// Where one of the environment is wrong.
    pub(crate) fn settings(&self) -> Result<Arc<Config>> {
        match &self.config {
            Some(config) => Ok(config.clone()),
            None => Ok(Config::global()?),
        }
    }

    pub(crate) fn size_limit(&self, config: &Config) -> usize {
        self.max_message_size.unwrap_or(config.max_message_size)
    }

    /// The places of a server's clients.
    pub(crate) fn places(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.max_connections.clamp(1, Semaphore::MAX_PERMITS)))
    }

    /// Connects to a location; gives how large messages may be, too.
    ///
    /// # Errors
    /// Where nobody listens there.
    pub(crate) async fn connect(&self, location: &str) -> Result<(Stream, usize)> {
        let config = self.settings()?;
        let stream = within(config.comm_timeout(), Stream::connect_to(location, &config), "connecting").await??;
        Ok((stream, self.size_limit(&config)))
    }
}

impl Default for Ends {
    fn default() -> Self {
        Self { max_message_size: None, max_connections: MAX_CONNECTIONS, config: None }
    }
}
