//! JSON, as Python's `json` module and Pyro's serializer around it read and write it.

mod call;
mod extended;
mod number;
mod read;
mod text;
mod write;

pub use extended::base64_as_python;
pub(crate) use read::JsonReader;
pub(crate) use write::JsonWriter;

/// How deep containers may nest. Python's limit is its recursion limit less what is on the stack already: 994 levels
/// in an empty program, somewhat fewer in a server.
const DEPTH: usize = 990;
