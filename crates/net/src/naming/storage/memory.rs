//! [`MemoryStorage`]: registrations that are gone with the process.

use std::ops::Bound;

use super::{Entries, Entry, Filter, Metadata, Storage, StorageError};

/// Keeps registrations in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage(Entries);

impl MemoryStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Storage for MemoryStorage {
    fn count(&self) -> Result<usize, StorageError> {
        Ok(self.0.len())
    }

    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError> {
        Ok(self.0.get(name).map(|entry| copy(entry, metadata)))
    }

    fn set(&mut self, name: &str, entry: &Entry) -> Result<(), StorageError> {
        self.0.insert(name.to_owned(), entry.clone());
        Ok(())
    }

    fn remove(&mut self, names: &[&str]) -> Result<usize, StorageError> {
        Ok(names.iter().filter(|name| self.0.remove(**name).is_some()).count())
    }

    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError> {
        let copied = |(name, entry): (&String, &Entry)| (name.clone(), copy(entry, metadata));
        Ok(match filter {
            Filter::Everything => self.0.iter().map(copied).collect(),
            Filter::Prefix(prefix) => self
                .0
                .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
                .take_while(|(name, _)| name.starts_with(prefix))
                .map(copied)
                .collect(),
            Filter::AllOf(tags) => {
                self.0.iter().filter(|(_, entry)| tags.is_subset(&entry.metadata)).map(copied).collect()
            }
            Filter::AnyOf(tags) => {
                self.0.iter().filter(|(_, entry)| !tags.is_disjoint(&entry.metadata)).map(copied).collect()
            }
        })
    }
}

fn copy(entry: &Entry, metadata: bool) -> Entry {
    if metadata { entry.clone() } else { Entry { uri: entry.uri.clone(), metadata: Metadata::new() } }
}

#[cfg(test)]
mod tests {
    use super::super::testing as contract;
    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        contract::all(&mut || Box::new(MemoryStorage::new()));
    }
}
