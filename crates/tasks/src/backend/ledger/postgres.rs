//! Chords in PostgreSQL, beside Celery's tables: the same as in SQLite, with rows that are locked.

use std::time::Duration;

use salamander_value::{Blob, Str};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Transaction};

use super::sqlite::{OPEN, OVER, UNLOCKED};
use super::{Answer, Ask, Hold, PAGE};
use crate::backend::chords::{AT_ONCE, DONE, JOINING, SENDING};

/// What a database needs. Times are milliseconds since 1970.
pub(crate) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS salamander_chords (
        group_id TEXT NOT NULL PRIMARY KEY, size BIGINT, counted BIGINT NOT NULL DEFAULT 0, state BIGINT NOT NULL DEFAULT 0,
        token TEXT, until BIGINT, touched BIGINT NOT NULL, expires BIGINT);
    CREATE INDEX IF NOT EXISTS salamander_chords_touched ON salamander_chords (state, touched);
    CREATE INDEX IF NOT EXISTS salamander_chords_until ON salamander_chords (until) WHERE until IS NOT NULL;
    CREATE INDEX IF NOT EXISTS salamander_chords_expires ON salamander_chords (expires) WHERE expires IS NOT NULL;
    CREATE TABLE IF NOT EXISTS salamander_chord_bodies (group_id TEXT NOT NULL PRIMARY KEY, header BYTEA, body BYTEA);
    CREATE TABLE IF NOT EXISTS salamander_chord_parts (
        group_id TEXT NOT NULL, place BIGINT NOT NULL, task_id TEXT NOT NULL, result BYTEA NOT NULL,
        PRIMARY KEY (group_id, place, task_id));";

type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Answers a question, as part of a transaction.
pub(crate) async fn answer(db: &Transaction<'_>, now: i64, ask: &Ask) -> Result<Answer, Error> {
    let until =
        |lifetime: &Option<u64>| lifetime.map(|time| now.saturating_add(i64::try_from(time).unwrap_or(i64::MAX)));
    match ask {
        Ask::Begin { group, header, body, unlocked, lifetime } => {
            forget(db, group).await?;
            let state = if *unlocked { UNLOCKED } else { OPEN };
            let sql = "INSERT INTO salamander_chords (group_id, state, touched, expires) VALUES ($1, $2, $3, $4)";
            run(db, sql, &[&&**group, &state, &now, &until(lifetime)]).await?;
            describe(db, group, Some(header), body).await?;
            Ok(Answer::Done)
        }
        Ask::Size { group, size, lifetime } => {
            if state(db, group).await? == Some(OVER) {
                forget(db, group).await?;
            }
            let sql = "INSERT INTO salamander_chords (group_id, size, touched, expires) VALUES ($1, $2, $3, $4)
                ON CONFLICT (group_id) DO UPDATE SET size = excluded.size, touched = excluded.touched";
            run(db, sql, &[&&**group, &number(*size), &now, &until(lifetime)]).await?;
            Ok(Answer::Done)
        }
        Ask::Grow { group, count } => {
            let sql = "UPDATE salamander_chords SET size = size + $1 WHERE group_id = $2";
            run(db, sql, &[&number(*count), &&**group]).await?;
            Ok(Answer::Done)
        }
        Ask::Part { group, task, place, result, token } => {
            match state(db, group).await? {
                Some(OPEN | UNLOCKED) => {}
                _ => return Ok(Answer::Counted { last: false, known: true }),
            }
            part(db, group, task, *place, result).await?;
            touch(db, group, now).await?;
            counted(db, group, token, now).await
        }
        Ask::Remember { group, body } => describe(db, group, None, body).await.map(|()| Answer::Done),
        Ask::Adopt { group, header, body, size, lifetime } => {
            let there = state(db, group).await?;
            let sql = "INSERT INTO salamander_chords (group_id, size, touched, expires) VALUES ($1, $2, $3, $4)
                ON CONFLICT (group_id) DO UPDATE
                SET state = 0, size = coalesce(salamander_chords.size, excluded.size), touched = excluded.touched
                WHERE salamander_chords.state = 1";
            run(db, sql, &[&&**group, &number(*size), &now, &until(lifetime)]).await?;
            if there.is_none() {
                describe(db, group, Some(header), body).await?;
            }
            Ok(Answer::Done)
        }
        Ask::Ended { group, tasks, token } => ended(db, group, tasks, token, now).await,
        Ask::Header { group } => {
            let sql = "SELECT header FROM salamander_chord_bodies WHERE group_id = $1";
            let row = db.query_opt(sql, &[&&**group]).await?;
            let header = row.map(|row| row.try_get::<_, Option<Vec<u8>>>(0)).transpose()?;
            Ok(Answer::Header(header.flatten().map(Blob::from)))
        }
        Ask::Parts { group, after: (place, task) } => {
            let sql = "SELECT place, task_id, result FROM salamander_chord_parts
                WHERE group_id = $1 AND (place, task_id) > ($2, $3) ORDER BY place, task_id LIMIT $4";
            let rows = db.query(sql, &[&&**group, place, &&**task, &(PAGE as i64)]).await?;
            let part = |row: &tokio_postgres::Row| {
                let (task, result): (String, Vec<u8>) = (row.try_get(1)?, row.try_get(2)?);
                Ok((row.try_get(0)?, Str::from(task), Blob::from(result)))
            };
            Ok(Answer::Parts(rows.iter().map(part).collect::<Result<_, Error>>()?))
        }
        Ask::Extend { group, token } => {
            let sql = "UPDATE salamander_chords SET token = $2, until = $3
                WHERE group_id = $1 AND state = 0 AND (token = $2 OR token IS NULL OR until <= $4)";
            let values: Values<'_> = &[&&**group, &&**token, &(now + millis(SENDING)), &now];
            Ok(Answer::Held(match run(db, sql, values).await? {
                0 => held(db, group, token).await?,
                _ => Hold::Ours,
            }))
        }
        Ask::Finish { group, token } => {
            let sql = "UPDATE salamander_chords SET state = 2, until = NULL, expires = $3
                WHERE group_id = $1 AND token = $2 AND state = 0";
            if run(db, sql, &[&&**group, &&**token, &(now + millis(DONE))]).await? == 0 {
                return held(db, group, token).await.map(Answer::Held);
            }
            remove_parts(db, group).await?;
            Ok(Answer::Held(Hold::Finished))
        }
        Ask::Lost { token, idle, unlocked } => lost(db, now, token, (*idle, *unlocked)).await,
    }
}

async fn run(db: &Transaction<'_>, sql: &str, values: Values<'_>) -> Result<u64, Error> {
    db.execute(sql, values).await
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The state of a chord, which nobody else changes until the transaction is over.
async fn state(db: &Transaction<'_>, group: &str) -> Result<Option<i64>, Error> {
    let sql = "SELECT state FROM salamander_chords WHERE group_id = $1 FOR UPDATE";
    db.query_opt(sql, &[&group]).await?.map(|row| row.try_get(0)).transpose()
}

async fn touch(db: &Transaction<'_>, group: &str, now: i64) -> Result<u64, Error> {
    run(db, "UPDATE salamander_chords SET touched = $1 WHERE group_id = $2", &[&now, &group]).await
}

async fn describe(db: &Transaction<'_>, group: &str, header: Option<&Blob>, body: &Blob) -> Result<(), Error> {
    let sql = "INSERT INTO salamander_chord_bodies (group_id, header, body) VALUES ($1, $2, $3)
        ON CONFLICT (group_id) DO NOTHING";
    run(db, sql, &[&group, &header.map(|header| &header[..]), &&body[..]]).await.map(drop)
}

async fn forget(db: &Transaction<'_>, group: &str) -> Result<(), Error> {
    run(db, "DELETE FROM salamander_chords WHERE group_id = $1", &[&group]).await?;
    remove_parts(db, group).await
}

async fn remove_parts(db: &Transaction<'_>, group: &str) -> Result<(), Error> {
    run(db, "DELETE FROM salamander_chord_bodies WHERE group_id = $1", &[&group]).await?;
    run(db, "DELETE FROM salamander_chord_parts WHERE group_id = $1", &[&group]).await.map(drop)
}

async fn part(db: &Transaction<'_>, group: &str, task: &str, place: i64, result: &[u8]) -> Result<(), Error> {
    // One that was counted because its result was seen has another place.
    let seen = "DELETE FROM salamander_chord_parts WHERE group_id = $1 AND task_id = $2 AND length(result) = 0";
    let seen = run(db, seen, &[&group, &task]).await?;
    let new = "INSERT INTO salamander_chord_parts (group_id, place, task_id, result) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    if run(db, new, &[&group, &place, &task, &result]).await? > seen {
        run(db, "UPDATE salamander_chords SET counted = counted + 1 WHERE group_id = $1", &[&group]).await?;
    }
    Ok(())
}

/// Counts those that have a result and were not counted.
async fn ended(db: &Transaction<'_>, group: &str, tasks: &[Str], token: &str, now: i64) -> Result<Answer, Error> {
    if !matches!(state(db, group).await?, Some(OPEN | UNLOCKED)) {
        return Ok(Answer::Counted { last: false, known: true });
    }
    let names: Vec<&str> = tasks.iter().map(|task| &**task).collect();
    let sql = "INSERT INTO salamander_chord_parts (group_id, place, task_id, result)
        SELECT $1, told.place, told.task_id, ''::bytea
        FROM (SELECT DISTINCT ON (task_id) task_id, place FROM unnest($2::text[]) WITH ORDINALITY AS it (task_id, place)) AS told
        JOIN celery_taskmeta AS stored ON stored.task_id = told.task_id
        WHERE stored.status IN ('SUCCESS', 'FAILURE', 'REVOKED') AND NOT EXISTS (
            SELECT 1 FROM salamander_chord_parts AS there WHERE there.group_id = $1 AND there.task_id = told.task_id)
        ON CONFLICT DO NOTHING";
    let new = number(run(db, sql, &[&group, &names]).await?);
    let sql = "UPDATE salamander_chords SET counted = counted + $2,
        state = CASE WHEN state = 1 AND counted + $2 >= size THEN 0 ELSE state END WHERE group_id = $1";
    run(db, sql, &[&group, &new]).await?;
    counted(db, group, token, now).await
}

/// Whether all parts have ended, and whoever asks goes on.
async fn counted(db: &Transaction<'_>, group: &str, token: &str, now: i64) -> Result<Answer, Error> {
    let sql = "UPDATE salamander_chords SET token = $2, until = $3
        WHERE group_id = $1 AND state = 0 AND counted >= size AND (token IS NULL OR token = $2 OR until <= $4)";
    let claimed = run(db, sql, &[&group, &token, &(now + millis(JOINING)), &now]).await?;
    let known = db.query_opt("SELECT 1 FROM salamander_chord_bodies WHERE group_id = $1", &[&group]).await?;
    Ok(Answer::Counted { last: claimed > 0, known: known.is_some() })
}

async fn held(db: &Transaction<'_>, group: &str, token: &str) -> Result<Hold, Error> {
    let sql = "SELECT 1 FROM salamander_chords WHERE group_id = $1 AND token = $2 AND state = 2";
    Ok(match db.query_opt(sql, &[&group, &token]).await? {
        Some(_) => Hold::Finished,
        None => Hold::Theirs,
    })
}

async fn lost(db: &Transaction<'_>, now: i64, token: &str, (idle, unlocked): (u64, u64)) -> Result<Answer, Error> {
    let before = |time: u64| now.saturating_sub(number(time));
    let most = AT_ONCE as i64;
    // Another worker that looks at the same time gets others.
    let over =
        "SELECT group_id FROM salamander_chords WHERE expires <= $1 AND state = 2 LIMIT $2 FOR UPDATE SKIP LOCKED";
    for group in names(db, over, &[&now, &most]).await? {
        forget(db, &group).await?;
    }
    let left = "SELECT group_id FROM salamander_chords
        WHERE state = 0 AND until IS NOT NULL AND (until <= $1 OR token = $2) AND counted >= size LIMIT $3 FOR UPDATE SKIP LOCKED";
    let overdue = "SELECT group_id FROM salamander_chords
        WHERE expires <= $1 AND state < 2 AND (until IS NULL OR until <= $1) LIMIT $2 FOR UPDATE SKIP LOCKED";
    let mut found: Vec<(String, bool)> = Vec::new();
    found.extend(names(db, left, &[&now, &token, &most]).await?.into_iter().map(|group| (group, false)));
    for group in names(db, overdue, &[&now, &most]).await? {
        if found.iter().all(|(other, _)| *other != group) {
            found.push((group, true));
        }
    }
    let mut ready = Vec::new();
    for (group, overdue) in found {
        let sql = "SELECT body FROM salamander_chord_bodies WHERE group_id = $1";
        let body = db.query_opt(sql, &[&group]).await?;
        match body.map(|row| row.try_get::<_, Option<Vec<u8>>>(0)).transpose()?.flatten() {
            Some(body) => {
                let sql = "UPDATE salamander_chords SET state = 0, token = $1, until = $2 WHERE group_id = $3";
                run(db, sql, &[&token, &(now + millis(JOINING)), &group]).await?;
                ready.push((Str::from(group), Blob::from(body), overdue));
            }
            // A group that only has a size: its parts count for another.
            None if overdue => forget(db, &group).await?,
            None => {}
        }
    }
    let mut seen = Vec::new();
    for (of, before) in [(OPEN, before(idle)), (UNLOCKED, before(unlocked))] {
        let sql = "UPDATE salamander_chords SET touched = $3 WHERE group_id IN (
                SELECT group_id FROM salamander_chords
                WHERE state = $1 AND touched <= $2 AND until IS NULL AND size IS NOT NULL
                ORDER BY touched LIMIT $4 FOR UPDATE SKIP LOCKED)
            RETURNING group_id";
        for group in names(db, sql, &[&of, &before, &now, &most]).await? {
            let sql = "SELECT header FROM salamander_chord_bodies WHERE group_id = $1";
            let header = db.query_opt(sql, &[&group]).await?;
            if let Some(header) = header.map(|row| row.try_get::<_, Option<Vec<u8>>>(0)).transpose()?.flatten() {
                seen.push((Str::from(group), Blob::from(header)));
            }
        }
    }
    Ok(Answer::Lost { ready, idle: seen })
}

async fn names(db: &Transaction<'_>, sql: &str, values: Values<'_>) -> Result<Vec<String>, Error> {
    db.query(sql, values).await?.iter().map(|row| row.try_get(0)).collect()
}
