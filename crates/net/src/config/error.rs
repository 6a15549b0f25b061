//! [`ConfigError`]: what is wrong with a setting.

use std::fmt;

use salamander_value::{Exception, Raised};

/// Why settings could not be read. Pyro raises `ValueError` for them.
pub struct ConfigError {
    kind: ConfigErrorKind,
    raised: Raised,
}

/// What is wrong with settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// There is no setting of this name.
    UnknownName,
    /// The setting cannot have this value.
    BadValue,
    /// The file cannot be read.
    File,
    /// The file is no TOML.
    Syntax,
    /// Settings of the process were to be changed that are in use.
    InUse,
}

impl ConfigError {
    #[cold]
    pub(super) fn new(kind: ConfigErrorKind, message: impl Into<String>) -> Self {
        Self { kind, raised: Raised(Exception::value_error(message.into())) }
    }

    #[cold]
    pub(super) fn file(message: String, error: std::io::Error) -> Self {
        let class = Exception::from(error).class().to_owned();
        Self { kind: ConfigErrorKind::File, raised: Raised(Exception::new(&class, message)) }
    }

    /// What is wrong.
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    /// The Python exception that stands for it.
    pub fn exception(&self) -> Exception {
        self.raised.0.clone()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raised.0.message())
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.raised)
    }
}
