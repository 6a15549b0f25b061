//! [`NameRegistry`]: what Pyro's name server does, without the network.

use std::time::Duration;

use salamander_value::{Exception, Set, Value};

use super::changes::Watching;
use super::pattern::Pattern;
use super::storage::{Entries, Entry, Filter, Lease, Metadata, Storage, Terms};
use crate::{NAME_SERVER_PORT, Uri};

/// The name of the name server itself, which cannot be removed.
pub const NAME_SERVER: &str = "Pyro.NameServer";
/// The metadata of a name server: its class, by which clients find it.
pub(super) const TAG: &str = "class:Pyro5.nameserver.NameServer";
/// What that is for clients of Pyro 4.
const PYRO4_TAG: &str = "class:Pyro4.naming.NameServer";

/// The names of a name server.
///
/// There are two faces: [`find`](Self::find), [`add`](Self::add), [`select`](Self::select) and
/// [`select_tagged`](Self::select_tagged) have Rust's types; the others are the methods of Pyro's `NameServer`, with its
/// parameters, its results as values, and its exceptions. They may be called from many threads; none of them waits for more
/// than the storage.
///
/// A difference to Pyro: metadata has to be text, in whatever collection.
pub struct NameRegistry {
    storage: Box<dyn Storage>,
    name_server_port: u16,
}

impl NameRegistry {
    /// The names in a storage.
    pub fn new(storage: impl Storage + 'static) -> Self {
        Self::of_box(Box::new(storage))
    }

    /// The names in a storage that [`open`](super::storage::open) has opened.
    pub fn of_box(storage: Box<dyn Storage>) -> Self {
        Self { storage, name_server_port: NAME_SERVER_PORT }
    }

    /// The same with another default for the ports of name servers in URIs.
    #[must_use]
    pub fn with_name_server_port(self, name_server_port: u16) -> Self {
        Self { name_server_port, ..self }
    }

    /// What is registered under a name, with its metadata.
    ///
    /// # Errors
    /// `NamingError` where nothing is; like every method here, what the storage says.
    pub fn find(&self, name: &str) -> Result<Entry, Exception> {
        self.get(name, true)
    }

    /// Registers a URI under a name, in the place of what is there; if `safe`, only where nothing is.
    ///
    /// # Errors
    /// `NamingError` where something is there already that must not be replaced.
    pub fn add(&self, name: &str, uri: &Uri, safe: bool, metadata: Metadata) -> Result<(), Exception> {
        self.put(name, &Entry { uri: uri.to_string(), metadata }, Terms { safe, lifetime: None })
    }

    /// The registrations whose names begin with `prefix`, or match `regex`, or all; metadata only where it is asked for.
    ///
    /// The expression is one of Python's, and has to match at the beginning of the name.
    ///
    /// # Errors
    /// `ValueError` where both are given, `NamingError` for what is no regular expression.
    pub fn select(&self, prefix: Option<&str>, regex: Option<&str>, metadata: bool) -> Result<Entries, Exception> {
        match (some(prefix), some(regex)) {
            (Some(_), Some(_)) => Err(Exception::value_error("you can only filter on one thing at a time")),
            (Some(prefix), None) => Ok(self.storage.list(Filter::Prefix(prefix), metadata)?),
            (None, None) => Ok(self.storage.list(Filter::Everything, metadata)?),
            (None, Some(regex)) => {
                let invalid = |error| Exception::pyro("NamingError", format!("invalid regex: {error}"));
                let pattern = Pattern::new(regex).map_err(invalid)?;
                // Others need not wait while names are matched.
                let mut entries = self.storage.list(Filter::Everything, metadata)?;
                let mut failed = None;
                entries.retain(|name, _| {
                    failed.is_none()
                        && pattern.matches(name).unwrap_or_else(|error| {
                            failed = Some(error);
                            false
                        })
                });
                failed.map_or(Ok(entries), |error| Err(invalid(error)))
            }
        }
    }

    /// The registrations that have all of these tags, or any of them.
    ///
    /// # Errors
    /// What the storage says.
    pub fn select_tagged(&self, tags: &Metadata, all: bool, metadata: bool) -> Result<Entries, Exception> {
        let filter = if all { Filter::AllOf(tags) } else { Filter::AnyOf(tags) };
        Ok(self.storage.list(filter, metadata)?)
    }

    /// `count()`: how many registrations there are.
    ///
    /// # Errors
    /// What the storage says.
    pub fn count(&self) -> Result<usize, Exception> {
        Ok(self.storage.count()?)
    }

    /// `lookup(name, return_metadata=False)`: the URI under a name, or a tuple of it and its metadata.
    ///
    /// # Errors
    /// `NamingError` where nothing is registered under the name.
    pub fn lookup(&self, name: &str, return_metadata: bool) -> Result<Value, Exception> {
        let entry = self.get(name, return_metadata)?;
        let uri = Value::from(Uri::parse(&entry.uri, self.name_server_port)?);
        Ok(if return_metadata { Value::Tuple(vec![uri, set(entry.metadata)]) } else { uri })
    }

    /// `register(name, uri, safe=False, metadata=None)`: registers a URI, as such or as text, which is kept as it is.
    ///
    /// # Errors
    /// `NamingError` where `safe` and something is there already, `PyroError` for what is no URI, and `TypeError`.
    pub fn register(&self, name: &str, uri: &Value, safe: bool, metadata: &Value) -> Result<(), Exception> {
        self.put(name, &self.entry(uri, metadata)?, Terms { safe, lifetime: None })
    }

    /// `register_for(name, uri, seconds, safe=False, metadata=None)`: as [`register`](Self::register), but only for so long,
    /// unless it is renewed. Pyro has no such method.
    ///
    /// # Errors
    /// As [`register`](Self::register), and `ValueError` for a time that is none.
    pub fn register_for(
        &self,
        name: &str,
        uri: &Value,
        seconds: f64,
        safe: bool,
        metadata: &Value,
    ) -> Result<(), Exception> {
        if name == NAME_SERVER {
            return Err(Exception::pyro("NamingError", "the name server's own name does not expire"));
        }
        let lifetime = Some(lifetime(seconds)?);
        self.put(name, &self.entry(uri, metadata)?, Terms { safe, lifetime })
    }

    /// `renew(names, seconds)`: lets registrations live so long from now; gives the names of those that were still there and
    /// had a lifetime. Names are one, a collection, or a dict of names to the URIs that they have to have.
    ///
    /// # Errors
    /// `ValueError` for a time that is none, and `TypeError`.
    pub fn renew(&self, names: &Value, seconds: f64) -> Result<Vec<String>, Exception> {
        let names = Leases::read(names)?;
        Ok(self.storage.renew(&names.as_leases(), lifetime(seconds)?)?)
    }

    /// `release(names)`: removes registrations that have a lifetime, given as in [`renew`](Self::renew); tells how many there
    /// were.
    ///
    /// # Errors
    /// `TypeError`.
    pub fn release(&self, names: &Value) -> Result<usize, Exception> {
        Ok(self.storage.release(&Leases::read(names)?.as_leases())?)
    }

    /// The changes from now on of the names that begin so.
    pub fn watch(&self, prefix: &str) -> Watching {
        self.storage.changes().watch(prefix)
    }

    /// Removes what has expired; gives the time until something else will, if anything has a lifetime.
    ///
    /// # Errors
    /// What the storage says.
    pub fn expire(&self) -> Result<Option<Duration>, Exception> {
        Ok(self.storage.expire()?)
    }

    /// `set_metadata(name, metadata)`: gives a registration other metadata, or none.
    ///
    /// # Errors
    /// `NamingError` where nothing is registered under the name, and `TypeError`.
    pub fn set_metadata(&self, name: &str, metadata: &Value) -> Result<(), Exception> {
        let metadata = collection(metadata, "metadata")?.unwrap_or_default();
        if self.storage.set_metadata(name, &metadata)? { Ok(()) } else { Err(unknown(name)) }
    }

    /// `remove(name=None, prefix=None, regex=None)`: removes what is registered under a name, or else with a prefix, or
    /// else matching an expression, but never the name server itself; tells how many there were.
    ///
    /// # Errors
    /// `NamingError` for what is no regular expression.
    pub fn remove(&self, name: Option<&str>, prefix: Option<&str>, regex: Option<&str>) -> Result<usize, Exception> {
        if let Some(name) = some(name).filter(|name| *name != NAME_SERVER) {
            return Ok(self.storage.remove(&[name])?);
        }
        let entries = match (some(prefix), some(regex)) {
            (Some(prefix), _) => self.select(Some(prefix), None, false)?,
            (None, Some(regex)) => self.select(None, Some(regex), false)?,
            (None, None) => return Ok(0),
        };
        let names: Vec<&str> = entries.keys().map(String::as_str).filter(|name| *name != NAME_SERVER).collect();
        Ok(self.storage.remove(&names)?)
    }

    /// `list(prefix=None, regex=None, return_metadata=False)`: a dict of names to the texts of URIs, or to tuples of these
    /// and metadata.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    pub fn list(&self, prefix: Option<&str>, regex: Option<&str>, return_metadata: bool) -> Result<Value, Exception> {
        Ok(dict(self.select(prefix, regex, return_metadata)?, return_metadata))
    }

    /// `yplookup(meta_all=None, meta_any=None, return_metadata=True)`: as [`list`](Self::list), for the registrations that
    /// have all or any of some metadata.
    ///
    /// # Errors
    /// `ValueError` where both are given, and `TypeError`.
    pub fn yplookup(&self, meta_all: &Value, meta_any: &Value, return_metadata: bool) -> Result<Value, Exception> {
        let (tags, all) = match (meta_all.truth(), meta_any.truth()) {
            (true, true) => {
                return Err(Exception::value_error("you can't use meta_all or meta_any at the same time"));
            }
            (true, false) => (collection(meta_all, "metadata_all")?, true),
            (false, true) => (collection(meta_any, "metadata_any")?, false),
            (false, false) => (None, false),
        };
        let entries = match tags {
            Some(mut tags) if !tags.is_empty() => {
                if tags.remove(PYRO4_TAG) {
                    tags.insert(TAG.to_owned());
                }
                self.select_tagged(&tags, all, return_metadata)?
            }
            _ => Entries::new(),
        };
        Ok(dict(entries, return_metadata))
    }

    /// `ping()`: does nothing, and so shows that the name server is there.
    pub fn ping(&self) {}

    fn get(&self, name: &str, metadata: bool) -> Result<Entry, Exception> {
        self.storage.get(name, metadata)?.ok_or_else(|| unknown(name))
    }

    fn put(&self, name: &str, entry: &Entry, terms: Terms) -> Result<(), Exception> {
        if self.storage.put(name, entry, terms)? {
            return Ok(());
        }
        Err(Exception::pyro("NamingError", format!("name already registered: {name}")))
    }

    /// What is to be registered, of what a client sent.
    fn entry(&self, uri: &Value, metadata: &Value) -> Result<Entry, Exception> {
        let uri = match uri {
            Value::Str(text) => {
                Uri::parse(text, self.name_server_port)?;
                text.to_string()
            }
            Value::Object(object) if Uri::is_class(object.class()) => Uri::try_from(uri)?.to_string(),
            _ => return Err(Exception::type_error("only URIs or strings can be registered")),
        };
        let metadata = collection(metadata, "metadata")?.unwrap_or_default();
        Ok(Entry { uri, metadata })
    }
}

/// Names of registrations with a lifetime, each with the URI that it has to have, if that matters.
struct Leases(Vec<(String, Option<String>)>);

impl Leases {
    fn read(names: &Value) -> Result<Self, Exception> {
        let text = |value: &Value| {
            value.as_str().map(str::to_owned).ok_or_else(|| {
                Exception::type_error(format!("names and URIs should be str, not {}", value.type_name()))
            })
        };
        let uri = |value: &Value| match value {
            Value::None => Ok(None),
            Value::Object(object) if Uri::is_class(object.class()) => Ok(Some(Uri::try_from(value)?.to_string())),
            other => text(other).map(Some),
        };
        Ok(Self(match names {
            Value::Str(name) => vec![(name.to_string(), None)],
            Value::Dict(dict) => {
                dict.iter().map(|(name, its)| Ok((text(name)?, uri(its)?))).collect::<Result<_, Exception>>()?
            }
            other => collection(other, "names")?.unwrap_or_default().into_iter().map(|name| (name, None)).collect(),
        }))
    }

    fn as_leases(&self) -> Vec<Lease<'_>> {
        self.0.iter().map(|(name, uri)| (name.as_str(), uri.as_deref())).collect()
    }
}

/// The longest lifetime of a registration: ten years.
const LONGEST: f64 = 315_360_000.0;

fn lifetime(seconds: f64) -> Result<Duration, Exception> {
    // A millisecond at least: storages count in these.
    if (0.001..=LONGEST).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(Exception::value_error(format!("seconds should be more than 0 and at most {LONGEST}, not {seconds}")))
}

fn unknown(name: &str) -> Exception {
    Exception::pyro("NamingError", format!("unknown name: {name}"))
}

/// To Python, what is empty is not given.
fn some(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The text in a collection; none for `None`.
fn collection(value: &Value, what: &str) -> Result<Option<Metadata>, Exception> {
    let text = |item: &Value| {
        item.as_str().map(str::to_owned).ok_or_else(|| {
            Exception::type_error(format!("{what} should be a collection of str, not of {}", item.type_name()))
        })
    };
    match value {
        Value::None => Ok(None),
        Value::Str(_) | Value::Surrogates(_) => {
            Err(Exception::type_error(format!("{what} should not be a str, but another iterable (set, list, etc)")))
        }
        Value::List(items) | Value::Tuple(items) => items.iter().map(text).collect::<Result<_, _>>().map(Some),
        Value::Set(items) | Value::FrozenSet(items) => items.iter().map(text).collect::<Result<_, _>>().map(Some),
        Value::Dict(dict) => dict.keys().map(text).collect::<Result<_, _>>().map(Some),
        other => Err(Exception::type_error(format!("'{}' object is not iterable", other.type_name()))),
    }
}

fn set(tags: Metadata) -> Value {
    Value::from(tags.into_iter().collect::<Set>())
}

fn dict(entries: Entries, metadata: bool) -> Value {
    let value = |entry: Entry| {
        let uri = Value::from(entry.uri);
        if metadata { Value::Tuple(vec![uri, set(entry.metadata)]) } else { uri }
    };
    let entries = entries.into_iter().map(|(name, entry)| (name, value(entry)));
    Value::from(entries.collect::<salamander_value::Dict>())
}

#[cfg(test)]
mod tests {
    use super::super::storage::MemoryStorage;
    use super::*;

    const NONE: &Value = &Value::None;

    fn registry() -> NameRegistry {
        let registry = NameRegistry::new(MemoryStorage::new());
        for (name, tags) in [("Pyro.NameServer", "class"), ("test.one", "a b"), ("test.two", "b"), ("other", "")] {
            let uri = Uri::try_from(format!("PYRO:{name}@h:1")).unwrap();
            registry.add(name, &uri, false, tags.split_whitespace().map(str::to_owned).collect()).unwrap();
        }
        registry
    }

    fn list(items: &[&str]) -> Value {
        Value::from(items.to_vec())
    }

    fn refused<T: std::fmt::Debug>(result: Result<T, Exception>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn names_are_looked_up() {
        let registry = registry();
        assert_eq!(registry.count().unwrap(), 4);
        let uri = registry.lookup("test.one", false).unwrap();
        assert_eq!(uri, Value::from(Uri::try_from("PYRO:test.one@h:1").unwrap()));
        let with_metadata = registry.lookup("test.one", true).unwrap();
        assert_eq!(with_metadata, Value::Tuple(vec![uri, set(["a".to_owned(), "b".to_owned()].into())]));
        assert_eq!(registry.find("other").unwrap(), Entry::new("PYRO:other@h:1"));
        assert_eq!(refused(registry.lookup("x", false)), "Pyro5.errors.NamingError: unknown name: x");
        registry.ping();
    }

    #[test]
    fn uris_are_registered_as_they_are_given() {
        let registry = registry().with_name_server_port(7);
        registry.register("x", &"pyro:x@h:1".into(), false, NONE).unwrap();
        assert_eq!(registry.list(Some("x"), None, false).unwrap().to_string(), "{'x': 'pyro:x@h:1'}");
        let uri = Value::from(Uri::try_from("PYRONAME:x@h:3").unwrap());
        registry.register("x", &uri, false, &list(&["t", "t"])).unwrap();
        assert_eq!(registry.list(Some("x"), None, true).unwrap().to_string(), "{'x': ('PYRONAME:x@h:3', {'t'})}");
        registry.register("y", &"PYRONAME:x@h".into(), true, NONE).unwrap();
        assert_eq!(Uri::try_from(&registry.lookup("y", false).unwrap()).unwrap().port(), Some(7));
        assert_eq!(
            refused(registry.register("x", &uri, true, NONE)),
            "Pyro5.errors.NamingError: name already registered: x"
        );
        assert_eq!(refused(registry.register("z", &"bad".into(), true, NONE)), "Pyro5.errors.PyroError: invalid uri");
        for bad in [Value::Int(3), Value::from(&b"PYRO:x@h:1"[..]), NONE.clone()] {
            assert_eq!(
                refused(registry.register("z", &bad, false, NONE)),
                "TypeError: only URIs or strings can be registered"
            );
        }
    }

    #[test]
    fn metadata_is_any_collection_of_text() {
        let registry = registry();
        let tuple = Value::Tuple(vec!["q".into()]);
        let dict = Value::from([("q", 1)].into_iter().collect::<salamander_value::Dict>());
        for metadata in [list(&["q"]), tuple, dict, set(["q".to_owned()].into())] {
            registry.set_metadata("other", &metadata).unwrap();
            assert_eq!(registry.find("other").unwrap().metadata, ["q".to_owned()].into());
        }
        registry.set_metadata("other", NONE).unwrap();
        assert_eq!(registry.find("other").unwrap(), Entry::new("PYRO:other@h:1"));
        assert_eq!(
            refused(registry.set_metadata("other", &"q".into())),
            "TypeError: metadata should not be a str, but another iterable (set, list, etc)"
        );
        assert_eq!(refused(registry.set_metadata("other", &5.into())), "TypeError: 'int' object is not iterable");
        assert_eq!(
            refused(registry.set_metadata("other", &Value::from(vec![5]))),
            "TypeError: metadata should be a collection of str, not of int"
        );
        assert_eq!(refused(registry.set_metadata("x", NONE)), "Pyro5.errors.NamingError: unknown name: x");
    }

    #[test]
    fn lists_are_filtered_by_one_thing() {
        let registry = registry();
        let names =
            |prefix, regex| -> Vec<String> { registry.select(prefix, regex, false).unwrap().into_keys().collect() };
        assert_eq!(names(None, None).len(), 4);
        assert_eq!(names(Some("test."), None), ["test.one", "test.two"]);
        assert_eq!(names(Some(""), Some(r"test\.(?P<n>o|t)")), ["test.one", "test.two"]);
        assert_eq!(names(None, Some("e")), [""; 0]);
        assert_eq!(names(None, Some(".*e$")), ["test.one"]);
        assert_eq!(
            refused(registry.list(Some("a"), Some("b"), false)),
            "ValueError: you can only filter on one thing at a time"
        );
        assert_eq!(
            refused(registry.list(None, Some("("), false)),
            "Pyro5.errors.NamingError: invalid regex: missing ), unterminated subpattern at position 0"
        );
    }

    #[test]
    fn matching_that_takes_too_long_is_an_error() {
        let registry = registry();
        registry.add(&"a".repeat(200), &Uri::try_from("PYRO:a@h:1").unwrap(), false, Metadata::new()).unwrap();
        assert_eq!(
            refused(registry.remove(None, None, Some(r"(?:(a+)\1?)+b"))),
            "Pyro5.errors.NamingError: invalid regex: matching takes too long"
        );
        assert_eq!(registry.count().unwrap(), 5);
    }

    #[test]
    fn metadata_is_searched_for_all_or_any() {
        let registry = registry();
        let found = |all: &Value, any: &Value| registry.yplookup(all, any, false).unwrap().to_string();
        assert_eq!(found(&list(&["a", "b"]), NONE), "{'test.one': 'PYRO:test.one@h:1'}");
        assert_eq!(
            found(&list(&[]), &list(&["a", "b"])),
            "{'test.one': 'PYRO:test.one@h:1', 'test.two': 'PYRO:test.two@h:1'}"
        );
        assert_eq!(found(NONE, NONE), "{}");
        assert_eq!(found(&"".into(), &list(&[])), "{}");
        // Clients of Pyro 4 look for name servers by the class that these have there.
        registry.add("ns", &"PYRO:ns@h:1".parse().unwrap(), false, [TAG.to_owned()].into()).unwrap();
        for tag in [TAG, PYRO4_TAG] {
            assert_eq!(found(&list(&[tag]), NONE), "{'ns': 'PYRO:ns@h:1'}");
            assert_eq!(found(NONE, &list(&["nothing", tag])), "{'ns': 'PYRO:ns@h:1'}");
        }
        let with_metadata = registry.yplookup(&list(&["a"]), NONE, true).unwrap();
        assert_eq!(with_metadata.to_string(), "{'test.one': ('PYRO:test.one@h:1', {'a', 'b'})}");
        let refused = |all: &Value, any: &Value| refused(registry.yplookup(all, any, true));
        assert_eq!(
            refused(&list(&["a"]), &list(&["a"])),
            "ValueError: you can't use meta_all or meta_any at the same time"
        );
        assert_eq!(
            refused(&"a".into(), NONE),
            "TypeError: metadata_all should not be a str, but another iterable (set, list, etc)"
        );
        assert_eq!(
            refused(NONE, &"a".into()),
            "TypeError: metadata_any should not be a str, but another iterable (set, list, etc)"
        );
        assert_eq!(refused(&5.into(), NONE), "TypeError: 'int' object is not iterable");
    }

    #[test]
    fn the_name_server_stays_registered() {
        let registry = registry();
        assert_eq!(registry.remove(Some(NAME_SERVER), None, None).unwrap(), 0);
        assert_eq!(registry.remove(None, Some("Pyro"), None).unwrap(), 0);
        assert_eq!(registry.remove(None, None, Some("Pyro")).unwrap(), 0);
        assert_eq!(registry.remove(None, None, None).unwrap(), 0);
        assert_eq!(registry.remove(Some("nope"), None, None).unwrap(), 0);
        assert_eq!(registry.remove(Some("other"), Some("test"), None).unwrap(), 1);
        assert_eq!(registry.remove(Some(NAME_SERVER), None, Some("test.o")).unwrap(), 1);
        assert_eq!(registry.remove(None, Some("t"), Some(".*")).unwrap(), 1);
        assert_eq!(registry.count().unwrap(), 1);
        assert_eq!(registry.remove(None, None, Some("")).unwrap(), 0);
        assert_eq!(registry.remove(None, None, Some(".*")).unwrap(), 0);
    }
}
