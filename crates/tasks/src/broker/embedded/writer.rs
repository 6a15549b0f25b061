//! The thread that writes: all that came while it wrote the last time is one transaction.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use salamander_value::Str;
use tokio::sync::oneshot;

use super::load;
use super::store::{Found, MOST_BYTES, Mailbox};
use crate::backend::{Answer, Ask, answer};
use crate::broker::hub::{Entry, JournaledMessage as Message, Page, now};
use crate::permits::Row;
use crate::{Error, Kind, Result};

/// What the thread is given to do, in order.
pub(super) enum Work {
    /// A change of queues.
    Entry(Entry),
    /// Somebody wants messages.
    Page(Page),
    /// A state of a task, and how final it is.
    Store { task: Str, finality: u8, expires: Option<i64>, meta: Bytes, waits: oneshot::Sender<Result<bool>> },
    /// A task is forgotten.
    Forget(Str),
    /// What is stored of these tasks, and how final it is.
    Find(Vec<Str>, oneshot::Sender<Result<Found>>),
    /// What has expired goes; how many those were.
    Expire(oneshot::Sender<Result<u64>>),
    /// Permits that are taken or given back.
    Permits(Vec<Row>, oneshot::Sender<Result<()>>),
    /// A question about chords.
    Chord(Ask, oneshot::Sender<Result<Answer>>),
}

/// Pauses after a failure, so that a full disk costs no more than it must.
const PAUSE: Duration = Duration::from_millis(50);

/// Writes until there is nobody any more who could say something.
pub(super) fn run(mut db: Connection, mailbox: &Mailbox) {
    let mut batch = Vec::new();
    let mut failed = Vec::new();
    while mailbox.take(&mut batch) {
        if !failed.is_empty() {
            failed.append(&mut batch);
            std::mem::swap(&mut failed, &mut batch);
        }
        if let Err(error) = write(&mut db, &mut batch) {
            let error = Error::with_source(Kind::Refused, format!("the queues cannot be written: {error}"), error);
            tracing::error!("{error}");
            // Who waits is told. What happened has happened, and is written as soon as that is possible.
            for work in batch.drain(..) {
                match work {
                    Work::Entry(Entry::Confirm(waits)) => _ = waits.send(Err(error.clone())),
                    Work::Find(_, waits) => _ = waits.send(Err(error.clone())),
                    Work::Store { waits, .. } => _ = waits.send(Err(error.clone())),
                    Work::Expire(waits) => _ = waits.send(Err(error.clone())),
                    Work::Permits(_, waits) => _ = waits.send(Err(error.clone())),
                    Work::Chord(_, waits) => _ = waits.send(Err(error.clone())),
                    other => failed.push(other),
                }
            }
            std::thread::sleep(PAUSE);
        }
        batch.clear();
    }
    if !failed.is_empty()
        && let Err(error) = write(&mut db, &mut failed)
    {
        tracing::error!("the last changes of queues are lost: {error}");
    }
    if let Err((_, error)) = db.close() {
        tracing::warn!("the file of queues was not closed well: {error}");
    }
}

/// One transaction. On an error the batch is as it was; else it is done, and who waits is told.
fn write(db: &mut Connection, batch: &mut Vec<Work>) -> rusqlite::Result<()> {
    // What came and went since the last time has never to be written.
    let removed = |work: &Work| match work {
        Work::Entry(Entry::Remove { id }) => Some(*id),
        _ => None,
    };
    let over: HashSet<u64> = batch.iter().filter_map(removed).collect();
    let mut never = HashSet::new();
    let (mut found, mut stored, mut pages, mut purged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut expired, mut answers) = (0, Vec::new());
    let transaction = db.transaction_with_behavior(TransactionBehavior::Deferred)?;
    for work in batch.iter() {
        match work {
            Work::Entry(Entry::Insert(message)) if over.contains(&message.id) => _ = never.insert(message.id),
            Work::Entry(Entry::Taken { id, .. } | Entry::Ready { id }) if over.contains(id) => {}
            Work::Entry(Entry::Remove { id }) if never.contains(id) => {}
            Work::Entry(Entry::Purge { queue, keep, .. }) => purged.push(purge(&transaction, *queue, keep)?),
            Work::Entry(entry) => change(&transaction, entry)?,
            Work::Page(page) => pages.push(load::page(&transaction, page)?),
            Work::Store { task, finality, expires, meta, .. } => {
                let sql = "INSERT INTO results (task, finality, expires, meta) VALUES (?, ?, ?, ?)
                    ON CONFLICT (task) DO UPDATE
                    SET finality = excluded.finality, expires = excluded.expires, meta = excluded.meta
                    WHERE finality < 2 AND excluded.finality >= finality";
                let values = params![&**task, finality, expires, &meta[..]];
                stored.push(transaction.prepare_cached(sql)?.execute(values)? > 0);
            }
            Work::Forget(task) => {
                transaction.prepare_cached("DELETE FROM results WHERE task = ?")?.execute([&**task])?;
            }
            Work::Permits(rows, _) => rows.iter().try_for_each(|row| permit(&transaction, row))?,
            Work::Find(tasks, _) => found.push(find_all(&transaction, tasks)?),
            Work::Chord(ask, _) => answers.push(answer(&transaction, now(), ask, &mut has_ended)?),
            Work::Expire(_) => {
                expired = transaction.prepare_cached("DELETE FROM results WHERE expires <= ?")?.execute([now()])?;
                transaction.prepare_cached("DELETE FROM permits WHERE until <= ?")?.execute([now()])?;
            }
        }
    }
    transaction.commit()?;
    let (mut found, mut stored) = (found.into_iter(), stored.into_iter());
    let (mut pages, mut purged) = (pages.into_iter(), purged.into_iter());
    let mut answers = answers.into_iter();
    for work in batch.drain(..) {
        match work {
            Work::Entry(Entry::Confirm(waits)) => _ = waits.send(Ok(())),
            Work::Entry(Entry::Purge { tasks, .. }) => tasks(purged.next().unwrap_or_default()),
            Work::Page(page) => (page.answer)(pages.next().unwrap_or_default()),
            Work::Store { waits, .. } => _ = waits.send(Ok(stored.next().unwrap_or(false))),
            Work::Find(_, waits) => _ = waits.send(Ok(found.next().unwrap_or_default())),
            Work::Expire(waits) => _ = waits.send(Ok(expired as u64)),
            Work::Permits(_, waits) => _ = waits.send(Ok(())),
            Work::Chord(_, waits) => _ = answers.next().map(|answer| waits.send(Ok(answer))),
            _ => {}
        }
    }
    Ok(())
}

fn find_all(db: &Transaction<'_>, tasks: &[Str]) -> rusqlite::Result<Found> {
    let (mut found, mut bytes) = (Vec::with_capacity(tasks.len()), 0);
    for task in tasks {
        let one = if bytes < MOST_BYTES { find(db, task)? } else { None };
        bytes += one.as_ref().map_or(0, |(meta, _)| meta.len());
        found.push(one);
    }
    Ok(found)
}

/// Whether a task has a result.
fn has_ended(db: &Connection, task: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM results WHERE task = ? AND finality > 0")?.exists([task])
}

fn find(db: &Transaction<'_>, task: &str) -> rusqlite::Result<Option<(Bytes, u8)>> {
    let mut query =
        db.prepare_cached("SELECT meta, finality FROM results WHERE task = ? AND (expires IS NULL OR expires > ?)")?;
    query.query_row(params![task, now()], |row| Ok((Bytes::from(row.get::<_, Vec<u8>>(0)?), row.get(1)?))).optional()
}

/// Removes the messages of a queue but for these, and says which tasks they were for.
fn purge(db: &Transaction<'_>, queue: u64, keep: &[u64]) -> rusqlite::Result<Vec<Str>> {
    let keep = keep.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let sql = "DELETE FROM messages WHERE queue = ? AND id NOT IN (SELECT value FROM json_each(?)) RETURNING task";
    let mut query = db.prepare(sql)?;
    let tasks = query.query_map(params![queue, format!("[{keep}]")], |row| row.get::<_, Option<String>>(0))?;
    tasks.filter_map(|task| task.map(|task| task.map(Str::from)).transpose()).collect()
}

fn permit(db: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    let Row { name, holder, until } = row;
    match until {
        Some(until) => db
            .prepare_cached("INSERT OR REPLACE INTO permits (name, holder, until) VALUES (?, ?, ?)")?
            .execute(params![&**name, &**holder, until]),
        None => db
            .prepare_cached("DELETE FROM permits WHERE name = ? AND holder = ?")?
            .execute(params![&**name, &**holder]),
    }
    .map(drop)
}

fn change(db: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    let millis = |time: &Option<Duration>| time.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    match entry {
        Entry::Insert(message) => {
            let sql = "INSERT INTO messages (id, queue, priority, due, expires, deliveries, task, envelope)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
            let task = message.task.as_deref();
            let Message { id, queue, priority, due, expires, deliveries, envelope, .. } = &**message;
            db.prepare_cached(sql)?.execute(params![
                id,
                queue,
                priority,
                due,
                expires,
                deliveries,
                task,
                &envelope[..]
            ])?;
        }
        Entry::Remove { id } => _ = db.prepare_cached("DELETE FROM messages WHERE id = ?")?.execute([id])?,
        Entry::Taken { id, deliveries } => {
            db.prepare_cached("UPDATE messages SET deliveries = ? WHERE id = ?")?.execute(params![deliveries, id])?;
        }
        Entry::Ready { id } => {
            db.prepare_cached("UPDATE messages SET due = NULL WHERE id = ?")?.execute([id])?;
        }
        Entry::Queue { number, queue, plain } => {
            let sql = "INSERT OR REPLACE INTO queues
                (number, name, plain, auto_delete, max_priority, expires, message_ttl) VALUES (?, ?, ?, ?, ?, ?, ?)";
            let (expires, ttl) = (millis(&queue.expires), millis(&queue.message_ttl));
            let (name, priorities) = (&*queue.name, queue.max_priority);
            db.execute(sql, params![number, name, plain, queue.auto_delete, priorities, expires, ttl])?;
        }
        Entry::QueueGone { number } => {
            for sql in [
                "DELETE FROM messages WHERE queue = ?",
                "DELETE FROM bindings WHERE queue = ?",
                "DELETE FROM queues WHERE number = ?",
            ] {
                db.execute(sql, [number])?;
            }
        }
        Entry::Exchange(exchange) => {
            let sql = "INSERT OR REPLACE INTO exchanges (name, kind, auto_delete) VALUES (?, ?, ?)";
            db.execute(sql, params![&*exchange.name, exchange.kind.name(), exchange.auto_delete])?;
        }
        Entry::ExchangeGone(name) => {
            db.execute("DELETE FROM bindings WHERE exchange = ?", [&**name])?;
            db.execute("DELETE FROM exchanges WHERE name = ?", [&**name])?;
        }
        Entry::Bind { exchange, routing_key, queue } => {
            let sql = "INSERT OR IGNORE INTO bindings (exchange, routing_key, queue) VALUES (?, ?, ?)";
            db.execute(sql, params![&**exchange, &**routing_key, queue])?;
        }
        // Done where it is answered.
        Entry::Confirm(_) | Entry::Purge { .. } => {}
    }
    Ok(())
}
