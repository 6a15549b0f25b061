//! What Salamander's tasks are measured beside, driven by the lines of all processes of a measurement.
//!
//! ```text
//! salamander-bench-queues server system=rusty broker=URL marks=FILE [prefetch=N]
//! salamander-bench-queues client system=rusty broker=URL marks=FILE count=N
//! salamander-bench-queues client system=lapin broker=URL count=N
//! salamander-bench-queues client system=redis broker=URL count=N
//! ```
//!
//! A client does `count` of what it does for each `run`, however long that is said to take.

mod lapin;
mod redis;
mod rusty;

use std::process::ExitCode;

use salamander_bench_harness::{Args, Failure, serve_until_input_ends};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let role = words.next().unwrap_or_default();
    match run(&role, &Args::new(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("salamander-bench-queues: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(role: &str, args: &Args) -> Result<(), Failure> {
    match (role, args.text("system")?) {
        ("server", "rusty") => rusty::server(args),
        ("client", "rusty") => rusty::client(args),
        // The other end of these is the broker, which runs already.
        ("server", "lapin" | "redis") => {
            println!("ready");
            serve_until_input_ends();
            loop {
                std::thread::park();
            }
        }
        ("client", "lapin") => lapin::client(args),
        ("client", "redis") => redis::client(args),
        (role, other) => Err(format!("there is no {role} {other}").into()),
    }
}
