//! [`Client`]: calls of servers elsewhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, InvalidHeaderValue, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};
use salamander_codec::xmlrpc::{self, Options};
use salamander_codec::{Arguments, Output, Settings};
use salamander_net::{Config, Dialer, Error, Kind, Result};
use salamander_value::{Value, from_value};
use serde::de::DeserializeOwned;

use super::coding::{gunzip, gzip};
use super::multicall::MultiCall;
use crate::client::{Again, Place, Scheme, Server, in_time};

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
    server: Server,
    settings: Settings,
    timeout: Option<Duration>,
    compress_beyond: Option<usize>,
}

/// How many bytes a response may have, unless told otherwise.
const MAX_RESPONSE: usize = 256 << 20;

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
        let schemes = [Scheme::Http, Scheme::Https];
        let place = Place::parse(url, &schemes, "unsupported XML-RPC protocol", "/RPC2")?;
        let timeout = config.comm_timeout();
        let dialer = Dialer::new(config, place.scheme.is_encrypted())?;
        let server = Server::new(place, dialer, MAX_RESPONSE);
        Ok(Self(Arc::new(Inner { server, settings: Settings::default(), timeout, compress_beyond: None })))
    }

    /// The same client with something changed, and with connections of its own.
    fn change(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let Inner { server, settings, timeout, compress_beyond } = &*self.0;
        let mut inner = Inner {
            server: server.with_limit(server.max_response()),
            settings: settings.clone(),
            timeout: *timeout,
            compress_beyond: *compress_beyond,
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
        self.change(|inner| inner.server = inner.server.with_limit(bytes))
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
        let response = in_time(inner.timeout, inner.exchange(document)).await?;
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
        let body = if compress { gzip(&document) } else { document };
        let answer = self.server.post(body, self.headers(compress)?, Again::Closed).await?;
        let status = answer.head.status;
        if status != StatusCode::OK {
            // In Python's words.
            let reason = status.canonical_reason().unwrap_or_default();
            let Place { authority, path, .. } = self.server.place();
            let message = format!("<ProtocolError for {authority}{path}: {} {reason}>", status.as_u16());
            return Err(Error::new(Kind::Protocol, message));
        }
        let compressed = answer.head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body = answer.body().await?;
        match compressed {
            true => {
                let document = gunzip(&body, self.server.max_response());
                document.map(Bytes::from).map_err(|error| self.broken(&error.to_string()))
            }
            false => Ok(body),
        }
    }

    fn headers(&self, compressed: bool) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        let agent = concat!("salamander-xmlrpc/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(authorization) = &self.server.place().authorization {
            let wrong = |error: InvalidHeaderValue| Error::new(Kind::Misuse, error.to_string());
            headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).map_err(wrong)?);
        }
        if compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(headers)
    }

    #[cold]
    fn broken(&self, why: &str) -> Error {
        Error::new(Kind::Protocol, format!("the response of {} is no XML-RPC: {why}", self.server.place()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { authority, path, .. } = self.0.server.place();
        write!(f, "<xmlrpc::Client for {authority}{path}>")
    }
}
