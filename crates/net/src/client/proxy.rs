//! [`Proxy`]: a remote object that any number of tasks call.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use salamander_codec::{Arguments, Codec, Settings};
use salamander_object::CallContext;
use salamander_value::Value;
use salamander_wire::pyro5::{Annotations, Flags};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::connection::{Connection, Invoke};
use super::handshake::{Hello, Welcome, connect};
use super::items::ItemStream;
use super::pool::Pool;
use super::reply::Reply;
use super::request::Request;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::stream::within;
use crate::uri::Uri;
use crate::zone;

/// A remote object.
///
/// It connects when it is first used. Clones share its connection, which is one session of the daemon; calls of any number
/// of tasks go over it side by side. Dropping the future of a call abandons the result, not the call.
///
/// ```no_run
/// # async fn example() -> salamander_net::Result<()> {
/// use salamander_net::Proxy;
///
/// let calculator = Proxy::new("PYRONAME:example.calculator")?;
/// let sum: i64 = calculator.call("add", (2, 3)).await?;
/// assert_eq!(sum, 5);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    uri: Uri,
    options: Options,
    /// The direct URI, once a name has been looked up.
    resolved: Mutex<Option<Uri>>,
    pool: Pool,
    metadata: OnceLock<Metadata>,
    response: Mutex<Value>,
}

/// How a proxy calls.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) config: Arc<Config>,
    pub(crate) codec: Codec,
    pub(crate) codec_settings: Arc<Settings>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: usize,
    pub(crate) handshake: Value,
    pub(crate) connections: usize,
}

/// What a daemon tells of an object: the names of its methods, one-way methods and attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The methods.
    pub methods: Vec<String>,
    /// The methods among them that are one-way.
    pub oneway: Vec<String>,
    /// The attributes.
    pub attrs: Vec<String>,
}

impl Metadata {
    pub(crate) fn from_value(value: &Value) -> Self {
        let names = |key: &str| {
            let mut names: Vec<String> = match value.get(key) {
                Some(Value::Set(set) | Value::FrozenSet(set)) => {
                    set.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
                }
                Some(other) => other
                    .as_slice()
                    .into_iter()
                    .flatten()
                    .filter_map(|name| name.as_str().map(str::to_owned))
                    .collect(),
                None => Vec::new(),
            };
            names.sort();
            names
        };
        Self { methods: names("methods"), oneway: names("oneway"), attrs: names("attrs") }
    }
}

/// What one request says beside its arguments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) annotations: Annotations,
    pub(crate) timeout: Option<Duration>,
    pub(crate) oneway: bool,
    pub(crate) object: Option<&'static str>,
    pub(crate) batch: bool,
}

impl Proxy {
    /// A proxy for the object of this URI, with the settings of the environment.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for a URI that is none, or wrong settings in the environment.
    pub fn new(uri: impl AsRef<str>) -> Result<Self> {
        Self::with_config(Uri::from_str(uri.as_ref())?, Config::global()?)
    }

    /// A proxy for the object of this URI, with these settings.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for wrong settings.
    pub fn with_config(uri: Uri, config: Arc<Config>) -> Result<Self> {
        config.check_supported()?;
        let options = Options {
            codec: config.serializer,
            codec_settings: Arc::new(zone::codec_settings(&config)),
            timeout: config.comm_timeout(),
            retries: config.max_retries as usize,
            handshake: "hello".into(),
            connections: 1,
            config,
        };
        Ok(Self::with_options(uri, options))
    }

    fn with_options(uri: Uri, options: Options) -> Self {
        Self(Arc::new(Inner {
            uri,
            pool: Pool::new(options.connections),
            options,
            resolved: Mutex::default(),
            metadata: OnceLock::new(),
            response: Mutex::default(),
        }))
    }

    fn changed(&self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.0.options.clone();
        change(&mut options);
        Self::with_options(self.0.uri.clone(), options)
    }

    /// The same object over connections of its own, with another serializer.
    #[must_use]
    pub fn with_serializer(&self, codec: Codec) -> Self {
        self.changed(|options| options.codec = codec)
    }

    /// The same object over connections of its own; calls take this long at most. None is for ever.
    #[must_use]
    pub fn with_timeout(&self, timeout: Option<Duration>) -> Self {
        self.changed(|options| options.timeout = timeout)
    }

    /// The same object over connections of its own; calls are made again so often when the connection breaks or the time is
    /// over. Only for methods that may be called twice.
    #[must_use]
    pub fn with_retries(&self, retries: usize) -> Self {
        self.changed(|options| options.retries = retries)
    }

    /// The same object over connections of its own, which are opened with this value for the daemon to check.
    #[must_use]
    pub fn with_handshake(&self, handshake: impl Into<Value>) -> Self {
        let handshake = handshake.into();
        self.changed(|options| options.handshake = handshake)
    }

    /// The same object over up to this many connections, each of which is a session of its own.
    #[must_use]
    pub fn pooled(&self, connections: usize) -> Self {
        self.changed(|options| options.connections = connections.max(1))
    }

    /// The URI it was made of.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The serializer it calls with.
    pub fn serializer(&self) -> Codec {
        self.0.options.codec
    }

    /// Calls a method.
    ///
    /// Arguments are a tuple, or [`Args`](salamander_codec::Args) for arguments by keyword. The result is read as any type that
    /// serde can read; `Value` for any.
    ///
    /// # Errors
    /// The exception that the method raised ([`Kind::Remote`]), and whatever can go wrong on the way to it.
    ///
    /// # Wire
    /// Pyro 502, `INVOKE` and `RESULT`.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, arguments: impl Arguments + Sync) -> Result<T> {
        self.call_with(method, &arguments, &Extras::default()).await.map(|(value, _)| value)
    }

    /// Calls a method and does not wait for it; nothing is heard of its result or failure.
    ///
    /// # Errors
    /// Where the call cannot be sent.
    pub async fn oneway(&self, method: &str, arguments: impl Arguments + Sync) -> Result<()> {
        let extras = Extras { oneway: true, ..Extras::default() };
        self.invoke(method, &arguments, &extras).await.map(drop)
    }

    /// Reads an attribute.
    ///
    /// # Errors
    /// As [`Proxy::call`].
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.call("__getattr__", (name,)).await
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// As [`Proxy::call`].
    pub async fn set<T: Serialize + Sync + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        self.call("__setattr__", (name, value)).await
    }

    /// Calls a method whose result is a stream of items.
    ///
    /// # Errors
    /// As [`Proxy::call`], and [`Kind::Misuse`] where the result is something else.
    pub async fn stream<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: impl Arguments + Sync,
    ) -> Result<ItemStream<T>> {
        let reply = self.invoke(method, &arguments, &Extras::default()).await?;
        let (reply, connection) = reply.ok_or_else(|| Error::misuse("a one-way method has no items"))?;
        let id = reply.stream_id(&connection)?;
        Ok(ItemStream::new(self.clone(), connection, id))
    }

    /// Begins a batch: calls that are sent in one message.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }

    /// A call with more to say: arguments by keyword, annotations, a deadline of its own.
    pub fn request(&self, method: impl Into<String>) -> Request {
        Request::new(self.clone(), method.into())
    }

    /// What the object exposes. Connects, if there is no connection yet.
    ///
    /// # Errors
    /// Where no connection can be made.
    pub async fn metadata(&self) -> Result<&Metadata> {
        if let Some(metadata) = self.0.metadata.get() {
            return Ok(metadata);
        }
        self.connection().await?;
        Ok(self.0.metadata.get_or_init(Metadata::default))
    }

    /// What the daemon answered to the handshake of the newest connection.
    ///
    /// # Errors
    /// Where no connection can be made.
    pub async fn handshake_response(&self) -> Result<Value> {
        self.connection().await?;
        Ok(self.0.response.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Connects, if there is no connection yet.
    ///
    /// # Errors
    /// Where no connection can be made.
    pub async fn bind(&self) -> Result<()> {
        self.connection().await.map(drop)
    }

    /// Closes the connections. The next call opens new ones, and looks the name up again.
    pub fn release(&self) {
        *self.0.resolved.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.pool.close();
    }

    /// Connects anew, again and again, until it succeeds or has failed so often.
    ///
    /// # Errors
    /// That of the last attempt.
    pub async fn reconnect(&self, mut tries: usize) -> Result<()> {
        self.release();
        loop {
            match self.bind().await {
                Err(error)
                    if tries > 1 && matches!(error.kind(), Kind::Connection | Kind::Deadline | Kind::Naming) =>
                {
                    tries -= 1;
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    pub(crate) async fn call_with<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: &(dyn Arguments + Sync),
        extras: &Extras,
    ) -> Result<(T, Annotations)> {
        match self.invoke(method, arguments, extras).await? {
            Some((reply, connection)) => Ok((reply.result(&connection)?, reply.annotations().clone())),
            None => Ok((salamander_value::from_value(&Value::None)?, Annotations::new())),
        }
    }

    /// Makes a call, with retries and the deadline. Gives nothing for one that has no reply.
    pub(crate) async fn invoke(
        &self,
        method: &str,
        arguments: &(dyn Arguments + Sync),
        extras: &Extras,
    ) -> Result<Option<(Reply, Arc<Connection>)>> {
        let timeout = extras.timeout.or(self.0.options.timeout);
        let mut retries = self.0.options.retries;
        loop {
            let attempt = self.attempt(method, arguments, extras);
            let done = match timeout {
                None => attempt.await,
                Some(_) => within(timeout, attempt, "receiving").await.and_then(|done| done),
            };
            if done.as_ref().is_err_and(|error| error.kind() == Kind::Deadline) {
                self.0.pool.forget_held_up();
            }
            match done {
                Err(error) if retries > 0 && error.is_retryable() => {
                    tracing::debug!("{}.{method} is tried again: {error}", self.0.uri);
                    retries -= 1;
                }
                done => return done,
            }
        }
    }

    async fn attempt(
        &self,
        method: &str,
        arguments: &(dyn Arguments + Sync),
        extras: &Extras,
    ) -> Result<Option<(Reply, Arc<Connection>)>> {
        let context = CallContext::current();
        if self.0.metadata.get().is_none() {
            // Which methods are one-way is known from the first connection on.
            self.connection().await?;
        }
        let mut flags = Flags::NONE;
        let oneway = extras.oneway || (extras.object.is_none() && !extras.batch && self.is_oneway(method));
        if oneway {
            flags.insert(Flags::ONEWAY);
        }
        if extras.batch {
            flags.insert(Flags::BATCH);
        }
        let carried;
        let mut annotations = &extras.annotations;
        if let Some(context) = &context {
            carried = carry(context, annotations);
            annotations = &carried;
        }
        let nested = context.is_some();
        let invoke = Invoke {
            object: extras.object,
            method,
            flags,
            annotations,
            correlation_id: context.map(|context| context.correlation_id().into_bytes()),
            arguments,
        };
        loop {
            // A call that is made while serving one goes over a connection of its own: the peer may be waiting for us.
            let (connection, lease) = match nested {
                false => (self.connection().await?, None),
                true => {
                    let lease = self.0.pool.lease(|| self.connect()).await?;
                    (lease.connection().clone(), Some(lease))
                }
            };
            if oneway {
                if connection.oneway(invoke).await? {
                    return Ok(None);
                }
            } else if let Some(message) = connection.call(invoke).await? {
                let reply = Reply::new(message, &connection)?;
                drop(lease);
                return Ok(Some((reply, connection)));
            }
            // It was closed since the last call, and nothing has been sent.
            self.0.pool.forget(&connection);
        }
    }

    fn is_oneway(&self, method: &str) -> bool {
        self.0.metadata.get().is_some_and(|metadata| metadata.oneway.iter().any(|name| name == method))
    }

    /// The connection that clones share; a new one where there is none that works.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>> {
        match self.0.pool.shared() {
            Some(connection) => Ok(connection),
            None => {
                let proxy = self.clone();
                self.0.pool.open(|| async move { proxy.connect().await }).await
            }
        }
    }

    async fn connect(&self) -> Result<Arc<Connection>> {
        let options = &self.0.options;
        let known = self.0.resolved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let uri = match known {
            Some(uri) => uri,
            None => crate::naming::resolve_boxed(&self.0.uri, &options.config).await?,
        };
        let hello = Hello {
            codec: options.codec,
            codec_settings: &options.codec_settings,
            max_message_size: options.config.max_message_size,
            compression: options.config.compression,
            logwire: options.config.logwire,
            timeout: options.timeout,
            handshake: &options.handshake,
            annotations: &Annotations::new(),
        };
        match connect(&uri, &hello).await {
            Ok(Welcome { connection, response, metadata }) => {
                let _ = self.0.metadata.set(metadata);
                *self.0.response.lock().unwrap_or_else(PoisonError::into_inner) = response;
                *self.0.resolved.lock().unwrap_or_else(PoisonError::into_inner) = Some(uri);
                Ok(connection)
            }
            Err(error) => {
                // The name may stand for another place by now.
                *self.0.resolved.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(error)
            }
        }
    }
}

/// Pyro's own pause between two attempts to connect again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);

/// The annotations of a call made while serving another: those of the caller, so that they reach where it leads, and the
/// locks that are held on the way.
fn carry(context: &CallContext, own: &Annotations) -> Annotations {
    let mut annotations = Annotations::new();
    for (id, data) in context.annotations() {
        if let Some(id) = salamander_wire::pyro5::AnnotationId::new(*id) {
            annotations.insert(id, data.clone());
        }
    }
    for (id, data) in own.iter() {
        annotations.insert(id, data.clone());
    }
    if let (false, Some(id)) =
        (context.holds().is_empty(), salamander_wire::pyro5::AnnotationId::new(*CallContext::HOLDS))
    {
        let holds: Vec<u8> = context.holds().iter().flat_map(|hold| hold.to_be_bytes()).collect();
        annotations.insert(id, holds);
    }
    annotations
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = if self.0.pool.is_connected() { "connected" } else { "not connected" };
        write!(f, "<Proxy for {}; {connected}>", self.0.uri)
    }
}

impl FromStr for Proxy {
    type Err = Error;

    fn from_str(uri: &str) -> Result<Self> {
        Self::new(uri)
    }
}
