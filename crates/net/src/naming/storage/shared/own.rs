//! [`Own`]: the name of the name server itself, which is another on each that shares a store.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::naming::changes::{Change, Event};
use crate::naming::registry::NAME_SERVER;
use crate::naming::storage::{Changes, Entries, Entry, Filter, Lease, Metadata, Storage, StorageError, Terms};

/// A shared storage, but for the name server's own name, which stays in this process: a client that asks a name server for
/// the name server gets the one that it asks.
pub(in crate::naming) struct Own<S> {
    shared: S,
    own: Mutex<Option<Entry>>,
}

impl<S> Own<S> {
    pub(in crate::naming) fn new(shared: S) -> Self {
        Self { shared, own: Mutex::default() }
    }

    fn own(&self) -> MutexGuard<'_, Option<Entry>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fits(entry: &Entry, filter: Filter<'_>) -> bool {
    match filter {
        Filter::Everything => true,
        Filter::Prefix(prefix) => NAME_SERVER.starts_with(prefix),
        Filter::AllOf(tags) => tags.is_subset(&entry.metadata),
        Filter::AnyOf(tags) => !tags.is_disjoint(&entry.metadata),
    }
}

fn copy(entry: &Entry, metadata: bool) -> Entry {
    if metadata { entry.clone() } else { Entry::new(entry.uri.clone()) }
}

impl<S: Storage> Storage for Own<S> {
    fn count(&self) -> Result<usize, StorageError> {
        Ok(self.shared.count()? + usize::from(self.own().is_some()))
    }

    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError> {
        if name == NAME_SERVER {
            return Ok(self.own().as_ref().map(|entry| copy(entry, metadata)));
        }
        self.shared.get(name, metadata)
    }

    fn put(&self, name: &str, entry: &Entry, terms: Terms) -> Result<bool, StorageError> {
        if name != NAME_SERVER {
            return self.shared.put(name, entry, terms);
        }
        let mut own = self.own();
        if terms.safe && own.is_some() {
            return Ok(false);
        }
        let event = if own.replace(entry.clone()).is_some() { Event::Changed } else { Event::Registered };
        self.changes().tell(Change::new(event, name, entry.clone()));
        Ok(true)
    }

    fn set_metadata(&self, name: &str, metadata: &Metadata) -> Result<bool, StorageError> {
        if name != NAME_SERVER {
            return self.shared.set_metadata(name, metadata);
        }
        let mut own = self.own();
        let Some(entry) = own.as_mut() else { return Ok(false) };
        entry.metadata.clone_from(metadata);
        self.changes().tell(Change::new(Event::Changed, name, entry.clone()));
        Ok(true)
    }

    fn renew(&self, leases: &[Lease<'_>], lifetime: Duration) -> Result<Vec<String>, StorageError> {
        self.shared.renew(leases, lifetime)
    }

    fn release(&self, leases: &[Lease<'_>]) -> Result<usize, StorageError> {
        self.shared.release(leases)
    }

    fn remove(&self, names: &[&str]) -> Result<usize, StorageError> {
        let mut count = self.shared.remove(names)?;
        if names.contains(&NAME_SERVER)
            && let Some(entry) = self.own().take()
        {
            self.changes().tell(Change::new(Event::Removed, NAME_SERVER, entry));
            count += 1;
        }
        Ok(count)
    }

    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError> {
        let mut found = self.shared.list(filter, metadata)?;
        if let Some(entry) = self.own().as_ref().filter(|entry| fits(entry, filter)) {
            found.insert(NAME_SERVER.to_owned(), copy(entry, metadata));
        }
        Ok(found)
    }

    fn expire(&self) -> Result<Option<Duration>, StorageError> {
        self.shared.expire()
    }

    fn changes(&self) -> &Changes {
        self.shared.changes()
    }
}
