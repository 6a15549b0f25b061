//! One caller, one call after the other, both processes on one CPU: what the code itself costs.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, our_server, ours, peers};
use crate::options::Options;
use crate::pair::{Pair, fastest, measure};
use crate::process::Spec;
use crate::report::{Page, Required, Table};
use crate::sizes::Sizes;

pub const SECTION: Section =
    Section { name: "sequential", title: "Sequential `add`, both processes on one CPU", peers: true, measure: run };

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let load = |spec: Spec| spec.with("cpu", 0).with("load", "sequential");
    let mut pairs = Vec::new();
    let mut said = Vec::new();
    for codec in Codec::PYRO5 {
        // What cannot be counted cannot be called either, and fails below.
        let raw = Sizes::of_add(codec, options).ok();
        if let Some(sizes) = raw {
            said.push(format!("{codec} {sizes}"));
        }
        for runtime in RUNTIMES {
            if let Some(sizes) = raw {
                let raw = load(sizes.raw().with("runtime", runtime));
                pairs.push(Pair::new(raw_name(codec, runtime), &raw, &raw));
            }
            let server = load(our_server(runtime));
            pairs.push(Pair::new(our_name(codec, runtime), &server, &load(ours(codec, runtime))));
        }
    }
    pairs.extend(peers::start(options, load));
    let measured = measure(&pairs, options);
    page.say(&format!("One call after the other on one connection; client and server both on CPU 0. Raw TCP sends the same bytes ({}).", said.join("; ")));
    let mut table = Table::rates("calls", "call", &measured);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    let best = fastest(measured.iter().filter(|one| peers::is(one, "")));
    for codec in Codec::PYRO5 {
        for runtime in RUNTIMES {
            let Some(ours) = find(our_name(codec, runtime)) else { continue };
            let raw = find(raw_name(codec, runtime));
            table.compare(&ours.name, "raw", raw.and_then(|raw| ours.ratio(raw)), Some(Required::AtLeast(0.8)));
            if let Some(best) = best {
                table.compare(&ours.name, &best.name, ours.ratio(best), Some(Required::MoreThan(1.0)));
            }
        }
    }
    page.table(&table);
    Ok(())
}

fn raw_name(codec: Codec, runtime: &str) -> String {
    format!("raw tokio TCP, bytes of {codec} [{runtime}]")
}

fn our_name(codec: Codec, runtime: &str) -> String {
    format!("Salamander {codec} [{runtime}]")
}
