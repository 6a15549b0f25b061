//! YAML, as PyYAML's `safe_load` reads it and `safe_dump` means it.
//!
//! `saphyr-parser` makes events of a document; here they become a graph (`graph.rs`), in which what has an anchor stands once, and the
//! reader walks the graph (`read.rs`) and counts what is shared each time. What plain text stands for is PyYAML's to say, which follows YAML 1.1
//! (`scalar.rs`): `yes` is a bool, `012` is ten, `12:30` is 750.
//!
//! Only what `safe_load` knows is read; tags of Python's objects are refused. Containers that contain themselves are refused too.
//!
//! # Wire
//! PyYAML 6. Written is the flow style, in ASCII, with text in double quotes: equal in value to what `safe_dump` writes.

mod graph;
mod read;
mod scalar;
mod write;

pub(crate) use read::YamlReader;
pub(crate) use write::YamlWriter;

/// How deep containers may nest when they are read. Python's recursion limit lets it come to 494 in an empty program.
const READ_DEPTH: usize = 490;

/// How deep they may nest when they are written, and in the flow style when they are read. PyYAML's own writer comes to 331.
const WRITE_DEPTH: usize = 250;

#[cfg(test)]
mod tests;
