//! XML-RPC, as Python's `xmlrpc.client` writes and reads it.
//!
//! What is written is byte for byte what `dumps` writes. What is read is what its unmarshaller reads, which looks at elements alone and not at
//! the order that the specification has for them; in what is no XML, ours finds what expat finds, and says it in the same words. A
//! document type is refused, so that there are no entities but the five that XML has.
//!
//! As in Python, text is written as it is: a carriage return comes back as a line feed, and control characters and lone surrogates
//! make a document that nobody reads.

mod document;
mod encoding;
mod message;
mod read;
#[cfg(test)]
mod recorded;
mod scalar;
mod scan;
#[cfg(test)]
mod tests;
mod write;

pub use document::Document;
pub(crate) use message::write_call_of;
pub use message::{
    Fault, multicall_results, read_call, read_response, response_of, write_call, write_fault, write_response,
};
pub use read::XmlRpcReader;
pub(crate) use write::XmlRpcWriter;

/// What is written beyond the specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// `None` is written as `<nil/>` (Python's `allow_none`). It is always read.
    pub allow_none: bool,
    /// Integers beyond 32 bits are written as `<i8>`, and beyond 64 bits as `<biginteger>`, which Python reads but does not write. They
    /// are always read.
    pub long_integers: bool,
}

impl Options {
    /// The specification alone.
    pub const fn new() -> Self {
        Self { allow_none: false, long_integers: false }
    }

    /// With `None`, or without.
    #[must_use]
    pub const fn allow_none(mut self, allow: bool) -> Self {
        self.allow_none = allow;
        self
    }

    /// With integers beyond 32 bits, or without.
    #[must_use]
    pub const fn long_integers(mut self, long: bool) -> Self {
        self.long_integers = long;
        self
    }
}
