//! RabbitMQ, and whatever else speaks AMQP 0-9-1.
//!
//! One task holds the connection ([`session`]): it reads, writes and connects again. Everybody else puts requests into one buffer
//! ([`State`]), from which they go out together, and is told what became of them. Nothing waits for the broker before it asks the next thing.
//! Who is alone writes for himself ([`outgoing`]): one task after the other is not held up by waking another thread for each.

mod channel;
mod consumer;
mod link;
mod message;
mod outgoing;
mod publishing;
mod session;
mod state;
mod subscription;
mod url;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use salamander_wire::WireError;
use salamander_wire::amqp::{Closed, Request};
use salamander_wire::celery::Message;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use self::channel::{Answer, CONTROL, Failure, PUBLISHING, Slot};
use self::consumer::AmqpConsumer;
use self::link::Terms;
use self::outgoing::Outgoing;
use self::publishing::Outcome;
use self::state::{Phase, State};
use self::subscription::Subscription;
use self::url::Address;
pub use self::url::AmqpOptions;
use super::{Broker, Capabilities, Consume, Consumer, Publication, Topology};
use crate::{Error, Kind, Result, Waits};

/// How much may be published and not confirmed, in pieces of [`PIECE`] bytes: each message is one, and one more for each that it fills.
const UNDER_WAY: u32 = 65_536;
/// See [`UNDER_WAY`].
const PIECE: usize = 1024;

/// How many bytes of bodies may wait to be received before the broker is not read any more.
const MAX_BUFFERED: usize = 256 * 1024 * 1024;

/// A broker that speaks AMQP 0-9-1, such as RabbitMQ.
///
/// It connects when it is first used, and again whenever that is needed: to the next one of its URLs where there are several. Publications
/// are done when the broker has confirmed them; those that were not confirmed when a connection broke are published again, so that they may arrive
/// twice. The limit of a consumer holds for all its queues together; among quorum queues for each of them, because those know no other.
///
/// A classic queue of RabbitMQ (3.10) forgets acknowledgements of some time where the server is killed, so that tasks are done again that were done
/// long ago; a quorum queue (`task_default_queue_type`) does not.
///
/// Headers are what field tables can hold: text, bytes, integers of 64 bits, floats, decimals of 32 bits, times in seconds, none, and lists
/// and dicts of those. Anything else is refused, and so are headers that take more than a frame, which is 128 KiB by default.
///
/// # Wire
/// AMQP 0-9-1 as kombu's transport `pyamqp` uses it.
pub struct Amqp {
    shared: Arc<Shared>,
}

/// What all parts have in common.
pub(crate) struct Shared {
    addresses: Vec<Address>,
    /// Which of them was the last that answered.
    current: AtomicUsize,
    state: Mutex<State>,
    /// There is something to send.
    wake: Notify,
    /// Nobody waits for a broker any more.
    closed: Notify,
    permits: Arc<Semaphore>,
    /// What may have made the broker close the channel is published alone.
    alone: tokio::sync::Mutex<()>,
    /// The bytes that wait to be received.
    buffered: AtomicUsize,
}

impl Amqp {
    /// A broker by its URL, `amqp://user:password@host:port/vhost` as kombu has it, or by several with semicolons between.
    ///
    /// Options stand behind a question mark: `heartbeat` and `connect_timeout` in seconds, `login_method` (`PLAIN`, `EXTERNAL`), and for `amqps://`
    /// `ssl_ca_certs`, `ssl_certfile` and `ssl_keyfile`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for what is no such URL.
    pub fn new(url: &str) -> Result<Self> {
        Self::with(url, AmqpOptions::default())
    }

    /// The same with other options where the URL says nothing of them.
    ///
    /// # Errors
    /// As [`Amqp::new`].
    pub fn with(url: &str, options: AmqpOptions) -> Result<Self> {
        let addresses = Address::parse_all(url, options)?;
        if addresses.is_empty() {
            return Err(Error::new(Kind::Misuse, "there is no URL of a broker"));
        }
        let shared = Shared {
            addresses,
            current: AtomicUsize::new(0),
            state: Mutex::new(State::new()),
            wake: Notify::new(),
            closed: Notify::new(),
            permits: Arc::new(Semaphore::new(UNDER_WAY as usize)),
            alone: tokio::sync::Mutex::new(()),
            buffered: AtomicUsize::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, terms: Terms, outgoing: Outgoing) -> Result<(), WireError> {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return Ok(());
        }
        state.begin(terms, outgoing)
    }

    /// Somebody has settled the one message that he had.
    fn settled_alone(&self) {
        // Whoever has the state at present may be this one's caller; it is left to the session then.
        let sent = match self.state.try_lock() {
            Ok(mut state) => state.send_at_once(),
            Err(_) => false,
        };
        if !sent {
            self.wake.notify_one();
        }
    }

    /// Somebody has received so many bytes.
    fn taken(&self, size: usize) {
        if size > 0 && self.buffered.fetch_sub(size, Ordering::Relaxed) > MAX_BUFFERED {
            self.wake.notify_one();
        }
    }

    /// Waits for a connection.
    async fn up(self: &Arc<Self>) -> Result<()> {
        loop {
            let waiting = {
                let mut state = self.lock();
                match state.phase {
                    Phase::Up => return Ok(()),
                    Phase::Closed => return Err(state::closed()),
                    Phase::Down => {}
                }
                if state.driver.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
                    state.driver = Some(tokio::spawn(session::drive(self.clone())));
                }
                let (waiting, receiver) = oneshot::channel();
                state.waiting.retain(|waiting| !waiting.is_closed());
                state.waiting.push(waiting);
                receiver
            };
            if let Ok(news) = waiting.await {
                news?;
            }
        }
    }

    /// Asks for several things, one after another, and waits for all; again where the connection breaks.
    async fn ask(self: &Arc<Self>, requests: &[Request<'_>]) -> Result<Vec<Answer>, Asked> {
        loop {
            self.up().await.map_err(Asked::Failed)?;
            let replies = {
                let mut state = self.lock();
                if state.phase != Phase::Up {
                    continue;
                }
                state.open_control().map_err(|error| Asked::Failed(of_wire(error)))?;
                let mut replies = Vec::with_capacity(requests.len());
                for request in requests {
                    let (reply, receiver) = oneshot::channel();
                    let asked = state.request(CONTROL, request, Slot::Reply(reply));
                    asked.map_err(|error| Asked::Failed(of_wire(error)))?;
                    replies.push(receiver);
                }
                replies
            };
            self.wake.notify_one();
            let mut answers = Vec::with_capacity(replies.len());
            for reply in replies {
                match reply.await {
                    Ok(Ok(answer)) => answers.push(answer),
                    Ok(Err(Failure::Refused(closed))) => return Err(Asked::Refused(closed)),
                    Ok(Err(Failure::Lost)) | Err(_) => break,
                }
            }
            if answers.len() == requests.len() {
                return Ok(answers);
            }
        }
    }

    async fn publish(self: Arc<Self>, publication: Publication) -> Result<()> {
        let Publication { exchange, routing_key, message, .. } = publication;
        let content = message::content(&message);
        let size = u32::try_from(message.body.len() / PIECE).unwrap_or(u32::MAX).saturating_add(1).min(UNDER_WAY);
        let mut suspected = 0;
        let mut alone = None;
        loop {
            let permit = self.permit(size).await?;
            let outcome = {
                let mut state = self.lock();
                match state.phase {
                    Phase::Closed => return Err(state::closed()),
                    Phase::Down => None,
                    Phase::Up => {
                        let to = (PUBLISHING, state.terms.frame_max);
                        let what = (&content, &message.headers);
                        salamander_wire::amqp::publish(
                            &mut state.out,
                            to,
                            (&exchange, &routing_key),
                            what,
                            &message.body,
                        )
                        .map_err(of_wire)?;
                        let alone = state.publishing.is_empty();
                        let outcome = state.publishing.push(exchange.clone(), permit);
                        Some((outcome, alone && state.send_at_once()))
                    }
                }
            };
            let Some((outcome, sent)) = outcome else {
                self.up().await?;
                continue;
            };
            if !sent {
                self.wake.notify_one();
            }
            match outcome.await {
                Ok(Outcome::Confirmed) => return Ok(()),
                Ok(Outcome::Rejected) => {
                    return Err(Error::new(Kind::Refused, "the broker could not take a message: its queue is full"));
                }
                Ok(Outcome::Refused(closed)) => return Err(state::refusal(&closed)),
                Ok(Outcome::Suspect(closed)) if suspected >= 2 => return Err(state::refusal(&closed)),
                Ok(Outcome::Suspect(_)) => {
                    // Many may have been under way; which of them it was shows when they go one by one.
                    suspected += 1;
                    if alone.is_none() {
                        alone = Some(self.alone.lock().await);
                    }
                }
                Ok(Outcome::Lost) | Err(_) => {}
            }
        }
    }

    async fn permit(&self, size: u32) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.permits.clone().try_acquire_many_owned(size) {
            return Ok(permit);
        }
        self.permits.clone().acquire_many_owned(size).await.map_err(|_| state::closed())
    }

    async fn consume(self: Arc<Self>, consume: Consume) -> Result<Box<dyn Consumer>> {
        self.up().await?;
        let (begun, receiver) = oneshot::channel();
        let (consumer, subscribed) = {
            let mut state = self.lock();
            if state.phase == Phase::Closed {
                return Err(state::closed());
            }
            let id = state.next_consumer;
            state.next_consumer += 1;
            let subscription = Arc::new(Subscription::new(id, Arc::downgrade(&self), consume, begun));
            state.consumers.insert(id, subscription.clone());
            let subscribed = if state.phase == Phase::Up { state.subscribe(&subscription) } else { Ok(()) };
            // From here on it goes with whoever has it, also where he gives up waiting.
            (AmqpConsumer { shared: self.clone(), subscription }, subscribed)
        };
        subscribed.map_err(of_wire)?;
        self.wake.notify_one();
        receiver.await.map_err(|_| state::closed())??;
        Ok(Box::new(consumer))
    }

    async fn close(self: Arc<Self>) -> Result<()> {
        let driver = {
            let mut state = self.lock();
            let open = state.phase == Phase::Up;
            if state.phase == Phase::Closed && state.driver.is_none() {
                return Ok(());
            }
            if open {
                state.say_goodbye().map_err(of_wire)?;
            }
            state.phase = Phase::Closed;
            if !open {
                state.end();
            }
            state.driver.take()
        };
        self.permits.close();
        self.wake.notify_one();
        self.closed.notify_one();
        if let Some(driver) = driver {
            // It ends when the broker has answered, or has not for too long.
            let _ = driver.await;
        }
        Ok(())
    }
}

/// Why asking has led to nothing.
enum Asked {
    Refused(Closed),
    Failed(Error),
}

impl From<Asked> for Error {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Refused(closed) => state::refusal(&closed),
            Asked::Failed(error) => error,
        }
    }
}

fn of_wire(error: WireError) -> Error {
    Error::with_source(Kind::Misuse, error.to_string(), error)
}

impl Broker for Amqp {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            redelivery: true,
            // Quorum queues count; the others do not.
            counts_deliveries: false,
            priorities: 255,
            greater_is_more_urgent: true,
            delay: false,
            topic: true,
            fanout: true,
            message_ttl: true,
            queue_ttl: true,
        }
    }

    fn url(&self) -> String {
        self.shared.addresses[self.shared.current.load(Ordering::Relaxed)].to_string()
    }

    fn trouble(&self) -> Option<Error> {
        self.shared.lock().trouble.clone()
    }

    fn declare<'a>(&'a self, topology: &'a Topology) -> Waits<'a, ()> {
        Box::pin(async move {
            let arguments: Vec<_> = topology.queues.iter().map(state::arguments).collect();
            let queues = topology.queues.iter().zip(&arguments);
            let queues = queues.flat_map(|(queue, arguments)| state::declaring(queue, arguments));
            let requests: Vec<_> = topology.exchanges.iter().filter_map(state::making).chain(queues).collect();
            self.shared.ask(&requests).await?;
            self.shared.lock().made.add(topology);
            Ok(())
        })
    }

    fn publish(&self, publication: Publication) -> Waits<'_, ()> {
        Box::pin(self.shared.clone().publish(publication))
    }

    fn consume(&self, consume: Consume) -> Waits<'_, Box<dyn Consumer>> {
        Box::pin(self.shared.clone().consume(consume))
    }

    fn take<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<Message>> {
        Box::pin(async move {
            match self.shared.ask(&[Request::Get { queue }]).await?.pop() {
                Some(Answer::Message(Ok(message))) => Ok(message.map(|message| *message)),
                Some(Answer::Message(Err(error))) => Err(Error::with_source(
                    Kind::Message,
                    format!("a message in {queue} cannot be read: {error}"),
                    error,
                )),
                _ => Err(Error::new(Kind::Connection, "the broker answers something else than was asked")),
            }
        })
    }

    fn purge<'a>(&'a self, queue: &'a str) -> Waits<'a, u64> {
        Box::pin(async move { Ok(count(self.shared.ask(&[Request::QueuePurge { queue }]).await)?.unwrap_or(0)) })
    }

    fn len<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<u64>> {
        Box::pin(async move {
            let none = salamander_value::Dict::new();
            let (durable, exclusive, auto_delete) = (false, false, false);
            let request = Request::QueueDeclare {
                name: queue,
                passive: true,
                durable,
                exclusive,
                auto_delete,
                arguments: &none,
            };
            count(self.shared.ask(&[request]).await)
        })
    }

    fn delete<'a>(&'a self, queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            self.shared.lock().made.forget(queue);
            count(self.shared.ask(&[Request::QueueDelete { queue }]).await).map(|_| ())
        })
    }

    fn close(&self) -> Waits<'_, ()> {
        Box::pin(self.shared.clone().close())
    }
}

/// How many there are; none where there is no such queue.
fn count(asked: Result<Vec<Answer>, Asked>) -> Result<Option<u64>> {
    match asked {
        Ok(answers) => match answers[..] {
            [Answer::Count(count)] => Ok(Some(count.into())),
            _ => Err(Error::new(Kind::Connection, "the broker answers something else than was asked")),
        },
        Err(Asked::Refused(closed)) if closed.code == 404 => Ok(None),
        Err(asked) => Err(asked.into()),
    }
}

impl State {
    /// Sends what is settled, and the end of it all.
    fn say_goodbye(&mut self) -> Result<(), WireError> {
        let Self { consumers, out, channels, .. } = self;
        for consumer in consumers.values() {
            consumer.flush(out)?;
            let channel = consumer.lock().channel.take();
            if let Some(channel) = channel
                && let Some(open) = channels.get_mut(&channel)
            {
                open.closing = true;
                Request::ChannelClose.write(channel, out)?;
            }
        }
        Request::Close.write(0, out)
    }

    /// How long it is until a consumer is to be tried again.
    fn until_retry(&self) -> Duration {
        let next = self.consumers.values().filter_map(|consumer| consumer.lock().retry).min();
        next.map_or(Duration::from_secs(3600), |at| at.saturating_duration_since(Instant::now()))
    }
}

impl Drop for Amqp {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.phase == Phase::Up && state.say_goodbye().is_err() {
            tracing::debug!("the end of a connection cannot be said");
        }
        if state.phase != Phase::Closed {
            state.phase = Phase::Closed;
            drop(state);
            self.shared.permits.close();
            self.shared.wake.notify_one();
            self.shared.closed.notify_one();
        }
    }
}

impl fmt::Debug for Amqp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amqp").field("url", &self.url()).finish_non_exhaustive()
    }
}
