//! Chords in SQLite: in the file of queues, in that of Celery's tables, and in memory.

use rusqlite::{Connection, OptionalExtension, params};
use salamander_value::{Blob, Str};

use super::{Answer, Ask, Hold, PAGE, PAGE_BYTES};
use crate::backend::chords::{AT_ONCE, DONE, JOINING, SENDING};

/// States of a chord: its parts are counted, `celery.chord_unlock` is to go on with it, it is done.
pub(super) const OPEN: i64 = 0;
pub(super) const UNLOCKED: i64 = 1;
pub(super) const OVER: i64 = 2;

/// What a file needs. Times are milliseconds since 1970.
pub(crate) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS salamander_chords (
        group_id TEXT NOT NULL PRIMARY KEY, size INTEGER, counted INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0,
        token TEXT, until INTEGER, touched INTEGER NOT NULL, expires INTEGER);
    CREATE INDEX IF NOT EXISTS salamander_chords_touched ON salamander_chords (state, touched);
    CREATE INDEX IF NOT EXISTS salamander_chords_until ON salamander_chords (until) WHERE until IS NOT NULL;
    CREATE INDEX IF NOT EXISTS salamander_chords_expires ON salamander_chords (expires) WHERE expires IS NOT NULL;
    CREATE TABLE IF NOT EXISTS salamander_chord_bodies (group_id TEXT NOT NULL PRIMARY KEY, header BLOB, body BLOB);
    CREATE TABLE IF NOT EXISTS salamander_chord_parts (
        group_id TEXT NOT NULL, place INTEGER NOT NULL, task_id TEXT NOT NULL, result BLOB NOT NULL,
        PRIMARY KEY (group_id, place, task_id)) WITHOUT ROWID;";

/// Looks whether a task has a result.
pub(crate) type HasEnded<'a> = &'a mut dyn FnMut(&Connection, &str) -> rusqlite::Result<bool>;

/// Answers a question, as part of a transaction.
pub(crate) fn answer(db: &Connection, now: i64, ask: &Ask, ended: HasEnded<'_>) -> rusqlite::Result<Answer> {
    let until =
        |lifetime: &Option<u64>| lifetime.map(|time| now.saturating_add(i64::try_from(time).unwrap_or(i64::MAX)));
    match ask {
        Ask::Begin { group, header, body, unlocked, lifetime } => {
            forget(db, group)?;
            let state = if *unlocked { UNLOCKED } else { OPEN };
            run(
                db,
                "INSERT INTO salamander_chords (group_id, state, touched, expires) VALUES (?, ?, ?, ?)",
                params![&**group, state, now, until(lifetime)],
            )?;
            describe(db, group, Some(header), body)?;
            Ok(Answer::Done)
        }
        Ask::Size { group, size, lifetime } => {
            // The same ids may have been sent before, and come to an end.
            if state(db, group)? == Some(OVER) {
                forget(db, group)?;
            }
            run(
                db,
                "INSERT INTO salamander_chords (group_id, size, touched, expires) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT (group_id) DO UPDATE SET size = excluded.size, touched = excluded.touched",
                params![&**group, size, now, until(lifetime)],
            )?;
            Ok(Answer::Done)
        }
        Ask::Grow { group, count } => {
            run(db, "UPDATE salamander_chords SET size = size + ? WHERE group_id = ?", params![count, &**group])?;
            Ok(Answer::Done)
        }
        Ask::Part { group, task, place, result, token } => {
            match state(db, group)? {
                Some(OPEN | UNLOCKED) => {}
                _ => return Ok(Answer::Counted { last: false, known: true }),
            }
            part(db, group, task, *place, result)?;
            touch(db, group, now)?;
            counted(db, group, token, now)
        }
        Ask::Remember { group, body } => describe(db, group, None, body).map(|()| Answer::Done),
        Ask::Adopt { group, header, body, size, lifetime } => {
            let there = state(db, group)?;
            run(
                db,
                "INSERT INTO salamander_chords (group_id, size, touched, expires) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT (group_id) DO UPDATE SET state = 0, size = coalesce(size, excluded.size), touched = excluded.touched
                    WHERE state = 1",
                params![&**group, size, now, until(lifetime)],
            )?;
            if there.is_none() {
                describe(db, group, Some(header), body)?;
            }
            Ok(Answer::Done)
        }
        Ask::Ended { group, tasks, token } => {
            if !matches!(state(db, group)?, Some(OPEN | UNLOCKED)) {
                return Ok(Answer::Counted { last: false, known: true });
            }
            let there = "SELECT 1 FROM salamander_chord_parts WHERE group_id = ? AND task_id = ?";
            for (place, task) in tasks.iter().enumerate() {
                let there = db.prepare_cached(there)?.exists(params![&**group, &**task])?;
                if !there && ended(db, task)? {
                    part(db, group, task, i64::try_from(place).unwrap_or(i64::MAX), &Blob::default())?;
                }
            }
            // Whoever should have gone on with it has not.
            run(
                db,
                "UPDATE salamander_chords SET state = 0 WHERE group_id = ? AND state = 1 AND counted >= size",
                [&**group],
            )?;
            counted(db, group, token, now)
        }
        Ask::Header { group } => {
            let header = "SELECT header FROM salamander_chord_bodies WHERE group_id = ?";
            let header = db.prepare_cached(header)?.query_row([&**group], |row| row.get::<_, Option<Vec<u8>>>(0));
            Ok(Answer::Header(header.optional()?.flatten().map(Blob::from)))
        }
        Ask::Parts { group, after: (place, task) } => parts(db, group, *place, task),
        Ask::Extend { group, token } => {
            let extended = run(
                db,
                "UPDATE salamander_chords SET token = ?2, until = ?3
                    WHERE group_id = ?1 AND state = 0 AND (token = ?2 OR token IS NULL OR until <= ?4)",
                params![&**group, &**token, now + millis(SENDING), now],
            )?;
            Ok(Answer::Held(match extended {
                0 => held(db, group, token)?,
                _ => Hold::Ours,
            }))
        }
        Ask::Finish { group, token } => {
            let finished = run(
                db,
                "UPDATE salamander_chords SET state = 2, until = NULL, expires = ?3
                    WHERE group_id = ?1 AND token = ?2 AND state = 0",
                params![&**group, &**token, now + millis(DONE)],
            )?;
            if finished == 0 {
                return held(db, group, token).map(Answer::Held);
            }
            remove_parts(db, group)?;
            Ok(Answer::Held(Hold::Finished))
        }
        Ask::Lost { token, idle, unlocked } => lost(db, now, token, (*idle, *unlocked)),
    }
}

fn run(db: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<usize> {
    db.prepare_cached(sql)?.execute(params)
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn state(db: &Connection, group: &str) -> rusqlite::Result<Option<i64>> {
    let state = "SELECT state FROM salamander_chords WHERE group_id = ?";
    db.prepare_cached(state)?.query_row([group], |row| row.get(0)).optional()
}

fn touch(db: &Connection, group: &str, now: i64) -> rusqlite::Result<usize> {
    run(db, "UPDATE salamander_chords SET touched = ? WHERE group_id = ?", params![now, group])
}

/// What is known of a chord; what is known already stays.
fn describe(db: &Connection, group: &str, header: Option<&Blob>, body: &Blob) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO salamander_chord_bodies (group_id, header, body) VALUES (?, ?, ?) ON CONFLICT (group_id) DO NOTHING",
        params![group, header.map(|header| &header[..]), &body[..]],
    )
    .map(drop)
}

fn forget(db: &Connection, group: &str) -> rusqlite::Result<()> {
    run(db, "DELETE FROM salamander_chords WHERE group_id = ?", [group])?;
    remove_parts(db, group)
}

fn remove_parts(db: &Connection, group: &str) -> rusqlite::Result<()> {
    run(db, "DELETE FROM salamander_chord_bodies WHERE group_id = ?", [group])?;
    run(db, "DELETE FROM salamander_chord_parts WHERE group_id = ?", [group]).map(drop)
}

fn part(db: &Connection, group: &str, task: &str, place: i64, result: &Blob) -> rusqlite::Result<()> {
    // One that was counted because its result was seen has another place.
    let seen = run(
        db,
        "DELETE FROM salamander_chord_parts WHERE group_id = ? AND task_id = ? AND length(result) = 0",
        params![group, task],
    )?;
    let new = run(
        db,
        "INSERT INTO salamander_chord_parts (group_id, place, task_id, result) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        params![group, place, task, &result[..]],
    )?;
    if new > seen {
        run(db, "UPDATE salamander_chords SET counted = counted + 1 WHERE group_id = ?", [group])?;
    }
    Ok(())
}

/// Whether all parts have ended, and whoever asks goes on.
fn counted(db: &Connection, group: &str, token: &str, now: i64) -> rusqlite::Result<Answer> {
    let claimed = run(
        db,
        "UPDATE salamander_chords SET token = ?2, until = ?3
            WHERE group_id = ?1 AND state = 0 AND counted >= size AND (token IS NULL OR token = ?2 OR until <= ?4)",
        params![group, token, now + millis(JOINING), now],
    )?;
    let known = "SELECT 1 FROM salamander_chord_bodies WHERE group_id = ?";
    Ok(Answer::Counted { last: claimed > 0, known: db.prepare_cached(known)?.exists([group])? })
}

fn held(db: &Connection, group: &str, token: &str) -> rusqlite::Result<Hold> {
    let finished = "SELECT 1 FROM salamander_chords WHERE group_id = ? AND token = ? AND state = 2";
    let finished = db.prepare_cached(finished)?.exists([group, token])?;
    Ok(if finished { Hold::Finished } else { Hold::Theirs })
}

fn parts(db: &Connection, group: &str, place: i64, task: &str) -> rusqlite::Result<Answer> {
    let sql = "SELECT place, task_id, result FROM salamander_chord_parts
        WHERE group_id = ? AND (place, task_id) > (?, ?) ORDER BY place, task_id LIMIT ?";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![group, place, task, PAGE])?;
    let (mut parts, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES
        && let Some(row) = rows.next()?
    {
        let (task, result): (String, Vec<u8>) = (row.get(1)?, row.get(2)?);
        bytes += result.len();
        parts.push((row.get(0)?, Str::from(task), Blob::from(result)));
    }
    Ok(Answer::Parts(parts))
}

fn lost(db: &Connection, now: i64, token: &str, (idle, unlocked): (u64, u64)) -> rusqlite::Result<Answer> {
    let before = |time: u64| now.saturating_sub(i64::try_from(time).unwrap_or(i64::MAX));
    let names = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<Vec<String>> {
        db.prepare_cached(sql)?.query_map(params, |row| row.get(0))?.collect()
    };
    let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    // Those that are done, and have been so for long.
    for group in
        names("SELECT group_id FROM salamander_chords WHERE expires <= ? AND state = 2 LIMIT ?", &[&now, &most])?
    {
        forget(db, &group)?;
    }
    let mut ready = Vec::new();
    let mut claim = |group: String, overdue: bool| -> rusqlite::Result<()> {
        let body = "SELECT body FROM salamander_chord_bodies WHERE group_id = ?";
        let body = db.prepare_cached(body)?.query_row([&group], |row| row.get::<_, Vec<u8>>(0)).optional()?;
        let Some(body) = body else {
            // A group that only has a size: its parts count for another.
            return if overdue { forget(db, &group) } else { Ok(()) };
        };
        run(
            db,
            "UPDATE salamander_chords SET state = 0, token = ?, until = ? WHERE group_id = ?",
            params![token, now + millis(JOINING), group],
        )?;
        ready.push((Str::from(group), Blob::from(body), overdue));
        Ok(())
    };
    for group in names(
        "SELECT group_id FROM salamander_chords
            WHERE state = 0 AND until IS NOT NULL AND (until <= ?1 OR token = ?2) AND counted >= size LIMIT ?3",
        &[&now, &token, &most],
    )? {
        claim(group, false)?;
    }
    for group in names(
        "SELECT group_id FROM salamander_chords
            WHERE expires <= ?1 AND state < 2 AND (until IS NULL OR until <= ?1) LIMIT ?2",
        &[&now, &most],
    )? {
        claim(group, true)?;
    }
    let mut seen = Vec::new();
    for (of, before) in [(OPEN, before(idle)), (UNLOCKED, before(unlocked))] {
        let sql = "SELECT group_id FROM salamander_chords WHERE state = ? AND touched <= ? AND until IS NULL AND size IS NOT NULL
            ORDER BY touched LIMIT ?";
        for group in names(sql, &[&of, &before, &most])? {
            touch(db, &group, now)?;
            if let Answer::Header(Some(header)) =
                answer(db, now, &Ask::Header { group: group.as_str().into() }, &mut |_, _| Ok(false))?
            {
                seen.push((Str::from(group), header));
            }
        }
    }
    Ok(Answer::Lost { ready, idle: seen })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(TABLES).unwrap();
        db
    }

    fn ask(db: &Connection, now: i64, ask: Ask) -> Answer {
        answer(db, now, &ask, &mut |_, task| Ok(task == "ended")).unwrap()
    }

    fn begun(db: &Connection, size: u64) {
        let blob = |text: &str| Blob::from(text.as_bytes());
        let group = Str::from("g");
        let (header, body) = (blob("header"), blob("body"));
        ask(db, 0, Ask::Begin { group: group.clone(), header, body, unlocked: false, lifetime: Some(1_000_000) });
        ask(db, 0, Ask::Size { group, size, lifetime: None });
    }

    fn part(db: &Connection, now: i64, task: &str, token: &str) -> bool {
        let result = Blob::from(task.as_bytes());
        let part = Ask::Part { group: "g".into(), task: task.into(), place: 0, result, token: token.into() };
        matches!(ask(db, now, part), Answer::Counted { last: true, .. })
    }

    fn extended(db: &Connection, now: i64, token: &str) -> Hold {
        match ask(db, now, Ask::Extend { group: "g".into(), token: token.into() }) {
            Answer::Held(hold) => hold,
            other => panic!("{other:?}"),
        }
    }

    fn lost(db: &Connection, now: i64, token: &str) -> (Vec<bool>, usize) {
        match ask(db, now, Ask::Lost { token: token.into(), idle: 10_000, unlocked: 10_000 }) {
            Answer::Lost { ready, idle } => (ready.into_iter().map(|(_, _, overdue)| overdue).collect(), idle.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_part_counts_once_and_the_last_one_goes_on() {
        let db = book();
        begun(&db, 2);
        assert!(!part(&db, 1, "a", "1"));
        assert!(!part(&db, 2, "a", "2"), "the same once more");
        assert!(part(&db, 3, "b", "3"));
        assert!(!part(&db, 4, "b", "4"), "somebody goes on");
        assert!(part(&db, 4, "b", "3"), "who asks the same again is told the same again");
        assert_eq!(extended(&db, 5, "4"), Hold::Theirs);
        assert_eq!(extended(&db, 5, "3"), Hold::Ours);
        ask(&db, 6, Ask::Finish { group: "g".into(), token: "3".into() });
        assert_eq!((extended(&db, 7, "3"), extended(&db, 7, "4")), (Hold::Finished, Hold::Theirs));
        assert!(!part(&db, 8, "b", "5") && !part(&db, 8, "c", "5"), "it is done");
        assert_eq!(lost(&db, 900_000, "6"), (vec![], 0));
        assert_eq!(state(&db, "g").unwrap(), None, "and forgotten in the end");
    }

    #[test]
    fn a_claim_that_is_not_used_is_given_to_another() {
        let db = book();
        begun(&db, 1);
        assert!(part(&db, 1, "a", "1"));
        assert_eq!(lost(&db, 5_000, "2"), (vec![], 0), "not yet");
        assert_eq!(lost(&db, 6_001, "2"), (vec![false], 0));
        assert_eq!(lost(&db, 6_002, "3"), (vec![], 0), "to one alone");
        assert_eq!((extended(&db, 6_003, "1"), extended(&db, 6_003, "2")), (Hold::Theirs, Hold::Ours));
        assert_eq!(lost(&db, 36_002, "3"), (vec![], 0), "who sends has more time");
        assert_eq!(lost(&db, 36_003, "3"), (vec![false], 0));
    }

    #[test]
    fn parts_that_ended_and_were_not_counted_are_found() {
        let db = book();
        begun(&db, 2);
        assert!(!part(&db, 1, "a", "1"));
        assert_eq!(lost(&db, 9_000, "2"), (vec![], 0));
        assert_eq!(lost(&db, 10_001, "2"), (vec![], 1));
        assert_eq!(lost(&db, 10_002, "3"), (vec![], 0), "looked at once in so long");
        let tasks = vec![Str::from("a"), "ended".into()];
        let recount = |token: &str| Ask::Ended { group: "g".into(), tasks: tasks.clone(), token: token.into() };
        assert!(matches!(ask(&db, 10_003, recount("2")), Answer::Counted { last: true, .. }));
        assert!(!part(&db, 10_004, "ended", "4"), "which does not count once more");
        let Answer::Parts(parts) = ask(&db, 10_005, Ask::Parts { group: "g".into(), after: (-1, "".into()) }) else {
            panic!()
        };
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn what_is_not_done_in_its_time_is_told() {
        let db = book();
        begun(&db, 2);
        assert_eq!(lost(&db, 1_000_000, "1"), (vec![true], 0));
        assert_eq!(lost(&db, 1_000_001, "2"), (vec![], 0), "to one alone");
        assert_eq!(extended(&db, 1_000_002, "1"), Hold::Ours);
    }

    #[test]
    fn celerys_own_task_goes_on_unless_it_is_taken_over() {
        let db = book();
        let blob = Blob::from("x".as_bytes());
        let begin = |group: &str| Ask::Begin {
            group: group.into(),
            header: blob.clone(),
            body: blob.clone(),
            unlocked: true,
            lifetime: None,
        };
        ask(&db, 0, begin("g"));
        ask(&db, 0, Ask::Size { group: "g".into(), size: 1, lifetime: None });
        assert!(!part(&db, 1, "a", "1"), "counted, but nobody goes on");
        assert_eq!(lost(&db, 2, "2"), (vec![], 0));
        let adopt =
            Ask::Adopt { group: "g".into(), header: blob.clone(), body: blob.clone(), size: 1, lifetime: None };
        ask(&db, 3, adopt.clone());
        let recount = |token: &str| Ask::Ended { group: "g".into(), tasks: vec!["a".into()], token: token.into() };
        assert!(matches!(ask(&db, 4, recount("3")), Answer::Counted { last: true, .. }));
        ask(&db, 5, adopt);
        assert!(matches!(ask(&db, 5, recount("4")), Answer::Counted { last: false, .. }), "said twice, done once");
        // Where whoever should have gone on is gone.
        ask(&db, 10, begin("h"));
        ask(&db, 10, Ask::Size { group: "h".into(), size: 1, lifetime: None });
        assert_eq!(lost(&db, 10_011, "5").1, 1);
        let recount = Ask::Ended { group: "h".into(), tasks: vec!["ended".into()], token: "5".into() };
        assert!(matches!(ask(&db, 10_012, recount), Answer::Counted { last: true, .. }));
    }
}
