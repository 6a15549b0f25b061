//! Where a name server keeps its registrations: [`Storage`], in memory or in a file of SQLite.

mod error;
mod memory;
mod sqlite;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};

pub use error::StorageError;
pub use memory::MemoryStorage;
pub use sqlite::SqliteStorage;

/// Tags that a registration is found by.
pub type Metadata = BTreeSet<String>;

/// Registrations by name.
pub type Entries = BTreeMap<String, Entry>;

/// What is registered under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The URI, as it was given.
    pub uri: String,
    /// The tags; none where they were not asked for.
    pub metadata: Metadata,
}

impl Entry {
    /// An entry without tags.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), metadata: Metadata::new() }
    }

    /// The same with these tags.
    #[must_use]
    pub fn tagged<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.metadata.extend(tags.into_iter().map(Into::into));
        self
    }
}

/// Which registrations are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter<'a> {
    /// All there are.
    Everything,
    /// Those whose name begins with just this. (Pyro5's own SQL storage takes the prefix for a `LIKE` pattern, in which case
    /// does not count and `_` and `%` mean any characters; its memory storage does not.)
    Prefix(&'a str),
    /// Those that have all of these tags.
    AllOf(&'a Metadata),
    /// Those that have any of these tags.
    AnyOf(&'a Metadata),
}

/// Keeps registrations.
///
/// What has been changed is there for every later question, and where the storage is a file, it survives the end of the
/// process from the moment that the call returns.
pub trait Storage: Send {
    /// How many registrations there are.
    ///
    /// # Errors
    /// Where the storage cannot be read, here and below.
    fn count(&self) -> Result<usize, StorageError>;

    /// What is registered under a name; its tags only where they are asked for.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError>;

    /// Registers under a name, in the place of what is there.
    ///
    /// # Errors
    /// Where the storage cannot be written; nothing has changed then.
    fn set(&mut self, name: &str, entry: &Entry) -> Result<(), StorageError>;

    /// Removes what is registered under these names, all at once; tells how many of them there were.
    ///
    /// # Errors
    /// Where the storage cannot be written; nothing has changed then.
    fn remove(&mut self, names: &[&str]) -> Result<usize, StorageError>;

    /// The registrations that are asked for; their tags only where these are asked for too.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError>;
}

/// The storage that Pyro's name server means by this: `memory`, or `sql:` and the name of a file.
///
/// # Errors
/// Where it is neither, and where the file cannot be used.
pub fn open(storage: &str) -> Result<Box<dyn Storage>, StorageError> {
    match storage.split_once(':') {
        None if storage == "memory" => Ok(Box::new(MemoryStorage::new())),
        Some(("sql", file)) if !file.is_empty() => Ok(Box::new(SqliteStorage::open(file)?)),
        _ => Err(StorageError::value(format!("invalid storage type '{storage}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storages_are_named_as_in_pyro() {
        assert_eq!(open("memory").unwrap().count().unwrap(), 0);
        for bad in ["", "sql", "sql:", "memory:", "redis:x"] {
            let error = open(bad).err().unwrap();
            assert_eq!(error.to_string(), format!("invalid storage type '{bad}'"));
            assert!(error.exception().is("ValueError"));
        }
        assert!(open("sql::memory:").err().unwrap().exception().is("ValueError"));
    }
}
