//! [`Connection`]: one connection that any number of tasks call through at once.
//!
//! There is no task between a caller and the socket while there is one caller: it writes its request and reads its reply
//! itself. As soon as a second call is outstanding, a driver task reads for all, wakes those whose reply has come, and
//! then, behind them in the run queue, writes what they ask next in one piece.
//!
//! One waker is registered with the socket all the time. It stands for whoever is to be woken: the one caller, or the
//! driver. Whoever takes that role over looks at the socket himself once after, so that no readiness is lost between.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use bytes::BytesMut;
use salamander_codec::{Arguments, Codec, Output};
use salamander_wire::pyro5::{Annotations, Flags, Message, MessageType};
use tokio::sync::Notify;

use super::slots::Slots;
use crate::blob::SerializedBlob;
use crate::dialect::{Decoder, Dialect, finish};
use crate::error::{Error, Result};
use crate::stream::Stream;
use crate::wirelog;

pub(crate) struct Connection {
    state: Mutex<State>,
    reader: Arc<ReaderWaker>,
    /// `reader`, as the socket knows it.
    waker: Waker,
    /// Told whenever a place among the outstanding calls gets free.
    freed: Notify,
    pub(crate) settings: ConnectionSettings,
}

/// What holds for a connection as long as it lives.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionSettings {
    pub(crate) codec: Codec,
    pub(crate) dialect: Arc<Dialect>,
    pub(crate) max_message_size: usize,
    pub(crate) compression: bool,
    pub(crate) logwire: bool,
    /// The id that the object goes by on this connection.
    pub(crate) object: Arc<str>,
    /// The peer is one of us: it may answer out of order, and knows our own methods.
    pub(crate) own_peer: bool,
    /// No call is sent before the last one is answered: a peer that waits for its socket, as Pyro's multiplex server does,
    /// may not notice a message that came in one TLS record with another.
    pub(crate) one_by_one: bool,
}

struct State {
    stream: Stream,
    out: Output,
    written: usize,
    input: BytesMut,
    decoder: Decoder,
    slots: Slots,
    driver: Driver,
    /// Whom the socket wakes: a copy of what `ReaderWaker` holds.
    reader: Option<Waker>,
    /// The driver is going to write soon; callers need not.
    flush_planned: bool,
    /// Those who wait until everything is written.
    flushing: Vec<Waker>,
    failed: Option<Error>,
}

/// What became of a request.
enum Sent {
    /// It has this number.
    As(u16),
    /// Too many calls are outstanding.
    Full,
    /// It was not sent: the connection is closed.
    Closed,
}

enum Driver {
    None,
    /// Spawned, but not polled yet.
    Starting,
    Running(Waker),
}

/// The waker that the socket knows.
#[derive(Default)]
struct ReaderWaker(Mutex<Option<Waker>>);

impl Wake for ReaderWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(waker) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }
}

/// What is to be called.
#[derive(Clone, Copy)]
pub(crate) struct Invoke<'a> {
    pub(crate) object: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) flags: Flags,
    pub(crate) annotations: &'a Annotations,
    pub(crate) correlation_id: Option<[u8; 16]>,
    pub(crate) arguments: &'a (dyn Arguments + Sync),
    /// Stands in the place of the arguments, if it is there.
    pub(crate) blob: Option<&'a SerializedBlob>,
}

impl Connection {
    /// A connection over a socket on which the handshake is done.
    pub(crate) fn new(
        stream: Stream,
        input: BytesMut,
        mut decoder: Decoder,
        settings: ConnectionSettings,
    ) -> Arc<Self> {
        decoder.accept(&[MessageType::Result]);
        let reader = Arc::<ReaderWaker>::default();
        Arc::new(Self {
            state: Mutex::new(State {
                stream,
                out: Output::new(),
                written: 0,
                input,
                decoder,
                slots: Slots::default(),
                driver: Driver::None,
                reader: None,
                flush_planned: false,
                flushing: Vec::new(),
                failed: None,
            }),
            waker: reader.clone().into(),
            reader,
            freed: Notify::new(),
            settings,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is known to be of no further use.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().failed.is_some()
    }

    /// Closes it; calls under way fail with this error.
    pub(crate) fn close(&self, error: Error) {
        let wakers = self.state().fail(error);
        self.freed.notify_waiters();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Makes a call and waits for the reply; gives nothing where the connection had been closed before the call was sent.
    /// Dropped, it abandons the reply, and the connection stays usable.
    pub(crate) async fn call(self: &Arc<Self>, invoke: Invoke<'_>) -> Result<Option<Message>> {
        loop {
            match (Calling { connection: self, invoke, sequence: None }).await? {
                Called::Reply(message) => return Ok(Some(message)),
                Called::Full => self.room().await,
                Called::Closed => return Ok(None),
            }
        }
    }

    /// Sends a call that has no reply; tells whether it was sent, or the connection had been closed before. Waits until the
    /// system has all of it.
    pub(crate) async fn oneway(self: &Arc<Self>, invoke: Invoke<'_>) -> Result<bool> {
        loop {
            let sent = self.send(&mut self.state(), &invoke)?;
            match sent {
                Sent::As(_) => break,
                Sent::Full => self.room().await,
                Sent::Closed => return Ok(false),
            }
        }
        if self.state().out.total_len() > 0 {
            std::future::poll_fn(|cx| self.poll_flushed(cx)).await?;
        }
        Ok(true)
    }

    /// Waits for a place among the outstanding calls.
    async fn room(&self) {
        let mut freed = std::pin::pin!(self.freed.notified());
        freed.as_mut().enable();
        if self.is_full(&self.state()) {
            freed.await;
        }
    }

    /// Encodes a request and sends it, or leaves it to the driver.
    fn send(self: &Arc<Self>, state: &mut State, invoke: &Invoke<'_>) -> Result<Sent> {
        let oneway = invoke.flags.contains(Flags::ONEWAY);
        // A peer that left while nobody looked is noticed now, before anything is sent.
        if state.failed.is_none() && state.slots.waiting() == 0 && state.stream.is_readable() {
            state.drive(&mut Context::from_waker(&self.waker), self);
        }
        if state.failed.is_some() {
            return Ok(Sent::Closed);
        }
        if self.is_full(state) && (!oneway || self.settings.one_by_one) {
            return Ok(Sent::Full);
        }
        // One-way calls take the number that follows but keep no slot: nothing answers them.
        let sequence = state.slots.next();
        self.encode(&mut state.out, invoke, sequence)?;
        if !oneway {
            state.slots.open();
        }
        if state.slots.waiting() > 1 {
            self.start_driver(state);
        }
        if !state.flush_planned
            && state.write(&mut Context::from_waker(&self.waker)).is_pending()
            && state.slots.waiting() != 1
        {
            self.start_driver(state);
        }
        match &state.failed {
            Some(error) => Err(error.clone()),
            None => Ok(Sent::As(sequence)),
        }
    }

    /// The codec of a call: that in which its blob came, if the peer has it.
    pub(crate) fn codec_of(&self, blob: Option<&SerializedBlob>) -> Codec {
        let ConnectionSettings { codec, dialect, .. } = &self.settings;
        blob.and_then(SerializedBlob::codec).filter(|codec| dialect.has(*codec)).unwrap_or(*codec)
    }

    fn encode(&self, out: &mut Output, invoke: &Invoke<'_>, sequence: u16) -> Result<()> {
        let ConnectionSettings { dialect, max_message_size, compression, logwire, object, .. } = &self.settings;
        let codec = self.codec_of(invoke.blob);
        let codec_settings = &dialect.codec_settings;
        if !dialect.has(codec) {
            return Err(Error::misuse(format!("{} has no serializer {codec}", dialect.generation)));
        }
        let header = dialect
            .header(MessageType::Invoke, codec, sequence)
            .with_flags(invoke.flags)
            .with_correlation(invoke.correlation_id);
        let mark = out.mark();
        let object = invoke.object.unwrap_or(object);
        let started = if let Some(blob) = invoke.blob {
            let body = blob.body(codec, codec_settings, object, invoke.method)?;
            let mut annotations = invoke.annotations.clone();
            blob.annotate(&mut annotations, object, invoke.method)?;
            let started = dialect.begin(out, &header, &annotations)?;
            out.attach(&body);
            started
        } else {
            let started = dialect.begin(out, &header, invoke.annotations)?;
            if let Err(error) = codec.write_call(out, codec_settings, object, invoke.method, invoke.arguments) {
                out.rewind(mark);
                return Err(error.into());
            }
            started
        };
        finish(out, started, *max_message_size, *compression)?;
        if *logwire {
            wirelog::sent("proxy wiredata sending", &out.copy_since(mark));
        }
        Ok(())
    }

    fn start_driver(self: &Arc<Self>, state: &mut State) {
        match &state.driver {
            Driver::None => {
                state.driver = Driver::Starting;
                let connection = Arc::downgrade(self);
                tokio::spawn(drive(connection));
            }
            Driver::Starting => {}
            Driver::Running(waker) => {
                let waker = waker.clone();
                if self.read_by(state, &waker) {
                    waker.wake_by_ref();
                }
            }
        }
    }

    /// Whether another call has to wait.
    fn is_full(&self, state: &State) -> bool {
        let in_turn = self.settings.one_by_one && (state.slots.waiting() > 0 || state.out.total_len() > 0);
        in_turn && state.failed.is_none() || state.slots.are_full()
    }

    /// Lets those go on who wait for a place, if there is one again.
    fn freed(&self, state: &mut State) {
        if state.slots.freed() || state.failed.is_some() {
            self.freed.notify_waiters();
        } else if self.settings.one_by_one && !self.is_full(state) {
            self.freed.notify_one();
        }
    }

    /// Names whom the socket wakes from now on; tells whether it was somebody else before.
    fn read_by(&self, state: &mut State, waker: &Waker) -> bool {
        if state.reader.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return false;
        }
        state.reader = Some(waker.clone());
        *self.reader.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
        true
    }

    fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = self.state();
        if let Some(error) = &state.failed {
            return Poll::Ready(Err(error.clone()));
        }
        if state.out.total_len() == 0 {
            return Poll::Ready(Ok(()));
        }
        state.flushing.push(cx.waker().clone());
        Poll::Pending
    }

    /// One poll of a caller that waits for a reply.
    fn poll_reply(
        self: &Arc<Self>,
        mut guard: MutexGuard<'_, State>,
        sequence: u16,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Message>> {
        let state = &mut *guard;
        let mut woken = Vec::new();
        if !state.slots.is_ready(sequence) {
            if state.slots.waiting() == 1 || !matches!(state.driver, Driver::Running(_)) {
                if state.slots.waiting() == 1 {
                    self.read_by(state, cx.waker());
                }
                woken = state.drive(&mut Context::from_waker(&self.waker), self);
            } else {
                self.start_driver(state);
            }
        }
        let poll = match (state.slots.take(sequence, cx.waker()), &state.failed) {
            (Poll::Ready(Some(message)), _) => Poll::Ready(Ok(message)),
            (_, Some(error)) => Poll::Ready(Err(error.clone())),
            (Poll::Pending, None) => Poll::Pending,
            (Poll::Ready(None), None) => Poll::Ready(Err(closed())),
        };
        self.freed(state);
        drop(guard);
        woken.into_iter().for_each(Waker::wake);
        poll
    }

    /// A caller has gone before its reply came.
    fn abandon(self: &Arc<Self>, sequence: u16) {
        let mut guard = self.state();
        let state = &mut *guard;
        state.slots.abandon(sequence);
        self.freed(state);
        // It may have been the one whom the socket wakes.
        if state.failed.is_none() && state.slots.waiting() > 0 || state.out.total_len() > 0 {
            self.start_driver(state);
            if let Driver::Running(driver) = &state.driver {
                driver.wake_by_ref();
            }
        }
    }
}

#[cold]
fn closed() -> Error {
    Error::connection("the connection is closed")
}

impl State {
    /// Writes what is unsent.
    fn write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.stream.poll_write_all(cx, &mut self.out, &mut self.written) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Ready(Err(error)) => {
                let wakers = self.fail(Error::connection(format!("sending: connection lost: {error}")));
                wakers.into_iter().for_each(Waker::wake);
                Poll::Ready(())
            }
        }
    }

    /// Writes and reads as much as the socket takes and has. Gives those to wake, which is to be done unlocked.
    fn drive(&mut self, cx: &mut Context<'_>, connection: &Connection) -> Vec<Waker> {
        let mut woken = Vec::new();
        if self.failed.is_some() {
            return woken;
        }
        if self.out.total_len() > 0 && !self.flush_planned && self.write(cx).is_ready() {
            woken.append(&mut self.flushing);
            connection.freed(self);
        }
        loop {
            match self.stream.poll_read(cx, &self.decoder, &mut self.input) {
                Poll::Pending => return woken,
                Poll::Ready(Ok(0)) => {
                    woken.extend(self.fail(Error::connection("receiving: the peer closed the connection")));
                    return woken;
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    woken.extend(self.fail(Error::connection(format!("receiving: connection lost: {error}"))));
                    return woken;
                }
            }
            loop {
                match self.decoder.decode(&mut self.input) {
                    Ok(Some(message)) => self.received(message, connection, &mut woken),
                    Ok(None) => break,
                    Err(error) => {
                        woken.extend(self.fail(error.into()));
                        return woken;
                    }
                }
            }
            // A caller that has its reply goes on; whoever reads next looks for more.
            if self.slots.waiting() == 0 {
                return woken;
            }
        }
    }

    fn received(&mut self, message: Message, connection: &Connection, woken: &mut Vec<Waker>) {
        if connection.settings.logwire {
            wirelog::received("proxy wiredata received", &message, connection.settings.dialect.generation);
        }
        let sequence = message.header.sequence;
        match self.slots.receive(sequence, message) {
            Ok(waker) => woken.extend(waker),
            Err(expected) => {
                let error = format!("invoke: reply sequence out of sync, got {sequence} expected {expected}");
                woken.extend(self.fail(Error::protocol(error)));
            }
        }
        connection.freed(self);
    }

    /// The connection is over: everybody is woken to hear it.
    fn fail(&mut self, error: Error) -> Vec<Waker> {
        if self.failed.is_none() {
            tracing::debug!("connection closed: {error}");
            self.failed = Some(error);
            self.stream.shut();
        }
        let mut wakers = std::mem::take(&mut self.flushing);
        wakers.extend(self.slots.wakers());
        if let Driver::Running(waker) = &self.driver {
            wakers.push(waker.clone());
        }
        self.out = Output::new();
        self.written = 0;
        wakers
    }
}

/// A caller: sends its request, and waits for the reply.
struct Calling<'a> {
    connection: &'a Arc<Connection>,
    invoke: Invoke<'a>,
    /// The number of the request while its reply is awaited.
    sequence: Option<u16>,
}

/// What became of a call.
enum Called {
    Reply(Message),
    /// Too many calls are outstanding; it was not sent.
    Full,
    /// It was not sent: the connection had been closed.
    Closed,
}

impl Future for Calling<'_> {
    type Output = Result<Called>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let connection = self.connection;
        let mut state = connection.state();
        let sequence = match self.sequence {
            Some(sequence) => sequence,
            None => match connection.send(&mut state, &self.invoke)? {
                Sent::As(sequence) => sequence,
                Sent::Full => return Poll::Ready(Ok(Called::Full)),
                Sent::Closed => return Poll::Ready(Ok(Called::Closed)),
            },
        };
        let poll = connection.poll_reply(state, sequence, cx);
        self.sequence = poll.is_pending().then_some(sequence);
        poll.map_ok(Called::Reply)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        if let Some(sequence) = self.sequence {
            self.connection.abandon(sequence);
        }
    }
}

/// The driver task: reads for many callers, and writes for them.
async fn drive(connection: Weak<Connection>) {
    std::future::poll_fn(|cx| {
        let Some(connection) = connection.upgrade() else { return Poll::Ready(()) };
        let mut guard = connection.state();
        let state = &mut *guard;
        if state.failed.is_some() {
            return Poll::Ready(());
        }
        let known = matches!(&state.driver, Driver::Running(known) if known.will_wake(cx.waker()));
        if !known {
            state.driver = Driver::Running(cx.waker().clone());
        }
        // At first the socket may still wake a caller that has gone, though only one is left.
        if !known || state.slots.waiting() != 1 || state.out.total_len() > 0 {
            connection.read_by(state, cx.waker());
        }
        state.flush_planned = false;
        let woken = state.drive(&mut Context::from_waker(&connection.waker), &connection);
        connection.freed(state);
        // Those woken now are going to ask again: write for all of them, behind them in the queue.
        if woken.len() > 1 {
            state.flush_planned = true;
            cx.waker().wake_by_ref();
        }
        drop(guard);
        woken.into_iter().for_each(Waker::wake);
        Poll::Pending
    })
    .await;
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The driver holds no connection, and ends when it is polled once more.
        if let Driver::Running(waker) = &self.state().driver {
            waker.wake_by_ref();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({}, {} waiting)", self.settings.object, self.state().slots.waiting())
    }
}
