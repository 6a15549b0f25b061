//! [`State`]: what a connection and its users share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use salamander_value::{Dict, Str, Value};
use salamander_wire::WireError;
use salamander_wire::amqp::{Closed, Request};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::channel::{CONSUMERS, CONTROL, Channel, PUBLISHING, Slot};
use super::link::Terms;
use super::outgoing::Outgoing;
use super::publishing::Publishing;
use super::subscription::Subscription;
use crate::broker::{Exchange, Queue, Topology};
use crate::{Error, Kind};

/// The longest pause before a consumer that was thrown out is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// How it is with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is none.
    Down,
    /// There is one.
    Up,
    /// There will be none any more; the last things may be on their way.
    Closed,
}

/// Exchanges and queues by their names.
#[derive(Default)]
pub(super) struct Made {
    exchanges: BTreeMap<Str, Exchange>,
    queues: BTreeMap<Str, Queue>,
}

impl Made {
    pub(super) fn add(&mut self, topology: &Topology) {
        self.exchanges.extend(topology.exchanges.iter().map(|exchange| (exchange.name.clone(), exchange.clone())));
        self.queues.extend(topology.queues.iter().map(|queue| (queue.name.clone(), queue.clone())));
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.exchanges.remove(name);
        self.queues.remove(name);
    }
}

/// What a connection and its users share.
pub(super) struct State {
    pub(super) phase: Phase,
    /// What is to be sent.
    pub(super) out: Vec<u8>,
    /// What is being sent, as long as there is a connection.
    pub(super) outgoing: Option<Outgoing>,
    pub(super) terms: Terms,
    pub(super) channels: HashMap<u16, Channel>,
    pub(super) publishing: Publishing,
    pub(super) consumers: BTreeMap<u64, Arc<Subscription>>,
    pub(super) next_consumer: u64,
    /// What was made here, and is made again on each connection before anything is published there: it may be another server, or one that
    /// has forgotten something. What is published to a queue that there is not is confirmed, and gone.
    pub(super) made: Made,
    /// Who waits for a connection.
    pub(super) waiting: Vec<oneshot::Sender<Result<(), Error>>>,
    pub(super) driver: Option<JoinHandle<()>>,
    /// Why there is no connection.
    pub(super) trouble: Option<Error>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Down,
            out: Vec::new(),
            outgoing: None,
            terms: Terms { frame_max: 4096, channel_max: 1, heartbeat: 0 },
            channels: HashMap::new(),
            publishing: Publishing::default(),
            consumers: BTreeMap::new(),
            next_consumer: 0,
            made: Made::default(),
            waiting: Vec::new(),
            driver: None,
            trouble: None,
        }
    }

    /// Appends a request, and notes who waits for its reply.
    pub(super) fn request(&mut self, channel: u16, request: &Request<'_>, slot: Slot) -> Result<(), WireError> {
        request.write(channel, &mut self.out)?;
        self.channels.entry(channel).or_default().slots.push_back(slot);
        Ok(())
    }

    /// There is a connection.
    pub(super) fn begin(&mut self, terms: Terms, outgoing: Outgoing) -> Result<(), WireError> {
        self.phase = Phase::Up;
        self.outgoing = Some(outgoing);
        self.trouble = None;
        self.terms = terms;
        self.out.clear();
        self.open_publishing()?;
        for consumer in self.consumers.values().cloned().collect::<Vec<_>>() {
            self.subscribe(&consumer)?;
        }
        self.tell(&Ok(()));
        Ok(())
    }

    /// Tells all who wait for a connection.
    pub(super) fn tell(&mut self, news: &Result<(), Error>) {
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(news.clone());
        }
    }

    /// There is no connection any more.
    pub(super) fn end(&mut self) {
        if self.phase == Phase::Up {
            self.phase = Phase::Down;
        }
        self.out = Vec::new();
        self.outgoing = None;
        for (_, channel) in self.channels.drain() {
            channel.fail(None);
        }
        self.publishing.fail(None);
        for consumer in self.consumers.values() {
            let mut inner = consumer.lock();
            inner.closed();
            inner.retry = None;
        }
        if self.phase == Phase::Closed {
            self.tell(&Err(closed()));
            for consumer in std::mem::take(&mut self.consumers).into_values() {
                fail(&consumer, &closed());
            }
        }
    }

    pub(super) fn open_publishing(&mut self) -> Result<(), WireError> {
        self.publishing.fail(None);
        self.request(PUBLISHING, &Request::ChannelOpen, Slot::Ignore)?;
        self.request(PUBLISHING, &Request::ConfirmSelect, Slot::Ignore)?;
        let made = std::mem::take(&mut self.made);
        let done = self.make_again(&made);
        self.made = made;
        done
    }

    /// On the same channel as what is published, because a broker keeps no order between two.
    fn make_again(&mut self, made: &Made) -> Result<(), WireError> {
        for (name, exchange) in &made.exchanges {
            if let Some(request) = making(exchange) {
                self.request(PUBLISHING, &request, Slot::Made(name.clone()))?;
            }
        }
        for (name, queue) in &made.queues {
            let arguments = arguments(queue);
            for request in declaring(queue, &arguments) {
                self.request(PUBLISHING, &request, Slot::Made(name.clone()))?;
            }
        }
        Ok(())
    }

    pub(super) fn open_control(&mut self) -> Result<(), WireError> {
        if self.channels.contains_key(&CONTROL) {
            return Ok(());
        }
        self.request(CONTROL, &Request::ChannelOpen, Slot::Ignore)
    }

    /// Makes a queue again, and whatever leads to it.
    pub(super) fn declare(&mut self, channel: u16, queue: &Queue) -> Result<(), WireError> {
        let arguments = arguments(queue);
        let requests: Vec<_> = declaring(queue, &arguments).collect();
        requests.iter().try_for_each(|request| self.request(channel, request, Slot::Ignore))
    }

    /// Opens a channel for a consumer and begins to consume.
    pub(super) fn subscribe(&mut self, consumer: &Arc<Subscription>) -> Result<(), WireError> {
        let Some(channel) = (CONSUMERS..=self.terms.channel_max).find(|number| !self.channels.contains_key(number))
        else {
            fail(consumer, &Error::new(Kind::Refused, "the broker allows no further channel"));
            self.consumers.remove(&consumer.id);
            return Ok(());
        };
        let (queues, declare, prefetch, global) = {
            let mut inner = consumer.lock();
            inner.opened(channel);
            inner.retry = None;
            (inner.consume.queues.clone(), inner.declare, inner.prefetch(), inner.shares_limit())
        };
        self.request(channel, &Request::ChannelOpen, Slot::Ignore)?;
        if let Some(open) = self.channels.get_mut(&channel) {
            open.consumer = Some(consumer.id);
        }
        if declare {
            queues.iter().try_for_each(|queue| self.declare(channel, queue))?;
        }
        self.request(channel, &Request::Qos { prefetch, global }, Slot::Ignore)?;
        queues.iter().try_for_each(|queue| self.consume(channel, consumer, &queue.name, Slot::Ignore))
    }

    /// Begins to consume a queue.
    pub(super) fn consume(
        &mut self,
        channel: u16,
        consumer: &Subscription,
        queue: &Str,
        slot: Slot,
    ) -> Result<(), WireError> {
        let (tag, no_ack) = {
            let mut inner = consumer.lock();
            (inner.tag(queue), inner.consume.no_ack)
        };
        self.request(channel, &Request::Consume { queue, consumer: &tag, no_ack }, slot)
    }

    /// The broker has closed a channel.
    pub(super) fn channel_closed(&mut self, number: u16, closed: &Closed) -> Result<(), WireError> {
        Request::ChannelCloseOk.write(number, &mut self.out)?;
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        if channel.closing {
            // It answers our own closing, too.
            return Ok(());
        }
        let Some(channel) = self.channels.remove(&number) else { return Ok(()) };
        let consumer = channel.consumer;
        if let Some(Slot::Made(name)) = channel.slots.front() {
            // It is there with other properties, say, and taken as it is; no publication is to blame.
            tracing::debug!(%name, code = closed.code, reason = %closed.text, "the broker does not make something again");
            self.made.forget(name);
            return self.open_publishing();
        }
        channel.fail(Some(closed));
        if number == PUBLISHING {
            self.publishing.fail(Some(closed));
            return self.open_publishing();
        }
        let Some(consumer) = consumer.and_then(|id| self.consumers.get(&id)).cloned() else {
            tracing::debug!(code = closed.code, reason = %closed.text, "the broker refuses something");
            return Ok(());
        };
        let mut inner = consumer.lock();
        inner.closed();
        let error = refusal(closed);
        // Where nobody has begun with it yet he is told; later on, only what does not change by itself is the end.
        if inner.begun.is_some() || closed.code == 403 {
            drop(inner);
            fail(&consumer, &error);
            self.consumers.remove(&consumer.id);
            return Ok(());
        }
        tracing::warn!(code = closed.code, reason = %closed.text, "the broker has ended a consumer, which begins again");
        // A queue that is there with other properties is taken as it is.
        inner.declare = closed.code != 406;
        inner.each |= closed.code == 540;
        let pause = Duration::from_millis(100).saturating_mul(1 << inner.attempts.min(10)).min(PAUSE);
        inner.attempts += 1;
        inner.retry = Some(Instant::now() + pause);
        Ok(())
    }
}

/// Tells a consumer that it is over.
pub(super) fn fail(consumer: &Subscription, error: &Error) {
    let mut inner = consumer.lock();
    inner.channel = None;
    inner.failed = Some(error.clone());
    if let Some(begun) = inner.begun.take() {
        let _ = begun.send(Err(error.clone()));
    }
    inner.wake();
}

/// What makes an exchange, if it can be made.
pub(super) fn making(exchange: &Exchange) -> Option<Request<'_>> {
    // The empty one is always there and leads to every queue; those of the broker's own cannot be made.
    (!exchange.name.is_empty() && !exchange.name.starts_with("amq.")).then_some(Request::ExchangeDeclare {
        name: &exchange.name,
        kind: exchange.kind.name(),
        durable: exchange.durable,
        auto_delete: exchange.auto_delete,
    })
}

/// What makes a queue, and what leads to it.
pub(super) fn declaring<'a>(queue: &'a Queue, arguments: &'a Dict) -> impl Iterator<Item = Request<'a>> {
    let exchange = &queue.exchange;
    let made = making(exchange);
    let Queue { durable, exclusive, auto_delete, .. } = *queue;
    let declared =
        Request::QueueDeclare { name: &queue.name, passive: false, durable, exclusive, auto_delete, arguments };
    let bound = (!exchange.name.is_empty()).then_some(Request::QueueBind {
        queue: &queue.name,
        exchange: &exchange.name,
        routing_key: &queue.routing_key,
    });
    made.into_iter().chain([declared]).chain(bound)
}

/// The arguments of a queue, with those that have names of their own.
pub(super) fn arguments(queue: &Queue) -> Dict {
    let mut arguments = queue.arguments.clone();
    let milliseconds = |time: Duration| Value::Int(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    if let Some(priorities) = queue.max_priority {
        arguments.insert("x-max-priority", i64::from(priorities));
    }
    if let Some(expires) = queue.expires {
        arguments.insert("x-expires", milliseconds(expires));
    }
    if let Some(ttl) = queue.message_ttl {
        arguments.insert("x-message-ttl", milliseconds(ttl));
    }
    arguments
}

pub(super) fn closed() -> Error {
    Error::new(Kind::Closed, "the connection to the broker was closed here")
}

pub(super) fn refusal(closed: &Closed) -> Error {
    Error::new(Kind::Refused, format!("the broker refuses: {} {}", closed.code, closed.text))
}
