//! The peers that `add` is measured beside.

use crate::options::Options;
use crate::pair::{Measured, Pair};
use crate::process::{Program, Spec};

/// A peer: its name in the program in `peers`, its name for readers, and the runtimes it runs on.
struct Peer(&'static str, &'static str, &'static [&'static str]);

const PEERS: &[Peer] = &[
    Peer("tarpc-bincode", "tarpc 0.38 tcp+bincode", &["ct", "mt"]),
    Peer("tarpc-json", "tarpc 0.38 tcp+json", &["ct", "mt"]),
    Peer("tonic", "tonic 0.14 gRPC", &["ct", "mt"]),
    Peer("jsonrpsee-ws", "jsonrpsee 0.26 websocket", &["ct", "mt"]),
    Peer("jsonrpsee-http", "jsonrpsee 0.26 http", &["ct", "mt"]),
    // It cannot leave its thread.
    Peer("capnp", "capnp-rpc 0.27", &["ct"]),
];

/// All of them, if they are built, with what `load` adds to client and server.
pub(super) fn start(options: &Options, load: impl Fn(Spec) -> Spec) -> Vec<Pair> {
    let mut pairs = Vec::new();
    if options.peers.is_none() {
        return pairs;
    }
    for Peer(system, name, runtimes) in PEERS {
        for runtime in *runtimes {
            let spec = load(Spec::new(Program::Peers).with("system", system).with("runtime", runtime));
            pairs.push(Pair::new(format!("{name} [{runtime}]"), &spec, &spec));
        }
    }
    pairs
}

/// Whether this is a peer, and one whose name begins like this.
pub(super) fn is(measured: &Measured, beginning: &str) -> bool {
    PEERS.iter().any(|Peer(_, name, _)| name.starts_with(beginning) && measured.name.starts_with(name))
}
