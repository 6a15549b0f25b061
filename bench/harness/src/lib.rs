//! What the processes of a measurement have in common: one client and one server, driven by lines of text.
//!
//! ```text
//! server   prints `ready ADDRESS`, serves until its standard input ends
//! client   connects, prints `ready`, then for each line `run SECONDS` loads the server for so long and prints
//!          `done OPERATIONS SECONDS`, or `failed REASON`
//! ```
//!
//! Both are started with `name=value` arguments. The lines are the same for the clients and servers that are written in Python.

mod args;
mod calls;
mod marks;
mod process;
mod runtime;

pub use args::Args;
pub use calls::{Caller, System, callers};
pub use marks::Marks;
pub use process::{Done, Failure, Step, answer_runs, client, serve_until_input_ends, server};
pub use runtime::{pin, pin_to, raise_file_limit, runtime};

/// The arguments of every `add`, and what it gives.
pub const SUM: (i64, i64, i64) = (1_234_567, 7_654_321, 8_888_888);
