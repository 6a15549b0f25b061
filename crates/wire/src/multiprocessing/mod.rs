//! The connections of Python's `multiprocessing.connection`: frames, and the exchange by which both ends show that they have the
//! same key.
//!
//! A frame is a length of 4 bytes, signed and with its high byte first, and that many bytes. Where they are more than that can
//! say, the length is -1, and the length itself follows in 8 bytes.
//!
//! What frames hold is for others to say; most often it is a pickle.
//!
//! # Wire
//! Python 3.8 to 3.13. [`KeyExchange`] knows both ways in which these have shown each other the key.

mod digest;
mod exchange;
mod frame;
#[cfg(test)]
mod recorded;

pub use crate::STEP;

pub use digest::AuthKey;
pub use exchange::{CHALLENGE, KeyExchange, MAX_EXCHANGED, RANDOM_LEN, Role};
pub use frame::{Decoder, Started, begin, finish, write_frame};
