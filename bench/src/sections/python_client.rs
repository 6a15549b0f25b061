//! What a Python program gains when only its daemon is replaced.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{Section, our_server, pyro5};
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::Spec;
use crate::report::{Page, Required, Table};

pub const SECTION: Section =
    Section { name: "python-client", title: "Pyro5's own client, either daemon", peers: false, measure: run };

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say("Sequential `add` by Pyro5's own Python client; nothing is held on a CPU.");
    compare(options, page, 1.7, |spec| spec)?;
    page.say("The same with both processes on CPU 0.");
    compare(options, page, 2.3, |spec| spec.with("cpu", 0))
}

fn compare(options: &Options, page: &mut Page, mark: f64, place: impl Fn(Spec) -> Spec) -> Result<(), Failure> {
    let mut pairs = Vec::new();
    for codec in Codec::PYRO5 {
        let client = place(pyro5(codec)).with("load", "sequential");
        pairs.push(Pair::new(format!("Pyro5's daemon, {codec}"), &place(pyro5(codec)), &client));
        pairs.push(Pair::new(format!("Salamander's daemon, {codec}"), &place(our_server("mt")), &client));
    }
    let measured = measure(&pairs, options);
    let mut table = Table::rates("calls", "call", &measured);
    for two in measured.chunks_exact(2) {
        table.compare(&two[1].name, "Pyro5's daemon", two[1].ratio(&two[0]), Some(Required::AtLeast(mark)));
    }
    page.table(&table);
    Ok(())
}
