//! [`Known`]: checksums that need not be computed again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::folder::Identity;
use crate::sum::Sum;

/// The sums of the beginnings of files, as far as these have been read. Whoever reads a file to its end finds its checksum here.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<VecDeque<Entry>>);

#[derive(Debug)]
struct Entry {
    file: Identity,
    length: u64,
    sum: Sum,
}

/// How many are kept.
const MOST: usize = 256;

impl Known {
    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the sum of the first bytes of a file.
    pub(super) fn keep(&self, file: Identity, length: u64, sum: Sum) {
        let mut entries = self.entries();
        entries.retain(|entry| entry.file != file || entry.length != length);
        if entries.len() >= MOST {
            entries.pop_front();
        }
        entries.push_back(Entry { file, length, sum });
    }

    /// The sum of as many of the first bytes of a file as are known, up to `length`, and how many they are.
    pub(super) fn best(&self, file: &Identity, length: u64) -> (u64, Sum) {
        let entries = self.entries();
        let fitting = entries.iter().filter(|entry| entry.file == *file && entry.length <= length);
        fitting
            .max_by_key(|entry| entry.length)
            .map_or_else(Default::default, |entry| (entry.length, entry.sum.clone()))
    }
}
