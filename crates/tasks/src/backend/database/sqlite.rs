//! Celery's tables in a file of SQLite, which Celery may use at the same time.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, TransactionBehavior, params_from_iter, types::Value as Sql,
};
use tokio::sync::oneshot;

use super::permits::{self, Act};
use super::row::{self, Cell, Columns, Row, Statements, civil, micros};
use crate::backend::{Answer, Ask, CHORDS, answer};
use crate::permits::{Permit, Taken};
use crate::{Error, Kind, Result};

/// How long to wait for others that write to the file.
const BUSY: Duration = Duration::from_secs(30);
/// The most that is done in one transaction, so that others can come in between.
const MOST: usize = 500;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS celery_taskmeta (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, task_id VARCHAR(155), status VARCHAR(50), result BLOB,
        date_done DATETIME, traceback TEXT, children BLOB, name VARCHAR(155), args BLOB, kwargs BLOB, worker VARCHAR(155),
        retries INTEGER, queue VARCHAR(155), stamps BLOB, UNIQUE (task_id));
    CREATE INDEX IF NOT EXISTS ix_celery_taskmeta_date_done ON celery_taskmeta (date_done);
    CREATE TABLE IF NOT EXISTS celery_tasksetmeta (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, taskset_id VARCHAR(155), result BLOB, date_done DATETIME,
        UNIQUE (taskset_id));
    CREATE INDEX IF NOT EXISTS ix_celery_tasksetmeta_date_done ON celery_tasksetmeta (date_done);";

/// A file, and the thread that uses it.
pub(super) struct Sqlite {
    work: mpsc::Sender<Work>,
}

enum Work {
    Store(Box<Row>, oneshot::Sender<Result<()>>),
    Find(String, oneshot::Sender<Result<Option<Row>>>),
    Forget(String, oneshot::Sender<Result<()>>),
    Expire(i64, oneshot::Sender<Result<u64>>),
    Chord(Box<Ask>, oneshot::Sender<Result<Answer>>),
    /// Anything else.
    Other(Box<dyn FnOnce(&Connection) -> Telling + Send>),
}

/// What is answered when the transaction is done.
type Telling = Box<dyn FnOnce(Result<()>)>;

impl Sqlite {
    /// Opens a file, or makes it.
    pub(super) fn open(file: PathBuf) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(Kind::Refused, format!("the results in {} cannot be opened: {error}", file.display()))
        };
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&file, flags).map_err(|error| failed(&error))?;
        let statements = prepare(&db).map_err(|error| failed(&error))?;
        let (work, receiver) = mpsc::channel();
        let body = move || run(db, &statements, &receiver);
        let thread = std::thread::Builder::new().name("salamander-results".to_owned()).spawn(body);
        thread.map_err(|error| failed(&error))?;
        Ok(Self { work })
    }

    async fn ask<T>(&self, work: impl FnOnce(oneshot::Sender<Result<T>>) -> Work) -> Result<T> {
        let closed = || Error::new(Kind::Closed, "the file of results is closed");
        let (sender, receiver) = oneshot::channel();
        self.work.send(work(sender)).map_err(|_| closed())?;
        receiver.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(super) async fn store(&self, row: Row) -> Result<()> {
        self.ask(|done| Work::Store(Box::new(row), done)).await
    }

    pub(super) async fn find(&self, task_id: &str) -> Result<Option<Row>> {
        self.ask(|done| Work::Find(task_id.to_owned(), done)).await
    }

    pub(super) async fn forget(&self, task_id: &str) -> Result<()> {
        self.ask(|done| Work::Forget(task_id.to_owned(), done)).await
    }

    pub(super) async fn permits(&self, act: Act, permits: Vec<Permit>) -> Result<Taken> {
        self.with(move |db| permits::in_sqlite(db, act, &permits)).await
    }

    pub(super) async fn chord(&self, ask: Ask) -> Result<Answer> {
        self.ask(|done| Work::Chord(Box::new(ask), done)).await
    }

    pub(super) async fn expire(&self, before: i64) -> Result<u64> {
        self.ask(|done| Work::Expire(before, done)).await
    }

    /// Does something else.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask(|done| Work::Other(Box::new(move |db| told(done, work(db))))).await
    }

    /// Keeps a group, in the place of another of its id.
    pub(super) async fn save_group(&self, id: String, saved: Vec<u8>, now: i64) -> Result<()> {
        let sql = "INSERT INTO celery_tasksetmeta (taskset_id, result, date_done) VALUES (?, ?, ?)
            ON CONFLICT (taskset_id) DO UPDATE SET result = excluded.result, date_done = excluded.date_done";
        self.with(move |db| db.execute(sql, (id, saved, civil(now))).map(drop)).await
    }

    pub(super) async fn find_group(&self, id: &str) -> Result<Option<Vec<u8>>> {
        let (sql, id) = ("SELECT result FROM celery_tasksetmeta WHERE taskset_id = ?", id.to_owned());
        let found: Option<Option<Vec<u8>>> =
            self.with(move |db| db.query_row(sql, [id], |row| row.get(0)).optional()).await?;
        Ok(found.flatten())
    }

    pub(super) async fn forget_group(&self, id: &str) -> Result<()> {
        let (sql, id) = ("DELETE FROM celery_tasksetmeta WHERE taskset_id = ?", id.to_owned());
        self.with(move |db| db.execute(sql, [id]).map(drop)).await
    }
}

/// Whether a task has a result.
fn has_ended(db: &Connection, task: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM celery_taskmeta WHERE task_id = ? AND status IN ('SUCCESS', 'FAILURE', 'REVOKED')";
    db.prepare_cached(sql)?.exists([task])
}

/// Makes the tables that are missing, and says what is asked of them.
fn prepare(db: &Connection) -> rusqlite::Result<Statements> {
    db.busy_timeout(BUSY)?;
    db.execute_batch(TABLES)?;
    db.execute_batch(CHORDS)?;
    let mut names = db.prepare("SELECT name FROM pragma_table_info('celery_taskmeta')")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(Statements::of(&names, None, |_| "?".to_owned()))
}

fn run(mut db: Connection, statements: &Statements, receiver: &mpsc::Receiver<Work>) {
    let mut batch = Vec::new();
    while let Ok(first) = receiver.recv() {
        batch.push(first);
        batch.extend(receiver.try_iter().take(MOST - 1));
        let mut answers: Vec<Telling> = Vec::new();
        let mut all = || {
            let transaction =
                db.transaction_with_behavior(match batch.iter().all(|work| matches!(work, Work::Find(..))) {
                    true => TransactionBehavior::Deferred,
                    false => TransactionBehavior::Immediate,
                })?;
            for work in batch.drain(..) {
                answers.push(one(&transaction, statements, work));
            }
            transaction.commit()
        };
        let done = all();
        let done = done.map_err(|error| {
            Error::with_source(Kind::Refused, format!("the results cannot be written: {error}"), error)
        });
        // What did not come to its turn is told by being dropped.
        answers.into_iter().for_each(|answer| answer(done.clone()));
        batch.clear();
    }
}

fn told<T: 'static>(done: oneshot::Sender<Result<T>>, result: rusqlite::Result<T>) -> Telling {
    let result = result
        .map_err(|error| Error::with_source(Kind::Refused, format!("the results cannot be used: {error}"), error));
    Box::new(move |committed| _ = done.send(committed.and(result)))
}

fn one(db: &Connection, statements: &Statements, work: Work) -> Telling {
    match work {
        Work::Store(row, done) => told(done, store(db, statements, *row)),
        Work::Find(task_id, done) => told(done, find(db, statements, &task_id)),
        Work::Chord(ask, done) => told(done, answer(db, row::now() / 1000, &ask, &mut has_ended)),
        Work::Forget(task_id, done) => {
            let forgotten = db.execute("DELETE FROM celery_taskmeta WHERE task_id = ?", [task_id]);
            told(done, forgotten.map(drop))
        }
        Work::Expire(before, done) => {
            let before = civil(before);
            let tasks = db.execute("DELETE FROM celery_taskmeta WHERE date_done < ?", [&before]);
            let groups = db.execute("DELETE FROM celery_tasksetmeta WHERE date_done < ?", [&before]);
            let permits = permits::tidy_sqlite(db);
            told(done, permits.and(tasks).and_then(|tasks| groups.map(|groups| (tasks + groups) as u64)))
        }
        Work::Other(work) => work(db),
    }
}

fn store(db: &Connection, statements: &Statements, row: Row) -> rusqlite::Result<()> {
    let values = row.cells().into_iter().take(statements.columns).map(|cell| match cell {
        Cell::Text(text) => text.map_or(Sql::Null, Sql::Text),
        Cell::Bytes(bytes) => bytes.map_or(Sql::Null, Sql::Blob),
        Cell::Number(number) => number.map_or(Sql::Null, |number| Sql::Integer(number.into())),
        Cell::Time(time) => time.map_or(Sql::Null, |time| Sql::Text(civil(time))),
    });
    db.prepare_cached(&statements.store)?.execute(params_from_iter(values)).map(drop)
}

fn find(db: &Connection, statements: &Statements, task_id: &str) -> rusqlite::Result<Option<Row>> {
    let mut query = db.prepare_cached(&statements.find)?;
    query.query_row([task_id], |row| Row::read(row, statements.columns)).optional()
}

impl Columns for rusqlite::Row<'_> {
    type Error = rusqlite::Error;

    fn text(&self, at: usize) -> rusqlite::Result<Option<String>> {
        self.get(at)
    }

    fn bytes(&self, at: usize) -> rusqlite::Result<Option<Vec<u8>>> {
        self.get(at)
    }

    fn number(&self, at: usize) -> rusqlite::Result<Option<i32>> {
        self.get(at)
    }

    fn time(&self, at: usize) -> rusqlite::Result<Option<i64>> {
        Ok(self.get::<_, Option<String>>(at)?.as_deref().and_then(micros))
    }
}
