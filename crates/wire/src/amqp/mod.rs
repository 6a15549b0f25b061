//! AMQP 0-9-1, the client's side: frames, methods and field tables.
//!
//! A connection reads into a buffer and takes [`Frame`]s out of it; a frame of [`FrameKind::Method`] is a [`Method`], one of
//! [`FrameKind::Header`] a [`Content`], and bodies follow it. What goes out is appended as a [`Request`], and content by [`publish`].
//!
//! # Wire
//! AMQP 0-9-1 as RabbitMQ has it, with its types of field tables and its extensions: confirms, `basic.nack`, `connection.blocked`,
//! `basic.cancel` from the server. Field tables are read and written as py-amqp does it, but that nothing is lost on the way: bytes stay bytes, and
//! decimals keep their digits.

mod content;
mod fields;
mod frame;
mod method;
mod request;
mod table;

pub use content::{Content, publish};
pub use frame::{Frame, FrameKind, HEADER, next_frame};
pub use method::{Closed, Method};
pub use request::Request;

/// The size of frames that every peer takes.
pub const FRAME_MIN: usize = 4096;

/// How deep field tables may be nested. Python's own end gives up at some hundreds.
pub const MAX_DEPTH: usize = 200;

/// How much a frame is longer than what is in it.
const AROUND: usize = 8;
