//! Tasks: calls that wait in a queue, as Celery has them.
//!
//! A *broker* ([`broker::Broker`]) keeps messages until a worker takes them; a *result backend* ([`backend::Backend`]) keeps what became of
//! them. Both are traits with a file for each driver, and no driver knows another. What messages are is known further down, in
//! [`salamander_wire::celery`].
// Here is where the outer world is read: the clock and randomness.
#![allow(clippy::disallowed_methods)]

mod app;
pub mod backend;
pub mod blocking;
pub mod broker;
mod builtin;
pub mod call;
pub mod canvas;
pub mod control;
mod error;
pub mod permits;
#[cfg(feature = "redis")]
mod redis;
pub mod routing;
pub mod task;
mod waits;
#[cfg(unix)]
pub mod worker;
pub mod workflow;

pub use app::{App, AppBuilder, Settings};
pub use call::{AsyncResult, Signature, allow_join_result};
pub use control::Control;
pub use error::{Error, Kind, Result};
pub use task::{Ignore, Reject, Retry, State, Task, TaskContext};
pub use waits::Waits;
#[cfg(unix)]
pub use worker::{Worker, WorkerHandle, WorkerOptions};
pub use workflow::Workflow;

/// What the attributes' rendered code calls.
#[doc(hidden)]
pub mod __private {
    pub use salamander_net::__private::*;
    pub use salamander_value::Value;

    pub use crate::task;
}
