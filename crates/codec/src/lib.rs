//! Python's serialization formats, as Pyro uses them: bytes to and from the tokens of `salamander-value`.
//!
//! A [`Codec`] is one of the formats. [`Codec::reader`] and [`Codec::write`] carry single values;
//! [`Codec::call_reader`] and [`Codec::write_call`] carry the four parts of a call (object, method, positional and
//! keyword arguments) in the form that Pyro gives them in each format.

mod binary;
mod call;
mod classes;
mod codec;
mod float;
mod generation;
mod json;
mod levels;
mod literal;
mod marshal;
mod msgpack;
mod output;
mod pickle;
mod serpent;
#[cfg(test)]
mod testing;
pub mod xmlrpc;
mod yaml;

pub use call::{Args, Arguments, CallHead};
pub use classes::Classes;
pub use codec::{Codec, Decoder, Limits, Settings, Zone, ZoneRules};
pub use generation::Generation;
pub use json::base64_as_python;
pub use output::{ATTACH_FROM, Mark, Output};
