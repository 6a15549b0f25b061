//! The task that connects, reads and writes, and connects again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use salamander_wire::WireError;
use salamander_wire::amqp::{Frame, FrameKind, Method, Request, next_frame};
use tokio::io::AsyncReadExt;

use super::channel::{Answer, Coming, Incoming, PUBLISHING, Slot};
use super::link::{Link, Terms};
use super::message;
use super::outgoing::Outgoing;
use super::state::{Phase, State};
use super::subscription::counts_itself;
use super::{MAX_BUFFERED, Shared};
use crate::broker::{Delivery, Settlement};
use crate::{Error, Kind};

/// The first pause before connecting again; it doubles.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(2);

/// How much is read at once.
const READ: usize = 64 * 1024;

/// How long the broker may take to answer a closing.
const CLOSING: Duration = Duration::from_secs(5);

/// Connects, and again after each cut, until the connection is closed here.
pub(super) async fn drive(shared: Arc<Shared>) {
    // Also where the runtime that this task is on ends in the middle.
    let _guard = Guard(shared.clone());
    let mut pause = PAUSE;
    while shared.lock().phase != Phase::Closed {
        let connected = tokio::select! {
            connected = connect(&shared) => connected,
            () = shared.closed.notified() => continue,
        };
        match connected {
            Ok(link) => {
                pause = PAUSE;
                let reason = run(&shared, link).await;
                let mut state = shared.lock();
                state.end();
                let Some(reason) = reason else { return };
                tracing::warn!(%reason, "the connection to the broker is lost");
                state.trouble = Some(Error::new(Kind::Connection, reason));
            }
            Err(error) => {
                tracing::warn!(%error, "no broker can be reached");
                let mut state = shared.lock();
                // Who waits is told of what waiting does not cure.
                if error.kind() == Kind::Refused {
                    state.tell(&Err(error.clone()));
                }
                state.trouble = Some(error);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.closed.notified() => {}
        }
        pause = (pause * 2).min(LONGEST);
    }
}

struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.driver = None;
        state.end();
    }
}

/// The first broker that answers, beginning with the last that did.
async fn connect(shared: &Shared) -> Result<Link, Error> {
    let first = shared.current.load(Ordering::Relaxed);
    let mut failed = None;
    for offset in 0..shared.addresses.len() {
        let index = (first + offset) % shared.addresses.len();
        match Link::open(&shared.addresses[index]).await {
            Ok(link) => {
                shared.current.store(index, Ordering::Relaxed);
                return Ok(link);
            }
            Err(error) => {
                tracing::debug!(%error, "a broker cannot be reached");
                failed = Some(error);
            }
        }
    }
    Err(failed.unwrap_or_else(|| Error::new(Kind::Misuse, "there is no URL of a broker")))
}

/// Reads and writes until the connection ends, and says why; nothing where it was closed here.
async fn run(shared: &Shared, link: Link) -> Option<String> {
    let Link { socket, mut buffer, terms } = link;
    let Terms { frame_max, heartbeat, .. } = terms;
    let (mut reader, writer) = tokio::io::split(socket);
    if let Err(error) = shared.begin(terms, Outgoing::new(writer)) {
        return Some(error.to_string());
    }
    let beat = Duration::from_secs(heartbeat.max(1).into()) / 2;
    let mut heard = Instant::now();
    let mut closing: Option<Instant> = None;
    loop {
        let (idle, until_retry) = {
            let mut state = shared.lock();
            let idle = match gather(&mut state, (heartbeat > 0).then_some(beat)) {
                Ok(idle) => idle,
                Err(error) => return Some(error.to_string()),
            };
            if state.phase == Phase::Closed && closing.is_none() {
                closing = Some(Instant::now());
            }
            (idle, state.until_retry())
        };
        if heartbeat > 0 && heard.elapsed() >= beat * 4 {
            return Some(format!("nothing has been heard of the broker for {:?}", heard.elapsed()));
        }
        if closing.is_some_and(|since| since.elapsed() > CLOSING) {
            return None;
        }
        let tick = if closing.is_some() { Duration::from_millis(100) } else { until_retry.min(beat) };
        let paused = shared.buffered.load(Ordering::Relaxed) > MAX_BUFFERED;
        buffer.reserve(READ);
        tokio::select! {
            biased;
            read = reader.read_buf(&mut buffer), if !paused => match read {
                Ok(0) if closing.is_some() => return None,
                Ok(0) => return Some("the broker has hung up".to_owned()),
                Ok(_) => {
                    heard = Instant::now();
                    match frames(shared, &mut buffer, frame_max) {
                        Ok(true) => {}
                        Ok(false) => return None,
                        Err(reason) => return if closing.is_some() { None } else { Some(reason) },
                    }
                }
                Err(_) if closing.is_some() => return None,
                Err(error) => return Some(error.to_string()),
            },
            sent = std::future::poll_fn(|context| match &mut shared.lock().outgoing {
                Some(outgoing) => outgoing.poll_send(context),
                None => Poll::Ready(Ok(())),
            }), if !idle => {
                if let Err(error) = sent {
                    return Some(error.to_string());
                }
            }
            () = shared.wake.notified(), if idle => {}
            () = tokio::time::sleep(tick) => {}
        }
    }
}

/// Takes what is to be sent, unless something is on its way: what is settled, what others have put there, and a sign of life where nothing
/// was sent for so long. Whether there is nothing.
fn gather(state: &mut State, beat: Option<Duration>) -> Result<bool, WireError> {
    if state.phase == Phase::Up {
        let due: Vec<_> = state
            .consumers
            .values()
            .filter(|it| it.lock().retry.is_some_and(|at| at <= Instant::now()))
            .cloned()
            .collect();
        due.iter().try_for_each(|consumer| state.subscribe(consumer))?;
    }
    let State { consumers, out, outgoing: Some(outgoing), .. } = state else { return Ok(true) };
    if !outgoing.is_idle() {
        return Ok(false);
    }
    consumers.values().try_for_each(|consumer| consumer.flush(out))?;
    if out.is_empty() && beat.is_some_and(|beat| outgoing.spoken.elapsed() >= beat) {
        out.extend([8, 0, 0, 0, 0, 0, 0, 0xCE]);
    }
    outgoing.take(out);
    Ok(outgoing.is_idle())
}

/// Reads all frames that are there; false where the broker has said good-bye to us.
fn frames(shared: &Shared, buffer: &mut BytesMut, frame_max: usize) -> Result<bool, String> {
    let mut state = shared.lock();
    let mut woken = BTreeSet::new();
    let mut read = || -> Result<bool, String> {
        while let Some(frame) = next_frame(buffer, frame_max).map_err(|error| error.to_string())? {
            if !on_frame(shared, &mut state, frame, &mut woken)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let result = read();
    for id in woken {
        if let Some(consumer) = state.consumers.get(&id) {
            consumer.lock().wake();
        }
    }
    result
}

fn on_frame(shared: &Shared, state: &mut State, frame: Frame, woken: &mut BTreeSet<u64>) -> Result<bool, String> {
    let number = frame.channel;
    match frame.kind {
        FrameKind::Heartbeat => {}
        FrameKind::Method => {
            let method = Method::read(&frame.payload).map_err(|error| error.to_string())?;
            return on_method(state, number, method);
        }
        FrameKind::Header | FrameKind::Body => {
            let Some(channel) = state.channels.get_mut(&number) else { return Ok(true) };
            if channel.closing {
                return Ok(true);
            }
            let Some(incoming) = &mut channel.incoming else {
                return Err("the broker has sent content that belongs to nothing".to_owned());
            };
            let whole = match frame.kind {
                FrameKind::Header => incoming.header(&frame.payload).map_err(|error| error.to_string())?,
                _ => incoming.body(frame.payload).ok_or("the broker has sent more of a body than it said")?,
            };
            if incoming.too_large() {
                return Err("the broker sends a message that is too large".to_owned());
            }
            if whole && let Some(incoming) = channel.incoming.take() {
                on_message(shared, state, number, incoming, woken)?;
            }
        }
    }
    Ok(true)
}

fn on_method(state: &mut State, number: u16, method: Method) -> Result<bool, String> {
    let wrong = |error: WireError| error.to_string();
    if state.channels.get(&number).is_some_and(|channel| channel.closing)
        && !matches!(method, Method::ChannelCloseOk | Method::ChannelClose(_) | Method::Close(_))
    {
        return Ok(true);
    }
    let begin = |state: &mut State, coming| {
        if let Some(channel) = state.channels.get_mut(&number) {
            channel.incoming = Some(Incoming::new(coming));
        }
    };
    match method {
        Method::Deliver { consumer, tag, redelivered, exchange, routing_key } => {
            begin(state, Coming::Delivery { consumer, tag, redelivered, exchange, routing_key });
        }
        Method::Got { redelivered, exchange, routing_key } => {
            begin(state, Coming::Got { redelivered, exchange, routing_key });
        }
        Method::Returned => begin(state, Coming::Other),
        Method::Ack { tag, multiple } | Method::Nack { tag, multiple } => {
            let confirmed = matches!(method, Method::Ack { .. });
            if number == PUBLISHING && !state.publishing.settle(tag, multiple, confirmed) {
                return Err("the broker confirms what was not published".to_owned());
            }
        }
        Method::Done | Method::Consumer(_) => replied(state, number, Answer::Done),
        Method::Count(count) => replied(state, number, Answer::Count(count)),
        Method::Empty => replied(state, number, Answer::Message(Ok(None))),
        Method::ChannelClose(closed) => state.channel_closed(number, &closed).map_err(wrong)?,
        Method::ChannelCloseOk => _ = state.channels.remove(&number),
        Method::Flow(active) => Request::FlowOk(active).write(number, &mut state.out).map_err(wrong)?,
        Method::Cancelled(tag) => cancelled(state, number, &tag).map_err(wrong)?,
        Method::Close(closed) => {
            Request::CloseOk.write(0, &mut state.out).map_err(wrong)?;
            if closed.code == 540 {
                // No limit for all queues together: so it is tried without.
                state.consumers.values().for_each(|consumer| consumer.lock().each = true);
            }
            return Err(format!("the broker has closed the connection: {} {}", closed.code, closed.text));
        }
        Method::CloseOk => return Ok(false),
        Method::Blocked(reason) => tracing::warn!(%reason, "the broker takes no messages at present"),
        Method::Unblocked => tracing::info!("the broker takes messages again"),
        Method::Start { .. } | Method::Tune { .. } | Method::OpenOk => {
            return Err("the broker begins once more in the middle".to_owned());
        }
    }
    Ok(true)
}

/// The next one of those who wait for replies gets his.
fn replied(state: &mut State, number: u16, answer: Answer) {
    let Some(channel) = state.channels.get_mut(&number) else { return };
    if let Some(Slot::Reply(reply)) = channel.slots.pop_front() {
        let _ = reply.send(Ok(answer));
    }
    if channel.slots.is_empty()
        && let Some(consumer) = channel.consumer.and_then(|id| state.consumers.get(&id))
    {
        let mut inner = consumer.lock();
        inner.attempts = 0;
        if let Some(begun) = inner.begun.take() {
            let _ = begun.send(Ok(()));
        }
    }
}

/// A queue is gone under its consumer: it is made again.
fn cancelled(state: &mut State, number: u16, tag: &str) -> Result<(), WireError> {
    let Some(id) = state.channels.get(&number).and_then(|channel| channel.consumer) else { return Ok(()) };
    let Some(consumer) = state.consumers.get(&id).cloned() else { return Ok(()) };
    let queue = {
        let inner = consumer.lock();
        let name = inner.tags.get(tag);
        inner.consume.queues.iter().find(|queue| Some(&queue.name) == name).cloned()
    };
    let Some(queue) = queue else { return Ok(()) };
    tracing::warn!(queue = %queue.name, "a queue has been deleted, and is made again");
    state.declare(number, &queue)?;
    state.consume(number, &consumer, &queue.name, Slot::Ignore)
}

fn on_message(
    shared: &Shared,
    state: &mut State,
    number: u16,
    incoming: Incoming,
    woken: &mut BTreeSet<u64>,
) -> Result<(), String> {
    let (what, content, body) = incoming.finish();
    let Some(content) = content else { return Ok(()) };
    match what {
        Coming::Other => {}
        Coming::Got { redelivered, exchange, routing_key } => {
            let message = message::message(content, &exchange, &routing_key, redelivered, body);
            replied(state, number, Answer::Message(message.map(|message| Some(Box::new(message)))));
        }
        Coming::Delivery { consumer: tag, tag: delivery, redelivered, exchange, routing_key } => {
            let id = state.channels.get(&number).and_then(|channel| channel.consumer);
            let Some(consumer) = id.and_then(|id| state.consumers.get(&id)) else { return Ok(()) };
            let mut inner = consumer.lock();
            let settled_by = inner.delivered(delivery);
            let settlement = Settlement::new(consumer.clone(), settled_by);
            let Some(queue) = inner.tags.get(&tag).cloned() else { return Ok(()) };
            match message::message(content, &exchange, &routing_key, redelivered, body) {
                Ok(message) => {
                    let counted = inner.consume.queues.iter().any(|one| one.name == queue && counts_itself(one));
                    let deliveries = counted.then(|| message::deliveries(&message));
                    shared.buffered.fetch_add(message.body.len(), Ordering::Relaxed);
                    inner.buffer.push_back(Delivery { message, queue, redelivered, deliveries, settlement });
                    woken.insert(consumer.id);
                }
                Err(error) => {
                    drop(inner);
                    tracing::error!(%queue, %error, "a message that cannot be read is rejected");
                    settlement.reject(false);
                }
            }
        }
    }
    Ok(())
}
