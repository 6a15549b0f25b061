//! Calls by HTTP.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use salamander_net::{Dialer, Error, Kind, Result};

use super::place::Place;

/// How many connections are kept.
const KEPT: usize = 16;

type Connection = SendRequest<Full<Bytes>>;

pub(super) struct Posting {
    place: Place,
    dialer: Dialer,
    max_message: usize,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Connection>>,
}

impl Posting {
    pub(super) fn new(place: Place, dialer: Dialer, max_message: usize) -> Self {
        Self { place, dialer, max_message, idle: Mutex::default() }
    }

    pub(super) fn parts(&self) -> (Dialer, usize) {
        (self.dialer.clone(), self.max_message)
    }

    /// Posts a message, and gives what comes back. It is sent once more where a connection that was kept turns out to be closed, and
    /// nothing of it had been sent.
    pub(super) async fn exchange(&self, message: Vec<u8>) -> Result<Bytes> {
        let message = Bytes::from(message);
        loop {
            let kept = self.take();
            let reused = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let request = Request::builder()
                .method(Method::POST)
                .uri(&*self.place.path)
                .header(HOST, &*self.place.authority)
                .header(ACCEPT, "application/json")
                .header(CONTENT_TYPE, "application/json")
                .body(Full::new(message.clone()))
                .map_err(|error| Error::new(Kind::Misuse, error.to_string()))?;
            let response = match connection.send_request(request).await {
                Ok(response) => response,
                // It was closed while nobody used it.
                Err(error) if reused && error.is_canceled() => continue,
                Err(error) => return Err(self.lost(&error)),
            };
            let status = response.status();
            let body = Limited::new(response.into_body(), self.max_message).collect().await;
            let body = body.map_err(|error| Error::new(Kind::Protocol, format!("{}: {error}", self.place)))?;
            self.keep(connection).await;
            let body = body.to_bytes();
            // Some servers tell of errors with a status as well.
            let is_answer = body.first().is_some_and(|first| matches!(first, b'{' | b'['));
            if !status.is_success() && !is_answer {
                return Err(Error::new(Kind::Protocol, format!("{} answers with {status}", self.place)));
            }
            return Ok(body);
        }
    }

    async fn connect(&self) -> Result<Connection> {
        let stream = self.dialer.dial(&self.place.host, self.place.port).await?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.lost(&error))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!("a connection of JSON-RPC: {error}");
            }
        });
        Ok(connection)
    }

    #[cold]
    fn lost(&self, error: &hyper::Error) -> Error {
        Error::new(Kind::Connection, format!("{}: {error}", self.place))
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    async fn keep(&self, mut connection: Connection) {
        if connection.ready().await.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(connection);
            }
        }
    }
}
