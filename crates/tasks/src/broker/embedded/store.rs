//! [`Store`]: a file with queues and results, and the thread that writes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use salamander_value::Str;
use tokio::sync::oneshot;

use super::writer::{self, Work};
use super::{load, schema};
use crate::backend::{Answer, Ask};
use crate::broker::hub::{Earlier, Entry, Journal, Page};
use crate::permits::{self, Row};
use crate::{Error, Kind, Result, Waits};

/// How many bytes of results are read for one who asks for several, at least.
pub(crate) const MOST_BYTES: usize = 4 << 20;

/// What is stored of several tasks, and how final each of it is.
pub(crate) type Found = Vec<Option<(Bytes, u8)>>;

/// An open file. It is closed when this is dropped.
pub(crate) struct Store {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

/// What is still to be written.
#[derive(Default)]
pub(super) struct Mailbox {
    waiting: Mutex<Waiting>,
    came: Condvar,
}

#[derive(Default)]
struct Waiting {
    work: Vec<Work>,
    closed: bool,
    /// What comes is for one transaction, and not all of it is here yet.
    held: usize,
}

impl Mailbox {
    fn give(&self, work: Work) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.work.push(work);
        // The thread sleeps only where there was nothing.
        if waiting.work.len() == 1 {
            self.came.notify_one();
        }
    }

    /// Waits for something to do, and takes all of it. False when there never will be any more.
    pub(super) fn take(&self, into: &mut Vec<Work>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.work.is_empty() || waiting.held > 0 {
            if waiting.closed && waiting.held == 0 {
                return false;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut waiting.work, into);
        true
    }

    /// What is given until this is dropped is written in one transaction.
    pub(super) fn together(&self) -> Together<'_> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).held += 1;
        Together(self)
    }

    fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.came.notify_one();
    }
}

/// See [`Mailbox::together`].
pub(crate) struct Together<'a>(&'a Mailbox);

impl Drop for Together<'_> {
    fn drop(&mut self) {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).held -= 1;
        self.0.came.notify_one();
    }
}

impl Store {
    /// Opens a file, or makes it; tells what it holds.
    ///
    /// # Errors
    /// [`Kind::Refused`] where it cannot be opened, is in use, or is something else.
    pub(super) fn open(path: &Path, fsync: bool, earlier: &mut Earlier, permits: &mut Vec<Row>) -> Result<Self> {
        let lock = lock(path)?;
        let db = schema::open(path, fsync).map_err(|error| Error::new(Kind::Refused, error))?;
        let cannot = |error: &dyn std::fmt::Display| {
            Error::new(Kind::Refused, format!("the file of queues {} cannot be read: {error}", path.display()))
        };
        load::load(&db, earlier).map_err(|error| cannot(&error))?;
        load::permits(&db, permits).map_err(|error| cannot(&error))?;
        let mailbox = Arc::<Mailbox>::default();
        let body = {
            let mailbox = mailbox.clone();
            move || {
                writer::run(db, &mailbox);
                // The next one may open the file when it is closed, and not before.
                drop(lock);
            }
        };
        let thread = std::thread::Builder::new().name("salamander-queues".to_owned()).spawn(body);
        let thread = thread.map_err(|error| cannot(&error))?;
        Ok(Self { mailbox, thread: Some(thread), path: path.to_owned() })
    }

    /// What is told of changes.
    pub(super) fn journal(&self) -> Arc<dyn Journal> {
        self.mailbox.clone()
    }

    /// What is told of permits.
    pub(super) fn permits(&self) -> Arc<dyn permits::Journal> {
        self.mailbox.clone()
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Stores a state of a task. Given at once, and in the order of the calls; done when it is written, and says whether it is: a state
    /// does not take the place of a more final one.
    pub(crate) fn store(
        &self,
        task: Str,
        finality: u8,
        expires: Option<i64>,
        meta: Bytes,
    ) -> impl Future<Output = Result<bool>> + Send + use<> {
        self.ask(move |waits| Work::Store { task, finality, expires, meta, waits })
    }

    /// Forgets a task.
    pub(crate) fn forget(&self, task: Str) {
        self.mailbox.give(Work::Forget(task));
    }

    /// What is stored of these tasks, and how final it is; of no further ones after the first that make up [`MOST_BYTES`].
    pub(crate) async fn find(&self, tasks: Vec<Str>) -> Result<Found> {
        self.ask(|waits| Work::Find(tasks, waits)).await
    }

    /// Removes the results that have expired.
    pub(crate) async fn expire(&self) -> Result<u64> {
        self.ask(Work::Expire).await
    }

    /// Answers a question about chords. Given at once, in the order of the calls.
    pub(crate) fn chord(&self, ask: Ask) -> impl Future<Output = Result<Answer>> + Send + use<> {
        self.ask(move |waits| Work::Chord(ask, waits))
    }

    /// What is given until the guard is dropped, here and by the hub, is written in one transaction. Nothing is written meanwhile.
    pub(crate) fn together(&self) -> Together<'_> {
        self.mailbox.together()
    }

    /// Waits until all is written that was given before.
    pub(crate) async fn flush(&self) -> Result<()> {
        self.ask(|waits| Work::Entry(Entry::Confirm(waits))).await
    }

    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T>>) -> Work,
    ) -> Pin<Box<dyn Future<Output = Result<T>> + Send>> {
        let (sender, receiver) = oneshot::channel();
        self.mailbox.give(work(sender));
        Box::pin(async {
            receiver.await.unwrap_or_else(|_| Err(Error::new(Kind::Closed, "the file of queues is closed")))
        })
    }
}

// Not the store: what the thread calls may have this to the end, and must not wait for the thread.
impl Journal for Mailbox {
    fn add(&self, entry: Entry) {
        self.give(Work::Entry(entry));
    }

    fn page(&self, page: Page) {
        self.give(Work::Page(page));
    }
}

impl permits::Journal for Mailbox {
    fn write(&self, rows: Vec<Row>) -> Waits<'static, ()> {
        let (sender, receiver) = oneshot::channel();
        self.give(Work::Permits(rows, sender));
        Box::pin(async {
            receiver.await.unwrap_or_else(|_| Err(Error::new(Kind::Closed, "the file of queues is closed")))
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.mailbox.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes queues has panicked");
        }
    }
}

/// Locks what is beside the file, as long as the file is open here.
fn lock(path: &Path) -> Result<File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let refused = |why: &dyn std::fmt::Display| {
        Error::new(Kind::Refused, format!("the file of queues {} cannot be opened: {why}", path.display()))
    };
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&beside);
    let lock = options.map_err(|error| refused(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(refused(&"another process uses it; its queues are reached through that one"))
        }
        Err(TryLockError::Error(error)) => Err(refused(&error)),
    }
}
