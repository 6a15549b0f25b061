//! What is measured, one section a file, and the sides that they have in common.

mod batch;
mod bytes;
mod codecs;
mod connections;
mod doors;
mod files;
mod jsonrpc;
mod memory;
mod multiprocessing;
mod peers;
mod python_client;
mod sequential;
mod shared;
mod stream;
mod tasks;
mod xmlrpc;

use salamander::Codec;
use salamander_bench_harness::Failure;

use crate::options::Options;
use crate::process::{Program, Spec};
use crate::report::Page;

/// One section of the results.
pub struct Section {
    pub name: &'static str,
    pub title: &'static str,
    /// Whether the program in `peers` takes part.
    pub peers: bool,
    pub measure: fn(&Options, &mut Page) -> Result<(), Failure>,
}

/// All of them, in the order of their numbers.
pub const ALL: &[Section] = &[
    sequential::SECTION,
    shared::SECTION,
    connections::SECTION,
    batch::SECTION,
    python_client::SECTION,
    bytes::SECTION,
    stream::SECTION,
    codecs::SECTION,
    memory::SECTION,
    multiprocessing::SECTION,
    xmlrpc::SECTION,
    jsonrpc::SECTION,
    doors::SECTION,
    files::SECTION,
    tasks::SECTION,
    tasks::WORKFLOWS,
];

const RUNTIMES: [&str; 2] = ["ct", "mt"];

/// Salamander, client or server; a server has no use for the codec.
fn ours(codec: Codec, runtime: &str) -> Spec {
    Spec::new(Program::Bench).with("system", "salamander").with("codec", codec).with("runtime", runtime)
}

fn our_server(runtime: &str) -> Spec {
    Spec::new(Program::Bench).with("system", "salamander").with("runtime", runtime)
}

/// Salamander, client or server, by one of the doors of a daemon that has all of them open.
pub fn door(name: &str, runtime: &str) -> Spec {
    Spec::new(Program::Bench).with("system", "doors").with("door", name).with("runtime", runtime)
}

/// Pyro5, client or server.
fn pyro5(codec: Codec) -> Spec {
    Spec::new(Program::Python).with("codec", codec)
}
