//! The objects that tests call, in Rust; `interop/python/thing.py` has the same in Python.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::Stream;
use salamander::prelude::*;
use salamander::{ClassInstance, Codec, DaemonHandle, Dict};
use tokio::sync::Notify;

/// An object with one member of every kind.
pub struct Thing {
    velocity: Mutex<Value>,
    notes: Arc<Notes>,
    daemon: DaemonHandle,
}

/// What clients have noted, by keys that they choose.
#[derive(Default)]
struct Notes {
    by_key: Mutex<HashMap<String, Vec<String>>>,
    changed: Notify,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, key: &str, text: &str) -> usize {
        let mut all = self.lock();
        let notes = all.entry(key.to_owned()).or_default();
        notes.push(text.to_owned());
        self.changed.notify_waiters();
        notes.len()
    }

    fn get(&self, key: &str) -> Vec<String> {
        self.lock().get(key).cloned().unwrap_or_default()
    }

    /// What stands under a key, as soon as that are so many, or after a while.
    async fn at_least(&self, key: &str, count: usize) -> Vec<String> {
        let enough = async {
            loop {
                let changed = self.changed.notified();
                let notes = self.get(key);
                if notes.len() >= count {
                    return notes;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), enough).await {
            Ok(notes) => notes,
            Err(_) => self.get(key),
        }
    }
}

impl Thing {
    /// The object, which registers others at this daemon.
    pub fn new(daemon: DaemonHandle) -> Self {
        Self { velocity: Mutex::new(0.into()), notes: Arc::default(), daemon }
    }
}

#[expose]
impl Thing {
    /// Gives its argument back.
    fn echo(&self, value: Value) -> Value {
        value
    }

    /// Gives nothing.
    fn nothing(&self) {}

    fn add(&self, x: i64, y: i64) -> i64 {
        x + y
    }

    fn half(&self, number: f64) -> f64 {
        number / 2.0
    }

    fn greet(
        &self,
        name: &str,
        #[default("hello".to_owned())] greeting: String,
        #[default("!".to_owned())] mark: String,
    ) -> String {
        format!("{greeting} {name}{mark}")
    }

    fn maybe(&self, value: Option<Value>) -> Option<Value> {
        value
    }

    fn collect(&self, first: Value, #[args] args: Vec<Value>, #[kwargs] kwargs: Dict) -> Value {
        Value::List(vec![first, Value::List(args), kwargs.into()])
    }

    fn repeat(&self, text: &str, times: u32) -> String {
        text.repeat(times as usize)
    }

    fn size(&self, data: Value) -> usize {
        match data {
            Value::Str(text) => text.chars().count(),
            other => other.as_bytes().map_or(0, <[u8]>::len),
        }
    }

    #[property]
    fn velocity(&self) -> Value {
        self.velocity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[setter]
    fn set_velocity(&self, velocity: Value) {
        *self.velocity.lock().unwrap_or_else(PoisonError::into_inner) = velocity;
    }

    #[property]
    fn name(&self) -> &'static str {
        "thing"
    }

    #[property]
    fn failing(&self) -> Result<i64, Exception> {
        Err(Exception::value_error("no such luck"))
    }

    async fn later(&self, seconds: f64) -> f64 {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        seconds
    }

    // Holds a thread for so long, as tests want it to.
    #[blocking]
    fn block(&self, seconds: f64) -> f64 {
        std::thread::sleep(Duration::from_secs_f64(seconds));
        seconds
    }

    #[oneway]
    fn note(&self, key: &str, text: &str) {
        self.notes.add(key, text);
    }

    /// Notes something as soon as something else is noted.
    #[oneway]
    async fn note_after(&self, key: String, text: String, other: String) {
        self.notes.at_least(&other, 1).await;
        self.notes.add(&key, &text);
    }

    #[oneway]
    fn fail_oneway(&self) -> Result<(), Exception> {
        Err(Exception::value_error("nobody hears this"))
    }

    fn write_note(&self, key: &str, text: &str) -> usize {
        self.notes.add(key, text)
    }

    /// What has been noted under a key, as soon as that are so many.
    async fn notes(&self, key: String, count: usize) -> Vec<String> {
        self.notes.at_least(&key, count).await
    }

    /// Returns when so many are here at once.
    async fn meet(&self, key: String, count: usize) -> usize {
        self.notes.add(&key, "here");
        self.notes.at_least(&key, count).await.len()
    }

    #[blocking]
    fn meet_blocking(&self, key: String, count: usize) -> usize {
        self.notes.add(&key, "here");
        tokio::runtime::Handle::current().block_on(self.notes.at_least(&key, count)).len()
    }

    fn raise_builtin(&self, name: &str, args: Vec<Value>) -> Result<(), Exception> {
        Err(Exception::with_args(name, args))
    }

    fn raise_pyro(&self, name: &str, message: &str) -> Result<(), Exception> {
        Err(Exception::pyro(name, message))
    }

    fn raise_with_attributes(&self) -> Result<(), Exception> {
        let details = Value::List(vec!["a".into(), "b".into()]);
        Err(Exception::value_error("with more to say").with_attribute("code", 42).with_attribute("details", details))
    }

    fn raise_custom(&self) -> Result<(), Exception> {
        Err(Exception::new("thing.CustomError", "unheard of"))
    }

    fn raise_unserializable(&self, kind: &str) -> Result<(), Exception> {
        let decimal: salamander::Decimal = "1.5".parse()?;
        Err(Exception::value_error(if kind == "decimal" {
            Value::from(decimal)
        } else {
            Value::from(&b"\x00\x01"[..])
        }))
    }

    fn divide(&self, x: i64, y: i64) -> Result<i64, Exception> {
        x.checked_div_euclid(y).ok_or_else(|| Exception::zero_division_error("integer division or modulo by zero"))
    }

    fn count_to(&self, limit: u32) -> impl Iterator<Item = u32> + use<> {
        0..limit
    }

    fn count_async(&self, limit: u32) -> impl Stream<Item = u32> + use<> {
        futures_util::stream::unfold(0, move |number| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            (number < limit).then_some((number, number + 1))
        })
    }

    fn endless(&self, key: String) -> impl Iterator<Item = u32> + use<> {
        let closing = Closing { notes: self.notes.clone(), key };
        (0..).inspect(move |_| {
            let _ = &closing;
        })
    }

    fn count_and_fail(&self, limit: u32) -> impl Iterator<Item = Result<u32, Exception>> + use<> {
        (0..limit).map(Ok).chain(std::iter::once_with(|| Err(Exception::value_error("enough is enough"))))
    }

    fn stream_unserializable(&self) -> impl Iterator<Item = Result<u32, Exception>> + use<> {
        [Ok(1), Err(Exception::type_error("a lock is no value"))].into_iter()
    }

    fn fail_before_stream(&self) -> Result<Box<dyn Iterator<Item = u32> + Send>, Exception> {
        Err(Exception::value_error("not even one"))
    }

    fn context(&self, context: &CallContext) -> Dict {
        let address = context.client_addr();
        let annotations = context.annotations().iter().map(|(id, data)| {
            let bytes = data.iter().map(|&byte| Value::from(i64::from(byte))).collect();
            (String::from_utf8_lossy(id).into_owned(), Value::List(bytes))
        });
        Dict::from_iter([
            ("client", address.map_or(Value::None, |address| address.ip().to_string().into())),
            ("port", address.map_or(Value::None, |address| i64::from(address.port()).into())),
            ("correlation_id", context.correlation_id().to_string().into()),
            ("annotations", Dict::from_iter(annotations).into()),
        ])
    }

    fn annotate(&self, annotations: Dict, context: &CallContext) -> Result<usize, Exception> {
        for (id, data) in annotations.iter() {
            let data = data.as_bytes().unwrap_or_default().to_vec();
            context.reply_annotation(id.as_str().unwrap_or_default(), data)?;
        }
        Ok(annotations.len())
    }

    /// Every item comes with an annotation, every other one after a while.
    fn annotated_items(&self, limit: u8) -> impl Stream<Item = Result<u8, Exception>> + use<> {
        futures_util::stream::unfold(0, move |number| async move {
            if number % 2 == 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let annotated = match CallContext::current() {
                Some(context) => context.reply_annotation("ITEM", vec![number]).map_err(Exception::from),
                None => Err(Exception::runtime_error("nobody asks for this item")),
            };
            (number < limit).then_some((annotated.map(|()| number), number + 1))
        })
    }

    fn annotate_and_fail(&self, context: &CallContext) -> Result<(), Exception> {
        context.reply_annotation("FAIL", "told before")?;
        Err(Exception::value_error("annotated"))
    }

    fn uri(&self) -> Result<Uri, Exception> {
        Ok("PYRO:some.object@localhost:9999".parse::<Uri>()?)
    }

    fn uri_text(&self, uri: Uri) -> String {
        uri.to_string()
    }

    fn uri_of_proxy(&self, proxy: Value) -> Result<Value, Exception> {
        let state = match &proxy {
            Value::Object(object) if object.class() == "Pyro5.client.Proxy" => {
                object.state().and_then(Value::as_slice)
            }
            _ => None,
        };
        state
            .and_then(|state| state.first().cloned())
            .ok_or_else(|| Exception::type_error(format!("expected a proxy, got {}", proxy.type_name())))
    }

    fn proxy(&self) -> Value {
        let names = |names: &[&str]| Value::Tuple(names.iter().map(|name| Value::from(*name)).collect());
        let uri = Value::from("PYRO:some.object@localhost:9999");
        let state = vec![uri, names(&[]), names(&["a", "b"]), names(&[]), "hello".into(), Value::None];
        ClassInstance::with_state("Pyro5.client.Proxy", Value::Tuple(state)).into()
    }

    /// Calls another object while it is called.
    async fn call_back(&self, uri: Uri, method: String, argument: Value) -> Result<Value, Error> {
        let proxy = Proxy::new(uri.to_string())?.with_serializer(Codec::Marshal);
        proxy.call(&method, (argument,)).await
    }

    #[blocking]
    fn call_back_blocking(&self, uri: Uri, method: &str, argument: Value) -> Result<Value, Error> {
        let proxy = salamander::blocking::Proxy::new(uri.to_string())?.with_serializer(Codec::Marshal);
        proxy.call(method, (argument,))
    }

    /// Registers an object that nobody else uses, and gives its id.
    fn make(&self, kind: &str) -> Result<String, Exception> {
        let uri = match kind {
            "shelf" => self.daemon.register_anonymous(Shelf::default()),
            "counter" => self.daemon.register_anonymous(Counter::default()),
            "row" => self.daemon.register_anonymous(Row),
            other => return Err(Exception::key_error(other)),
        };
        Ok(uri?.object().to_owned())
    }

    #[unexposed]
    #[allow(dead_code)]
    fn unexposed(&self) -> &'static str {
        "never to be seen"
    }

    #[unexposed]
    #[allow(dead_code)]
    fn unexposed_property(&self) -> &'static str {
        "never to be seen"
    }

    #[allow(dead_code)]
    fn _private(&self) -> &'static str {
        "never to be seen"
    }
}

/// Notes that a stream was closed.
struct Closing {
    notes: Arc<Notes>,
    key: String,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.notes.add(&self.key, "closed");
    }
}

/// A container: what Python calls by syntax.
#[derive(Default)]
struct Shelf {
    items: Dict,
}

#[expose]
impl Shelf {
    #[name("__len__")]
    fn len(&self) -> usize {
        self.items.len()
    }

    #[name("__getitem__")]
    fn get_item(&self, key: &str) -> Result<Value, Exception> {
        self.items.get(key).cloned().ok_or_else(|| Exception::key_error(key))
    }

    #[name("__setitem__")]
    fn set_item(&mut self, key: String, value: Value) {
        self.items.insert(&*key, value);
    }

    #[name("__delitem__")]
    fn delete_item(&mut self, key: &str) -> Result<(), Exception> {
        self.items.remove(key).map(drop).ok_or_else(|| Exception::key_error(key))
    }

    #[name("__iter__")]
    fn iter(&self) -> impl Iterator<Item = Value> + use<> {
        self.items.keys().cloned().collect::<Vec<_>>().into_iter()
    }

    #[name("__contains__")]
    fn contains(&self, key: &str) -> bool {
        self.items.get(key).is_some()
    }

    fn clear(&mut self) {
        self.items = Dict::new();
    }
}

/// A sequence without an iterator of its own.
struct Row;

#[expose]
impl Row {
    #[name("__len__")]
    fn len(&self) -> usize {
        3
    }

    #[name("__getitem__")]
    fn get_item(&self, index: usize) -> Result<&'static str, Exception> {
        ["a", "b", "c"].get(index).copied().ok_or_else(|| Exception::index_error("list index out of range"))
    }
}

/// Counts for all clients, one call at a time.
#[derive(Default)]
struct Counter {
    count: i64,
}

#[expose]
impl Counter {
    fn increment(&mut self) -> i64 {
        self.count += 1;
        self.count
    }

    async fn increment_later(&mut self, seconds: f64) -> i64 {
        let count = self.count;
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        self.count = count + 1;
        self.count
    }

    #[property]
    fn count(&self) -> i64 {
        self.count
    }

    #[setter]
    fn set_count(&mut self, count: i64) {
        self.count = count;
    }
}
