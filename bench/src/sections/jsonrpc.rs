//! JSON-RPC over WebSockets and plain connections, beside jsonrpsee.

use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, door};
use crate::options::Options;
use crate::pair::{Measured, Pair, fastest, measure};
use crate::process::{Program, Spec};
use crate::report::{Page, Required, Table};

pub const SECTION: Section =
    Section { name: "jsonrpc", title: "JSON-RPC, beside jsonrpsee", peers: true, measure: run };

/// What carries messages: the door, and the name of the peer that has the same.
const TRANSPORTS: [(&str, &str, Option<&str>); 3] = [
    ("ws", "WebSocket", Some("jsonrpsee-ws")),
    ("tcp", "lines over TCP", None),
    ("http", "POST", Some("jsonrpsee-http")),
];

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say("One call after the other on one connection; client and server both on CPU 0.");
    compare(options, page, "calls", "call", |spec| spec.with("cpu", 0).with("load", "sequential"));
    page.say(
        "64 tasks share one client, each makes one call after the other; nothing is held on a CPU. Over POST both clients open \
         connections as they need them.",
    );
    compare(options, page, "calls", "call", |spec| spec.with("load", "shared").with("count", 64));
    page.say("A new client, which connects and makes one call; nothing is held on a CPU.");
    compare(options, page, "connections", "connection", |spec| spec.with("load", "connect"));
    Ok(())
}

fn compare(options: &Options, page: &mut Page, unit: &str, each: &str, load: impl Fn(Spec) -> Spec) {
    let mut pairs = Vec::new();
    for (scheme, transport, peer) in TRANSPORTS {
        for runtime in RUNTIMES {
            let ours = load(door(scheme, runtime));
            pairs.push(Pair::new(format!("Salamander, {transport} [{runtime}]"), &ours, &ours));
        }
        let Some(peer) = peer.filter(|_| options.peers.is_some()) else { continue };
        for runtime in RUNTIMES {
            let theirs = load(Spec::new(Program::Peers).with("system", peer).with("runtime", runtime));
            pairs.push(Pair::new(format!("jsonrpsee 0.26, {transport} [{runtime}]"), &theirs, &theirs));
        }
    }
    let measured = measure(&pairs, options);
    let mut table = Table::rates(unit, each, &measured);
    let by = |whose: &str, transport: &str| {
        let beginning = format!("{whose}, {transport} ");
        measured.iter().filter(move |one: &&Measured| one.name.starts_with(&beginning)).collect::<Vec<_>>()
    };
    for (scheme, transport, _) in TRANSPORTS {
        // Plain connections have no peer there; what a WebSocket takes is the nearest.
        let Some(theirs) = fastest(by("jsonrpsee 0.26", if scheme == "http" { transport } else { "WebSocket" }))
        else {
            continue;
        };
        for ours in by("Salamander", transport) {
            let mark = (scheme == "ws").then_some(Required::MoreThan(1.0));
            table.compare(&ours.name, &theirs.name, ours.ratio(theirs), mark);
        }
    }
    page.table(&table);
}
