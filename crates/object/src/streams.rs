//! [`Streams`]: the item streams that clients have open.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use salamander_value::Exception;
use tokio::sync::Notify;

use crate::Items;

/// How long streams live (Pyro's `ITER_STREAM_LIFETIME` and `ITER_STREAM_LINGER`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamLimits {
    /// A stream ends this long after it began, used or not; zero for no limit.
    pub lifetime: Duration,
    /// A stream waits this long for its client to come back after a disconnect; zero ends it at once.
    pub linger: Duration,
}

/// Open item streams by id.
#[derive(Default)]
pub struct Streams {
    entries: Mutex<HashMap<String, Entry>>,
    opened: Notify,
}

struct Entry {
    /// The session it belongs to; none while its client is away.
    session: Option<u64>,
    created: Instant,
    left: Option<Instant>,
    /// None while somebody asks for its next item.
    items: Option<Items>,
    closed: Arc<Notify>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        // Whoever waits for an item need not wait for ever.
        self.closed.notify_one();
    }
}

impl Streams {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream for a session.
    pub fn open(&self, id: String, session: Option<u64>, items: Items, now: Instant) {
        self.entries()
            .insert(id, Entry { session, created: now, left: None, items: Some(items), closed: Arc::default() });
        self.opened.notify_one();
    }

    /// Waits until a stream is opened, or has been since the last time.
    pub async fn opened(&self) {
        self.opened.notified().await;
    }

    /// Takes the items out, to ask for the next one; [`Streams::put_back`] goes with it.
    ///
    /// # Errors
    /// Pyro's error for a stream that is over, and Python's for one that is being asked already.
    pub fn take(&self, id: &str, session: Option<u64>) -> Result<Items, Exception> {
        let mut entries = self.entries();
        let entry = entries.get_mut(id).ok_or_else(|| Exception::pyro("PyroError", "item stream terminated"))?;
        if entry.session.is_none() {
            entry.session = session;
            entry.left = None;
        }
        entry.items.take().ok_or_else(|| Exception::value_error("generator already executing"))
    }

    /// Waits until a stream is closed. At most one may wait for each stream.
    pub fn closed(&self, id: &str) -> impl Future<Output = ()> + Send + use<> {
        let closed = self.entries().get(id).map(|entry| Arc::clone(&entry.closed));
        async move {
            if let Some(closed) = closed {
                closed.notified().await;
            }
        }
    }

    /// Puts the items back for the next time; unless the stream was closed meanwhile.
    pub fn put_back(&self, id: &str, items: Items) {
        if let Some(entry) = self.entries().get_mut(id) {
            entry.items = Some(items);
        }
    }

    /// Closes a stream; an unknown one is none to close.
    pub fn close(&self, id: &str) {
        let closed = self.entries().remove(id);
        // Dropped here, outside the lock: a stream's own drop may do anything.
        drop(closed);
    }

    /// A session has ended: its streams linger or end.
    pub fn disconnect(&self, session: u64, now: Instant, limits: StreamLimits) {
        let mut closed = Vec::new();
        let mut entries = self.entries();
        let mine: Vec<String> =
            entries.iter().filter(|(_, entry)| entry.session == Some(session)).map(|(id, _)| id.clone()).collect();
        for id in mine {
            if limits.linger.is_zero() {
                closed.extend(entries.remove(&id));
            } else if let Some(entry) = entries.get_mut(&id) {
                entry.session = None;
                entry.left = Some(now);
            }
        }
        drop(entries);
    }

    /// Ends the streams that are past their time; tells how many.
    pub fn expire(&self, now: Instant, limits: StreamLimits) -> usize {
        let mut closed = Vec::new();
        let mut entries = self.entries();
        entries.retain(|_, entry| {
            let old = !limits.lifetime.is_zero() && now.duration_since(entry.created) > limits.lifetime;
            let left = entry.left.is_some_and(|left| now.duration_since(left) > limits.linger);
            if old || left {
                closed.extend(entry.items.take());
            }
            !(old || left)
        });
        drop(entries);
        closed.len()
    }

    /// Ends all.
    pub fn clear(&self) {
        let closed = std::mem::take(&mut *self.entries());
        drop(closed);
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streams({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    // A test is where the time is made up.
    #![allow(clippy::disallowed_methods)]

    use super::*;
    use crate::IterItems;

    fn items() -> Items {
        Items::new(IterItems([1, 2].into_iter()))
    }

    #[test]
    fn a_stream_waits_for_its_client_and_not_longer() {
        let limits = StreamLimits { lifetime: Duration::ZERO, linger: Duration::from_secs(30) };
        let (streams, start) = (Streams::default(), Instant::now());
        streams.open("a".into(), Some(1), items(), start);
        streams.disconnect(1, start, limits);
        assert_eq!(streams.expire(start + Duration::from_secs(30), limits), 0);
        let taken = streams.take("a", Some(2)).unwrap();
        assert!(streams.take("a", Some(2)).unwrap_err().is("ValueError"));
        streams.put_back("a", taken);
        assert_eq!(streams.expire(start + Duration::from_secs(99), limits), 0);
        streams.disconnect(2, start, StreamLimits { linger: Duration::ZERO, ..limits });
        assert!(streams.take("a", Some(2)).unwrap_err().is("PyroError"));
    }

    #[tokio::test]
    async fn who_waits_for_an_item_is_told_that_the_stream_is_closed() {
        let streams = Streams::default();
        streams.open("a".into(), Some(1), items(), Instant::now());
        let taken = streams.take("a", Some(1)).unwrap();
        let closed = streams.closed("a");
        streams.close("a");
        closed.await;
        streams.closed("a").await;
        drop(taken);
    }

    #[test]
    fn a_stream_ends_with_its_lifetime() {
        let limits = StreamLimits { lifetime: Duration::from_secs(5), linger: Duration::ZERO };
        let (streams, start) = (Streams::default(), Instant::now());
        streams.open("a".into(), Some(1), items(), start);
        assert_eq!(streams.expire(start + Duration::from_secs(5), limits), 0);
        assert_eq!(streams.expire(start + Duration::from_secs(6), limits), 1);
    }
}
