//! The file in which names are kept is Pyro5's: each side reads what the other wrote, and both may have it open at once.
//!
//! Needs `SALAMANDER_PYTHON`, the path of a Python that has Pyro5.

// Here a failure is a failed test.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::PathBuf;
use std::process::{Command, Output};

use salamander_net::naming::storage::{Entry, Filter, SqliteStorage, Storage};

/// A file that is not there yet.
fn fresh(name: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    file
}

/// Runs lines of Python over Pyro5's storage `s` of a file; gives what they print.
fn pyro(file: &PathBuf, lines: &str) -> String {
    let start = "import sys, sqlite3\nfrom Pyro5.nameserver import SqlStorage\ns = SqlStorage(sys.argv[1])\n";
    let run: Output = Command::new(interop::python::interpreter())
        .arg("-c")
        .arg(format!("{start}{lines}"))
        .arg(file)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn we_read_what_pyro_wrote() {
    let file = fresh("by_pyro.sqlite");
    pyro(
        &file,
        "s['test.one'] = 'PYRO:one@h:1', {'a', 'b'}\n\
         s['test.two'] = 'PYRO:two@h:1', None\n\
         s['gone'] = 'PYRO:gone@h:1', {'a'}\n\
         del s['gone']\n\
         s['test.one'] = 'PYRO:again@h:1', {'b', '\\u20ac\\U0001f980'}",
    );
    let storage = SqliteStorage::open(&file).unwrap();
    let one = Entry::new("PYRO:again@h:1").tagged(["b", "\u{20ac}\u{1f980}"]);
    let two = Entry::new("PYRO:two@h:1");
    let all = [("test.one".to_owned(), one.clone()), ("test.two".to_owned(), two)].into();
    assert_eq!(storage.list(Filter::Everything, true).unwrap(), all);
    let tags = ["b".to_owned()].into();
    assert_eq!(storage.list(Filter::AllOf(&tags), false).unwrap().len(), 1);
    assert_eq!(storage.remove(&["test.one"]).unwrap(), 1);
    assert_eq!(pyro(&file, "print(list(s))"), "['test.two']");
}

#[test]
fn pyro_reads_what_we_wrote() {
    let file = fresh("by_us.sqlite");
    let storage = SqliteStorage::open(&file).unwrap();
    storage.set("test.one", &Entry::new("PYRO:one@h:1").tagged(["a", "b"])).unwrap();
    storage.set("test.two", &Entry::new("PYRO:two@h:1").tagged(["b"])).unwrap();
    storage.set("\u{e9}t\u{e9}", &Entry::new("PYRO:e@h:1")).unwrap();
    storage.set("test.one", &Entry::new("PYRO:again@h:1").tagged(["b", "c"])).unwrap();
    let lines = "print(len(s), sorted(s), s['test.one'][0], sorted(s['test.one'][1]), s['\\xe9t\\xe9'])\n\
                 print(s.optimized_prefix_list('test.t'))\n\
                 print(s.optimized_metadata_search(metadata_all=['b', 'c']))\n\
                 db = sqlite3.connect(sys.argv[1])\n\
                 print(db.execute('pragma journal_mode').fetchone(), db.execute('pragma integrity_check').fetchone(),\n\
                 \x20   db.execute('pragma foreign_key_check').fetchall())";
    let expected = "3 ['test.one', 'test.two', '\u{e9}t\u{e9}'] PYRO:again@h:1 ['b', 'c'] ('PYRO:e@h:1', set())\n\
                    {'test.two': 'PYRO:two@h:1'}\n\
                    {'test.one': 'PYRO:again@h:1'}\n\
                    ('delete',) ('ok',) []";
    assert_eq!(pyro(&file, lines), expected, "while it is open here");
    drop(storage);
    assert_eq!(pyro(&file, lines), expected);
}

#[test]
fn the_tables_are_pyros() {
    let tables = "db = sqlite3.connect(sys.argv[1])\n\
                  for table in ('pyro_names', 'pyro_metadata'):\n\
                  \x20   print(db.execute(f'pragma table_info({table})').fetchall())\n\
                  \x20   print(db.execute(f'pragma foreign_key_list({table})').fetchall())\n\
                  \x20   print(db.execute(f'pragma index_list({table})').fetchall())";
    let (theirs, ours, old) = (fresh("theirs.sqlite"), fresh("ours.sqlite"), fresh("old.sqlite"));
    let expected = pyro(&theirs, tables);
    drop(SqliteStorage::open(&ours).unwrap());
    assert_eq!(pyro(&ours, tables), expected);
    // As it was before there was metadata.
    pyro(
        &old,
        "db = sqlite3.connect(sys.argv[1])\n\
         db.execute('drop table pyro_metadata')\n\
         db.execute('insert into pyro_names(name, uri) values (?, ?)', ('a', 'PYRO:a@h:1'))\n\
         db.commit()",
    );
    let storage = SqliteStorage::open(&old).unwrap();
    storage.set("b", &Entry::new("PYRO:b@h:1").tagged(["t"])).unwrap();
    assert_eq!(
        pyro(&old, &format!("{tables}\nprint(s['a'], s['b'])")),
        format!("{expected}\n('PYRO:a@h:1', set()) ('PYRO:b@h:1', {{'t'}})")
    );
}

#[test]
fn both_may_write_at_once() {
    let file = fresh("both.sqlite");
    let storage = SqliteStorage::open(&file).unwrap();
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| pyro(&file, "for n in range(50): s[f'theirs{n}'] = 'PYRO:x@h:1', {'t'}"));
        for n in 0..50 {
            storage.set(&format!("ours{n}"), &Entry::new("PYRO:y@h:1").tagged(["t"])).unwrap();
        }
        theirs.join().unwrap();
    });
    assert_eq!(storage.count().unwrap(), 100);
    let tags = ["t".to_owned()].into();
    assert_eq!(storage.list(Filter::AnyOf(&tags), false).unwrap().len(), 100);
    assert_eq!(pyro(&file, "print(len(s))"), "100");
}
