//! [`MemoryStorage`]: registrations that are gone with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Changes, Entries, Entry, Filter, Lease, Metadata, Storage, StorageError, Terms};
use crate::naming::changes::{Change, Event};

/// Keeps registrations in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    names: Mutex<Names>,
    changes: Changes,
}

#[derive(Debug, Default)]
struct Names {
    kept: BTreeMap<String, Kept>,
    /// Those that expire, by when they do.
    leases: BTreeSet<(Instant, String)>,
}

#[derive(Debug)]
struct Kept {
    entry: Entry,
    until: Option<Instant>,
}

impl MemoryStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of this moment, without those that have expired.
    fn names(&self) -> MutexGuard<'_, Names> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.leases.is_empty() {
            let now = Instant::now();
            while let Some((until, name)) = names.leases.pop_first() {
                if until > now {
                    names.leases.insert((until, name));
                    break;
                }
                if let Some(kept) = names.kept.remove(&name) {
                    self.changes.tell(Change::new(Event::Expired, name, kept.entry));
                }
            }
        }
        names
    }

    fn tell(&self, event: Event, name: &str, entry: &Entry) {
        if self.changes.are_watched() {
            self.changes.tell(Change::new(event, name, entry.clone()));
        }
    }
}

impl Names {
    fn take(&mut self, name: &str) -> Option<Entry> {
        let (name, kept) = self.kept.remove_entry(name)?;
        if let Some(until) = kept.until {
            self.leases.remove(&(until, name));
        }
        Some(kept.entry)
    }

    /// Until when a registration lives, if it is the one that is meant.
    fn leased(&self, (name, uri): Lease<'_>) -> Option<Instant> {
        let kept = self.kept.get(name).filter(|kept| uri.is_none_or(|uri| uri == kept.entry.uri))?;
        kept.until
    }
}

impl Storage for MemoryStorage {
    fn count(&self) -> Result<usize, StorageError> {
        Ok(self.names().kept.len())
    }

    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError> {
        Ok(self.names().kept.get(name).map(|kept| copy(&kept.entry, metadata)))
    }

    fn put(&self, name: &str, entry: &Entry, terms: Terms) -> Result<bool, StorageError> {
        let mut names = self.names();
        if terms.safe && names.kept.contains_key(name) {
            return Ok(false);
        }
        let event = if names.take(name).is_some() { Event::Changed } else { Event::Registered };
        let until = terms.lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime));
        if let Some(until) = until {
            names.leases.insert((until, name.to_owned()));
        }
        names.kept.insert(name.to_owned(), Kept { entry: entry.clone(), until });
        self.tell(event, name, entry);
        Ok(true)
    }

    fn set_metadata(&self, name: &str, metadata: &Metadata) -> Result<bool, StorageError> {
        let mut names = self.names();
        let Some(kept) = names.kept.get_mut(name) else { return Ok(false) };
        kept.entry.metadata.clone_from(metadata);
        self.tell(Event::Changed, name, &kept.entry);
        Ok(true)
    }

    fn renew(&self, leases: &[Lease<'_>], lifetime: Duration) -> Result<Vec<String>, StorageError> {
        let mut names = self.names();
        let mut renewed = Vec::new();
        let later = Instant::now().checked_add(lifetime);
        for lease in leases {
            let Some((until, later)) = names.leased(*lease).zip(later) else { continue };
            let name = lease.0.to_owned();
            names.leases.remove(&(until, name.clone()));
            names.leases.insert((later, name.clone()));
            if let Some(kept) = names.kept.get_mut(&name) {
                kept.until = Some(later);
            }
            renewed.push(name);
        }
        Ok(renewed)
    }

    fn release(&self, leases: &[Lease<'_>]) -> Result<usize, StorageError> {
        let mut names = self.names();
        let mut count = 0;
        for lease in leases {
            if names.leased(*lease).is_some()
                && let Some(entry) = names.take(lease.0)
            {
                self.tell(Event::Removed, lease.0, &entry);
                count += 1;
            }
        }
        Ok(count)
    }

    fn remove(&self, gone: &[&str]) -> Result<usize, StorageError> {
        let mut names = self.names();
        let mut count = 0;
        for name in gone {
            if let Some(entry) = names.take(name) {
                self.tell(Event::Removed, name, &entry);
                count += 1;
            }
        }
        Ok(count)
    }

    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError> {
        let names = self.names();
        let copied = |(name, kept): (&String, &Kept)| (name.clone(), copy(&kept.entry, metadata));
        let all = names.kept.iter();
        Ok(match filter {
            Filter::Everything => all.map(copied).collect(),
            Filter::Prefix(prefix) => names
                .kept
                .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
                .take_while(|(name, _)| name.starts_with(prefix))
                .map(copied)
                .collect(),
            Filter::AllOf(tags) => all.filter(|(_, kept)| tags.is_subset(&kept.entry.metadata)).map(copied).collect(),
            Filter::AnyOf(tags) => {
                all.filter(|(_, kept)| !tags.is_disjoint(&kept.entry.metadata)).map(copied).collect()
            }
        })
    }

    fn expire(&self) -> Result<Option<Duration>, StorageError> {
        let names = self.names();
        Ok(names.leases.first().map(|(until, _)| until.saturating_duration_since(Instant::now())))
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }
}

fn copy(entry: &Entry, metadata: bool) -> Entry {
    if metadata { entry.clone() } else { Entry { uri: entry.uri.clone(), metadata: Metadata::new() } }
}
