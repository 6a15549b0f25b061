//! Exchanges, queues and what binds them, as AMQP has them.

use std::time::Duration;

use salamander_value::{Dict, Str};

/// Queues with their exchanges and bindings, and exchanges that nothing of one's own is bound to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// The queues; each brings its exchange along.
    pub queues: Vec<Queue>,
    /// Exchanges that are published to, whoever listens.
    pub exchanges: Vec<Exchange>,
}

/// A queue, and how it is bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its name.
    pub name: Str,
    /// The exchange that it is bound to; the empty one needs no binding.
    pub exchange: Exchange,
    /// The key that it is bound by.
    pub routing_key: Str,
    /// It survives a restart of the broker.
    pub durable: bool,
    /// It goes when its last consumer goes.
    pub auto_delete: bool,
    /// It is for this connection alone.
    pub exclusive: bool,
    /// How many priorities it has, where brokers want that said: `x-max-priority`.
    pub max_priority: Option<u8>,
    /// It goes when nobody has used it for so long: `x-expires`.
    pub expires: Option<Duration>,
    /// Messages go when they have waited for so long: `x-message-ttl`.
    pub message_ttl: Option<Duration>,
    /// Further arguments, such as `x-queue-type`.
    pub arguments: Dict,
}

/// An exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Its name.
    pub name: Str,
    /// How it finds queues.
    pub kind: ExchangeKind,
    /// It survives a restart of the broker.
    pub durable: bool,
    /// It goes with the last queue that was bound to it.
    pub auto_delete: bool,
}

/// How an exchange finds the queues of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeKind {
    /// By the routing key as it is.
    #[default]
    Direct,
    /// By patterns: words between dots, `*` for one word, `#` for any number.
    Topic,
    /// To all queues.
    Fanout,
}

impl Queue {
    /// A durable queue with a direct exchange and a routing key of its own name, as Celery makes them where nothing else is said.
    pub fn new(name: impl Into<Str>) -> Self {
        let name = name.into();
        Self {
            exchange: Exchange::new(name.clone(), ExchangeKind::Direct),
            routing_key: name.clone(),
            name,
            durable: true,
            auto_delete: false,
            exclusive: false,
            max_priority: None,
            expires: None,
            message_ttl: None,
            arguments: Dict::new(),
        }
    }
}

impl Exchange {
    /// A durable exchange.
    pub fn new(name: impl Into<Str>, kind: ExchangeKind) -> Self {
        Self { name: name.into(), kind, durable: true, auto_delete: false }
    }
}

impl ExchangeKind {
    /// Its name in AMQP and in kombu.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Topic => "topic",
            Self::Fanout => "fanout",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Direct, Self::Topic, Self::Fanout].into_iter().find(|kind| kind.name() == name)
    }
}

impl From<Queue> for Topology {
    fn from(queue: Queue) -> Self {
        vec![queue].into()
    }
}

impl From<Vec<Queue>> for Topology {
    fn from(queues: Vec<Queue>) -> Self {
        Self { queues, exchanges: Vec::new() }
    }
}

impl From<Exchange> for Topology {
    fn from(exchange: Exchange) -> Self {
        Self { queues: Vec::new(), exchanges: vec![exchange] }
    }
}
