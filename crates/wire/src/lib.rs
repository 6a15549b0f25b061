//! The wire protocols as frames and state machines: bytes in, messages out, and the other way round.
//!
//! There are no sockets and no clocks here. A connection reads into a buffer and asks a decoder whether a message is
//! whole; to send, it appends frames to an [`Output`](salamander_codec::Output) and writes that out. What messages carry
//! is encoded and decoded elsewhere, by a [`Codec`](salamander_codec::Codec).

mod error;
pub mod pyro5;

pub use error::{WireError, WireErrorKind};
