//! Marshal: CPython's own format for code objects, as far as it carries data, as Pyro's marshal serializer uses it.
//!
//! # Wire
//! Version 4 is written; versions 0 to 4 are read. Codes, flags and lengths are little-endian; an object whose code has
//! the flag can be referred to later by its number.

mod long;
mod read;
mod write;

pub(crate) use read::MarshalReader;
pub(crate) use write::MarshalWriter;

/// Marks an object that can be referred to later.
const FLAG_REF: u8 = 0x80;

/// How deep CPython lets objects nest, scalars and a dict's end included.
const MAX_DEPTH: usize = 2000;

#[cfg(test)]
mod tests;
