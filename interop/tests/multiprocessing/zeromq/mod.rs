//! The same calls over ZeroMQ, with pyzmq as the other end.

mod clients;
mod limits;
mod program;
mod servers;

use std::process::Command;

use interop::python;
use salamander::zeromq::Options;

use super::{Ours, Server, printed};

fn script() -> Command {
    python::script("zeromq_calls.py")
}

/// Runs `zeromq_calls.py` to its end, and gives what it printed.
async fn run(arguments: &[&str]) -> String {
    printed(script(), arguments).await
}

impl Server {
    /// `zeromq_calls.py` as a server.
    fn zeromq(arguments: &[&str]) -> Self {
        Self::of(script(), arguments)
    }
}

impl Ours {
    async fn zeromq(options: Options, location: &str) -> Self {
        let daemon = Self::daemon().await;
        let calls = options.serve(&daemon, location).await.unwrap();
        let location = calls.location().to_owned();
        calls.spawn();
        Self { daemon: daemon.spawn(), location }
    }
}
