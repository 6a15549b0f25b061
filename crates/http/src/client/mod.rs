//! What clients of all protocols over HTTP have in common: a server by its URL, and the connections to it.

mod place;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use salamander_net::{Dialer, Error, Kind, Result};

pub(crate) use self::place::{Place, Scheme};

/// How many connections are kept.
const KEPT: usize = 16;

/// A server that is posted to. It keeps its connections, one for each request that is under way.
pub(crate) struct Server {
    place: Place,
    dialer: Dialer,
    max_response: usize,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Connection>>,
}

type Connection = SendRequest<Full<Bytes>>;

/// What is sent once more where a connection that was kept turns out to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// That of which nothing had been sent.
    Unsent,
    /// Anything, as Python does it: the server may have seen it before.
    Closed,
}

/// A response whose body has not been read. Dropped, it takes its connection with it.
pub(crate) struct Answer<'s> {
    pub(crate) head: Parts,
    body: Incoming,
    connection: Connection,
    server: &'s Server,
}

impl Server {
    /// A server, of which responses are read of so many bytes.
    pub(crate) fn new(place: Place, dialer: Dialer, max_response: usize) -> Self {
        Self { place, dialer, max_response, idle: Mutex::default() }
    }

    /// The same server with connections of its own, and another limit.
    pub(crate) fn with_limit(&self, max_response: usize) -> Self {
        Self::new(self.place.clone(), self.dialer.clone(), max_response)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn max_response(&self) -> usize {
        self.max_response
    }

    /// Posts a body with these headers and `Host`, and gives what comes back.
    pub(crate) async fn post(&self, body: Vec<u8>, mut headers: HeaderMap, again: Again) -> Result<Answer<'_>> {
        let wrong = |error: &dyn fmt::Display| {
            Error::new(Kind::Misuse, format!("the URL is no address of a server: {error}"))
        };
        headers.insert(HOST, HeaderValue::from_str(&self.place.authority).map_err(|error| wrong(&error))?);
        let uri: http::Uri = self.place.path.parse().map_err(|error| wrong(&error))?;
        let body = Bytes::from(body);
        loop {
            let kept = self.take();
            let reused = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            match connection.send_request(request).await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    return Ok(Answer { head, body, connection, server: self });
                }
                // It was closed while nobody used it.
                Err(error) if reused && again.is_for(&error) => {}
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    async fn connect(&self) -> Result<Connection> {
        let stream = self.dialer.dial(&self.place.host, self.place.port).await?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.lost(&error))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!("a connection of an HTTP client: {error}");
            }
        });
        Ok(connection)
    }

    #[cold]
    fn lost(&self, error: &hyper::Error) -> Error {
        Error::new(Kind::Connection, format!("{}: {error}", self.place))
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

    /// Keeps a connection for the next request, if it stays open.
    async fn keep(&self, mut connection: Connection) {
        if connection.ready().await.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(connection);
            }
        }
    }
}

impl Answer<'_> {
    /// Reads the body, within the limit.
    ///
    /// # Errors
    /// Where it is larger, or is cut off.
    pub(crate) async fn body(self) -> Result<Bytes> {
        let Self { body, connection, server, .. } = self;
        let body = match Limited::new(body, server.max_response).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                let why = match error.is::<LengthLimitError>() {
                    true => format!("more than {} bytes", server.max_response),
                    false => error.to_string(),
                };
                return Err(Error::new(Kind::Protocol, format!("the response of {}: {why}", server.place)));
            }
        };
        server.keep(connection).await;
        Ok(body)
    }
}

impl Again {
    fn is_for(self, error: &hyper::Error) -> bool {
        error.is_canceled() || (self == Self::Closed && (error.is_incomplete_message() || is_reset(error)))
    }
}

/// Whether the other side had closed the connection.
fn is_reset(error: &hyper::Error) -> bool {
    use std::error::Error as _;
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    let io = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset))
}

/// Waits for something no longer than a call may take; none is for ever.
///
/// # Errors
/// Of the kind [`Kind::Deadline`] when the time is over.
pub(crate) async fn in_time<T>(timeout: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout {
        None => work.await,
        Some(timeout) => tokio::time::timeout(timeout, work)
            .await
            .unwrap_or_else(|_| Err(Error::new(Kind::Deadline, format!("no response within {timeout:?}")))),
    }
}
