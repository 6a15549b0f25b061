//! Every storage does the same, and those that several name servers share do it for all of them at once.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use interop::servers::Store;
use interop::storage_contract::{self, next};
use salamander::naming::storage::{self, Entry, Filter, MemoryStorage, SqliteStorage, Terms};
use salamander::naming::{Change, Event};

#[test]
fn memory_keeps_the_contract() {
    storage_contract::all(&MemoryStorage::new());
}

#[test]
fn sqlite_keeps_the_contract() {
    let file = std::env::temp_dir().join(format!("salamander-contract-{}", std::process::id()));
    storage_contract::all(&SqliteStorage::open(&file).unwrap());
    std::fs::remove_file(file).unwrap();
}

#[test]
fn redis_keeps_the_contract() {
    let Some(store) = Store::redis() else { return };
    storage_contract::all(&*storage::open(&store.url()).unwrap());
}

#[test]
fn postgres_keeps_the_contract() {
    let Some(store) = Store::postgres() else { return };
    storage_contract::all(&*storage::open(&store.url()).unwrap());
}

#[test]
fn redis_is_shared() {
    let Some(store) = Store::redis() else { return };
    is_shared(&store);
}

#[test]
fn postgres_is_shared() {
    let Some(store) = Store::postgres() else { return };
    is_shared(&store);
}

/// What one name server does, the other sees.
fn is_shared(store: &Store) {
    let (first, second) = std::thread::scope(|scope| {
        let opened = [(); 2].map(|()| scope.spawn(|| storage::open(&store.url()).unwrap()));
        let [first, second] = opened.map(|storage| storage.join().unwrap());
        (first, second)
    });
    let (first, second) = (&*first, &*second);
    let mut watching = second.changes().watch("");
    let entry = Entry::new("PYRO:a@h:1").tagged(["t"]);
    // One of them gets it.
    let won = std::thread::scope(|scope| {
        let mut tries = Vec::new();
        for storage in [first, second] {
            for n in 0..40 {
                let put =
                    move || storage.put(&format!("n{n}"), &Entry::new("u"), Terms { safe: true, lifetime: None });
                tries.push(scope.spawn(move || put().unwrap()));
            }
        }
        tries.into_iter().filter_map(|one| one.join().unwrap().then_some(())).count()
    });
    assert_eq!(won, 40);
    for _ in 0..40 {
        assert!(matches!(next(&mut watching), Change::Name { event: Event::Registered, .. }));
    }
    first.set("a", &entry).unwrap();
    assert_eq!(second.get("a", true).unwrap(), Some(entry.clone()));
    assert_eq!(next(&mut watching), Change::new(Event::Registered, "a", entry.clone()));
    // Lifetimes are everybody's, too.
    first.put("short", &entry, Terms { safe: false, lifetime: Some(Duration::from_millis(300)) }).unwrap();
    assert_eq!(second.renew(&[("short", None)], Duration::from_millis(50)).unwrap(), ["short"]);
    assert_eq!(next(&mut watching), Change::new(Event::Registered, "short", entry.clone()));
    until("it expires", || {
        first.expire().unwrap();
        second.expire().unwrap().is_none()
    });
    assert_eq!(next(&mut watching), Change::new(Event::Expired, "short", entry.clone()));
    // Each has a name of its own.
    for (storage, uri) in [(first, "one"), (second, "two")] {
        assert!(storage.put("Pyro.NameServer", &Entry::new(uri), Terms { safe: true, lifetime: None }).unwrap());
    }
    assert_eq!(first.get("Pyro.NameServer", false).unwrap(), Some(Entry::new("one")));
    assert_eq!(second.list(Filter::Prefix("Pyro."), false).unwrap()["Pyro.NameServer"], Entry::new("two"));
    assert_eq!((first.count().unwrap(), second.count().unwrap()), (42, 42));
}

#[test]
fn redis_may_go_away_and_come_back() {
    let Some(store) = Store::redis() else { return };
    comes_back(store);
}

#[test]
fn postgres_may_go_away_and_come_back() {
    let Some(store) = Store::postgres() else { return };
    comes_back(store);
}

fn comes_back(mut store: Store) {
    let storage = storage::open(&store.url()).unwrap();
    let mut watching = storage.changes().watch("");
    let entry = Entry::new("PYRO:a@h:1").tagged(["t"]);
    storage.set("a", &entry).unwrap();
    storage.put("b", &entry, Terms { safe: true, lifetime: Some(Duration::from_secs(600)) }).unwrap();
    for name in ["a", "b"] {
        assert_eq!(next(&mut watching), Change::new(Event::Registered, name, entry.clone()));
    }
    store.kill();
    for _ in 0..20 {
        let start = Instant::now();
        let error = storage.get("a", true).unwrap_err();
        assert!(error.to_string().contains("the store of names at 127.0.0.1:"), "{error}");
        assert_eq!(error.exception().class(), "Pyro5.errors.NamingError");
        assert!(start.elapsed() < Duration::from_secs(5), "an error that comes late is of no use");
        assert!(storage.put("lost", &entry, Terms::default()).is_err());
    }
    store.restart();
    until("it is used again", || storage.get("a", true).is_ok_and(|found| found == Some(entry.clone())));
    assert_eq!(storage.renew(&[("b", None)], Duration::from_secs(600)).unwrap(), ["b"]);
    assert_eq!(storage.count().unwrap(), 2);
    // Changes are seen again, after a word on those that may have been missed.
    let mut number = 0;
    until("changes are told", || {
        number += 1;
        storage.set(&format!("after{number}"), &entry).unwrap();
        matches!(next(&mut watching), Change::Name { .. })
    });
    // A restart that nobody has noticed meanwhile.
    store.kill();
    store.restart();
    assert_eq!(storage.get("a", true).unwrap(), Some(entry.clone()));
    store.kill();
    store.restart();
    // As long as a connection may rest before it is tried: this must not be sent twice, so it is not sent on a broken one.
    std::thread::sleep(Duration::from_millis(600));
    assert!(storage.put("safe", &entry, Terms { safe: true, lifetime: None }).unwrap());
}

#[test]
fn a_store_that_is_not_there_is_an_error_with_its_place() {
    for url in ["redis://:secret@127.0.0.1:1/0", "postgres://u:secret@127.0.0.1:1/db"] {
        let error = storage::open(url).err().unwrap().to_string();
        assert!(error.starts_with("the store of names at 127.0.0.1:1 cannot be reached: "), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert!(storage::open("rediss://127.0.0.1:1").is_err());
    assert!(storage::open("redis:x").err().unwrap().to_string().starts_with("invalid storage type"));
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
