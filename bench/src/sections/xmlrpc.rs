//! XML-RPC: what a program gains when only its server is replaced, by Python's client and by ours; and dxr.

use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, door};
use crate::options::Options;
use crate::pair::{Measured, Pair, fastest, measure};
use crate::process::{Program, Spec};
use crate::report::{Page, Required, Table};

pub const SECTION: Section =
    Section { name: "xmlrpc", title: "XML-RPC, all processes on one CPU", peers: true, measure: run };

const CLOSING: &str = "Python's server";
const KEEPING: &str = "Python's server, HTTP/1.1";
const OURS: &str = "Salamander's server";

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say(
        "Sequential `add`, client and server both on CPU 0. Python's `SimpleXMLRPCServer` closes each connection after one call \
         (HTTP/1.0), unless its handler is told to speak HTTP/1.1. Its mark is for either client: what `xmlrpc.client` alone \
         takes is no server's to save (see `MISSED.md`); our client, which takes little, shows the servers.",
    );
    let place = |spec: Spec| spec.with("cpu", 0);
    let load = |spec: Spec| place(spec).with("load", "sequential");
    let theirs = |http: &str| place(Spec::new(Program::PythonXmlRpc).with("http", http));
    let ours = |runtime| load(door("xmlrpc", runtime));
    let python = place(Spec::new(Program::PythonXmlRpc));
    let mut pairs = Vec::new();
    for (clients, client) in [("Python's client", &python), ("our client", &ours("ct"))] {
        pairs.push(Pair::new(format!("{CLOSING}, {clients}"), &theirs("1.0"), client));
        pairs.push(Pair::new(format!("{KEEPING}, {clients}"), &theirs("1.1"), client));
        pairs.push(Pair::new(format!("{OURS}, {clients}"), &ours("ct"), client));
    }
    pairs.push(Pair::new("Salamander at both ends [mt]", &ours("mt"), &ours("mt")));
    if options.peers.is_some() {
        for runtime in RUNTIMES {
            let dxr = load(Spec::new(Program::Peers).with("system", "dxr").with("runtime", runtime));
            pairs.push(Pair::new(format!("dxr 0.9 at both ends [{runtime}]"), &dxr, &dxr));
            if runtime == "ct" {
                pairs.push(Pair::new("dxr 0.9, our client", &dxr, &ours("ct")));
                pairs.push(Pair::new(format!("{OURS}, dxr's client"), &ours("ct"), &dxr));
            }
        }
    }
    let measured = measure(&pairs, options);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    let mut table = Table::rates("calls", "call", &measured);
    for clients in ["Python's client", "our client"] {
        let Some(server) = find(format!("{OURS}, {clients}")) else { continue };
        for (theirs, mark) in [(CLOSING, Some(Required::AtLeast(5.0))), (KEEPING, None)] {
            let ratio = find(format!("{theirs}, {clients}")).and_then(|theirs| server.ratio(theirs));
            table.compare(&server.name, theirs, ratio, mark);
        }
    }
    let is_dxr = |one: &&Measured| one.name.starts_with("dxr 0.9 at both ends");
    if let Some(dxr) = fastest(measured.iter().filter(is_dxr)) {
        for ours in
            [format!("{OURS}, our client"), "Salamander at both ends [mt]".to_owned()].map(find).into_iter().flatten()
        {
            table.compare(&ours.name, &dxr.name, ours.ratio(dxr), Some(Required::MoreThan(1.0)));
        }
    }
    let both = [
        (format!("{OURS}, our client"), "dxr 0.9, our client"),
        (format!("{OURS}, dxr's client"), "dxr 0.9 at both ends [ct]"),
    ];
    for (ours, theirs) in both {
        if let (Some(ours), Some(theirs)) = (find(ours), find(theirs.to_owned())) {
            table.compare(&ours.name, &theirs.name, ours.ratio(theirs), Some(Required::MoreThan(1.0)));
        }
    }
    page.table(&table);
    Ok(())
}
