//! Calls over a connection that stays: a WebSocket, or lines over a plain one.

use std::collections::HashMap;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{Either, select};
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
        self.say(message.into(), &[], Vec::new()).await.map(drop)
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
        let (senders, responses): (Vec<_>, Vec<_>) = ids.iter().map(|_| oneshot::channel()).unzip();
        // Who no longer waits is forgotten.
        let _waiting = self.say(message.into(), ids, senders).await?;
        let mut results = Vec::with_capacity(ids.len());
        for response in responses {
            results.push(match response.await {
                Ok(result) => result,
                Err(_) => Err(self.lost("the connection is closed")),
            });
        }
        Ok(results)
    }

    /// Sends a message, on a connection that is opened if there is none. Responses to it go to these senders while what this gives is kept.
    async fn say<'i>(
        &self,
        message: Bytes,
        ids: &'i [u64],
        senders: Vec<oneshot::Sender<Result<Value>>>,
    ) -> Result<Expected<'i>> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.clone().filter(|connection| !connection.out.is_closed()) {
            drop(kept);
            let expected = connection.waiting.register(ids, senders)?;
            connection.out.send(message).await.map_err(|_| self.lost("the connection is closed"))?;
            return Ok(expected);
        }
        let mut messages = self.open().await?;
        // The server works on it while another thread takes the connection over.
        messages.send(message).await?;
        let (out, from_callers) = mpsc::channel(WAITING);
        let waiting = Arc::new(Waiting::default());
        let expected = waiting.register(ids, senders)?;
        tokio::spawn(attend(messages, from_callers, waiting.clone(), self.place.to_string()));
        *kept = Some(Arc::new(Connection { out, waiting }));
        Ok(expected)
    }

    /// Opens a connection.
    pub(super) async fn open(&self) -> Result<Messages> {
        let stream = self.dialer.dial(&self.place.host, self.place.port).await?;
        if self.place.scheme == Scheme::Tcp {
            return Ok(Box::pin(Framed::new(stream, Lines::new(self.max_message))));
        }
        let (stream, read) = self.shake_hands(stream).await?;
        Ok(Box::pin(Socket::new(stream, read.into(), Role::Client, self.max_message, None).await))
    }

    /// Makes a WebSocket of a connection: it, and what the server has said already. All of it is done by whoever connects: a
    /// handshake handed to another task would wake two threads.
    async fn shake_hands(&self, stream: salamander_net::Socket) -> Result<(salamander_net::Socket, Bytes)> {
        let lost = |error: hyper::Error| self.lost(&error.to_string());
        let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
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
        // It is over when the protocol changes, and gives the connection back.
        let mut driver = pin!(driver.without_shutdown());
        let asked = pin!(connection.send_request(request));
        let (response, driven) = match select(asked, driver.as_mut()).await {
            Either::Left((response, _)) => (response, None),
            Either::Right((driven, asked)) => (asked.await, Some(driven)),
        };
        let response = response.map_err(lost)?;
        let accepts =
            response.headers().get(SEC_WEBSOCKET_ACCEPT).is_some_and(|given| *given == *accept_key(key.as_bytes()));
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || !accepts {
            let message = format!("{} opens no WebSocket: {}", self.place, response.status());
            return Err(Error::new(Kind::Protocol, message));
        }
        let parts = match driven {
            Some(driven) => driven,
            None => driver.await,
        };
        let parts = parts.map_err(lost)?;
        Ok((parts.io.into_inner(), parts.read_buf))
    }

    #[cold]
    fn lost(&self, why: &str) -> Error {
        Error::new(Kind::Connection, format!("{}: {why}", self.place))
    }
}

/// Drives a connection to its end, and tells those who wait still that there is no more to come.
async fn attend(messages: Messages, from_callers: mpsc::Receiver<Bytes>, calls: Arc<Waiting>, place: String) {
    let done = drive(messages, from_callers, &calls).await;
    let why =
        done.map_or_else(|error| error, |()| Error::new(Kind::Connection, "the server has closed the connection"));
    let why = match why.kind() {
        Kind::Connection => Error::new(Kind::Connection, format!("{place}: {why}")),
        _ => why,
    };
    let mut calls = calls.lock();
    calls.over = Some(why.clone());
    calls.by_id.drain().for_each(|(_, waiting)| drop(waiting.send(Err(why.clone()))));
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

    /// Gives the responses with these ids to these senders, while what this gives is kept.
    fn register<'i>(
        self: &Arc<Self>,
        ids: &'i [u64],
        senders: Vec<oneshot::Sender<Result<Value>>>,
    ) -> Result<Expected<'i>> {
        let mut calls = self.lock();
        if let Some(error) = &calls.over {
            return Err(error.clone());
        }
        calls.by_id.extend(ids.iter().copied().zip(senders));
        Ok(Expected { waiting: self.clone(), ids })
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

/// Responses that somebody waits for.
struct Expected<'i> {
    waiting: Arc<Waiting>,
    ids: &'i [u64],
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        let mut calls = self.waiting.lock();
        self.ids.iter().for_each(|id| drop(calls.by_id.remove(id)));
    }
}
