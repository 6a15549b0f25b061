//! [`Table`]: entries in insertion order, found by key. `Dict` and `Set` are two faces of it.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::{Result, Value, key_eq, key_hash};

/// Up to this many entries are searched one by one, without an index.
const UNINDEXED: usize = 8;

/// What an entry is found by.
pub(crate) trait Entry {
    fn key(&self) -> &Value;
}

impl Entry for Value {
    fn key(&self) -> &Value {
        self
    }
}

impl Entry for (Value, Value) {
    fn key(&self) -> &Value {
        &self.0
    }
}

#[derive(Clone)]
pub(crate) struct Table<E> {
    entries: Vec<E>,
    index: Option<Box<Index>>,
}

#[derive(Clone, Default)]
struct Index {
    places: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

impl Index {
    fn hash(&self, key: &Value) -> Result<u64> {
        let mut state = self.hasher.build_hasher();
        key_hash(key, &mut state)?;
        Ok(state.finish())
    }
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self { entries: Vec::new(), index: None }
    }
}

impl<E: Entry> Table<E> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity), index: None }
    }

    pub(crate) fn entries(&self) -> &[E] {
        &self.entries
    }

    /// The entries, to change what is not their key.
    pub(crate) fn entries_mut(&mut self) -> &mut [E] {
        &mut self.entries
    }

    pub(crate) fn into_entries(self) -> Vec<E> {
        self.entries
    }

    pub(crate) fn find(&self, key: &Value) -> Option<usize> {
        match &self.index {
            None => self.entries.iter().position(|entry| key_eq(entry.key(), key)),
            Some(index) => {
                let hash = index.hash(key).ok()?;
                index.places.find(hash, |&at| key_eq(self.entries[at].key(), key)).copied()
            }
        }
    }

    /// Finds a text key without making a value of it.
    pub(crate) fn find_str(&self, key: &str) -> Option<usize> {
        match &self.index {
            None => self.entries.iter().position(|entry| entry.key().as_str() == Some(key)),
            Some(_) => self.find(&Value::from(key)),
        }
    }

    /// Adds an entry, or tells where one with this key stands already and gives the new one back.
    ///
    /// # Errors
    /// Where the key is not hashable; the table is then as before.
    pub(crate) fn insert(&mut self, entry: E) -> Result<Option<(usize, E)>> {
        if self.index.is_none() && self.entries.len() < UNINDEXED {
            if !matches!(entry.key(), Value::Str(_) | Value::Int(_)) {
                key_hash(entry.key(), &mut NoHash)?;
            }
            if let Some(at) = self.find(entry.key()) {
                return Ok(Some((at, entry)));
            }
            self.entries.push(entry);
            return Ok(None);
        }
        let Self { entries, index } = self;
        let index = index.get_or_insert_with(|| {
            // With room enough, nothing is hashed again while it is filled.
            let places = HashTable::with_capacity(2 * (entries.len() + 1));
            let mut index = Box::new(Index { places, hasher: DefaultHashBuilder::default() });
            for (at, entry) in entries.iter().enumerate() {
                // The keys were hashable when they came in.
                let hash = index.hash(entry.key()).unwrap_or_default();
                index.places.insert_unique(hash, at, |_| hash);
            }
            index
        });
        let hash = index.hash(entry.key())?;
        if let Some(&at) = index.places.find(hash, |&at| key_eq(entries[at].key(), entry.key())) {
            return Ok(Some((at, entry)));
        }
        let at = entries.len();
        entries.push(entry);
        let Index { places, hasher } = &mut **index;
        places.insert_unique(hash, at, |&at| {
            let mut state = hasher.build_hasher();
            let _ = key_hash(entries[at].key(), &mut state);
            state.finish()
        });
        Ok(None)
    }

    /// Puts an entry in at the end, if there is none with its text key; tells where the one with this key stands.
    pub(crate) fn place_str(&mut self, key: &str, make: impl FnOnce() -> E) -> usize {
        if self.index.is_some() || self.entries.len() >= UNINDEXED {
            // Text is always hashable.
            return match self.insert(make()) {
                Ok(Some((at, _))) => at,
                _ => self.entries.len() - 1,
            };
        }
        self.find_str(key).unwrap_or_else(|| {
            // Built where it is to stay.
            self.entries.extend(std::iter::once_with(make));
            self.entries.len() - 1
        })
    }

    /// Takes an entry out; those behind it move up.
    pub(crate) fn remove(&mut self, key: &Value) -> Option<E> {
        let at = self.find(key)?;
        let entry = self.entries.remove(at);
        self.index = None;
        if self.entries.len() > UNINDEXED {
            let entries = std::mem::take(&mut self.entries);
            for entry in entries {
                let _ = self.insert(entry);
            }
        }
        Some(entry)
    }
}

/// For asking only whether a key is hashable.
struct NoHash;

impl Hasher for NoHash {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}
