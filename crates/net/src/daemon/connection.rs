//! One client: reads its messages, has the door answer them, and writes the answers.
//!
//! Plain calls are answered right here, all that came in one read with one write. A call that has to wait runs to its end
//! even if the client leaves. To a client of ours the others are answered meanwhile; a plain Pyro client gets its answers in
//! the order of its calls.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::FutureExt;
use salamander_codec::{Generation, Output};
use salamander_object::Session;
use salamander_wire::pyro5::MessageType;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::answer::Later;
use super::door::{Door, Handled};
use super::handshake::{self, Greeted};
use super::recognise::Arrival;
use super::scratch;
use super::server::Counted;
use crate::dialect::{Decoder, Dialect};
use crate::stream::{Stream, within};

/// Answers are sent when they have grown to this, even while there are more calls to make.
const FLUSH_FROM: usize = 64 * 1024;

/// At most this many calls of one client go on at once; what it sends beyond them is not read.
const MOST_UNDER_WAY: usize = 10_000;

/// Serves one client until it leaves or the daemon stops.
pub(super) async fn run(mut arrival: Arrival, generation: Generation) {
    let (shared, session) = (arrival.shared.clone(), arrival.session.clone());
    let timeout = shared.config.comm_timeout();
    let dialect = shared.dialect(generation).clone();
    let mut decoder = dialect.decoder(shared.config.max_message_size);
    // Two ends of a socket that somebody else has connected know each other.
    let own_peer = match arrival.connected {
        true => false,
        false => match greeted(&mut arrival, &dialect, &mut decoder, timeout).await {
            Some(Greeted { own_peer }) => own_peer,
            None => return,
        },
    };
    let _counted = Counted::new(shared.clone());
    decoder.accept(&[MessageType::Invoke, MessageType::Ping]);
    tracing::debug!("client {} connected", peer_name(&session));
    let mut connection = Connection {
        stream: arrival.stream,
        input: arrival.input,
        out: Output::new(),
        written: 0,
        decoder,
        door: Door::new(shared.clone(), dialect, session.clone()),
        stopping: Box::pin(shared.stopping.clone().cancelled_owned()),
        own_peer,
        later: Arc::default(),
        spawned: false,
        awaits_stop: false,
        timeout,
    };
    let done = connection.serve().await;
    match done {
        Ok(()) => tracing::debug!("client {} disconnected", peer_name(&session)),
        Err(error) => tracing::warn!("client {}: {error}; the connection is closed", peer_name(&session)),
    }
    shared.streams.disconnect(session.id(), Instant::now(), shared.config.stream_limits());
    if let Some(gone) = &shared.hooks.disconnect
        && let Err(exception) = salamander_object::caught(|| gone(&session))
    {
        tracing::warn!("the disconnect hook failed: {exception}");
    }
    session.end();
}

/// Lets a client in, or does not.
async fn greeted(
    arrival: &mut Arrival,
    dialect: &Dialect,
    decoder: &mut Decoder,
    timeout: Option<Duration>,
) -> Option<Greeted> {
    let (shared, session) = (arrival.shared.clone(), arrival.session.clone());
    decoder.accept(&[MessageType::Connect]);
    let greeting = handshake::greet(arrival, dialect, decoder);
    let greeted = tokio::select! {
        () = shared.stopping.cancelled() => return None,
        greeted = within(timeout, greeting, "handshake") => greeted.and_then(|greeted| greeted),
    };
    greeted.unwrap_or_else(|error| {
        tracing::warn!("client {}: handshake failed: {error}", peer_name(&session));
        None
    })
}

pub(super) fn peer_name(session: &Session) -> String {
    session.peer().map_or_else(|| "on a local socket".to_owned(), |peer| peer.to_string())
}

struct Connection {
    stream: Stream,
    input: BytesMut,
    out: Output,
    written: usize,
    decoder: Decoder,
    door: Door,
    stopping: std::pin::Pin<Box<WaitForCancellationFutureOwned>>,
    own_peer: bool,
    later: Arc<LaterReplies>,
    /// Calls may be going on beside the connection.
    spawned: bool,
    /// The task will be woken when the daemon stops.
    awaits_stop: bool,
    /// How long the client may be silent.
    timeout: Option<Duration>,
}

/// The answers of calls that go on beside the connection.
#[derive(Default)]
struct LaterReplies(Mutex<Replies>);

#[derive(Default)]
struct Replies {
    out: Output,
    waker: Option<Waker>,
    under_way: usize,
}

/// Why the connection's task goes on.
enum Woken {
    Input,
    Replies,
    Closed,
    Stopping,
}

impl Connection {
    async fn serve(&mut self) -> Result<(), String> {
        loop {
            self.answer().await?;
            self.flush().await.map_err(|error| format!("sending: connection lost: {error}"))?;
            if self.input.is_empty() {
                scratch::give_input(&mut self.input);
            }
            scratch::give_output(&mut self.out);
            let timeout = self.timeout;
            let woken = within(timeout, std::future::poll_fn(|cx| self.poll_woken(cx)), "receiving").await;
            match woken.map_err(|error| error.to_string())? {
                Ok(Woken::Input) => {}
                Ok(Woken::Replies) => self.take_replies(),
                Ok(Woken::Closed) => return Ok(()),
                Ok(Woken::Stopping) => return self.finish().await,
                // A client that vanishes is no fault of ours, nor worth a warning.
                Err(_) => return Ok(()),
            }
        }
    }

    /// Answers all calls that have come.
    async fn answer(&mut self) -> Result<(), String> {
        while !self.input.is_empty() {
            let message = match self.decoder.decode(&mut self.input) {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(()),
                Err(error) => return Err(error.to_string()),
            };
            match self.door.handle(message, &mut self.out)? {
                Handled::Done => {}
                Handled::Later(later) if self.own_peer || later.is_detached() => {
                    self.spawn(later);
                    self.bounded().await.map_err(|error| format!("sending: connection lost: {error}"))?;
                }
                Handled::Later(later) => {
                    self.flush().await.map_err(|error| format!("sending: connection lost: {error}"))?;
                    later.finish(&mut self.out).await;
                }
            }
            if self.out.total_len() > FLUSH_FROM {
                self.flush().await.map_err(|error| format!("sending: connection lost: {error}"))?;
            }
        }
        Ok(())
    }

    /// Waits while too many calls go on beside the connection.
    async fn bounded(&mut self) -> io::Result<()> {
        while self.later.lock().under_way >= MOST_UNDER_WAY {
            self.flush().await?;
            std::future::poll_fn(|cx| {
                let mut replies = self.later.lock();
                if replies.under_way < MOST_UNDER_WAY {
                    return Poll::Ready(());
                }
                replies.waker = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            self.take_replies();
            self.flush().await?;
        }
        Ok(())
    }

    /// Lets a call go on beside the connection.
    fn spawn(&mut self, later: Box<Later>) {
        self.spawned = true;
        let replies = self.later.clone();
        replies.lock().under_way += 1;
        self.door.shared().tasks.spawn(async move {
            let mut out = Output::new();
            let done = std::panic::AssertUnwindSafe(later.finish(&mut out)).catch_unwind().await;
            if done.is_err() {
                tracing::error!("answering a call panicked");
            }
            let mut replies = replies.lock();
            replies.under_way -= 1;
            for piece in out.slices() {
                replies.out.extend_from_slice(piece);
            }
            if let Some(waker) = replies.waker.take() {
                waker.wake();
            }
        });
    }

    fn take_replies(&mut self) {
        let mut replies = self.later.lock();
        std::mem::swap(&mut replies.out, &mut self.out);
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.out.total_len() == 0 {
            return Ok(());
        }
        std::future::poll_fn(|cx| self.stream.poll_write_all(cx, &mut self.out, &mut self.written)).await
    }

    /// Waits for whatever comes first. An idle connection has no buffer.
    fn poll_woken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Woken>> {
        if self.input.is_empty() {
            self.input = scratch::input();
        }
        match self.stream.poll_read(cx, &self.decoder, &mut self.input) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Ok(Woken::Closed)),
            Poll::Ready(Ok(_)) => {
                self.out = scratch::output();
                return Poll::Ready(Ok(Woken::Input));
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending if self.input.is_empty() => scratch::give_input(&mut self.input),
            Poll::Pending => {}
        }
        if self.spawned {
            let mut replies = self.later.lock();
            if replies.out.total_len() > 0 {
                return Poll::Ready(Ok(Woken::Replies));
            }
            self.spawned = replies.under_way > 0;
            if self.spawned {
                replies.waker = Some(cx.waker().clone());
            }
        }
        // Waiting for the end takes locks that all connections share: it is begun once, and looked at when it is there.
        if self.awaits_stop && !self.door.shared().is_stopping() {
            return Poll::Pending;
        }
        self.awaits_stop = true;
        self.stopping.as_mut().poll(cx).map(|()| Ok(Woken::Stopping))
    }

    /// The daemon stops: calls under way are finished and answered.
    async fn finish(&mut self) -> Result<(), String> {
        loop {
            let idle = std::future::poll_fn(|cx| {
                let mut replies = self.later.lock();
                if replies.out.total_len() > 0 {
                    return Poll::Ready(false);
                }
                if replies.under_way == 0 {
                    return Poll::Ready(true);
                }
                replies.waker = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            if idle {
                return Ok(());
            }
            self.take_replies();
            if self.flush().await.is_err() {
                return Ok(());
            }
        }
    }
}

impl LaterReplies {
    fn lock(&self) -> std::sync::MutexGuard<'_, Replies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
