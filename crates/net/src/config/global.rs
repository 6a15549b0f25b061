//! The settings of the process.

use std::sync::{Arc, OnceLock};

use super::{Config, ConfigError};

impl Config {
    /// The settings of the environment, read once for the process.
    ///
    /// # Errors
    /// Where a `PYRO_` variable is unknown or wrong.
    pub fn global() -> Result<Arc<Self>, ConfigError> {
        static GLOBAL: OnceLock<Arc<Config>> = OnceLock::new();
        if let Some(config) = GLOBAL.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(Self::from_env()?);
        Ok(GLOBAL.get_or_init(|| config).clone())
    }
}
