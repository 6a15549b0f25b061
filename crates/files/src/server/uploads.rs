//! What comes in: uploads that are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use salamander_net::{Blob, Exception};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Shared, blocking};
use crate::part::Part;

/// Uploads by their ids.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Arc<Upload>>>);

/// One file that comes in.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) size: u64,
    /// None when it is over.
    part: Arc<Mutex<Option<Part>>>,
    /// How many bytes there are; taken by whoever writes the next ones.
    at: watch::Sender<At>,
    heard: Mutex<Instant>,
}

/// Where an upload is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct At {
    offset: u64,
    /// Somebody writes.
    busy: bool,
    over: bool,
    waiting: usize,
}

/// How many uploads are open at once.
const MOST: usize = 256;
/// How many calls wait for their turn in each upload.
const MOST_WAITING: usize = 64;
/// For how long.
const TURN: Duration = Duration::from_secs(60);

impl Uploads {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Arc<Upload>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for an upload of this name: one that is silent gives way.
    pub(super) fn make_room(&self, name: &str, patience: Duration) -> Result<(), Exception> {
        let mut entries = self.entries();
        let full = entries.len() >= MOST;
        let gone: Vec<String> = entries
            .iter()
            .filter(|(_, upload)| (full || upload.name == name) && upload.silent_for() > patience)
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            if let Some(upload) = entries.remove(&id) {
                upload.close();
            }
        }
        if entries.len() >= MOST {
            return Err(Exception::runtime_error(format!("{MOST} uploads are under way already")));
        }
        Ok(())
    }

    /// Opens an upload; gives its id.
    pub(super) fn open(&self, name: String, size: u64, part: Part) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let at = At { offset: part.len(), busy: false, over: false, waiting: 0 };
        let upload = Upload {
            name,
            size,
            part: Arc::new(Mutex::new(Some(part))),
            at: watch::Sender::new(at),
            heard: Mutex::new(Instant::now()),
        };
        self.entries().insert(id.clone(), Arc::new(upload));
        id
    }

    pub(super) fn get(&self, id: &str) -> Result<Arc<Upload>, Exception> {
        let upload = self.entries().get(id).cloned();
        let upload = upload.ok_or_else(|| Exception::key_error(format!("no upload {id:?} is under way")))?;
        *upload.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Ok(upload)
    }

    pub(super) fn close(&self, id: &str) {
        let upload = self.entries().remove(id);
        if let Some(upload) = upload {
            upload.close();
        }
    }
}

impl Upload {
    fn silent_for(&self) -> Duration {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Nobody writes any more; what there is stays for the next time. Whoever writes just now is not waited for: the part goes with him.
    pub(super) fn close(&self) {
        self.at.send_modify(|at| at.over = true);
        let part = self.part.try_lock().ok().and_then(|mut part| part.take());
        if let Some(mut part) = part {
            part.discard_if_empty();
        }
    }

    /// Waits until it is the turn of what comes at this offset, or at the end.
    async fn turn(&self, offset: Option<u64>) -> Result<u64, Exception> {
        let _waiting = Waiting::new(self)?;
        let mut changes = self.at.subscribe();
        let until = tokio::time::Instant::now() + TURN;
        loop {
            let ready = changes.wait_for(|at| at.takes(offset) || at.never(offset));
            if !matches!(tokio::time::timeout_at(until, ready).await, Ok(Ok(_))) {
                return Err(Exception::value_error("what comes before this has not come"));
            }
            let (mut turn, mut never) = (None, false);
            self.at.send_if_modified(|at| {
                never = at.never(offset);
                // Somebody else may have been faster.
                if !never && at.takes(offset) {
                    at.busy = true;
                    turn = Some(at.offset);
                }
                turn.is_some()
            });
            match turn {
                Some(at) => return Ok(at),
                None if never => return Err(Exception::value_error("the upload is over, or has this already")),
                None => {}
            }
        }
    }

    /// Writes what comes at this offset, or at the end; gives how much there is.
    pub(super) async fn write(&self, offset: Option<u64>, data: Blob) -> Result<u64, Exception> {
        if offset.unwrap_or_default().saturating_add(data.len() as u64) > self.size {
            return Err(Exception::value_error(format!("the upload is to have {} bytes only", self.size)));
        }
        let at = self.turn(offset).await?;
        if at.saturating_add(data.len() as u64) > self.size {
            self.at.send_modify(|at| at.busy = false);
            return Err(Exception::value_error(format!("the upload is to have {} bytes only", self.size)));
        }
        self.with_part(move |part| {
            part.append(&data)?;
            Ok(part.len())
        })
        .await
    }

    /// Does something with the part, when it is its turn: what it has then is told to those who wait.
    async fn with_part<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Part) -> Result<T, Exception> + Send + 'static,
    ) -> Result<T, Exception> {
        let (part, at) = (self.part.clone(), self.at.clone());
        // Whoever called may be gone before it is done.
        blocking(move || {
            let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
            let done = match &mut *part {
                Some(part) => work(part),
                None => Err(Exception::runtime_error("the upload is over")),
            };
            let offset = part.as_ref().map_or(0, Part::len);
            at.send_modify(|at| (at.offset, at.busy) = (offset, false));
            done
        })
        .await
    }

    /// Does something with the part behind all that has been written.
    pub(super) async fn last<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Part) -> Result<T, Exception> + Send + 'static,
    ) -> Result<T, Exception> {
        self.turn(None).await?;
        self.with_part(work).await
    }
}

impl At {
    /// Whether what comes at this offset, or at the end, can be written now.
    fn takes(self, offset: Option<u64>) -> bool {
        !self.busy && offset.is_none_or(|offset| offset == self.offset)
    }

    /// Whether it cannot be written at any time.
    fn never(self, offset: Option<u64>) -> bool {
        self.over || offset.is_some_and(|offset| offset < self.offset)
    }
}

/// One who waits for his turn.
struct Waiting<'a>(&'a Upload);

impl<'a> Waiting<'a> {
    fn new(upload: &'a Upload) -> Result<Self, Exception> {
        let mut crowded = false;
        // Nobody needs to know.
        upload.at.send_if_modified(|at| {
            crowded = at.waiting >= MOST_WAITING;
            at.waiting += usize::from(!crowded);
            false
        });
        if crowded {
            return Err(Exception::runtime_error("too many calls wait for their turn in this upload"));
        }
        Ok(Self(upload))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.at.send_if_modified(|at| {
            at.waiting -= 1;
            false
        });
    }
}

/// Ends an upload with the session of its client.
pub(super) struct WithClient {
    pub(super) shared: Weak<Shared>,
    pub(super) id: String,
}

impl Drop for WithClient {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.uploads.close(&self.id);
        }
    }
}
