//! [`Client`]: calls of servers elsewhere, over HTTP, WebSockets or plain connections.

mod batch;
mod live;
mod message;
mod posting;
mod subscription;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use salamander_codec::{Arguments, Settings};
use salamander_net::{Config, Dialer, Error, Kind, Result};
use salamander_value::from_value;
use serde::de::DeserializeOwned;

pub use self::batch::Batch;
use self::live::Live;
pub use self::subscription::Subscription;
use crate::client::{Place, Scheme, Server, in_time};

/// Calls a server of JSON-RPC 2.0. It connects when it is first called, keeps its connections, and can be cloned and shared.
///
/// Over a WebSocket or a plain connection any number of calls are under way at once, on one connection, and there are
/// [subscriptions](Client::subscribe); over HTTP each call that is under way has a connection.
///
/// An error that the server answers with is of the kind [`Remote`](Kind::Remote). Where it tells of an exception, as our servers do, the
/// error can be matched by its class; otherwise the class is `jsonrpc.Error`. The attribute `code` of the exception is the code.
///
/// ```no_run
/// use salamander_http::jsonrpc::Client;
///
/// # async fn example() -> salamander_net::Result<()> {
/// let server = Client::new("ws://localhost:9090/jsonrpc")?;
/// let sum: i64 = server.call("add", (3, 4)).await?;
/// let mut numbers = server.subscribe::<u32>("numbers", (10,)).await?;
/// while let Some(number) = numbers.next().await {
///     println!("{}", number?);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(super) struct Inner {
    settings: Settings,
    timeout: Option<Duration>,
    way: Way,
}

enum Way {
    Posting(Server),
    Live(Live),
}

/// How many bytes a message from a server may have, unless told otherwise.
const MAX_MESSAGE: usize = 256 << 20;

impl Client {
    /// A client of the server at a URL (`http://`, `https://`, `ws://`, `wss://`, `tcp://`), with the settings of this process.
    ///
    /// A URL without a path means `/jsonrpc`. Where it is encrypted, whom the system trusts is believed, or `SSL_CACERTS`.
    ///
    /// # Errors
    /// Where the URL is none, or settings are wrong.
    pub fn new(url: &str) -> Result<Self> {
        Self::with_config(url, Config::global()?)
    }

    /// The same with settings of its own.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_config(url: &str, config: Arc<Config>) -> Result<Self> {
        let schemes = [Scheme::Http, Scheme::Https, Scheme::Ws, Scheme::Wss, Scheme::Tcp];
        let otherwise = "the scheme of a JSON-RPC server is http, https, ws, wss or tcp";
        let place = Place::parse(url, &schemes, otherwise, "/jsonrpc")?;
        if place.authorization.is_some() {
            return Err(Error::new(Kind::Misuse, format!("names and passwords are not sent: {url:?}")));
        }
        let timeout = config.comm_timeout();
        let dialer = Dialer::new(config, place.scheme.is_encrypted())?;
        let way = match place.scheme {
            Scheme::Http | Scheme::Https => Way::Posting(Server::new(place, dialer, MAX_MESSAGE)),
            Scheme::Ws | Scheme::Wss | Scheme::Tcp => Way::Live(Live::new(place, dialer, MAX_MESSAGE)),
        };
        Ok(Self::of(way, timeout))
    }

    fn of(way: Way, timeout: Option<Duration>) -> Self {
        let mut settings = Settings::default();
        settings.plain_json = true;
        Self(Arc::new(Inner { settings, timeout, way }))
    }

    /// How long a call may take, connecting included; none is for ever. `COMMTIMEOUT` unless told otherwise. It is a client with
    /// connections of its own.
    #[must_use]
    pub fn timeout(self, timeout: Option<Duration>) -> Self {
        Self::of(self.0.way.with_limit(self.0.way.max_message()), timeout)
    }

    /// How many bytes a message from the server may have; 256 MiB unless told otherwise. It is a client with connections of its
    /// own.
    #[must_use]
    pub fn max_message(self, bytes: usize) -> Self {
        Self::of(self.0.way.with_limit(bytes), self.0.timeout)
    }

    /// Calls a method. Parameters are positional, as `(1, 2)`, or named, as [`Args`](salamander_codec::Args) with keywords.
    ///
    /// # Errors
    /// What the server answers with is of the kind [`Kind::Remote`]; other kinds tell what else went wrong. Parameters both positional and
    /// named are [`Kind::Misuse`].
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: impl Arguments) -> Result<T> {
        let params = message::params(&params, &self.0.settings)?;
        let value = self.0.in_time(self.0.call(method, params)).await?;
        Ok(from_value(&value)?)
    }

    /// Tells the server something, and waits for no answer.
    ///
    /// # Errors
    /// As [`Client::call`], but nothing comes back from the server.
    pub async fn notify(&self, method: &str, params: impl Arguments) -> Result<()> {
        let params = message::params(&params, &self.0.settings)?;
        let message = message::request(None, method, &params, &self.0.settings);
        self.0
            .in_time(async {
                match &self.0.way {
                    Way::Posting(server) => posting::exchange(server, message).await.map(drop),
                    Way::Live(live) => live.tell(message).await,
                }
            })
            .await
    }

    /// Calls that are made together.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(&self.0)
    }

    /// Calls a method that gives a stream of items, which come as they are asked for.
    ///
    /// # Errors
    /// As [`Client::call`]. Over HTTP there are no subscriptions: a call there gives all items at once.
    pub async fn subscribe<T: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Arguments,
    ) -> Result<Subscription<T>> {
        let params = message::params(&params, &self.0.settings)?;
        match &self.0.way {
            Way::Posting(_) => {
                Err(Error::new(Kind::Misuse, "there are no subscriptions over HTTP: use ws:// or tcp://"))
            }
            Way::Live(live) => {
                let begun = live.subscribe(method, &params, &self.0.settings);
                Ok(Subscription::new(self.0.in_time(begun).await?))
            }
        }
    }
}

impl Inner {
    async fn call(&self, method: &str, params: Vec<u8>) -> Result<salamander_value::Value> {
        match &self.way {
            Way::Posting(server) => {
                let message = message::request(Some(1), method, &params, &self.settings);
                let answer = posting::exchange(server, message).await?;
                message::one(&answer, &self.settings)?.result
            }
            Way::Live(live) => live.call(method, &params, &self.settings).await,
        }
    }

    /// Waits for something no longer than calls may take.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        in_time(self.timeout, work).await
    }
}

impl Way {
    fn max_message(&self) -> usize {
        match self {
            Self::Posting(server) => server.max_response(),
            Self::Live(live) => live.max_message(),
        }
    }

    /// The same way with connections of its own, and another limit.
    fn with_limit(&self, max_message: usize) -> Self {
        match self {
            Self::Posting(server) => Self::Posting(server.with_limit(max_message)),
            Self::Live(live) => Self::Live(live.with_limit(max_message)),
        }
    }

    fn place(&self) -> &Place {
        match self {
            Self::Posting(server) => server.place(),
            Self::Live(live) => live.place(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<jsonrpc::Client for {}>", self.0.way.place())
    }
}
