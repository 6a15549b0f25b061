//! [`SqliteStorage`]: registrations in a file, which Pyro5's own name server can use as well.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Changes, Entries, Entry, Filter, Lease, Metadata, Storage, StorageError, Terms};
use crate::naming::changes::{Change, Event};

/// How long to wait for another process that writes to the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps registrations in a file of SQLite, of the form that Pyro5's `SqlStorage` gives it.
///
/// Pyro5 may open the same file, before, after or at the same time. A registration is on the disk when the call returns.
/// The journal is SQLite's ordinary one: a write-ahead log would leave other files beside this one.
///
/// Lifetimes are in a table of their own, which Pyro5 does not look at: it gives out what has expired until we remove it. They
/// end by the clock of the machine. Changes that others make to the file are not told to those who watch.
pub struct SqliteStorage {
    db: Mutex<Connection>,
    changes: Changes,
}

impl SqliteStorage {
    /// Opens the file, or makes it. The form that Pyro gave it before there was metadata is brought up to date.
    ///
    /// # Errors
    /// Where the file cannot be opened or is something else, and for `:memory:`, which would not last.
    pub fn open(file: impl AsRef<Path>) -> Result<Self, StorageError> {
        let file = file.as_ref();
        if file.as_os_str().is_empty() || file.as_os_str() == ":memory:" {
            return Err(StorageError::value("an SQLite storage needs a file; use the memory storage to have none"));
        }
        let db = connect(file).map_err(|error| StorageError::sqlite("open", &error))?;
        Ok(Self { db: Mutex::new(db), changes: Changes::default() })
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic has cut off is rolled back.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction that begins as a writer, so that it cannot fail half-way because of another. What it notes down is told
    /// before anybody else changes anything.
    fn change<T>(
        &self,
        action: &str,
        change: impl FnOnce(&Transaction<'_>, &mut Told) -> rusqlite::Result<T>,
    ) -> Result<T, StorageError> {
        let mut db = self.db();
        let mut told = Told { watched: self.changes.are_watched(), changes: Vec::new() };
        let run = |db: &mut Connection, told: &mut Told| {
            let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&db, told)?;
            db.commit()?;
            Ok(done)
        };
        let done = run(&mut db, &mut told).map_err(|error| StorageError::sqlite(action, &error))?;
        told.changes.into_iter().for_each(|change| self.changes.tell(change));
        Ok(done)
    }

    /// A transaction that sees one state of the file.
    fn read<T>(
        &self,
        action: &str,
        read: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StorageError> {
        let db = self.db();
        let run = || read(&db.unchecked_transaction()?);
        run().map_err(|error| StorageError::sqlite(action, &error))
    }
}

/// What a transaction does, for those who watch.
struct Told {
    watched: bool,
    changes: Vec<Change>,
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    // Not SQLITE_OPEN_URI: "file:names" is the name of a file.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "foreign_keys", true)?;
    // Beyond FULL: the end of the journal is on the disk too before a change counts as done.
    db.pragma_update(None, "synchronous", "EXTRA")?;
    if !has_tables(&db)? {
        let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        make_tables(&db)?;
        db.commit()?;
    }
    Ok(db)
}

/// The time of the machine's clock, in milliseconds, which goes on while nobody has the file open.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn end_of(lifetime: Duration) -> i64 {
    now().saturating_add(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX))
}

fn has_tables(db: &Connection) -> rusqlite::Result<bool> {
    let count: i64 = db.query_row(
        "SELECT count(*) FROM sqlite_master
         WHERE name IN ('pyro_names', 'pyro_metadata', 'salamander_leases', 'salamander_lease_ends')",
        [],
        |row| row.get(0),
    )?;
    Ok(count == 4)
}

fn has_table(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", [name], |row| {
        row.get::<_, i64>(0).map(|count| count > 0)
    })
}

fn make_tables(db: &Transaction<'_>) -> rusqlite::Result<()> {
    // Another process may have been faster.
    if !(has_table(db, "pyro_names")? && has_table(db, "pyro_metadata")?) {
        let migrate = has_table(db, "pyro_names")?;
        if migrate {
            db.execute_batch("ALTER TABLE pyro_names RENAME TO pyro_names_old")?;
        }
        db.execute_batch(
            "CREATE TABLE pyro_names (
                id integer PRIMARY KEY,
                name nvarchar NOT NULL UNIQUE,
                uri nvarchar NOT NULL
            );
            CREATE TABLE pyro_metadata (
                object integer NOT NULL,
                metadata nvarchar NOT NULL,
                FOREIGN KEY(object) REFERENCES pyro_names(id)
            );",
        )?;
        if migrate {
            db.execute_batch(
                "INSERT INTO pyro_names(name, uri) SELECT name, uri FROM pyro_names_old;
                 DROP TABLE pyro_names_old;",
            )?;
        }
    }
    // Pyro5 replaces a registration by removing it first, and with it goes its lifetime, whoever removes it.
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS salamander_leases (
            name nvarchar PRIMARY KEY NOT NULL,
            expires integer NOT NULL
        ) WITHOUT ROWID;
        CREATE TRIGGER IF NOT EXISTS salamander_lease_ends AFTER DELETE ON pyro_names
        BEGIN DELETE FROM salamander_leases WHERE name = OLD.name; END;",
    )
}

/// What a row says of a registration: its number, name and URI.
fn registration(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, String, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// The numbers of the registrations that have all or any of these tags. There is no index on tags, so one pass over all
/// of them costs no more than a query for one.
fn with_tags(db: &Transaction<'_>, tags: &Metadata, all: bool) -> rusqlite::Result<HashSet<i64>> {
    let mut found: HashMap<i64, usize> = HashMap::new();
    let mut query = db.prepare_cached("SELECT DISTINCT object, metadata FROM pyro_metadata")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if tags.contains(row.get_ref(1)?.as_str()?) {
            *found.entry(row.get(0)?).or_default() += 1;
        }
    }
    Ok(found.into_iter().filter(|(_, count)| !all || *count == tags.len()).map(|(id, _)| id).collect())
}

/// What the names are asked for: those that have not expired. The first parameter is the time.
macro_rules! alive {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM pyro_names AS n WHERE NOT EXISTS (SELECT 1 FROM salamander_leases AS l
               WHERE l.name = n.name AND l.expires <= ?)",
            $rest
        )
    };
}

impl Storage for SqliteStorage {
    fn count(&self) -> Result<usize, StorageError> {
        self.read("len", |db| {
            let mut query = db.prepare_cached(alive!("count(*)", ""))?;
            let count: i64 = query.query_row([now()], |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or_default())
        })
    }

    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError> {
        self.read("getitem", |db| {
            let mut query = db.prepare_cached(alive!("id, name, uri", " AND name = ?"))?;
            let Some((id, _, uri)) = query.query_row(params![now(), name], registration).optional()? else {
                return Ok(None);
            };
            Ok(Some(Entry { uri, metadata: if metadata { tags_of(db, id)? } else { Metadata::new() } }))
        })
    }

    fn put(&self, name: &str, entry: &Entry, terms: Terms) -> Result<bool, StorageError> {
        self.change("setitem", |db, told| {
            end(db, told, Some(name))?;
            let there = find(db, name)?;
            if terms.safe && there.is_some() {
                return Ok(false);
            }
            if let Some((id, _)) = there {
                delete(db, id)?;
            }
            db.prepare_cached("INSERT INTO pyro_names(name, uri) VALUES (?, ?)")?.execute([name, &entry.uri])?;
            tag(db, db.last_insert_rowid(), &entry.metadata)?;
            if let Some(lifetime) = terms.lifetime {
                db.prepare_cached("INSERT INTO salamander_leases(name, expires) VALUES (?, ?)")?
                    .execute(params![name, end_of(lifetime)])?;
            }
            if told.watched {
                let event = if there.is_some() { Event::Changed } else { Event::Registered };
                told.changes.push(Change::new(event, name, entry.clone()));
            }
            Ok(true)
        })
    }

    fn set_metadata(&self, name: &str, metadata: &Metadata) -> Result<bool, StorageError> {
        self.change("setitem", |db, told| {
            end(db, told, Some(name))?;
            let Some((id, uri)) = find(db, name)? else { return Ok(false) };
            db.prepare_cached("DELETE FROM pyro_metadata WHERE object = ?")?.execute([id])?;
            tag(db, id, metadata)?;
            if told.watched {
                let entry = Entry { uri, metadata: metadata.clone() };
                told.changes.push(Change::new(Event::Changed, name, entry));
            }
            Ok(true)
        })
    }

    fn renew(&self, leases: &[Lease<'_>], lifetime: Duration) -> Result<Vec<String>, StorageError> {
        self.change("renew", |db, told| {
            end(db, told, None)?;
            let mut renewed = Vec::new();
            for lease in leases {
                if is_leased(db, *lease)?.is_some() {
                    db.prepare_cached("UPDATE salamander_leases SET expires = ? WHERE name = ?")?
                        .execute(params![end_of(lifetime), lease.0])?;
                    renewed.push(lease.0.to_owned());
                }
            }
            Ok(renewed)
        })
    }

    fn release(&self, leases: &[Lease<'_>]) -> Result<usize, StorageError> {
        self.change("release", |db, told| {
            end(db, told, None)?;
            let mut count = 0;
            for lease in leases {
                if let Some((id, uri)) = is_leased(db, *lease)? {
                    take(db, told, Event::Removed, lease.0, id, uri)?;
                    count += 1;
                }
            }
            Ok(count)
        })
    }

    fn remove(&self, names: &[&str]) -> Result<usize, StorageError> {
        if names.is_empty() {
            return Ok(0);
        }
        self.change("remove_items", |db, told| {
            end(db, told, None)?;
            let mut count = 0;
            for name in names {
                if let Some((id, uri)) = find(db, name)? {
                    take(db, told, Event::Removed, name, id, uri)?;
                    count += 1;
                }
            }
            Ok(count)
        })
    }

    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError> {
        self.read("list", |db| {
            let (from, ids) = match filter {
                Filter::Prefix(prefix) => (prefix, None),
                Filter::AllOf(tags) if !tags.is_empty() => ("", Some(with_tags(db, tags, true)?)),
                Filter::AnyOf(tags) => ("", Some(with_tags(db, tags, false)?)),
                Filter::Everything | Filter::AllOf(_) => ("", None),
            };
            let mut query = db.prepare_cached(alive!("id, name, uri", " AND name >= ? ORDER BY name"))?;
            let mut rows = query.query(params![now(), from])?;
            let mut found: BTreeMap<i64, (String, Entry)> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (id, name, uri) = registration(row)?;
                // Sorted by bytes: the names with the prefix come first, and on end.
                if !name.starts_with(from) {
                    break;
                }
                if ids.as_ref().is_none_or(|ids| ids.contains(&id)) {
                    found.insert(id, (name, Entry::new(uri)));
                }
            }
            if metadata && !found.is_empty() {
                let mut query = db.prepare_cached("SELECT object, metadata FROM pyro_metadata")?;
                let mut rows = query.query([])?;
                while let Some(row) = rows.next()? {
                    if let Some((_, entry)) = found.get_mut(&row.get(0)?) {
                        entry.metadata.insert(row.get(1)?);
                    }
                }
            }
            Ok(found.into_values().collect())
        })
    }

    fn expire(&self) -> Result<Option<Duration>, StorageError> {
        let next = || {
            self.read("expire", |db| {
                db.prepare_cached("SELECT min(expires) FROM salamander_leases")?
                    .query_row([], |row| row.get::<_, Option<i64>>(0))
            })
        };
        let mut first = next()?;
        if first.is_some_and(|first| first <= now()) {
            self.change("expire", |db, told| end(db, told, None))?;
            first = next()?;
        }
        Ok(first.map(|first| Duration::from_millis(u64::try_from(first.saturating_sub(now())).unwrap_or(0))))
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }
}

/// What is registered under a name: its number and its URI.
fn find(db: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<(i64, String)>> {
    let mut query = db.prepare_cached("SELECT id, uri FROM pyro_names WHERE name = ?")?;
    query.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// A registration that has a lifetime, if it is the one that is meant.
fn is_leased(db: &Transaction<'_>, (name, uri): Lease<'_>) -> rusqlite::Result<Option<(i64, String)>> {
    let mut query = db.prepare_cached("SELECT 1 FROM salamander_leases WHERE name = ?")?;
    let found = if query.exists([name])? { find(db, name)? } else { None };
    Ok(found.filter(|(_, its)| uri.is_none_or(|uri| uri == its)))
}

fn tags_of(db: &Transaction<'_>, id: i64) -> rusqlite::Result<Metadata> {
    let mut query = db.prepare_cached("SELECT metadata FROM pyro_metadata WHERE object = ?")?;
    query.query_map([id], |row| row.get(0))?.collect()
}

fn tag(db: &Transaction<'_>, id: i64, tags: &Metadata) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached("INSERT INTO pyro_metadata(object, metadata) VALUES (?, ?)")?;
    tags.iter().try_for_each(|tag| insert.execute(params![id, tag]).map(|_| ()))
}

/// Removes a registration, and notes it down.
fn take(
    db: &Transaction<'_>,
    told: &mut Told,
    event: Event,
    name: &str,
    id: i64,
    uri: String,
) -> rusqlite::Result<()> {
    if told.watched {
        told.changes.push(Change::new(event, name, Entry { uri, metadata: tags_of(db, id)? }));
    }
    delete(db, id)
}

fn delete(db: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM pyro_metadata WHERE object = ?")?.execute([id])?;
    db.prepare_cached("DELETE FROM pyro_names WHERE id = ?")?.execute([id])?;
    Ok(())
}

/// Removes what has expired: a name, or all of them.
fn end(db: &Transaction<'_>, told: &mut Told, name: Option<&str>) -> rusqlite::Result<()> {
    let names: Vec<String> = match name {
        Some(name) => db
            .prepare_cached("SELECT name FROM salamander_leases WHERE expires <= ? AND name = ?")?
            .query_map(params![now(), name], |row| row.get(0))?
            .collect::<Result<_, _>>()?,
        None => db
            .prepare_cached("SELECT name FROM salamander_leases WHERE expires <= ? ORDER BY expires")?
            .query_map([now()], |row| row.get(0))?
            .collect::<Result<_, _>>()?,
    };
    for name in names {
        match find(db, &name)? {
            Some((id, uri)) => take(db, told, Event::Expired, &name, id, uri)?,
            None => drop(db.execute("DELETE FROM salamander_leases WHERE name = ?", [&name])?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A directory of its own, which is gone afterwards.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            static NUMBER: AtomicUsize = AtomicUsize::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("salamander-storage-{}-{number}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_set_is_there_when_it_is_opened_again_and_for_others_at_once() {
        let directory = Directory::new();
        let first = SqliteStorage::open(directory.file("names")).unwrap();
        let second = SqliteStorage::open(directory.file("names")).unwrap();
        let entry = Entry::new("PYRO:a@h:1").tagged(["x"]);
        first.set("a", &entry).unwrap();
        assert_eq!(second.get("a", true).unwrap().unwrap(), entry);
        second.set("b", &entry).unwrap();
        drop((first, second));
        let again = SqliteStorage::open(directory.file("names")).unwrap();
        assert_eq!(again.count().unwrap(), 2);
        let files: Vec<_> = std::fs::read_dir(&directory.0).unwrap().collect();
        assert_eq!(files.len(), 1, "no log is left beside the file");
    }

    #[test]
    fn the_form_without_metadata_is_brought_up_to_date() {
        let directory = Directory::new();
        let file = directory.file("old");
        Connection::open(&file)
            .unwrap()
            .execute_batch(
                "CREATE TABLE pyro_names (name nvarchar PRIMARY KEY NOT NULL, uri nvarchar NOT NULL);
                 INSERT INTO pyro_names VALUES ('a', 'PYRO:a@h:1'), ('b', 'PYRO:b@h:1');",
            )
            .unwrap();
        let storage = SqliteStorage::open(&file).unwrap();
        assert_eq!(storage.list(Filter::Everything, true).unwrap()["a"], Entry::new("PYRO:a@h:1"));
        storage.set("a", &Entry::new("u").tagged(["t"])).unwrap();
        assert!(!has_table(&storage.db(), "pyro_names_old").unwrap());
        drop(storage);
        assert_eq!(SqliteStorage::open(&file).unwrap().count().unwrap(), 2);
    }

    #[test]
    fn other_files_are_refused() {
        let directory = Directory::new();
        std::fs::write(directory.file("text"), "some text that is no database, and long enough to tell").unwrap();
        let error = SqliteStorage::open(directory.file("text")).err().unwrap();
        assert_eq!(error.to_string(), "sqlite error in open: file is not a database");
        assert_eq!(error.exception().class(), "Pyro5.errors.NamingError");
        assert!(SqliteStorage::open(directory.file("no/such/directory")).is_err());
        assert!(SqliteStorage::open("").is_err() && SqliteStorage::open(":memory:").is_err());
    }

    #[test]
    fn a_failed_change_changes_nothing() {
        let directory = Directory::new();
        let storage = SqliteStorage::open(directory.file("names")).unwrap();
        storage.set("a", &Entry::new("u").tagged(["t"])).unwrap();
        storage
            .db()
            .execute_batch("CREATE TRIGGER no BEFORE INSERT ON pyro_metadata BEGIN SELECT raise(FAIL, 'no'); END")
            .unwrap();
        let error = storage.set("a", &Entry::new("v").tagged(["w"])).unwrap_err();
        assert_eq!(error.to_string(), "sqlite error in setitem: no");
        assert_eq!(storage.get("a", true).unwrap().unwrap(), Entry::new("u").tagged(["t"]));
    }
}
