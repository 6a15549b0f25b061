//! Where a name server keeps its registrations: [`Storage`], in memory, in a file of SQLite, or in a store that several name
//! servers share.

mod error;
mod memory;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod shared;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use super::changes::Changes;
pub use error::StorageError;
pub use memory::MemoryStorage;
#[cfg(feature = "postgres")]
pub use shared::PostgresStorage;
#[cfg(feature = "redis")]
pub use shared::RedisStorage;
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

/// How something is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Not in the place of what is there.
    pub safe: bool,
    /// Only for so long, unless it is renewed.
    pub lifetime: Option<Duration>,
}

/// A registration with a lifetime, as its owner knows it: its name, and the URI that it has to have, if that matters.
pub type Lease<'a> = (&'a str, Option<&'a str>);

/// Keeps registrations.
///
/// What has been changed is there for every later question, and where the storage is a file or a store, it survives the end
/// of the process from the moment that the call returns. Each method is one step: nobody sees half of it. What has expired
/// is never given out.
///
/// Each change is told to [`Storage::changes`], in the order in which they are made.
pub trait Storage: Send + Sync {
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

    /// Registers under a name, in the place of what is there unless that is to be `safe`; tells whether it did.
    ///
    /// # Errors
    /// Where the storage cannot be written; nothing has changed then, unless the error says that this is not known.
    fn put(&self, name: &str, entry: &Entry, terms: Terms) -> Result<bool, StorageError>;

    /// Registers under a name for good, in the place of what is there.
    ///
    /// # Errors
    /// As [`Storage::put`].
    fn set(&self, name: &str, entry: &Entry) -> Result<(), StorageError> {
        self.put(name, entry, Terms::default()).map(drop)
    }

    /// Gives a registration other tags; tells whether there is one.
    ///
    /// # Errors
    /// As [`Storage::put`].
    fn set_metadata(&self, name: &str, metadata: &Metadata) -> Result<bool, StorageError>;

    /// Lets registrations live so long from now; gives the names of those that were there and had a lifetime.
    ///
    /// # Errors
    /// As [`Storage::put`].
    fn renew(&self, leases: &[Lease<'_>], lifetime: Duration) -> Result<Vec<String>, StorageError>;

    /// Removes registrations that have a lifetime; tells how many there were.
    ///
    /// # Errors
    /// As [`Storage::put`].
    fn release(&self, leases: &[Lease<'_>]) -> Result<usize, StorageError>;

    /// Removes what is registered under these names, all at once; tells how many of them there were.
    ///
    /// # Errors
    /// As [`Storage::put`].
    fn remove(&self, names: &[&str]) -> Result<usize, StorageError>;

    /// The registrations that are asked for; their tags only where these are asked for too.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError>;

    /// Removes what has expired; gives the time until something else will, if anything has a lifetime.
    ///
    /// # Errors
    /// As [`Storage::put`].
    fn expire(&self) -> Result<Option<Duration>, StorageError>;

    /// Where changes are told, those of other name servers over the same store too.
    fn changes(&self) -> &Changes;
}

/// The storage that this means: `memory`, or `sql:` and the name of a file, as Pyro's name server knows them, or the URL of a
/// store that several name servers share: `redis://host:6379/0` and `postgres://user@host/database`, where these features of
/// this crate are turned on.
///
/// # Errors
/// Where it is none of them, and where the file or the store cannot be used.
pub fn open(storage: &str) -> Result<Box<dyn Storage>, StorageError> {
    match storage.split_once(':') {
        None if storage == "memory" => Ok(Box::new(MemoryStorage::new())),
        Some(("sql", file)) if !file.is_empty() => Ok(Box::new(SqliteStorage::open(file)?)),
        Some(("redis" | "rediss" | "redis+unix" | "valkey", rest)) if rest.starts_with("//") => open_redis(storage),
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => open_postgres(storage),
        _ => Err(StorageError::value(format!("invalid storage type '{storage}'"))),
    }
}

#[cfg(feature = "redis")]
fn open_redis(url: &str) -> Result<Box<dyn Storage>, StorageError> {
    Ok(Box::new(shared::Own::new(RedisStorage::open(url)?)))
}

#[cfg(not(feature = "redis"))]
fn open_redis(_url: &str) -> Result<Box<dyn Storage>, StorageError> {
    Err(StorageError::value("names in Redis need the feature `redis` of salamander-net"))
}

#[cfg(feature = "postgres")]
fn open_postgres(url: &str) -> Result<Box<dyn Storage>, StorageError> {
    Ok(Box::new(shared::Own::new(PostgresStorage::open(url)?)))
}

#[cfg(not(feature = "postgres"))]
fn open_postgres(_url: &str) -> Result<Box<dyn Storage>, StorageError> {
    Err(StorageError::value("names in PostgreSQL need the feature `postgres` of salamander-net"))
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
