//! WebSockets: the handshake, and their messages.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{FutureExt, Sink, Stream};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use salamander_net::DaemonHandle;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::conversation::{Incoming, converse};
use super::dispatch::Caller;
use super::options::Inner;
use super::post::{has_token, refused};
use crate::Body;
use crate::site::Visitor;

/// How often a client is asked for a sign of life, which it has to give before it is asked again.
const PING: Duration = Duration::from_secs(30);

/// What the two ends prove to each other that they know, RFC 6455.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The answer to the key of a handshake.
pub(super) fn accept_key(key: &[u8]) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Answers a request for a WebSocket. The conversation goes on when the answer has been sent.
pub(super) fn accept(
    rpc: Arc<Inner>,
    mut request: Request<hyper::body::Incoming>,
    visitor: &Visitor,
) -> Response<Body> {
    let headers = request.headers();
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let (true, Some(key)) = (has_token(headers, &CONNECTION, "upgrade"), key) else {
        return refused(StatusCode::BAD_REQUEST, "this is no handshake of a WebSocket");
    };
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut answer = refused(StatusCode::UPGRADE_REQUIRED, "the version of WebSockets spoken here is 13");
        answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return answer;
    }
    let mut answer = Response::new(Body::from(Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let given = answer.headers_mut();
    given.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    given.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept_key(key.as_bytes())) {
        given.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if has_token(headers, &SEC_WEBSOCKET_PROTOCOL, "jsonrpc") {
        given.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("jsonrpc"));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let caller = Caller::of(visitor, rpc, Some(Arc::default()));
    visitor.afterwards(Box::pin(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let (daemon, most) = (caller.daemon.clone(), caller.rpc.reading.most);
        let socket = Socket::new(TokioIo::new(upgraded), Vec::new(), Role::Server, most, Some(daemon)).await;
        if let Err(error) = converse(socket, caller).await {
            tracing::debug!("a WebSocket client: {error}");
        }
    }));
    answer
}

/// The messages of a WebSocket.
pub(super) struct Socket<S> {
    socket: WebSocketStream<S>,
    ping: Interval,
    /// Something has come since the last ping.
    lives: bool,
    /// A ping is to be sent.
    to_ping: bool,
    /// Why it ends, if it does.
    closing: Option<CloseCode>,
    close_sent: bool,
    daemon: Option<DaemonHandle>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A socket on which the handshake is done, and of which so much is read already; messages have so many bytes at most.
    pub(super) async fn new(stream: S, read: Vec<u8>, role: Role, most: usize, daemon: Option<DaemonHandle>) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(most))
            .max_frame_size(Some(most))
            .read_buffer_size(16 << 10)
            .write_buffer_size(16 << 10);
        let socket = WebSocketStream::from_partially_read(stream, read, role, Some(config)).await;
        let mut ping = interval_at(tokio::time::Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { socket, ping, lives: true, to_ping: false, closing: None, close_sent: false, daemon }
    }

    /// Keeps the connection alive, and sees where it is not.
    fn poll_life(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.ping.poll_tick(cx).is_ready() {
            if !std::mem::take(&mut self.lives) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.to_ping = true;
        }
        if self.to_ping && Pin::new(&mut self.socket).poll_ready(cx).map_err(failed)?.is_ready() {
            self.to_ping = false;
            Pin::new(&mut self.socket).start_send(Message::Ping(Bytes::new())).map_err(failed)?;
            let _ = Pin::new(&mut self.socket).poll_flush(cx).map_err(failed)?;
        }
        Ok(())
    }
}

fn failed(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Socket<S> {
    type Item = io::Result<Incoming>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Incoming>>> {
        let this = &mut *self;
        loop {
            let Poll::Ready(next) = Pin::new(&mut this.socket).poll_next(cx) else {
                return match this.poll_life(cx) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Some(Err(error))),
                };
            };
            this.lives = true;
            let message = match next {
                Some(Ok(Message::Text(text))) => Incoming::Message(text.into()),
                Some(Ok(Message::Binary(bytes))) => Incoming::Message(bytes),
                Some(Ok(_)) => continue,
                Some(Err(Error::Capacity(_))) => {
                    this.closing = Some(CloseCode::Size);
                    Incoming::TooLarge
                }
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(failed(error)))),
            };
            return Poll::Ready(Some(Ok(message)));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Bytes> for Socket<S> {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_ready(cx).map_err(failed)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Bytes) -> io::Result<()> {
        let text = Utf8Bytes::try_from(message).map_err(io::Error::other)?;
        Pin::new(&mut self.socket).start_send(Message::Text(text)).map_err(failed)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(failed)
    }

    /// Says why, and waits for the other to have heard it.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let over = |done: Result<(), Error>| match done {
            Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_)) | Ok(()) => Ok(()),
            Err(error) => Err(failed(error)),
        };
        if !this.close_sent {
            let ready = ready!(Pin::new(&mut this.socket).poll_ready(cx));
            this.close_sent = true;
            let stops = this.daemon.as_ref().is_some_and(|daemon| daemon.stopping().now_or_never().is_some());
            let code = this.closing.unwrap_or(if stops { CloseCode::Away } else { CloseCode::Normal });
            let frame = CloseFrame { code, reason: Utf8Bytes::default() };
            let sent = ready.and_then(|()| Pin::new(&mut this.socket).start_send(Message::Close(Some(frame))));
            over(sent)?;
        }
        over(ready!(Pin::new(&mut this.socket).poll_flush(cx)))?;
        loop {
            match ready!(Pin::new(&mut this.socket).poll_next(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    async fn both() -> (Socket<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (ours, theirs) = duplex(1 << 16);
        let ours = Socket::new(ours, Vec::new(), Role::Server, 1000, None).await;
        (ours, WebSocketStream::from_raw_socket(theirs, Role::Client, None).await)
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_no_sign_of_life_is_let_go() {
        let (mut ours, _theirs) = both().await;
        let begun = tokio::time::Instant::now();
        let error = ours.next().await.expect("it says so").err().expect("an error");
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn who_answers_pings_may_be_silent() {
        let (mut ours, mut theirs) = both().await;
        let reading = tokio::spawn(async move { ours.next().await.map(|incoming| incoming.is_ok()) });
        for _ in 0..10 {
            // Tungstenite answers it when it goes on reading.
            assert!(matches!(theirs.next().await, Some(Ok(Message::Ping(_)))));
        }
        theirs.send(Message::text("{}")).await.expect("it is there still");
        assert_eq!(reading.await.expect("a task"), Some(true));
    }

    #[test]
    fn the_key_is_answered_as_the_standard_says() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
