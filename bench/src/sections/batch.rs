//! Many calls in one message.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, our_server, ours, pyro5};
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::Spec;
use crate::report::{Page, Required, Table};

pub const SECTION: Section = Section { name: "batch", title: "Batches of 20,000 calls", peers: false, measure: run };

/// Calls of msgpack's batches a second.
const RATE: f64 = 1_500_000.0;

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let load = |spec: Spec| spec.with("load", "batch").with("count", 20_000);
    let mut pairs = Vec::new();
    // Pyro5 cannot batch by marshal.
    for codec in [Codec::Serpent, Codec::Json, Codec::Msgpack] {
        pairs.push(Pair::new(pyro5_name(codec), &pyro5(codec), &load(pyro5(codec))));
        let name = format!("Pyro5's client, Salamander's daemon, {codec}");
        pairs.push(Pair::new(name, &our_server("mt"), &load(pyro5(codec))));
    }
    for codec in Codec::PYRO5 {
        for runtime in RUNTIMES {
            pairs.push(Pair::new(our_name(codec, runtime), &our_server(runtime), &load(ours(codec, runtime))));
        }
    }
    let measured = measure(&pairs, options);
    page.say(
        "`add` 20,000 times in one message: put together, sent, made, and every result looked at. Nothing is held on a CPU. \
         Pyro5 cannot batch by marshal.",
    );
    let mut table = Table::rates("calls", "call", &measured);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    for codec in Codec::PYRO5 {
        let theirs = find(pyro5_name(codec));
        for runtime in RUNTIMES {
            let Some(ours) = find(our_name(codec, runtime)) else { continue };
            if codec == Codec::Msgpack {
                let ratio = ours.rate().map(|rate| rate / RATE);
                table.compare(&ours.name, "1,500,000 calls/s", ratio, Some(Required::AtLeast(1.0)));
            }
            let mark = (codec == Codec::Serpent).then_some(Required::AtLeast(10.0));
            if let Some(theirs) = theirs {
                table.compare(&ours.name, &theirs.name, ours.ratio(theirs), mark);
            }
        }
        if let (Some(ours), Some(theirs)) = (find(format!("Pyro5's client, Salamander's daemon, {codec}")), theirs) {
            table.compare(&ours.name, &theirs.name, ours.ratio(theirs), None);
        }
    }
    page.table(&table);
    Ok(())
}

fn pyro5_name(codec: Codec) -> String {
    format!("Pyro5, {codec}")
}

fn our_name(codec: Codec, runtime: &str) -> String {
    format!("Salamander {codec} [{runtime}]")
}
