//! The settings of the process.

use std::sync::{Arc, OnceLock};

use super::{Config, ConfigError, ConfigErrorKind};

/// The variable that names a file of settings. It has no `PYRO_` before it, which Pyro would refuse.
const FILE: &str = "SALAMANDER_CONFIG";

static GLOBAL: OnceLock<Arc<Config>> = OnceLock::new();

impl Config {
    /// The settings of the process, read once: the file that the variable `SALAMANDER_CONFIG` names, if it is set, changed by the
    /// `PYRO_` variables of the environment.
    ///
    /// # Errors
    /// Where the file cannot be read, or a setting is unknown or wrong.
    pub fn global() -> Result<Arc<Self>, ConfigError> {
        if let Some(config) = GLOBAL.get() {
            return Ok(config.clone());
        }
        let config = match std::env::var_os(FILE).filter(|name| !name.is_empty()) {
            Some(name) => Self::from_file_and_env(name)?,
            None => Self::from_env()?,
        };
        Ok(GLOBAL.get_or_init(|| Arc::new(config)).clone())
    }

    /// Makes these the settings of the process; to be called before anything has asked for them.
    ///
    /// # Errors
    /// Where there are others already.
    pub fn into_global(self) -> Result<Arc<Self>, ConfigError> {
        let config = Arc::new(self);
        GLOBAL.set(config.clone()).map_err(|_| {
            ConfigError::new(
                ConfigErrorKind::InUse,
                "the settings of the process have been read already: set them earlier",
            )
        })?;
        Ok(config)
    }
}
