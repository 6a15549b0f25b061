//! The same `add` of the same daemon by each of its doors: what a protocol costs.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{Section, door};
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::report::{Page, Table};

pub const SECTION: Section =
    Section { name: "doors", title: "Our own doors side by side: what a protocol costs", peers: false, measure: run };

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say(
        "One daemon has all doors open; one caller, one call of `add` after the other, client and server both on CPU 0, on one thread \
         each [ct]. All clients are ours, but for the gateway's, which is no more than the request as text and a look for the length of \
         the answer. Behind the gateway the call goes on by Pyro 5 to an object of the same daemon, as it would to any other.",
    );
    let load = |name: &str| door(name, "ct").with("cpu", 0).with("load", "sequential");
    let pyro = |generation: u8, codec: Codec| {
        let spec = load("pyro").with("generation", generation).with("codec", codec);
        Pair::new(format!("Pyro {generation}, {codec}"), &spec, &spec)
    };
    let other = |name: &str, title: &str| Pair::new(title, &load(name), &load(name));
    let pairs = [
        pyro(5, Codec::Msgpack),
        pyro(5, Codec::Serpent),
        pyro(4, Codec::Msgpack),
        pyro(4, Codec::Serpent),
        other("multiprocessing", "multiprocessing connection"),
        other("tcp", "JSON-RPC, lines over TCP"),
        other("ws", "JSON-RPC, WebSocket"),
        other("http", "JSON-RPC, POST"),
        other("xmlrpc", "XML-RPC"),
        other("gateway", "HTTP gateway"),
    ];
    let measured = measure(&pairs, options);
    let mut table = Table::rates("calls", "call", &measured);
    for other in measured.iter().skip(1) {
        table.compare(&other.name, &measured[0].name, other.ratio(&measured[0]), None);
    }
    page.table(&table);
    Ok(())
}
