//! Calls over a connection that stays: a WebSocket, or lines over a plain one.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use salamander_codec::Settings;
use salamander_net::{Dialer, Error, Kind, Result};
use salamander_value::{Uuid, Value};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::codec::Framed;

use super::message::{self, Received, Response, broken};
use crate::client::{Place, Scheme};
use crate::jsonrpc::conversation::Incoming;
use crate::jsonrpc::raw::Lines;
use crate::jsonrpc::websocket::{Socket, accept_key};

/// How many messages wait to be written before callers wait.
const WAITING: usize = 256;

/// Messages both ways, of whatever transport.
pub(super) type Messages = Pin<Box<dyn BothWays>>;

pub(super) trait BothWays:
    Stream<Item = io::Result<Incoming>> + Sink<Bytes, Error = io::Error> + Send
{
}

impl<M: Stream<Item = io::Result<Incoming>> + Sink<Bytes, Error = io::Error> + Send> BothWays for M {}

/// A server, with the one connection to it.
pub(super) struct Live {
    place: Place,
    dialer: Dialer,
    max_message: usize,
    last: AtomicU64,
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

struct Connection {
    out: mpsc::Sender<Bytes>,
    waiting: Arc<Waiting>,
}

/// The calls that wait for their responses.
#[derive(Default)]
struct Waiting(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    by_id: HashMap<u64, oneshot::Sender<Result<Value>>>,
    /// Why there are no more.
    over: Option<Error>,
}

impl Live {
    pub(super) fn new(place: Place, dialer: Dialer, max_message: usize) -> Self {
        Self { place, dialer, max_message, last: AtomicU64::new(0), connection: tokio::sync::Mutex::default() }
    }

    /// The same server with a connection of its own, and another limit.
    pub(super) fn with_limit(&self, max_message: usize) -> Self {
        Self::new(self.place.clone(), self.dialer.clone(), max_message)
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn max_message(&self) -> usize {
        self.max_message
    }

    /// A number for a request.
    pub(super) fn next_id(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sends a message that nobody answers.
    pub(super) async fn tell(&self, message: Vec<u8>) -> Result<()> {
        self.send(&*self.connected().await?, message).await
    }

    /// Makes a call.
    pub(super) async fn call(&self, method: &str, params: &[u8], settings: &Settings) -> Result<Value> {
        let id = self.next_id();
        let message = message::request(Some(id), method, params, settings);
        let mut results = self.exchange(&[id], message).await?;
        results.pop().unwrap_or_else(|| Err(broken("there is no response")))
    }

    /// Sends a message, and waits for the responses to its requests.
    pub(super) async fn exchange(&self, ids: &[u64], message: Vec<u8>) -> Result<Vec<Result<Value>>> {
        let connection = self.connected().await?;
        let mut responses = Vec::with_capacity(ids.len());
        for &id in ids {
            let (sender, receiver) = oneshot::channel();
            let mut calls = connection.waiting.lock();
            if let Some(error) = &calls.over {
                return Err(error.clone());
            }
            calls.by_id.insert(id, sender);
            responses.push(receiver);
        }
        // Who no longer waits is forgotten.
        let _forget = Forget { waiting: &connection.waiting, ids };
        self.send(&connection, message).await?;
        let mut results = Vec::with_capacity(ids.len());
        for response in responses {
            results.push(match response.await {
                Ok(result) => result,
                Err(_) => Err(self.lost("the connection is closed")),
            });
        }
        Ok(results)
    }

    async fn send(&self, connection: &Connection, message: Vec<u8>) -> Result<()> {
        connection.out.send(message.into()).await.map_err(|_| self.lost("the connection is closed"))
    }

    /// The connection, opened if there is none.
    async fn connected(&self) -> Result<Arc<Connection>> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.out.is_closed()) {
            return Ok(connection.clone());
        }
        let messages = self.open().await?;
        let (out, from_callers) = mpsc::channel(WAITING);
        let waiting = Arc::new(Waiting::default());
        let (calls, place) = (waiting.clone(), self.place.to_string());
        tokio::spawn(async move {
            let done = drive(messages, from_callers, &calls).await;
            let why = done.map_or_else(
                |error| error,
                |()| Error::new(Kind::Connection, "the server has closed the connection"),
            );
            let why = match why.kind() {
                Kind::Connection => Error::new(Kind::Connection, format!("{place}: {why}")),
                _ => why,
            };
            let mut calls = calls.lock();
            calls.over = Some(why.clone());
            calls.by_id.drain().for_each(|(_, waiting)| drop(waiting.send(Err(why.clone()))));
        });
        let connection = Arc::new(Connection { out, waiting });
        *kept = Some(connection.clone());
        Ok(connection)
    }

    /// Opens a connection.
    pub(super) async fn open(&self) -> Result<Messages> {
        let stream = self.dialer.dial(&self.place.host, self.place.port).await?;
        if self.place.scheme == Scheme::Tcp {
            return Ok(Box::pin(Framed::new(stream, Lines::new(self.max_message))));
        }
        let (mut connection, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.lost(&error.to_string()))?;
        tokio::spawn(async move {
            if let Err(error) = driver.with_upgrades().await {
                tracing::debug!("the handshake of a WebSocket: {error}");
            }
        });
        let key = STANDARD.encode(Uuid::new_v4().as_bytes());
        let request = Request::builder()
            .uri(&*self.place.path)
            .header(HOST, &*self.place.authority)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &*key)
            .header(SEC_WEBSOCKET_PROTOCOL, "jsonrpc")
            .body(Empty::<Bytes>::new())
            .map_err(|error| Error::new(Kind::Misuse, error.to_string()))?;
        let response = connection.send_request(request).await.map_err(|error| self.lost(&error.to_string()))?;
        let accepts =
            response.headers().get(SEC_WEBSOCKET_ACCEPT).is_some_and(|key_| *key_ == *accept_key(key.as_bytes()));
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || !accepts {
            let message = format!("{} opens no WebSocket: {}", self.place, response.status());
            return Err(Error::new(Kind::Protocol, message));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| self.lost(&error.to_string()))?;
        Ok(Box::pin(Socket::new(TokioIo::new(upgraded), Role::Client, self.max_message, None).await))
    }

    #[cold]
    fn lost(&self, why: &str) -> Error {
        Error::new(Kind::Connection, format!("{}: {why}", self.place))
    }
}

/// Writes what callers send, and gives them their responses, until one of both ends.
async fn drive(mut messages: Messages, mut from_callers: mpsc::Receiver<Bytes>, calls: &Waiting) -> Result<()> {
    let settings = Settings::default();
    let mut unsent = false;
    loop {
        tokio::select! {
            biased;
            message = from_callers.recv() => match message {
                Some(message) => {
                    messages.feed(message).await?;
                    unsent = true;
                }
                None => return Ok(messages.close().await?),
            },
            () = std::future::ready(()), if unsent => {
                messages.flush().await?;
                unsent = false;
            }
            received = messages.next() => match received {
                Some(Ok(Incoming::Message(bytes))) => calls.take(message::read(&bytes, &settings)?),
                Some(Ok(Incoming::TooLarge)) => return Err(broken("a message is larger than is allowed")),
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives responses to those who wait for them.
    fn take(&self, received: Received) {
        let responses = match received {
            Received::Response(response) => vec![response],
            Received::Batch(responses) => responses,
            Received::Item { .. } | Received::Other => Vec::new(),
        };
        let mut calls = self.lock();
        for Response { id, result } in responses {
            match id.and_then(|id| calls.by_id.remove(&id)) {
                // It may have gone.
                Some(waiting) => drop(waiting.send(result)),
                // Something that was sent could not even be read: nobody can tell what.
                None => match result {
                    Err(error) if id.is_none() => {
                        calls.by_id.drain().for_each(|(_, waiting)| drop(waiting.send(Err(error.clone()))));
                    }
                    _ => tracing::debug!("a response to no call"),
                },
            }
        }
    }
}

struct Forget<'c> {
    waiting: &'c Waiting,
    ids: &'c [u64],
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut calls = self.waiting.lock();
        self.ids.iter().for_each(|id| drop(calls.by_id.remove(id)));
    }
}
