//! What both ends say to each other.

use std::time::Duration;

use salamander_value::{Blob, Dict, Str};
use serde::{Deserialize, Serialize};

use crate::broker::hub::{Parcel, Posting};
use crate::broker::{Exchange, ExchangeKind, Queue};
use crate::permits::Permit;
use crate::{Error, Kind, Result};

/// A message on its way to queues.
#[derive(Serialize, Deserialize)]
pub(super) struct Sent(
    /// The exchange.
    pub(super) Str,
    /// The routing key.
    pub(super) Str,
    /// The envelope.
    pub(super) Blob,
    /// The priority.
    pub(super) u8,
    /// After how many milliseconds it expires.
    pub(super) Option<u64>,
    /// Whether it is to survive a restart.
    pub(super) bool,
    /// The task.
    pub(super) Option<Str>,
    /// After how many milliseconds it is to be delivered.
    pub(super) Option<u64>,
);

/// A message on its way to a consumer: the tag, the queue, how often it was delivered before, the envelope.
#[derive(Serialize, Deserialize)]
pub(super) struct Given(pub(super) u64, pub(super) Str, pub(super) u32, pub(super) Blob);

/// A permit: its name, its holder, how many may have it, for how many milliseconds.
#[derive(Serialize, Deserialize)]
pub(super) struct Held(Str, Str, u32, u64);

impl From<Held> for Permit {
    fn from(held: Held) -> Self {
        let Held(name, holder, most, time) = held;
        Self { name, holder, most, time: Duration::from_millis(time) }
    }
}

impl From<Permit> for Held {
    fn from(permit: Permit) -> Self {
        let time = u64::try_from(permit.millis()).unwrap_or_default();
        Self(permit.name, permit.holder, permit.most, time)
    }
}

/// An exchange.
#[derive(Serialize, Deserialize)]
pub(super) struct DeclaredExchange {
    name: Str,
    kind: Str,
    durable: bool,
    auto_delete: bool,
}

/// A queue and how it is bound.
#[derive(Serialize, Deserialize)]
pub(super) struct Declared {
    name: Str,
    exchange: DeclaredExchange,
    routing_key: Str,
    durable: bool,
    auto_delete: bool,
    exclusive: bool,
    max_priority: Option<u8>,
    expires: Option<u64>,
    message_ttl: Option<u64>,
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<Posting> for Sent {
    fn from(posting: Posting) -> Self {
        let Posting { exchange, routing_key, parcel, delay } = posting;
        let Parcel { envelope, priority, ttl, lasting, task } = parcel;
        Self(exchange, routing_key, envelope.into(), priority, ttl.map(millis), lasting, task, delay.map(millis))
    }
}

impl From<Sent> for Posting {
    fn from(sent: Sent) -> Self {
        let Sent(exchange, routing_key, envelope, priority, ttl, lasting, task, delay) = sent;
        let envelope = envelope.into_bytes();
        // What stays is not to keep a whole message with many others in memory.
        let envelope = if envelope.is_empty() { envelope } else { bytes::Bytes::copy_from_slice(&envelope) };
        let (ttl, delay) = (ttl.map(Duration::from_millis), delay.map(Duration::from_millis));
        Self { exchange, routing_key, parcel: Parcel { envelope, priority, ttl, lasting, task }, delay }
    }
}

impl From<&Exchange> for DeclaredExchange {
    fn from(exchange: &Exchange) -> Self {
        let Exchange { name, kind, durable, auto_delete } = exchange;
        Self { name: name.clone(), kind: kind.name().into(), durable: *durable, auto_delete: *auto_delete }
    }
}

impl TryFrom<DeclaredExchange> for Exchange {
    type Error = Error;

    fn try_from(declared: DeclaredExchange) -> Result<Self> {
        let DeclaredExchange { name, kind, durable, auto_delete } = declared;
        match ExchangeKind::named(&kind) {
            Some(kind) => Ok(Self { name, kind, durable, auto_delete }),
            None => Err(Error::new(Kind::Misuse, format!("there are no exchanges of type {kind}"))),
        }
    }
}

impl From<&Queue> for Declared {
    fn from(queue: &Queue) -> Self {
        Self {
            name: queue.name.clone(),
            exchange: (&queue.exchange).into(),
            routing_key: queue.routing_key.clone(),
            durable: queue.durable,
            auto_delete: queue.auto_delete,
            exclusive: queue.exclusive,
            max_priority: queue.max_priority,
            expires: queue.expires.map(millis),
            message_ttl: queue.message_ttl.map(millis),
        }
    }
}

impl TryFrom<Declared> for Queue {
    type Error = Error;

    fn try_from(declared: Declared) -> Result<Self> {
        Ok(Self {
            name: declared.name,
            exchange: declared.exchange.try_into()?,
            routing_key: declared.routing_key,
            durable: declared.durable,
            auto_delete: declared.auto_delete,
            exclusive: declared.exclusive,
            max_priority: declared.max_priority,
            expires: declared.expires.map(Duration::from_millis),
            message_ttl: declared.message_ttl.map(Duration::from_millis),
            arguments: Dict::new(),
        })
    }
}
