//! The systems whose clients and servers are in this program.

mod codecs;
mod doors;
mod files;
mod idle;
mod raw;
mod salamander;
mod tasks;

use salamander_bench_harness::{Args, Failure};

pub use files::NAME as FILE_NAME;

/// Runs the process that a command line of another process of this program asks for.
pub fn run(role: &str, args: &Args) -> Result<(), Failure> {
    match (role, args.text("system")?) {
        ("server", "raw") => raw::server(args),
        ("client", "raw") => raw::client(args),
        ("server", "salamander") => salamander::server(args),
        ("client", "salamander") => salamander::client(args),
        ("server", "doors") => doors::server(args),
        ("client", "doors") => doors::client(args),
        ("server", "files") => files::server(args),
        ("client", "files") => files::client(args),
        ("server", "tasks") => tasks::server(args),
        ("server", "embedded") => tasks::embedded(args),
        ("client", "tasks" | "embedded") => tasks::client(args),
        ("client", "idle") => idle::client(args),
        ("client", "codecs") => codecs::client(args),
        (role, other) => Err(format!("there is no {role} {other}").into()),
    }
}
