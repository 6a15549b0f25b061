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

    fn part(&self) -> MutexGuard<'_, Option<Part>> {
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody writes any more; what there is stays for the next time.
    fn close(&self) {
        self.at.send_modify(|at| at.over = true);
        if let Some(part) = self.part().take() {
            part.discard_if_empty();
        }
    }

    /// Waits until it is the turn of what comes at this offset, or at the end.
    async fn turn(&self, offset: Option<u64>) -> Result<u64, Exception> {
        let mut crowded = false;
        self.at.send_modify(|at| {
            crowded = at.waiting >= MOST_WAITING;
            at.waiting += 1;
        });
        let _waiting = Waiting(self);
        if crowded {
            return Err(Exception::runtime_error("too many calls wait for their turn in this upload"));
        }
        let mut changes = self.at.subscribe();
        let mut turn = None;
        let ready = changes.wait_for(|at| {
            at.over
                || offset.is_some_and(|offset| at.offset > offset)
                || !at.busy && offset.is_none_or(|offset| offset == at.offset)
        });
        let waited = tokio::time::timeout(TURN, ready).await.map(|done| done.map(|_| ()));
        if !matches!(waited, Ok(Ok(()))) {
            return Err(Exception::value_error("what comes before this has not come"));
        }
        // Somebody else may have been faster.
        self.at.send_modify(|at| {
            if !at.over && !at.busy && offset.is_none_or(|offset| offset == at.offset) {
                at.busy = true;
                turn = Some(at.offset);
            }
        });
        turn.ok_or_else(|| Exception::value_error("the upload is over, or has more than this already"))
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

    /// Takes the part out: it is finished, or removed.
    pub(super) fn over(&self) {
        self.at.send_modify(|at| at.over = true);
        drop(self.part().take());
    }
}

/// One who waits for his turn.
struct Waiting<'a>(&'a Upload);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.at.send_modify(|at| at.waiting -= 1);
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
