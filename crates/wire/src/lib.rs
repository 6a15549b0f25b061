//! The wire protocols as frames and state machines: bytes in, messages out, and the other way round.
//!
//! There are no sockets and no clocks here. A connection reads into a buffer and asks a decoder whether a message is
//! whole; to send, it appends frames to an [`Output`](salamander_codec::Output) and writes that out. What messages carry
//! is encoded and decoded elsewhere, by a [`Codec`](salamander_codec::Codec).

pub mod amqp;
mod annotations;
pub mod celery;
mod compress;
mod error;
mod flags;
mod frames;
mod message_type;
pub mod multiprocessing;
pub mod pyro4;
pub mod pyro5;
pub mod zmtp;

pub use annotations::{AnnotationId, Annotations};
pub use error::{WireError, WireErrorKind};
pub use message_type::MessageType;

/// How far ahead of the bytes that have come decoders make room, at least.
pub const STEP: usize = 1 << 20;

/// The serializer number that Pyro puts into pings, whose body nobody decodes.
pub const PING_SERIALIZER: u8 = 42;
