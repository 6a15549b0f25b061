//! Celery's messages, and kombu's around them.
//!
//! What a broker carries is a [`Message`]: a body that is encoded, and headers and properties beside it. RabbitMQ has a place of its own for each
//! of them; Redis and Pyro carry all of it as one JSON document, the *envelope* ([`Message::to_envelope`], [`Message::from_envelope`]).
//!
//! ```text
//! worker:  envelope -> Message -> TaskMessage -> TaskBody::arguments -> a reader that a task function's arguments are bound from
//! client:  arguments -> TaskBody -> TaskMessage -> Message -> envelope
//! ```
//!
//! A [`TaskMessage`] is a message that says which task is to be run, and keeps its arguments encoded. [`ResultMeta`] is what became of a task, as
//! result backends store it and `rpc://` sends it. [`Command`] and [`Reply`] are remote control. [`Serializer`] is the table of content types, and
//! [`Accept`] what of it a consumer takes.
//!
//! Ids and times are handed in: nothing here reads a clock or draws a random number.
//!
//! # Wire
//! Celery 5.7 and kombu 5.7: task protocol 2, and reading protocol 1.

mod accept;
mod body;
mod compression;
mod envelope;
mod headers;
mod message;
mod options;
mod pidbox;
mod properties;
mod protocol1;
#[cfg(test)]
mod recorded;
mod rest;
mod result;
mod serializer;
mod state;
mod task;
#[cfg(test)]
mod tests;
mod tree;

pub use accept::Accept;
pub use body::{Embed, TaskBody};
pub use compression::Compression;
pub use headers::{TaskHeaders, TimeLimits};
pub use message::Message;
pub use options::{Decoding, settings};
pub use pidbox::{Command, Reply, ReplyTo};
pub use properties::{DeliveryInfo, Properties};
pub use rest::Rest;
pub use result::{ExceptionMeta, ResultMeta, ResultValue};
pub use serializer::Serializer;
pub use state::State;
pub use task::{TaskMessage, is_task};
pub use tree::ResultTree;
