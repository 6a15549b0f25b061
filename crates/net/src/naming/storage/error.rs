//! [`StorageError`]: what can go wrong with a storage.

use std::fmt;

use salamander_value::{Exception, Raised};

/// Why a storage cannot be used. Pyro raises `Pyro5.errors.NamingError` for it.
pub struct StorageError(Raised);

impl StorageError {
    #[cold]
    pub(super) fn sqlite(action: &str, error: &rusqlite::Error) -> Self {
        Self(Raised(Exception::pyro("NamingError", format!("sqlite error in {action}: {error}"))))
    }

    /// A store that is shared does not do what it should.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    #[cold]
    pub(super) fn store(message: String) -> Self {
        Self(Raised(Exception::pyro("NamingError", message)))
    }

    #[cold]
    pub(super) fn value(message: impl Into<String>) -> Self {
        Self(Raised(Exception::value_error(message.into())))
    }

    /// The Python exception that stands for it.
    pub fn exception(&self) -> Exception {
        self.0.0.clone()
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0.message())
    }
}

impl fmt::Debug for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageError({self})")
    }
}

impl std::error::Error for StorageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
