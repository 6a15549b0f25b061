//! [`Notes`]: what the tasks of all workers of a broker know in common.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use salamander_value::Value;
use tokio::sync::Notify;

/// Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    kept: Mutex<Kept>,
    released: Notify,
}

#[derive(Default)]
struct Kept {
    counts: HashMap<String, i64>,
    told: HashMap<String, Value>,
    released: HashSet<String>,
}

impl Notes {
    /// Counts under a label; how many there are now.
    pub(crate) fn note(&self, label: &str) -> i64 {
        let mut kept = self.kept();
        let count = kept.counts.entry(label.to_owned()).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn noted(&self, label: &str) -> i64 {
        self.kept().counts.get(label).copied().unwrap_or_default()
    }

    /// Leaves something for whoever asks.
    pub(crate) fn tell(&self, label: &str, what: Value) {
        self.kept().told.insert(label.to_owned(), what);
    }

    pub(crate) fn told(&self, label: &str) -> Value {
        self.kept().told.get(label).cloned().unwrap_or_default()
    }

    /// Lets those go on that are held.
    pub(crate) fn release(&self, label: &str) {
        self.kept().released.insert(label.to_owned());
        self.0.released.notify_waiters();
    }

    pub(crate) async fn held(&self, label: &str) {
        loop {
            let mut released = std::pin::pin!(self.0.released.notified());
            released.as_mut().enable();
            if self.kept().released.contains(label) {
                return;
            }
            released.await;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap()
    }
}
