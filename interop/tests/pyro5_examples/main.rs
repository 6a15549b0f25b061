//! Pyro5's own example programs, unmodified: their clients against servers of ours, and where the server is the point, our client
//! against their servers. `interop/EXAMPLES.md` has the table.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../programs/mod.rs"]
mod programs;

mod both;
mod calls;
mod encrypted;
mod large;
mod names;
mod objects;
mod serving;
mod table;
mod tools;

use interop::examples::{Program, Stage};
