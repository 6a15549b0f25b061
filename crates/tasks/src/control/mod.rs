//! Remote control: what workers are asked and told while they work, as Celery's `app.control`.
//!
//! Commands go to all workers by an exchange of the kind fanout, to which each worker has bound a queue of its own; replies come back to a
//! queue that whoever asks has made for them. [`Control`] is the side that asks; a worker answers by its table of handlers. What commands
//! there are, and with which arguments, stands in [`COMMANDS`] for both.
//!
//! # Wire
//! kombu's `pidbox` as Celery 5.7 uses it: the exchanges `celery.pidbox` and `reply.celery.pidbox`, and the queue `NAME.celery.pidbox` of a
//! worker.

mod client;
mod clock;
mod pidbox;
mod table;

pub(crate) use client::send;
pub use client::{Control, Reply};
pub(crate) use clock::LogicalClock;
pub(crate) use pidbox::{REPLIES, command_exchange, is_for, mailbox, reply_exchange, reply_queue};
pub use table::{Argument, COMMANDS, CommandInfo, CommandKind, Expects};
