//! What every storage of a name server has to do.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use salamander::naming::storage::{Entries, Entry, Filter, Lease, Metadata, Storage, Terms};
use salamander::naming::{Change, Event, Watching};

/// Puts a storage to the test, which is emptied before each part.
///
/// # Panics
/// Where it does something else.
pub fn all(storage: &dyn Storage) {
    for part in [
        what_is_set_is_found,
        what_is_safe_is_not_replaced,
        metadata_is_replaced,
        what_is_removed_is_gone,
        prefixes_are_exact,
        tags_are_found_all_or_any,
        any_text_can_be_a_name,
        much_is_no_problem,
        what_expires_is_gone,
        what_is_renewed_stays,
        what_is_released_is_gone,
        changes_are_told_in_order,
    ] {
        let names = storage.list(Filter::Everything, false).unwrap();
        storage.remove(&names.keys().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert_eq!(storage.count().unwrap(), 0);
        part(storage);
    }
}

fn names(entries: &Entries) -> Vec<&str> {
    entries.keys().map(String::as_str).collect()
}

fn tags(tags: &[&str]) -> Metadata {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn what_is_set_is_found(storage: &dyn Storage) {
    assert_eq!((storage.count().unwrap(), storage.get("a", true).unwrap()), (0, None));
    assert_eq!(storage.list(Filter::Everything, true).unwrap(), Entries::new());
    let entry = Entry::new("PYRO:a@h:1").tagged(["x", "y"]);
    storage.set("a", &entry).unwrap();
    storage.set("b", &Entry::new("PYRO:b@h:1")).unwrap();
    assert_eq!(storage.count().unwrap(), 2);
    assert_eq!(storage.get("a", true).unwrap().unwrap(), entry);
    assert_eq!(storage.get("a", false).unwrap().unwrap(), Entry::new("PYRO:a@h:1"));
    assert_eq!(storage.get("A", true).unwrap(), None);
    let all = storage.list(Filter::Everything, true).unwrap();
    assert_eq!(all, [("a".to_owned(), entry), ("b".to_owned(), Entry::new("PYRO:b@h:1"))].into());
    let bare = storage.list(Filter::Everything, false).unwrap();
    assert!(bare.values().all(|entry| entry.metadata.is_empty()) && names(&bare) == ["a", "b"]);
    let other = Entry::new("PYRO:other@h:2").tagged(["z"]);
    storage.set("a", &other).unwrap();
    assert_eq!((storage.count().unwrap(), storage.get("a", true).unwrap().unwrap()), (2, other));
}

fn what_is_removed_is_gone(storage: &dyn Storage) {
    for name in ["a", "b", "c"] {
        storage.set(name, &Entry::new(name).tagged(["t"])).unwrap();
    }
    assert_eq!(storage.remove(&["a", "nope", "c", "a"]).unwrap(), 2);
    assert_eq!(storage.remove(&["a"]).unwrap(), 0);
    assert_eq!(storage.remove(&[]).unwrap(), 0);
    assert_eq!(names(&storage.list(Filter::AnyOf(&tags(&["t"])), false).unwrap()), ["b"]);
    // Nothing is left of the tags either.
    storage.set("a", &Entry::new("new")).unwrap();
    assert_eq!(storage.get("a", true).unwrap().unwrap(), Entry::new("new"));
}

fn prefixes_are_exact(storage: &dyn Storage) {
    for name in ["ab", "abc", "aBd", "a_c", "a%c", "b", "\u{e9}t", "\u{e9}\u{10ffff}", "ab\u{10ffff}x"] {
        storage.set(name, &Entry::new("u").tagged(["t"])).unwrap();
    }
    for (prefix, expected) in [
        ("ab", &["ab", "abc", "ab\u{10ffff}x"][..]),
        ("aB", &["aBd"]),
        ("a_", &["a_c"]),
        ("%", &[]),
        ("\u{e9}", &["\u{e9}t", "\u{e9}\u{10ffff}"]),
        ("ab\u{10ffff}", &["ab\u{10ffff}x"]),
        ("abcd", &[]),
    ] {
        let found = storage.list(Filter::Prefix(prefix), true).unwrap();
        assert_eq!(names(&found), expected, "{prefix}");
        assert!(found.values().all(|entry| entry.metadata == tags(&["t"])));
    }
    assert_eq!(storage.list(Filter::Prefix(""), false).unwrap().len(), 9);
}

fn tags_are_found_all_or_any(storage: &dyn Storage) {
    storage.set("none", &Entry::new("0")).unwrap();
    storage.set("x", &Entry::new("1").tagged(["x"])).unwrap();
    storage.set("xy", &Entry::new("2").tagged(["x", "y"])).unwrap();
    storage.set("xyz", &Entry::new("3").tagged(["x", "y", "z"])).unwrap();
    for (wanted, all, any) in [
        (&["x"][..], &["x", "xy", "xyz"][..], &["x", "xy", "xyz"][..]),
        (&["x", "y"], &["xy", "xyz"], &["x", "xy", "xyz"]),
        (&["y", "z"], &["xyz"], &["xy", "xyz"]),
        (&["z", "nope"], &[], &["xyz"]),
        (&["X"], &[], &[]),
        (&[], &["none", "x", "xy", "xyz"], &[]),
    ] {
        let wanted = tags(wanted);
        let (with_all, with_any) = (Filter::AllOf(&wanted), Filter::AnyOf(&wanted));
        assert_eq!(names(&storage.list(with_all, false).unwrap()), all, "{wanted:?}");
        assert_eq!(names(&storage.list(with_any, false).unwrap()), any, "{wanted:?}");
        for (name, entry) in storage.list(with_all, true).unwrap() {
            assert_eq!(storage.get(&name, true).unwrap().unwrap(), entry);
        }
    }
}

fn any_text_can_be_a_name(storage: &dyn Storage) {
    for name in ["", "'; DROP TABLE pyro_names; --", "a\0b", "\u{1F980}", " ", "1", "1.0"] {
        storage.set(name, &Entry::new(name).tagged([name])).unwrap();
        assert_eq!(storage.get(name, true).unwrap().unwrap(), Entry::new(name).tagged([name]));
        assert_eq!(names(&storage.list(Filter::AllOf(&tags(&[name])), true).unwrap()), [name]);
    }
    assert_eq!(storage.count().unwrap(), 7);
    assert_eq!(storage.remove(&["a", "a\0b"]).unwrap(), 1);
}

fn much_is_no_problem(storage: &dyn Storage) {
    for n in 0..50 {
        storage.set(&format!("n{n}"), &Entry::new("u").tagged((0..n).map(|n| n.to_string()))).unwrap();
    }
    let many: Metadata = (0..40_000).map(|n| n.to_string()).collect();
    assert_eq!(storage.list(Filter::AnyOf(&many), false).unwrap().len(), 49);
    assert_eq!(storage.list(Filter::AllOf(&many), false).unwrap().len(), 0);
    let gone: Vec<String> = (0..40_000).map(|n| format!("n{n}")).collect();
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    assert_eq!(storage.remove(&gone).unwrap(), 50);
    assert_eq!(storage.count().unwrap(), 0);
}

fn safe() -> Terms {
    Terms { safe: true, lifetime: None }
}

fn lasting(milliseconds: u64) -> Terms {
    Terms { safe: false, lifetime: Some(Duration::from_millis(milliseconds)) }
}

/// Longer than a test takes.
const LONG: u64 = 600_000;

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        // Between two looks: a lifetime ends by the store's own clock.
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn what_is_safe_is_not_replaced(storage: &dyn Storage) {
    assert!(storage.put("a", &Entry::new("1").tagged(["x"]), safe()).unwrap());
    assert!(!storage.put("a", &Entry::new("2"), safe()).unwrap());
    assert!(!storage.put("a", &Entry::new("2"), Terms { safe: true, ..lasting(LONG) }).unwrap());
    assert_eq!(storage.get("a", true).unwrap().unwrap(), Entry::new("1").tagged(["x"]));
    // Among many at once, one.
    let won = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|n| scope.spawn(move || storage.put("b", &Entry::new(n.to_string()), safe()).unwrap().then_some(n)))
            .collect();
        tries.into_iter().filter_map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(won.len(), 1);
    assert_eq!(storage.get("b", false).unwrap().unwrap(), Entry::new(won[0].to_string()));
}

fn metadata_is_replaced(storage: &dyn Storage) {
    assert!(!storage.set_metadata("a", &tags(&["x"])).unwrap());
    assert_eq!(storage.count().unwrap(), 0);
    storage.put("a", &Entry::new("1").tagged(["x", "y"]), lasting(LONG)).unwrap();
    assert!(storage.set_metadata("a", &tags(&["z"])).unwrap());
    assert_eq!(storage.get("a", true).unwrap().unwrap(), Entry::new("1").tagged(["z"]));
    assert_eq!(names(&storage.list(Filter::AnyOf(&tags(&["x", "z"])), false).unwrap()), ["a"]);
    assert_eq!(names(&storage.list(Filter::AnyOf(&tags(&["x"])), false).unwrap()), [""; 0]);
    // Its lifetime is what it was.
    assert_eq!(storage.renew(&[("a", None)], Duration::from_secs(60)).unwrap(), ["a"]);
    assert!(storage.set_metadata("a", &Metadata::new()).unwrap());
    assert_eq!(storage.get("a", true).unwrap().unwrap(), Entry::new("1"));
}

fn what_expires_is_gone(storage: &dyn Storage) {
    storage.set("stays", &Entry::new("1")).unwrap();
    assert_eq!(storage.expire().unwrap(), None);
    storage.put("goes", &Entry::new("2").tagged(["t"]), lasting(150)).unwrap();
    storage.put("later", &Entry::new("3"), lasting(LONG)).unwrap();
    let next = storage.expire().unwrap().unwrap();
    assert!(next <= Duration::from_millis(150), "{next:?}");
    // Without anybody's removing it.
    until("it expires", || storage.get("goes", false).unwrap().is_none());
    assert_eq!(names(&storage.list(Filter::Everything, false).unwrap()), ["later", "stays"]);
    assert_eq!(names(&storage.list(Filter::Prefix("go"), false).unwrap()), [""; 0]);
    assert_eq!(names(&storage.list(Filter::AnyOf(&tags(&["t"])), false).unwrap()), [""; 0]);
    assert_eq!(storage.count().unwrap(), 2);
    assert!(!storage.set_metadata("goes", &tags(&["x"])).unwrap());
    assert_eq!(storage.renew(&[("goes", None)], Duration::from_secs(60)).unwrap(), [""; 0]);
    assert_eq!(storage.release(&[("goes", None)]).unwrap(), 0);
    assert_eq!(storage.remove(&["goes"]).unwrap(), 0);
    assert!(storage.put("goes", &Entry::new("4"), safe()).unwrap());
    let next = storage.expire().unwrap().unwrap();
    assert!(next > Duration::from_secs(500) && next <= Duration::from_millis(LONG), "{next:?}");
    // Registered for good, it does not expire any more; nor does another's that has taken the name.
    storage.put("goes", &Entry::new("4"), lasting(50)).unwrap();
    storage.set("goes", &Entry::new("5")).unwrap();
    storage.put("short", &Entry::new("6"), lasting(50)).unwrap();
    until("the other expires", || storage.get("short", false).unwrap().is_none());
    assert_eq!(storage.get("goes", false).unwrap().unwrap(), Entry::new("5"));
}

fn what_is_renewed_stays(storage: &dyn Storage) {
    storage.set("good", &Entry::new("1")).unwrap();
    storage.put("a", &Entry::new("2"), lasting(150)).unwrap();
    storage.put("b", &Entry::new("3"), lasting(150)).unwrap();
    storage.put("c", &Entry::new("4"), lasting(150)).unwrap();
    let leases: &[Lease<'_>] = &[("a", None), ("b", Some("3")), ("c", Some("other")), ("good", None), ("nope", None)];
    let mut renewed = storage.renew(leases, Duration::from_millis(LONG)).unwrap();
    renewed.sort();
    assert_eq!(renewed, ["a", "b"]);
    until("the other expires", || storage.get("c", false).unwrap().is_none());
    assert_eq!(names(&storage.list(Filter::Everything, false).unwrap()), ["a", "b", "good"]);
    assert_eq!(storage.renew(&[], Duration::from_secs(1)).unwrap(), [""; 0]);
    // Shorter, too.
    storage.renew(&[("a", None)], Duration::from_millis(20)).unwrap();
    until("it expires", || storage.get("a", false).unwrap().is_none());
}

fn what_is_released_is_gone(storage: &dyn Storage) {
    storage.set("good", &Entry::new("1")).unwrap();
    for name in ["a", "b", "c"] {
        storage.put(name, &Entry::new(name), lasting(LONG)).unwrap();
    }
    let leases: &[Lease<'_>] = &[("a", None), ("b", Some("b")), ("c", Some("other")), ("good", None), ("nope", None)];
    assert_eq!(storage.release(leases).unwrap(), 2);
    assert_eq!(names(&storage.list(Filter::Everything, false).unwrap()), ["c", "good"]);
    assert_eq!(storage.release(&[]).unwrap(), 0);
}

/// The next change, which may still be on its way.
pub fn next(watching: &mut Watching) -> Change {
    let mut next = None;
    until("a change", || {
        next = watching.next().now_or_never().flatten();
        next.is_some()
    });
    next.unwrap()
}

fn changes_are_told_in_order(storage: &dyn Storage) {
    let (x, y) = (Entry::new("1").tagged(["x"]), Entry::new("2").tagged(["y", "z"]));
    let mut watching = storage.changes().watch("w.");
    storage.set("other", &x).unwrap();
    storage.set("w.a", &x).unwrap();
    storage.set("w.a", &y).unwrap();
    storage.put("w.a", &x, safe()).unwrap();
    storage.set_metadata("w.a", &x.metadata).unwrap();
    storage.put("w.b", &y, lasting(LONG)).unwrap();
    storage.renew(&[("w.b", None)], Duration::from_secs(60)).unwrap();
    storage.remove(&["w.nope", "w.a"]).unwrap();
    storage.release(&[("w.b", None)]).unwrap();
    storage.put("w.c", &x, lasting(20)).unwrap();
    until("it expires", || storage.get("w.c", false).unwrap().is_none());
    storage.put("w.c", &y, safe()).unwrap();
    storage.put("w.d", &x, lasting(20)).unwrap();
    until("it is removed", || {
        storage.expire().unwrap();
        storage.get("w.d", false).unwrap().is_none() && storage.expire().unwrap().is_none()
    });
    for (event, name, entry) in [
        (Event::Registered, "w.a", &x),
        (Event::Changed, "w.a", &y),
        (Event::Changed, "w.a", &Entry::new("2").tagged(["x"])),
        (Event::Registered, "w.b", &y),
        (Event::Removed, "w.a", &Entry::new("2").tagged(["x"])),
        (Event::Removed, "w.b", &y),
        (Event::Registered, "w.c", &x),
        (Event::Expired, "w.c", &x),
        (Event::Registered, "w.c", &y),
        (Event::Registered, "w.d", &x),
        (Event::Expired, "w.d", &x),
    ] {
        assert_eq!(next(&mut watching), Change::new(event, name, entry.clone()));
    }
    storage.set("w.end", &x).unwrap();
    assert_eq!(next(&mut watching).name(), Some("w.end"), "nothing else was told");
}
