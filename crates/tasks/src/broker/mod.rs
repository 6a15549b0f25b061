//! [`Broker`]: what keeps messages until somebody takes them.
//!
//! The base is small: declare, publish, consume, settle. What not every broker can is said by [`Capabilities`], which a test holds
//! against what each one does. A driver connects by itself and again after a cut, with growing pauses; a [`Consumer`] goes on where it was,
//! and what it had not settled comes again.

#[cfg(feature = "amqp")]
mod amqp;
mod capabilities;
mod delivery;
mod embedded;
pub(crate) mod hub;
mod memory;
pub mod pyro;
#[cfg(feature = "redis")]
mod redis;
mod topology;

use std::time::Duration;

use salamander_value::Str;
use salamander_wire::celery::Message;

#[cfg(feature = "redis")]
pub use self::redis::RedisBroker;
#[cfg(feature = "amqp")]
pub use amqp::{Amqp, AmqpOptions};
pub use capabilities::Capabilities;
pub use delivery::{Delivery, Settle, Settlement};
pub use embedded::{Embedded, EmbeddedOptions};
pub(crate) use embedded::{Found, MOST_BYTES, Store};
pub use memory::Memory;
pub use topology::{Exchange, ExchangeKind, Queue, Topology};

use crate::permits::Permits;
use crate::{Error, Waits};

/// A connection to a broker, shared by all who publish and consume through it.
///
/// # Cancellation
/// A future that is dropped stops waiting. What it began may still be done.
pub trait Broker: Send + Sync + 'static {
    /// What this broker can do.
    fn capabilities(&self) -> Capabilities;

    /// Its URL as people may see it: without a password.
    fn url(&self) -> String;

    /// Whether it waits for a connection by itself while there is none, as all of these do: trying again is of no use then.
    fn waits(&self) -> bool {
        true
    }

    /// Why there is no connection, where one is tried for in vain.
    fn trouble(&self) -> Option<Error> {
        None
    }

    /// What it is the same place as results by, where both can be changed in one step.
    fn place(&self) -> Option<Str> {
        None
    }

    /// Makes exchanges, queues and bindings that are not there.
    ///
    /// # Errors
    /// [`Kind::Refused`](crate::Kind::Refused) where one is there with other properties.
    fn declare<'a>(&'a self, topology: &'a Topology) -> Waits<'a, ()>;

    /// Publishes a message; done when the broker is responsible for it. Any number may be under way, which share round trips.
    ///
    /// There is no deadline in it: callers set theirs and drop the future. While there is no connection it waits for one.
    fn publish(&self, publication: Publication) -> Waits<'_, ()>;

    /// Begins to consume queues, which have been declared.
    fn consume(&self, consume: Consume) -> Waits<'_, Box<dyn Consumer>>;

    /// Takes one message out of a queue, if there is one, as read and acknowledged.
    fn take<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<Message>>;

    /// Throws away what waits in a queue, and says how much that was.
    fn purge<'a>(&'a self, queue: &'a str) -> Waits<'a, u64>;

    /// How many messages wait in a queue; none if there is no such queue.
    fn len<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<u64>>;

    /// Removes a queue with what is in it.
    fn delete<'a>(&'a self, queue: &'a str) -> Waits<'a, ()>;

    /// What is kept beside the queues of what all who share them may do together, where the broker can.
    fn permits(&self) -> Option<&dyn Permits> {
        None
    }

    /// Sends what is still to be sent, settlements too, and closes the connection. What consumers hold goes back to its queues.
    fn close(&self) -> Waits<'_, ()>;
}

/// A message and where it goes.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The exchange; the empty one leads to the queue that the routing key names.
    pub exchange: Str,
    /// The routing key.
    pub routing_key: Str,
    /// The message; its priority, expiration and delivery mode are among its properties.
    pub message: Message,
    /// It is to be delivered only then. Taken by brokers with [`Capabilities::delay`]; the others deliver at once, and workers hold it.
    pub delay: Option<Duration>,
}

/// What is to be consumed, and how.
#[derive(Clone, Debug)]
pub struct Consume {
    /// The queues.
    pub queues: Vec<Queue>,
    /// How many deliveries may be unsettled at once; 0 for no limit.
    pub prefetch: u32,
    /// Deliveries count as acknowledged when they are sent.
    pub no_ack: bool,
    /// A name for this consumer that people can read, in the broker's own listings.
    pub tag: Str,
}

/// Takes messages out of queues.
///
/// Dropping it ends the consumption, and what is not settled goes back.
pub trait Consumer: Send {
    /// Waits for deliveries and appends them, at least one; as many as are at hand, up to the prefetch limit.
    ///
    /// Over a cut of the connection it waits. It may be dropped and called again without loss.
    ///
    /// # Errors
    /// [`Kind::Closed`](crate::Kind::Closed) after [`Broker::close`], and what reconnecting cannot cure.
    fn receive<'a>(&'a mut self, into: &'a mut Vec<Delivery>) -> Waits<'a, ()>;

    /// Changes how many deliveries may be unsettled at once.
    fn set_prefetch(&mut self, prefetch: u32);

    /// Consumes another queue too.
    fn add(&mut self, queue: Queue) -> Waits<'_, ()>;

    /// Consumes a queue no more. What came out of it can still be settled.
    fn cancel<'a>(&'a mut self, queue: &'a str) -> Waits<'a, ()>;
}
