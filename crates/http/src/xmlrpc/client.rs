//! [`Client`]: calls of servers elsewhere.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use salamander_codec::xmlrpc::{self, Options};
use salamander_codec::{Arguments, Output, Settings};
use salamander_net::{Config, Dialer, Error, Kind, Result};
use salamander_value::{Value, from_value};
use serde::de::DeserializeOwned;

use super::coding::{gunzip, gzip};
use super::multicall::MultiCall;
use super::url::Url;

/// Calls a server of XML-RPC.
///
/// It keeps its connections, one for each call that is under way; it can be cloned and shared. A fault is an error of the kind
/// [`Remote`](Kind::Remote) whose exception is an `xmlrpc.client.Fault`; [`Fault::of`](super::Fault::of) has its code and text.
///
/// ```no_run
/// use salamander_http::xmlrpc::Client;
///
/// # async fn example() -> salamander_net::Result<()> {
/// let server = Client::new("http://localhost:9090")?;
/// let sum: i64 = server.call("add", (3, 4)).await?;
/// let text: String = server.call("example.greeting.get_fortune", ("Ada",)).await?;
/// # Ok(()) }
/// ```
///
/// # Wire
/// The requests of Python 3.11's `xmlrpc.client.ServerProxy`. As there, a call is sent once more where a connection that was kept
/// turns out to be closed.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    url: Url,
    dialer: Dialer,
    settings: Settings,
    timeout: Option<Duration>,
    compress_beyond: Option<usize>,
    max_response: usize,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Connection>>,
}

type Connection = SendRequest<Full<Bytes>>;

/// How many connections are kept.
const KEPT: usize = 16;

impl Client {
    /// A client of the server at a URL, with the settings of this process. Connects when it is first called.
    ///
    /// A URL without a path means `/RPC2`; a name and a password in it are shown by basic authentication; `https` believes whom the
    /// system trusts, or `SSL_CACERTS`.
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
        let url = Url::parse(url)?;
        let timeout = config.comm_timeout();
        let dialer = Dialer::new(config, url.encrypted)?;
        Ok(Self(Arc::new(Inner {
            url,
            dialer,
            settings: Settings::default(),
            timeout,
            compress_beyond: None,
            max_response: 256 << 20,
            idle: Mutex::default(),
        })))
    }

    /// The same client with something changed, and with connections of its own.
    fn change(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let Inner { url, dialer, settings, timeout, compress_beyond, max_response, .. } = &*self.0;
        let mut inner = Inner {
            url: url.clone(),
            dialer: dialer.clone(),
            settings: settings.clone(),
            timeout: *timeout,
            compress_beyond: *compress_beyond,
            max_response: *max_response,
            idle: Mutex::default(),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Writes `None`, and integers beyond 32 bits, where that is wanted.
    #[must_use]
    pub fn options(self, options: Options) -> Self {
        self.change(|inner| inner.settings.xmlrpc = options)
    }

    /// Writes `None` as `<nil/>`, or refuses it, as it does unless told otherwise.
    #[must_use]
    pub fn allow_none(self, allow: bool) -> Self {
        self.change(|inner| inner.settings.xmlrpc = inner.settings.xmlrpc.allow_none(allow))
    }

    /// How long a call may take, connecting included; none is for ever. `COMMTIMEOUT` unless told otherwise.
    #[must_use]
    pub fn timeout(self, timeout: Option<Duration>) -> Self {
        self.change(|inner| inner.timeout = timeout)
    }

    /// Compresses requests of more bytes than this; no others unless told so, because many servers do not understand it.
    #[must_use]
    pub fn compress_beyond(self, bytes: usize) -> Self {
        self.change(|inner| inner.compress_beyond = Some(bytes))
    }

    /// How many bytes a response may have, decompressed too; 256 MiB unless told otherwise.
    #[must_use]
    pub fn max_response(self, bytes: usize) -> Self {
        self.change(|inner| inner.max_response = bytes)
    }

    /// Calls a method, or a function.
    ///
    /// # Errors
    /// A fault is of the kind [`Kind::Remote`]; other kinds tell what else went wrong.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, arguments: impl Arguments) -> Result<T> {
        let document = self.document(method, &arguments)?;
        Ok(from_value(&self.answer(document).await?)?)
    }

    /// Calls that are made together, by `system.multicall`.
    pub fn multicall(&self) -> MultiCall<'_> {
        MultiCall::new(self)
    }

    /// The document that is a call.
    pub(super) fn document(&self, method: &str, arguments: &dyn Arguments) -> Result<Vec<u8>> {
        let mut out = Output::new();
        xmlrpc::write_call(&mut out, &self.0.settings, method, arguments)?;
        Ok(out.into_vec())
    }

    /// Makes a call.
    pub(super) async fn answer(&self, document: Vec<u8>) -> Result<Value> {
        let inner = &self.0;
        let exchange = inner.exchange(document);
        let response = match inner.timeout {
            Some(timeout) => match tokio::time::timeout(timeout, exchange).await {
                Ok(done) => done?,
                Err(_) => {
                    return Err(Error::new(Kind::Deadline, format!("no response within {timeout:?}")));
                }
            },
            None => exchange.await?,
        };
        match xmlrpc::read_response(&response, &inner.settings) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => Err(fault.exception().into()),
            Err(error) => Err(inner.broken(&error.to_string())),
        }
    }
}

impl Inner {
    /// Sends a document, and gives the one that answers it.
    async fn exchange(&self, document: Vec<u8>) -> Result<Bytes> {
        let compress = self.compress_beyond.is_some_and(|size| document.len() > size);
        let body = Bytes::from(if compress { gzip(&document) } else { document });
        let mut kept = self.take();
        loop {
            let reused = kept.is_some();
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            match connection.send_request(self.head(body.clone(), compress)?).await {
                Ok(response) => {
                    let document = self.read(response).await?;
                    self.keep(connection).await;
                    return Ok(document);
                }
                // It was closed while nobody used it.
                Err(error)
                    if reused && (error.is_canceled() || error.is_incomplete_message() || is_reset(&error)) =>
                {
                    kept = self.take();
                }
                Err(error) => {
                    let message = format!("{}: {error}", self.url.authority);
                    return Err(Error::new(Kind::Connection, message));
                }
            }
        }
    }

    async fn connect(&self) -> Result<Connection> {
        let stream = self.dialer.dial(&self.url.host, self.url.port).await?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Error::new(Kind::Connection, format!("{}: {error}", self.url.authority)))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!("a connection of XML-RPC: {error}");
            }
        });
        Ok(connection)
    }

    fn head(&self, body: Bytes, compressed: bool) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&*self.url.path)
            .header(HOST, &*self.url.authority)
            .header(ACCEPT_ENCODING, "gzip")
            .header(CONTENT_TYPE, "text/xml")
            .header(USER_AGENT, concat!("salamander-xmlrpc/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &self.url.authorization {
            request = request.header(AUTHORIZATION, &**authorization);
        }
        if compressed {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let wrong = |error| Error::new(Kind::Misuse, format!("the URL is no address of a server: {error}"));
        request.body(Full::new(body)).map_err(wrong)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Bytes> {
        let status = response.status();
        if status != StatusCode::OK {
            // In Python's words.
            let reason = status.canonical_reason().unwrap_or_default();
            let (place, path) = (&self.url.authority, &self.url.path);
            let message = format!("<ProtocolError for {place}{path}: {} {reason}>", status.as_u16());
            return Err(Error::new(Kind::Protocol, message));
        }
        let compressed = response.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body = Limited::new(response.into_body(), self.max_response).collect().await;
        let body = body.map_err(|error| self.broken(&error.to_string()))?.to_bytes();
        match compressed {
            true => {
                gunzip(&body, self.max_response).map(Bytes::from).map_err(|error| self.broken(&error.to_string()))
            }
            false => Ok(body),
        }
    }

    #[cold]
    fn broken(&self, why: &str) -> Error {
        Error::new(Kind::Protocol, format!("the response of {} is no XML-RPC: {why}", self.url.authority))
    }

    /// A connection that can be used.
    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection for the next call, if it stays open.
    async fn keep(&self, mut connection: Connection) {
        if connection.ready().await.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(connection);
            }
        }
    }
}

/// Whether the other side had closed the connection.
fn is_reset(error: &hyper::Error) -> bool {
    use std::error::Error as _;
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    let io = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<xmlrpc::Client for {}{}>", self.0.url.authority, self.0.url.path)
    }
}
