//! [`Proxy`]: a remote object that any number of tasks call.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use salamander_codec::{Arguments, Classes, Codec, Generation, Settings};
use salamander_object::Members;
use salamander_value::Value;
use salamander_wire::pyro5::Annotations;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::batch::Batch;
use super::greeting::{Greeting, HandshakeCheck};
use super::items::ItemStream;
use super::pool::Pool;
use super::request::Request;
use crate::blob::SerializedBlob;
use crate::config::Config;
use crate::connected::ConnectedSocket;
use crate::dialect::{Dialect, Key};
use crate::error::{Error, Kind, Result};
use crate::tls::ClientTls;
use crate::uri::{Location, Uri};
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
pub struct Proxy(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) uri: Uri,
    pub(super) options: Options,
    /// The direct URI, once a name has been looked up.
    pub(super) resolved: Mutex<Option<Uri>>,
    pub(super) pool: Pool,
    /// What can be spoken: Pyro 5 and Pyro 4.
    dialects: [Arc<Dialect>; 2],
    /// What the daemon speaks, once that is known.
    pub(super) generation: OnceLock<Generation>,
    pub(super) metadata: OnceLock<Metadata>,
    pub(super) greeting: Mutex<Option<Greeting>>,
}

/// How a proxy calls.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) config: Arc<Config>,
    pub(crate) codec: Codec,
    /// None where it is to be found out.
    pub(crate) generation: Option<Generation>,
    pub(crate) key: Option<Key>,
    pub(crate) codec_settings: Settings,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: usize,
    pub(crate) handshake: Value,
    pub(crate) check: HandshakeCheck,
    pub(crate) connections: usize,
    /// The one socket there is, where somebody else has connected it.
    pub(crate) connected: Option<Connected>,
}

impl Inner {
    pub(super) fn dialect(&self, generation: Generation) -> &Arc<Dialect> {
        let [pyro5, pyro4] = &self.dialects;
        match generation {
            Generation::Pyro5 => pyro5,
            Generation::Pyro4 => pyro4,
        }
    }
}

impl Options {
    /// What is spoken, if that is not to be found out. A key can be shown in one protocol only, and pickle sent in one.
    fn generation(&self) -> Option<Generation> {
        let pyro4 = self.key.is_some() || self.codec == Codec::Pickle;
        self.generation.or(pyro4.then_some(Generation::Pyro4))
    }
}

/// A socket that somebody else has connected, until it is used.
#[derive(Clone, Debug)]
pub(crate) struct Connected(Arc<Mutex<Option<ConnectedSocket>>>);

impl Connected {
    pub(super) fn take(&self) -> Result<ConnectedSocket> {
        let socket = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        socket.ok_or_else(|| Error::misuse("the connected socket has been used already, and there is no other"))
    }
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
        let names = |key: &str| Self::names(value.get(key));
        Self { methods: names("methods"), oneway: names("oneway"), attrs: names("attrs") }
    }

    /// Names, which are a set, a list or a tuple.
    pub(crate) fn names(value: Option<&Value>) -> Vec<String> {
        let text = |name: &Value| name.as_str().map(str::to_owned);
        let mut names: Vec<String> = match value {
            Some(Value::Set(set) | Value::FrozenSet(set)) => set.iter().filter_map(text).collect(),
            Some(other) => other.as_slice().into_iter().flatten().filter_map(text).collect(),
            None => Vec::new(),
        };
        names.sort();
        names
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
    pub(crate) blob: Option<SerializedBlob>,
    pub(crate) correlation_id: Option<Uuid>,
}

impl Proxy {
    /// A proxy for the object of this URI, with the settings of the environment.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for a URI that is none, or wrong settings in the environment.
    pub fn new(uri: impl AsRef<str>) -> Result<Self> {
        let config = Config::global()?;
        Self::with_config(Uri::parse(uri.as_ref(), config.ns_port)?, config)
    }

    /// A proxy for the object of this URI, with these settings.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for wrong settings.
    pub fn with_config(uri: Uri, config: Arc<Config>) -> Result<Self> {
        let options = Options {
            codec: config.serializer,
            generation: None,
            key: config.key(),
            codec_settings: zone::codec_settings(&config),
            tls: ClientTls::of(&config)?,
            timeout: config.comm_timeout(),
            retries: config.max_retries as usize,
            handshake: "hello".into(),
            check: HandshakeCheck::default(),
            connections: 1,
            connected: None,
            config,
        };
        Ok(Self::with_options(uri, options))
    }

    /// A proxy for the object of this id at the other end of a socket that is connected already, such as one of a pair. There is
    /// no handshake, and no connecting again: when the socket is closed, the proxy is of no more use. Where `SSL` is on, the
    /// other end has to expect TLS.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for an id that cannot stand in a URI, or wrong settings.
    ///
    /// # Wire
    /// Pyro 502 without `CONNECT`, as Pyro's `connected_socket` has it.
    pub fn connected(object: &str, socket: impl Into<ConnectedSocket>, config: Arc<Config>) -> Result<Self> {
        let uri = Uri::new(object, Location::tcp("<<connected-socket>>", 0))?;
        let proxy = Self::with_config(uri, config)?;
        let connected = Connected(Arc::new(Mutex::new(Some(socket.into()))));
        Ok(proxy.changed(|options| options.connected = Some(connected)))
    }

    fn with_options(uri: Uri, options: Options) -> Self {
        Self(Arc::new(Inner {
            uri,
            pool: Pool::new(options.connections),
            dialects: [Generation::Pyro5, Generation::Pyro4]
                .map(|spoken| Dialect::new(spoken, options.key.as_ref(), &options.codec_settings)),
            generation: options.generation().map(OnceLock::from).unwrap_or_default(),
            options,
            resolved: Mutex::default(),
            metadata: OnceLock::new(),
            greeting: Mutex::default(),
        }))
    }

    pub(super) fn changed(&self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.0.options.clone();
        change(&mut options);
        Self::with_options(self.0.uri.clone(), options)
    }

    /// The same object over connections of its own, with another serializer.
    #[must_use]
    pub fn with_serializer(&self, codec: Codec) -> Self {
        self.changed(|options| options.codec = codec)
    }

    /// The same object over connections of its own, by the protocol of this generation of Pyro. Otherwise the daemon's answer to the
    /// handshake tells which it speaks.
    #[must_use]
    pub fn with_generation(&self, generation: Generation) -> Self {
        self.changed(|options| options.generation = Some(generation))
    }

    /// The same object over connections of its own, where both sides have to know this key, instead of the setting `HMAC_KEY`. That is
    /// Pyro 4's, which is spoken then unless [`Proxy::with_generation`] says otherwise. An empty key is none.
    #[must_use]
    pub fn with_hmac_key(&self, key: impl AsRef<[u8]>) -> Self {
        let key = Key::new(key.as_ref());
        self.changed(|options| {
            options.key = key;
        })
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

    /// The same object over connections of its own; `classes` says what becomes of instances that are read as a [`Value`].
    #[must_use]
    pub fn with_classes(&self, classes: Classes) -> Self {
        self.changed(|options| options.codec_settings.classes = classes)
    }

    /// The same object over up to this many connections, each of which is a session of its own.
    #[must_use]
    pub fn pooled(&self, connections: usize) -> Self {
        self.changed(|options| options.connections = connections.max(1))
    }

    /// The same, with the metadata of an object that is here.
    pub(crate) fn knowing(self, members: &Members) -> Self {
        self.knows(Metadata::from_value(&members.metadata().into()));
        self
    }

    /// Takes metadata from elsewhere than a daemon's handshake.
    pub(crate) fn knows(&self, metadata: Metadata) {
        let _ = self.0.metadata.set(metadata);
    }

    /// The metadata, if it is there.
    pub(crate) fn known(&self) -> Option<&Metadata> {
        self.0.metadata.get()
    }

    /// What connections are opened with, for the daemon to check.
    pub fn handshake(&self) -> &Value {
        &self.0.options.handshake
    }

    /// The URI it was made of.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The generation of Pyro that the daemon is of, if that is known: it has been said, or a connection was made.
    pub fn generation(&self) -> Option<Generation> {
        self.0.generation.get().copied()
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

    /// Calls a method with data that stays encoded until somebody wants it: its only argument.
    ///
    /// # Errors
    /// As [`Proxy::call`].
    pub async fn call_blob<T: DeserializeOwned>(&self, method: &str, blob: &SerializedBlob) -> Result<T> {
        let extras = Extras { blob: Some(blob.clone()), ..Extras::default() };
        self.call_with(method, &(), &extras).await.map(|(value, _)| value)
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
                Err(error) if tries > 1 && !matches!(error.kind(), Kind::Misuse | Kind::Protocol | Kind::Remote) => {
                    tries -= 1;
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                done => return done,
            }
        }
    }
}

/// Pyro's own pause between two attempts to connect again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);

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
