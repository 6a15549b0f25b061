//! Pyro5's own example programs, unmodified: their clients against servers of ours, and where the server is the point, our client
//! against their servers. `interop/EXAMPLES.md` has the table; what is the same in both generations is in `plays`.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../programs/mod.rs"]
mod programs;

#[path = "../plays/both.rs"]
mod both;
#[path = "../plays/calls.rs"]
mod calls;
#[path = "../plays/encrypted.rs"]
mod encrypted;
#[path = "../plays/large.rs"]
mod large;
#[path = "../plays/names.rs"]
mod names;
#[path = "../plays/objects.rs"]
mod objects;
#[path = "../plays/serving.rs"]
mod serving;
#[path = "../plays/table.rs"]
mod table;
#[path = "../plays/tools.rs"]
mod tools;

mod own;

use interop::examples::Program;
use salamander::Generation;

/// Whose programs are played here.
const GENERATION: Generation = Generation::Pyro5;
