//! XML-RPC: what a Python program gains when only its server is replaced, and our client beside Python's.

use salamander_bench_harness::Failure;

use super::Section;
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::{Program, Spec};
use crate::report::{Page, Required, Table};

pub const SECTION: Section =
    Section { name: "xmlrpc", title: "XML-RPC: Python's own client, either server", peers: false, measure: run };

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say(
        "Sequential `add` by `xmlrpc.client`, all processes on CPU 0. Python's `SimpleXMLRPCServer` closes each connection after one call \
         (HTTP/1.0), unless its handler is told to speak HTTP/1.1.",
    );
    let place = |spec: Spec| spec.with("cpu", 0);
    let theirs = |http: &str| place(Spec::new(Program::PythonXmlRpc).with("http", http));
    let ours = place(Spec::new(Program::Bench).with("system", "xmlrpc").with("runtime", "ct"));
    let python = place(Spec::new(Program::PythonXmlRpc));
    let client = ours.with("load", "sequential");
    let pairs = [
        Pair::new("Python's server", &theirs("1.0"), &python),
        Pair::new("Python's server, HTTP/1.1", &theirs("1.1"), &python),
        Pair::new("Salamander's server", &ours, &python),
        Pair::new("Python's server, HTTP/1.1, our client", &theirs("1.1"), &client),
        Pair::new("Salamander at both ends", &ours, &client),
    ];
    let measured = measure(&pairs, options);
    let mut table = Table::rates("calls", "call", &measured);
    if let [closing, keeping, server, caller, _] = &measured[..] {
        table.compare(&server.name, &closing.name, server.ratio(closing), Some(Required::AtLeast(5.0)));
        table.compare(&server.name, &keeping.name, server.ratio(keeping), None);
        table.compare(&caller.name, &keeping.name, caller.ratio(keeping), None);
    }
    page.table(&table);
    Ok(())
}
