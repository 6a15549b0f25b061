//! The systems whose clients and servers are in this program.

mod codecs;
mod idle;
mod raw;
mod salamander;
mod xmlrpc;

use salamander_bench_harness::{Args, Failure};

/// Runs the process that a command line of another process of this program asks for.
pub fn run(role: &str, args: &Args) -> Result<(), Failure> {
    match (role, args.text("system")?) {
        ("server", "raw") => raw::server(args),
        ("client", "raw") => raw::client(args),
        ("server", "salamander") => salamander::server(args),
        ("client", "salamander") => salamander::client(args),
        ("server", "xmlrpc") => xmlrpc::server(args),
        ("client", "xmlrpc") => xmlrpc::client(args),
        ("client", "idle") => idle::client(args),
        ("client", "codecs") => codecs::client(args),
        (role, other) => Err(format!("there is no {role} {other}").into()),
    }
}
