//! Calls over `multiprocessing.connection`, as the recipe has them: one caller, one call after the other, both processes on one CPU.

use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, door};
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::{Program, Spec};
use crate::report::{Page, Required, Table};
use crate::sizes::Sizes;

pub const SECTION: Section = Section {
    name: "multiprocessing",
    title: "`add` over multiprocessing connections, both processes on one CPU",
    peers: false,
    measure: run,
};

const PYTHON: &str = "Python's own ends";
const PYTHON_CLIENT: &str = "Python's client, Salamander's server [ct]";

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let load = |spec: Spec| spec.with("cpu", 0).with("load", "sequential");
    let sizes = Sizes::of_multiprocessing(options)?;
    let python = load(Spec::new(Program::PythonConnections));
    let ours = |runtime| load(door("multiprocessing", runtime));
    let mut pairs = vec![Pair::new(PYTHON, &python, &python), Pair::new(PYTHON_CLIENT, &ours("ct"), &python)];
    for runtime in RUNTIMES {
        let raw = load(sizes.raw().with("runtime", runtime));
        pairs.push(Pair::new(raw_name(runtime), &raw, &raw));
        pairs.push(Pair::new(our_name(runtime), &ours(runtime), &ours(runtime)));
    }
    let measured = measure(&pairs, options);
    page.say(&format!(
        "One call after the other on one connection, pickles in pickles, without a key; client and server both on CPU 0. Raw TCP sends the \
         same bytes ({sizes})."
    ));
    let find = |name: &str| measured.iter().find(|one| one.name == name);
    let mut table = Table::rates("calls", "call", &measured);
    for runtime in RUNTIMES {
        let Some(ours) = find(&our_name(runtime)) else { continue };
        let raw = find(&raw_name(runtime)).and_then(|raw| ours.ratio(raw));
        table.compare(&ours.name, "raw", raw, Some(Required::AtLeast(0.7)));
        let python = find(PYTHON).and_then(|python| ours.ratio(python));
        table.compare(&ours.name, PYTHON, python, Some(Required::MoreThan(1.0)));
    }
    if let (Some(client), Some(python)) = (find(PYTHON_CLIENT), find(PYTHON)) {
        table.compare(PYTHON_CLIENT, PYTHON, client.ratio(python), Some(Required::MoreThan(1.0)));
    }
    page.table(&table);
    Ok(())
}

fn raw_name(runtime: &str) -> String {
    format!("raw tokio TCP [{runtime}]")
}

fn our_name(runtime: &str) -> String {
    format!("Salamander's ends [{runtime}]")
}
