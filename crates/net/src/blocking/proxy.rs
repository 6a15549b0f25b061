//! The blocking twins of proxies, name servers and daemons.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use salamander_codec::{Arguments, Classes, Codec, Generation};
use salamander_value::{Exception, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ItemStream, Watch, wait};
use crate::blob::SerializedBlob;
use crate::client::{self, BatchResults, Greeting, Interface, Metadata, RawReply, Response};
use crate::config::Config;
use crate::connected::ConnectedSocket;
use crate::error::Result;
use crate::naming::{self, Registration};
use crate::tls::Certificate;
use crate::uri::Uri;
use crate::{__changing as changing, __waiting as waiting, DaemonHandle, daemon};

/// A remote object; the blocking twin of [`Proxy`](crate::Proxy).
#[derive(Clone, Debug)]
pub struct Proxy(client::Proxy);

impl Proxy {
    /// A proxy for the object of this URI, with the settings of the environment.
    ///
    /// # Errors
    /// As [`Proxy::new`](crate::Proxy::new).
    pub fn new(uri: impl AsRef<str>) -> Result<Self> {
        client::Proxy::new(uri).map(Self)
    }

    /// A proxy for the object of this URI, with these settings.
    ///
    /// # Errors
    /// As [`Proxy::with_config`](crate::Proxy::with_config).
    pub fn with_config(uri: Uri, config: Arc<Config>) -> Result<Self> {
        client::Proxy::with_config(uri, config).map(Self)
    }

    /// A proxy for an object at the other end of a socket that is connected already.
    ///
    /// # Errors
    /// As [`Proxy::connected`](crate::Proxy::connected).
    pub fn connected(object: &str, socket: impl Into<ConnectedSocket>, config: Arc<Config>) -> Result<Self> {
        client::Proxy::connected(object, socket, config).map(Self)
    }

    /// The URI it was made of.
    pub fn uri(&self) -> &Uri {
        self.0.uri()
    }

    /// The asynchronous proxy.
    pub fn inner(&self) -> &client::Proxy {
        &self.0
    }

    changing! {
        (&self)
        with_serializer(codec: Codec);
        with_timeout(timeout: Option<Duration>);
        with_retries(retries: usize);
        with_handshake(handshake: impl Into<Value>);
        pooled(connections: usize);
        with_classes(classes: Classes);
        with_generation(generation: Generation);
        with_hmac_key(key: impl AsRef<[u8]>);
    }

    /// The blocking twin of [`Proxy::with_handshake_check`](crate::Proxy::with_handshake_check).
    #[must_use]
    pub fn with_handshake_check<E: Into<Exception>>(
        &self,
        check: impl Fn(&Greeting) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        Self(self.0.with_handshake_check(check))
    }

    waiting! {
        (&self)
        bind() -> ();
        reconnect(tries: usize) -> ();
        handshake_response() -> Value;
        peer_certificate() -> Option<Certificate>;
        interface() -> Interface;
    }

    /// The blocking twin of [`Proxy::call`](crate::Proxy::call).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn call<T: DeserializeOwned>(&self, method: &str, arguments: impl Arguments + Sync) -> Result<T> {
        wait(self.0.call(method, arguments))?
    }

    /// The blocking twin of [`Proxy::call_blob`](crate::Proxy::call_blob).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn call_blob<T: DeserializeOwned>(&self, method: &str, blob: &SerializedBlob) -> Result<T> {
        wait(self.0.call_blob(method, blob))?
    }

    /// The blocking twin of [`Proxy::oneway`](crate::Proxy::oneway).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn oneway(&self, method: &str, arguments: impl Arguments + Sync) -> Result<()> {
        wait(self.0.oneway(method, arguments))?
    }

    /// The blocking twin of [`Proxy::get`](crate::Proxy::get).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        wait(self.0.get(name))?
    }

    /// The blocking twin of [`Proxy::set`](crate::Proxy::set).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn set<T: Serialize + Sync + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        wait(self.0.set(name, value))?
    }

    /// The blocking twin of [`Proxy::stream`](crate::Proxy::stream).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn stream<T: DeserializeOwned + Unpin>(
        &self,
        method: &str,
        arguments: impl Arguments + Sync,
    ) -> Result<ItemStream<T>> {
        wait(self.0.stream(method, arguments))?.map(ItemStream::new)
    }

    /// What the object exposes.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn metadata(&self) -> Result<&Metadata> {
        wait(self.0.metadata())?
    }

    /// Begins a batch.
    pub fn batch(&self) -> Batch {
        Batch(self.0.batch())
    }

    /// A call with more to say than its arguments.
    pub fn request(&self, method: impl Into<String>) -> Request {
        Request(self.0.request(method))
    }

    /// Closes the connections.
    pub fn release(&self) {
        self.0.release();
    }
}

impl From<client::Proxy> for Proxy {
    fn from(proxy: client::Proxy) -> Self {
        Self(proxy)
    }
}

/// Calls that are sent together; the blocking twin of [`Batch`](crate::Batch).
#[derive(Clone, Debug)]
pub struct Batch(client::Batch);

impl Batch {
    /// Adds a call.
    pub fn call(&mut self, method: &str, arguments: impl Arguments + Send + Sync + 'static) -> &mut Self {
        self.0.call(method, arguments);
        self
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes all the calls.
    ///
    /// # Errors
    /// As [`Batch::send`](crate::Batch::send), and where it is called in asynchronous code.
    pub fn send<T: DeserializeOwned>(self) -> Result<BatchResults<T>> {
        wait(self.0.send())?
    }

    /// Makes all the calls and waits for none.
    ///
    /// # Errors
    /// As [`Batch::oneway`](crate::Batch::oneway), and where it is called in asynchronous code.
    pub fn oneway(self) -> Result<()> {
        wait(self.0.oneway())?
    }
}

/// A call with more to say; the blocking twin of [`Request`](crate::Request).
#[derive(Clone, Debug)]
#[must_use = "a request is made by `send`"]
pub struct Request(client::Request);

impl Request {
    /// Adds a positional argument.
    pub fn arg(self, value: impl Serialize) -> Self {
        Self(self.0.arg(value))
    }

    /// Adds an argument by keyword.
    pub fn kwarg(self, name: &str, value: impl Serialize) -> Self {
        Self(self.0.kwarg(name, value))
    }

    /// Sends an annotation along.
    pub fn annotation(self, id: &str, data: impl Into<bytes::Bytes>) -> Self {
        Self(self.0.annotation(id, data))
    }

    /// Gives the call this id, which all calls that it leads to carry as well.
    pub fn correlation_id(self, id: uuid::Uuid) -> Self {
        Self(self.0.correlation_id(id))
    }

    /// Waits so long at most.
    pub fn deadline(self, within: Duration) -> Self {
        Self(self.0.deadline(within))
    }

    /// Makes the call.
    ///
    /// # Errors
    /// As [`Request::send`](crate::Request::send), and where it is called in asynchronous code.
    pub fn send<T: DeserializeOwned>(self) -> Result<Response<T>> {
        wait(self.0.send())?
    }

    /// Makes the call and gives the reply as it came.
    ///
    /// # Errors
    /// As [`Request::raw`](crate::Request::raw), and where it is called in asynchronous code.
    pub fn raw(self) -> Result<Option<RawReply>> {
        wait(self.0.raw())?
    }

    /// Sends the call and does not wait for it.
    ///
    /// # Errors
    /// As [`Request::oneway`](crate::Request::oneway), and where it is called in asynchronous code.
    pub fn oneway(self) -> Result<()> {
        wait(self.0.oneway())?
    }
}

/// A name server; the blocking twin of [`NameServer`](crate::NameServer).
#[derive(Clone, Debug)]
pub struct NameServer(naming::NameServer);

impl NameServer {
    /// Finds a name server.
    ///
    /// # Errors
    /// As [`NameServer::locate`](crate::NameServer::locate).
    pub fn locate() -> Result<Self> {
        wait(naming::NameServer::locate())?.map(Self)
    }

    /// Finds the name server at a host and port.
    ///
    /// # Errors
    /// As [`NameServer::locate_with`](crate::NameServer::locate_with).
    pub fn locate_with(host: Option<&str>, port: Option<u16>, config: Arc<Config>) -> Result<Self> {
        wait(naming::NameServer::locate_with(host, port, config))?.map(Self)
    }

    /// The asynchronous name server.
    pub fn inner(&self) -> &naming::NameServer {
        &self.0
    }

    /// Registers a name and keeps it there until what this gives is dropped.
    ///
    /// # Errors
    /// As [`NameServer::keep`](crate::NameServer::keep).
    pub fn keep(
        &self,
        name: &str,
        uri: &Uri,
        lifetime: Duration,
        metadata: impl IntoIterator<Item = String>,
    ) -> Result<naming::KeptName> {
        wait(self.0.keep(name, uri, lifetime, metadata))?
    }

    /// The changes from now on of the names that begin so.
    ///
    /// # Errors
    /// As [`NameServer::watch`](crate::NameServer::watch).
    pub fn watch(&self, prefix: &str) -> Result<Watch> {
        wait(self.0.watch(prefix))?.map(Watch::new)
    }

    waiting! {
        (&self)
        ping() -> ();
        count() -> usize;
        lookup(name: &str) -> Uri;
        lookup_within(name: &str, delay: Duration) -> Uri;
        lookup_with_metadata(name: &str) -> (Uri, BTreeSet<String>);
        register(name: &str, uri: &Uri) -> ();
        register_with(name: &str, uri: &Uri, safe: bool, metadata: impl IntoIterator<Item = String>) -> ();
        register_for(
            name: &str,
            uri: &Uri,
            lifetime: Duration,
            safe: bool,
            metadata: impl IntoIterator<Item = String>
        ) -> ();
        renew(names: impl IntoIterator<Item = String>, lifetime: Duration) -> Vec<String>;
        release(names: impl IntoIterator<Item = String>) -> usize;
        set_metadata(name: &str, metadata: impl IntoIterator<Item = String>) -> ();
        remove(name: &str) -> usize;
        remove_prefix(prefix: &str) -> usize;
        remove_regex(regex: &str) -> usize;
        list() -> BTreeMap<String, Registration>;
        list_prefix(prefix: &str) -> BTreeMap<String, Registration>;
        list_regex(regex: &str) -> BTreeMap<String, Registration>;
        with_all(metadata: impl IntoIterator<Item = String>) -> BTreeMap<String, Registration>;
        with_any(metadata: impl IntoIterator<Item = String>) -> BTreeMap<String, Registration>;
    }
}

/// A server of objects; the blocking twin of [`Daemon`](crate::Daemon).
#[derive(Debug)]
pub struct Daemon(daemon::Daemon);

impl Daemon {
    /// Binds to a location, with the settings of the environment.
    ///
    /// # Errors
    /// As [`Daemon::bind`](crate::Daemon::bind).
    pub fn bind(location: &str) -> Result<Self> {
        wait(daemon::Daemon::bind(location))?.map(Self)
    }

    /// A handle: registers objects and stops the daemon.
    pub fn handle(&self) -> DaemonHandle {
        self.0.handle()
    }

    /// Serves clients until the daemon is shut down.
    ///
    /// # Errors
    /// As [`Daemon::serve`](crate::Daemon::serve).
    pub fn serve(self) -> Result<()> {
        wait(self.0.serve())?
    }
}

impl std::ops::Deref for Daemon {
    type Target = DaemonHandle;

    fn deref(&self) -> &DaemonHandle {
        &self.0
    }
}
