//! What every storage has to do.

use super::{Entries, Entry, Filter, Metadata, Storage};

/// Puts storages to the test, each of which has to be empty at first.
pub(super) fn all(make: &mut dyn FnMut() -> Box<dyn Storage>) {
    what_is_set_is_found(&mut *make());
    what_is_removed_is_gone(&mut *make());
    prefixes_are_exact(&mut *make());
    tags_are_found_all_or_any(&mut *make());
    any_text_can_be_a_name(&mut *make());
    much_is_no_problem(&mut *make());
}

fn names(entries: &Entries) -> Vec<&str> {
    entries.keys().map(String::as_str).collect()
}

fn tags(tags: &[&str]) -> Metadata {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn what_is_set_is_found(storage: &mut dyn Storage) {
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

fn what_is_removed_is_gone(storage: &mut dyn Storage) {
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

fn prefixes_are_exact(storage: &mut dyn Storage) {
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

fn tags_are_found_all_or_any(storage: &mut dyn Storage) {
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

fn any_text_can_be_a_name(storage: &mut dyn Storage) {
    for name in ["", "'; DROP TABLE pyro_names; --", "a\0b", "\u{1F980}", " ", "1", "1.0"] {
        storage.set(name, &Entry::new(name).tagged([name])).unwrap();
        assert_eq!(storage.get(name, true).unwrap().unwrap(), Entry::new(name).tagged([name]));
        assert_eq!(names(&storage.list(Filter::AllOf(&tags(&[name])), true).unwrap()), [name]);
    }
    assert_eq!(storage.count().unwrap(), 7);
    assert_eq!(storage.remove(&["a", "a\0b"]).unwrap(), 1);
}

fn much_is_no_problem(storage: &mut dyn Storage) {
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
