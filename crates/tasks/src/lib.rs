//! Tasks: calls that wait in a queue, as Celery has them.
//!
//! A *broker* ([`broker::Broker`]) keeps messages until a worker takes them; a *result backend* ([`backend::Backend`]) keeps what became of
//! them. Both are traits with a file for each driver, and no driver knows another. What messages are is known further down, in
//! [`salamander_wire::celery`].
// Here is where the outer world is read: the clock and randomness.
#![allow(clippy::disallowed_methods)]

mod app;
pub mod backend;
pub mod broker;
mod error;
#[cfg(feature = "redis")]
mod redis;
pub mod task;
mod waits;

pub use app::{App, Settings};
pub use error::{Error, Kind, Result};
pub use waits::Waits;
