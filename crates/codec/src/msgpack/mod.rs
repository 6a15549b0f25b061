//! MessagePack, as Pyro's msgpack serializer uses it.
//!
//! # Wire
//! Big-endian. What the format itself does not know goes into extensions that Pyro made up: complex numbers, integers
//! beyond 64 bits, naive dates with times, and dates.

mod ext;
mod read;
mod write;

pub(crate) use read::MsgpackReader;
pub(crate) use write::MsgpackWriter;

/// How many containers the Python library reads inside of each other; it writes one level more.
const MAX_DEPTH: usize = 1024;

#[cfg(test)]
mod tests;
