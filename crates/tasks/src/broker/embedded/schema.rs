//! What the file looks like, and how it is opened.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::backend::CHORDS;

/// "SaTk": files of others are left alone.
const APPLICATION: i64 = 0x5361_546B;
/// The version of the tables.
const VERSION: i64 = 1;

/// By which messages are found that are due later. Those that are ready are found by their ids.
const LATER: &str = "CREATE INDEX IF NOT EXISTS messages_due ON messages (queue, due, id) WHERE due IS NOT NULL";

/// Who holds which permits, until which millisecond since 1970. It came later than the others.
const PERMITS: &str = "CREATE TABLE IF NOT EXISTS permits (
    name TEXT NOT NULL, holder TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (name, holder)) WITHOUT ROWID";

/// Ids of tasks come in no order: a result lies where there is room, and only the index of the ids is written all over. (Earlier files have results
/// in the order of the ids, which serves as well, slower.)
const TABLES: &str = "
    CREATE TABLE queues (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, plain INTEGER NOT NULL, auto_delete INTEGER NOT NULL,
        max_priority INTEGER, expires INTEGER, message_ttl INTEGER);
    CREATE TABLE exchanges (name TEXT PRIMARY KEY, kind TEXT NOT NULL, auto_delete INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE bindings (
        exchange TEXT NOT NULL, routing_key TEXT NOT NULL, queue INTEGER NOT NULL,
        PRIMARY KEY (exchange, routing_key, queue)) WITHOUT ROWID;
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, priority INTEGER NOT NULL, due INTEGER, expires INTEGER,
        deliveries INTEGER NOT NULL, task TEXT, envelope BLOB NOT NULL);
    CREATE TABLE results (
        task TEXT PRIMARY KEY, finality INTEGER NOT NULL, expires INTEGER, meta BLOB NOT NULL);
    CREATE INDEX results_expire ON results (expires) WHERE expires IS NOT NULL;";

/// Opens the file, or makes it. It is this process's alone as long as it is open.
///
/// With `fsync`, what is committed is on the disk; else with the operating system, which a process that is killed does not harm.
pub(super) fn open(file: &Path, fsync: bool) -> Result<Connection, String> {
    let failed = |error: rusqlite::Error| format!("the file of queues {} cannot be opened: {error}", file.display());
    // Not SQLITE_OPEN_URI: "file:tasks" is the name of a file.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(file, flags).map_err(failed)?;
    let (application, version) = versions(&db).map_err(failed)?;
    match (application, version) {
        (APPLICATION, VERSION) => {}
        (0, 0) if is_empty(&db).map_err(failed)? => {}
        (APPLICATION, version) => {
            return Err(format!(
                "the file of queues {} has version {version}, and this program knows {VERSION}; use the program that wrote it",
                file.display()
            ));
        }
        _ => return Err(format!("{} is a database of something else than queues", file.display())),
    }
    // Nobody else reads it: no shared memory beside the file, and no locks to be taken for each transaction.
    db.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    db.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    db.pragma_update(None, "synchronous", if fsync { "FULL" } else { "NORMAL" }).map_err(failed)?;
    db.pragma_update(None, "cache_size", -4_096).map_err(failed)?;
    db.pragma_update(None, "journal_size_limit", 16 << 20).map_err(failed)?;
    db.set_prepared_statement_cache_capacity(32);
    if application == 0 {
        make(&mut db).map_err(failed)?;
    }
    db.execute_batch(LATER).map_err(failed)?;
    db.execute_batch(PERMITS).map_err(failed)?;
    db.execute_batch(CHORDS).map_err(failed)?;
    Ok(db)
}

fn make(db: &mut Connection) -> rusqlite::Result<()> {
    let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    db.execute_batch(TABLES)?;
    db.pragma_update(None, "application_id", APPLICATION)?;
    db.pragma_update(None, "user_version", VERSION)?;
    db.commit()
}

fn versions(db: &Connection) -> rusqlite::Result<(i64, i64)> {
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

fn is_empty(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0)).map(|count| count == 0)
}
