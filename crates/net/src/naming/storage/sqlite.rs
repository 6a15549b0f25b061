//! [`SqliteStorage`]: registrations in a file, which Pyro5's own name server can use as well.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Entries, Entry, Filter, Metadata, Storage, StorageError};

/// How long to wait for another process that writes to the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps registrations in a file of SQLite, of the form that Pyro5's `SqlStorage` gives it.
///
/// Pyro5 may open the same file, before, after or at the same time. A registration is on the disk when the call returns.
/// The journal is SQLite's ordinary one: a write-ahead log would leave other files beside this one.
pub struct SqliteStorage(Connection);

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
        Self::connect(file).map_err(|error| StorageError::sqlite("open", &error))
    }

    fn connect(file: &Path) -> rusqlite::Result<Self> {
        // Not SQLITE_OPEN_URI: "file:names" is the name of a file.
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(file, flags)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.pragma_update(None, "foreign_keys", true)?;
        // Beyond FULL: the end of the journal is on the disk too before a change counts as done.
        db.pragma_update(None, "synchronous", "EXTRA")?;
        if !(has_table(&db, "pyro_names")? && has_table(&db, "pyro_metadata")?) {
            let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            make_tables(&db)?;
            db.commit()?;
        }
        Ok(Self(db))
    }

    /// A transaction that begins as a writer, so that it cannot fail half-way because of another.
    fn change<T>(
        &mut self,
        action: &str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StorageError> {
        let run = |db: &mut Connection| {
            let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&db)?;
            db.commit()?;
            Ok(done)
        };
        run(&mut self.0).map_err(|error| StorageError::sqlite(action, &error))
    }

    /// A transaction that sees one state of the file.
    fn read<T>(
        &self,
        action: &str,
        read: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StorageError> {
        let run = || read(&self.0.unchecked_transaction()?);
        run().map_err(|error| StorageError::sqlite(action, &error))
    }
}

fn has_table(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", [name], |row| {
        row.get::<_, i64>(0).map(|count| count > 0)
    })
}

fn make_tables(db: &Transaction<'_>) -> rusqlite::Result<()> {
    // Another process may have been faster.
    if has_table(db, "pyro_names")? && has_table(db, "pyro_metadata")? {
        return Ok(());
    }
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
    Ok(())
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

impl Storage for SqliteStorage {
    fn count(&self) -> Result<usize, StorageError> {
        self.read("len", |db| {
            let count: i64 = db.prepare_cached("SELECT count(*) FROM pyro_names")?.query_row([], |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or_default())
        })
    }

    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError> {
        self.read("getitem", |db| {
            let mut query = db.prepare_cached("SELECT id, name, uri FROM pyro_names WHERE name = ?")?;
            let Some((id, _, uri)) = query.query_row([name], registration).optional()? else { return Ok(None) };
            let mut entry = Entry::new(uri);
            if metadata {
                let mut query = db.prepare_cached("SELECT metadata FROM pyro_metadata WHERE object = ?")?;
                entry.metadata = query.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
            }
            Ok(Some(entry))
        })
    }

    fn set(&mut self, name: &str, entry: &Entry) -> Result<(), StorageError> {
        self.change("setitem", |db| {
            remove(db, name)?;
            db.prepare_cached("INSERT INTO pyro_names(name, uri) VALUES (?, ?)")?.execute([name, &entry.uri])?;
            let id = db.last_insert_rowid();
            let mut insert = db.prepare_cached("INSERT INTO pyro_metadata(object, metadata) VALUES (?, ?)")?;
            entry.metadata.iter().try_for_each(|tag| insert.execute(params![id, tag]).map(|_| ()))
        })
    }

    fn remove(&mut self, names: &[&str]) -> Result<usize, StorageError> {
        if names.is_empty() {
            return Ok(0);
        }
        self.change("remove_items", |db| {
            names.iter().try_fold(0, |count, name| Ok(count + usize::from(remove(db, name)?)))
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
            let mut query =
                db.prepare_cached("SELECT id, name, uri FROM pyro_names WHERE name >= ? ORDER BY name")?;
            let mut rows = query.query([from])?;
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
}

/// Removes what is registered under a name, if anything is.
fn remove(db: &Transaction<'_>, name: &str) -> rusqlite::Result<bool> {
    let mut query = db.prepare_cached("SELECT id FROM pyro_names WHERE name = ?")?;
    let Some(id) = query.query_row([name], |row| row.get::<_, i64>(0)).optional()? else { return Ok(false) };
    db.prepare_cached("DELETE FROM pyro_metadata WHERE object = ?")?.execute([id])?;
    db.prepare_cached("DELETE FROM pyro_names WHERE id = ?")?.execute([id])?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::testing as contract;
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
    fn it_keeps_the_contract() {
        let directory = Directory::new();
        let mut number = 0;
        contract::all(&mut || {
            number += 1;
            Box::new(SqliteStorage::open(directory.file(&number.to_string())).unwrap())
        });
    }

    #[test]
    fn what_is_set_is_there_when_it_is_opened_again_and_for_others_at_once() {
        let directory = Directory::new();
        let mut first = SqliteStorage::open(directory.file("names")).unwrap();
        let mut second = SqliteStorage::open(directory.file("names")).unwrap();
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
        let mut storage = SqliteStorage::open(&file).unwrap();
        assert_eq!(storage.list(Filter::Everything, true).unwrap()["a"], Entry::new("PYRO:a@h:1"));
        storage.set("a", &Entry::new("u").tagged(["t"])).unwrap();
        assert!(!has_table(&storage.0, "pyro_names_old").unwrap());
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
        let mut storage = SqliteStorage::open(directory.file("names")).unwrap();
        storage.set("a", &Entry::new("u").tagged(["t"])).unwrap();
        storage
            .0
            .execute_batch("CREATE TRIGGER no BEFORE INSERT ON pyro_metadata BEGIN SELECT raise(FAIL, 'no'); END")
            .unwrap();
        let error = storage.set("a", &Entry::new("v").tagged(["w"])).unwrap_err();
        assert_eq!(error.to_string(), "sqlite error in setitem: no");
        assert_eq!(storage.get("a", true).unwrap().unwrap(), Entry::new("u").tagged(["t"]));
    }
}
