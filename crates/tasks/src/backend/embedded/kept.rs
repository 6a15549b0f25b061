//! [`Kept`]: results by their tasks, and who waits for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use salamander_value::Str;
use tokio::sync::watch;

use crate::backend::{Answer, Ask, CHORDS, Hold, answer};
use crate::broker::hub::{Hub, Posting, after, now};
use crate::broker::{Found, MOST_BYTES, Store};
use crate::{Error, Kind, Result, Waits};

/// Encoded results, in a file or in memory.
pub(crate) struct Kept {
    place: Place,
    /// Chords, where the results are in memory.
    chords: Mutex<Option<Connection>>,
    hub: Arc<Hub>,
    /// Who waits, by task.
    waiting: Mutex<HashMap<Str, watch::Sender<State>>>,
}

enum Place {
    File(Arc<Store>),
    Memory(Mutex<HashMap<Str, Row>>),
}

/// The last state that those who wait were told of.
#[derive(Default)]
struct State {
    finality: u8,
    meta: Option<Bytes>,
}

struct Row {
    finality: u8,
    expires: Option<i64>,
    meta: Bytes,
}

impl Kept {
    /// Results in a file, of tasks that are on this hub.
    pub(crate) fn in_file(store: Arc<Store>, hub: Arc<Hub>) -> Self {
        Self { place: Place::File(store), chords: Mutex::default(), hub, waiting: Mutex::default() }
    }

    /// Results in memory.
    pub(crate) fn in_memory(hub: Arc<Hub>) -> Self {
        Self { place: Place::Memory(Mutex::default()), chords: Mutex::default(), hub, waiting: Mutex::default() }
    }

    pub(crate) fn is_durable(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// Stores a state unless a more final one is there, and tells who waits. Done when it is written.
    pub(crate) async fn store(&self, task: Str, finality: u8, lifetime: Option<Duration>, meta: Bytes) -> Result<()> {
        let expires = lifetime.map(after);
        if finality > 0 {
            self.hub.stored(&task);
        }
        let written = match &self.place {
            Place::File(store) => Some(store.store(task.clone(), finality, expires, meta.clone())),
            Place::Memory(rows) => {
                let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
                if rows.get(&task).is_some_and(|row| row.finality == 2 || row.finality > finality) {
                    return Ok(());
                }
                rows.insert(task.clone(), Row { finality, expires, meta: meta.clone() });
                None
            }
        };
        if let Some(written) = written
            && !written.await?
        {
            return Ok(());
        }
        if let Some(waiting) = self.waiting().get(&task) {
            // What was written first may be told of last.
            waiting.send_if_modified(|state| {
                let later = state.meta.is_none() || state.finality <= finality;
                if later {
                    *state = State { finality, meta: Some(meta) };
                }
                later
            });
        }
        Ok(())
    }

    /// What is stored.
    pub(crate) async fn find(&self, task: &str) -> Result<Option<Bytes>> {
        let found = self.find_all(&[task.into()]).await?.pop().flatten();
        Ok(found.map(|(meta, _)| meta))
    }

    /// What is stored of these, and how final it is; of no further ones after the first that make up [`MOST_BYTES`].
    pub(crate) async fn find_all(&self, tasks: &[Str]) -> Result<Found> {
        match &self.place {
            Place::File(store) => store.find(tasks.to_vec()).await,
            Place::Memory(rows) => {
                let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
                let mut bytes = 0;
                let find = |task| {
                    let row = rows.get(task).filter(|row| bytes < MOST_BYTES && !has_expired(row.expires))?;
                    bytes += row.meta.len();
                    Some((row.meta.clone(), row.finality))
                };
                Ok(tasks.iter().map(find).collect())
            }
        }
    }

    /// Whether a task is in a queue, or came out of one and has stored nothing yet.
    pub(crate) fn waits_in_a_queue(&self, task: &str) -> bool {
        self.hub.knows(task)
    }

    pub(crate) async fn forget(&self, task: &str) -> Result<()> {
        match &self.place {
            Place::File(store) => {
                store.forget(task.into());
                store.flush().await
            }
            Place::Memory(rows) => {
                rows.lock().unwrap_or_else(PoisonError::into_inner).remove(task);
                Ok(())
            }
        }
    }

    pub(crate) async fn expire(&self) -> Result<u64> {
        match &self.place {
            Place::File(store) => store.expire().await,
            Place::Memory(rows) => {
                let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
                let before = rows.len();
                rows.retain(|_, row| !has_expired(row.expires));
                Ok((before - rows.len()) as u64)
            }
        }
    }

    /// Answers a question about chords.
    pub(crate) fn chord(&self, ask: Ask) -> Waits<'static, Answer> {
        match &self.place {
            Place::File(store) => Box::pin(store.chord(ask)),
            Place::Memory(rows) => {
                let answered = self.in_memory_chord(&ask, rows).map_err(|error| {
                    Error::with_source(Kind::Refused, format!("chords cannot be counted: {error}"), error)
                });
                Box::pin(std::future::ready(answered))
            }
        }
    }

    fn in_memory_chord(&self, ask: &Ask, rows: &Mutex<HashMap<Str, Row>>) -> rusqlite::Result<Answer> {
        let mut chords = self.chords.lock().unwrap_or_else(PoisonError::into_inner);
        let db = match &mut *chords {
            Some(db) => db,
            none => {
                let db = Connection::open_in_memory()?;
                db.execute_batch(CHORDS)?;
                none.insert(db)
            }
        };
        let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = db.transaction()?;
        let answered = answer(&transaction, now(), ask, &mut |_, task| {
            Ok(rows.get(task).is_some_and(|row| row.finality > 0 && !has_expired(row.expires)))
        })?;
        transaction.commit()?;
        Ok(answered)
    }

    /// Publishes and finishes a chord, if this token is that of whoever goes on with it: in one transaction.
    pub(crate) async fn finish_chord(&self, group: Str, token: Str, postings: Vec<Posting>) -> Result<bool> {
        match self.chord(Ask::Extend { group: group.clone(), token: token.clone() }).await? {
            Answer::Held(Hold::Ours) => {}
            // Asked once more, because the answer was lost.
            Answer::Held(Hold::Finished) => return Ok(true),
            _ => return Ok(false),
        }
        let (published, finished) = {
            let _together = match &self.place {
                Place::File(store) => Some(store.together()),
                Place::Memory(_) => None,
            };
            let (published, _) = self.hub.post(postings);
            (published, self.chord(Ask::Finish { group, token }))
        };
        published.wait().await?;
        finished.await.map(|_| true)
    }

    /// What it is the same place as a broker by.
    pub(crate) fn broker(&self) -> Str {
        self.hub.place()
    }

    pub(crate) async fn flush(&self) -> Result<()> {
        match &self.place {
            Place::File(store) => store.flush().await,
            Place::Memory(_) => Ok(()),
        }
    }

    /// Is told from now on of each state of a task that is stored.
    pub(crate) fn watch(self: &Arc<Self>, task: &str) -> Watching {
        let task = Str::from(task);
        let states = self.waiting().entry(task.clone()).or_default().subscribe();
        Watching { kept: self.clone(), task, states }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Str, watch::Sender<State>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a task.
pub(crate) struct Watching {
    kept: Arc<Kept>,
    task: Str,
    states: watch::Receiver<State>,
}

impl Watching {
    /// The next state; of several at once the last.
    pub(crate) async fn next(&mut self) -> Result<Bytes> {
        loop {
            let closed = |_| Error::new(Kind::Closed, "the results are closed");
            self.states.changed().await.map_err(closed)?;
            if let Some(meta) = self.states.borrow_and_update().meta.clone() {
                return Ok(meta);
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut waiting = self.kept.waiting();
        // This one still counts.
        if waiting.get(&self.task).is_some_and(|states| states.receiver_count() <= 1) {
            waiting.remove(&self.task);
        }
    }
}

fn has_expired(expires: Option<i64>) -> bool {
    expires.is_some_and(|expires| expires <= now())
}
