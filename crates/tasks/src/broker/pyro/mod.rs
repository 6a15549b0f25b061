//! Queues as a remote object: [`KombuBroker`] serves those of this process, [`Pyro`] uses those of another one.

mod client;
mod consumer;
mod inbox;
mod link;
mod object;
mod outbox;
mod results;
mod session;
mod terms;

pub use client::Pyro;
pub use object::KombuBroker;
pub use results::PyroResults;

/// The name under which kombu looks for the object.
pub const KOMBU_BROKER: &str = "kombu.broker";
