//! [`Changes`]: what happens to names, for those who watch.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use salamander_value::{Dict, Set, Value, from_value};

use super::storage::Entry;
use crate::error::{Error, Result};

/// How many changes wait for a watcher at most. It is told how many more there were.
pub const WAITING_CHANGES: usize = 1000;

/// What has happened to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It has been registered; it was not there before.
    Registered,
    /// It has been registered anew, or has other metadata.
    Changed,
    /// It has been removed.
    Removed,
    /// Its time is over.
    Expired,
}

/// A change of the names of a name server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Something has happened to a name.
    Name {
        /// What.
        event: Event,
        /// To which name.
        name: String,
        /// Its URI; that which it had, where it is gone.
        uri: String,
        /// Its metadata, likewise.
        metadata: BTreeSet<String>,
    },
    /// There were changes here that are not told: the watcher was too slow, or the connection between name servers was cut.
    /// Who needs to know lists the names again.
    Missed {
        /// How many at least.
        count: u64,
    },
}

impl Change {
    /// Something has happened to a name with this entry.
    pub fn new(event: Event, name: impl Into<String>, entry: Entry) -> Self {
        Self::Name { event, name: name.into(), uri: entry.uri, metadata: entry.metadata }
    }

    /// The name to which something has happened.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name { name, .. } => Some(name),
            Self::Missed { .. } => None,
        }
    }

    /// A change out of the dict that a name server sends for it.
    pub(super) fn from_dict(value: &Value) -> Result<Self> {
        let Value::Dict(dict) = value else { return Err(Error::protocol("a change of names should be a dict")) };
        let field = |key| dict.get(key).ok_or_else(|| Error::protocol(format!("a change of names has no {key:?}")));
        let text = |key| field(key).and_then(|value| Ok(from_value::<String>(value)?));
        let event = match &*text("event")? {
            "missed" => return Ok(Self::Missed { count: from_value(field("count")?)? }),
            word => Event::from_word(word)
                .ok_or_else(|| Error::protocol(format!("a change of names of an unknown kind: {word}")))?,
        };
        let metadata = from_value(field("metadata")?)?;
        Ok(Self::Name { event, name: text("name")?, uri: text("uri")?, metadata })
    }
}

impl From<Change> for Value {
    fn from(change: Change) -> Self {
        let dict = match change {
            Change::Name { event, name, uri, metadata } => Dict::from_iter([
                ("event", Value::from(event.word())),
                ("name", name.into()),
                ("uri", uri.into()),
                ("metadata", metadata.into_iter().collect::<Set>().into()),
            ]),
            Change::Missed { count } => {
                Dict::from_iter([("event", Value::from("missed")), ("count", Value::from(count))])
            }
        };
        dict.into()
    }
}

impl Event {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Expired => "expired",
        }
    }

    /// What this is the word for.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Registered, Self::Changed, Self::Removed, Self::Expired].into_iter().find(|event| event.word() == word)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a storage tells of changes, and where they are watched. Clones are one.
#[derive(Clone, Default)]
pub struct Changes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    queues: Mutex<Vec<Arc<Queue>>>,
    /// How many queues there are, for those who would rather not take the lock.
    count: AtomicUsize,
}

struct Queue {
    prefix: String,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    changes: VecDeque<Change>,
    /// How many came after these and found no room.
    missed: u64,
    waker: Option<Waker>,
}

impl Changes {
    /// Whether anybody watches: otherwise nothing needs to be told.
    pub fn are_watched(&self) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
    }

    /// Tells all who watch. It never waits for them.
    pub fn tell(&self, change: Change) {
        if !self.are_watched() {
            return;
        }
        for queue in lock(&self.0.queues).iter() {
            if change.name().is_none_or(|name| name.starts_with(&queue.prefix)) {
                queue.push(change.clone());
            }
        }
    }

    /// The changes from now on of the names that begin so.
    pub fn watch(&self, prefix: impl Into<String>) -> Watching {
        let queue = Arc::new(Queue { prefix: prefix.into(), waiting: Mutex::default() });
        let mut queues = lock(&self.0.queues);
        queues.push(Arc::clone(&queue));
        self.0.count.store(queues.len(), Ordering::Release);
        Watching { changes: self.clone(), queue }
    }
}

impl Queue {
    fn push(&self, change: Change) {
        let mut waiting = lock(&self.waiting);
        match change {
            Change::Missed { count } => waiting.missed = waiting.missed.saturating_add(count),
            // What comes after a gap must not stand before it.
            _ if waiting.missed > 0 || waiting.changes.len() >= WAITING_CHANGES => waiting.missed += 1,
            change => waiting.changes.push_back(change),
        }
        if let Some(waker) = waiting.waker.take() {
            drop(waiting);
            waker.wake();
        }
    }
}

/// The changes of some names, as they happen, without an end.
pub struct Watching {
    changes: Changes,
    queue: Arc<Queue>,
}

impl Stream for Watching {
    type Item = Change;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change>> {
        let mut waiting = lock(&self.queue.waiting);
        if let Some(change) = waiting.changes.pop_front() {
            return Poll::Ready(Some(change));
        }
        if waiting.missed > 0 {
            return Poll::Ready(Some(Change::Missed { count: std::mem::take(&mut waiting.missed) }));
        }
        waiting.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut queues = lock(&self.changes.0.queues);
        queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.changes.0.count.store(queues.len(), Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole at every moment, even if somebody panicked over it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Changes(watched by {})", self.0.count.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watching({:?})", self.queue.prefix)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn change(event: Event, name: &str) -> Change {
        Change::new(event, name, Entry::new("PYRO:x@h:1").tagged(["t"]))
    }

    #[test]
    fn each_watcher_gets_what_begins_as_it_wants_and_in_order() {
        let changes = Changes::default();
        assert!(!changes.are_watched());
        changes.tell(change(Event::Registered, "a.before"));
        let (mut all, mut some) = (changes.watch(""), changes.watch("a."));
        for name in ["a.1", "b.1", "a.2"] {
            changes.tell(change(Event::Removed, name));
        }
        let names = |watching: &mut Watching| {
            let mut names = Vec::new();
            while let Some(Some(change)) = watching.next().now_or_never() {
                names.push(change.name().unwrap().to_owned());
            }
            names
        };
        assert_eq!(names(&mut all), ["a.1", "b.1", "a.2"]);
        assert_eq!(names(&mut some), ["a.1", "a.2"]);
        drop((all, some));
        assert!(!changes.are_watched());
    }

    #[test]
    fn who_is_too_slow_is_told_how_much_is_missed() {
        let changes = Changes::default();
        let mut watching = changes.watch("");
        for n in 0..WAITING_CHANGES + 5 {
            changes.tell(change(Event::Registered, &n.to_string()));
        }
        changes.tell(Change::Missed { count: 2 });
        for n in 0..WAITING_CHANGES {
            assert_eq!(watching.next().now_or_never().unwrap().unwrap().name(), Some(&*n.to_string()));
        }
        // Not behind a later one, though there would be room by now.
        changes.tell(change(Event::Registered, "later"));
        assert_eq!(watching.next().now_or_never(), Some(Some(Change::Missed { count: 8 })));
        assert_eq!(watching.next().now_or_never(), None);
        changes.tell(change(Event::Registered, "again"));
        assert_eq!(watching.next().now_or_never().unwrap().unwrap().name(), Some("again"));
    }

    #[test]
    fn changes_travel_as_dicts() {
        for event in [Event::Registered, Event::Changed, Event::Removed, Event::Expired] {
            let change = change(event, "x");
            assert_eq!(Change::from_dict(&change.clone().into()).unwrap(), change);
        }
        let missed = Change::Missed { count: 3 };
        assert_eq!(Value::from(missed.clone()).to_string(), "{'event': 'missed', 'count': 3}");
        assert_eq!(Change::from_dict(&missed.clone().into()).unwrap(), missed);
        for bad in [Value::None, Dict::new().into(), Dict::from_iter([("event", "new")]).into()] {
            assert!(Change::from_dict(&bad).is_err());
        }
    }
}
