//! Many callers that share one proxy, and so one connection.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, our_server, ours, peers};
use crate::options::Options;
use crate::pair::{Pair, fastest, measure};
use crate::process::Spec;
use crate::report::{Page, Required, Table};
use crate::sizes::Sizes;

pub const SECTION: Section =
    Section { name: "shared", title: "64 callers on one connection", peers: true, measure: run };

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let load = |spec: Spec| spec.with("load", "shared").with("count", 64);
    let sizes = Sizes::of_add(Codec::Msgpack, options)?;
    let mut pairs = Vec::new();
    for runtime in RUNTIMES {
        let raw = load(sizes.raw().with("runtime", runtime));
        pairs.push(Pair::new(format!("raw tokio TCP, 64 outstanding [{runtime}]"), &raw, &raw));
    }
    for codec in Codec::PYRO5 {
        for runtime in RUNTIMES {
            let name = format!("Salamander {codec} [{runtime}]");
            pairs.push(Pair::new(name, &our_server(runtime), &load(ours(codec, runtime))));
        }
    }
    pairs.extend(peers::start(options, load));
    let measured = measure(&pairs, options);
    page.say(
        "64 tasks share one proxy, each makes one call after the other; nothing is held on a CPU. Raw TCP answers all that \
         has come with one write, which is as far as one can go. jsonrpsee's HTTP client opens connections as it needs them. \
         The mark is to be ahead of tarpc's best; the aim is twice that.",
    );
    let mut table = Table::rates("calls", "call", &measured);
    let tarpc = fastest(measured.iter().filter(|one| peers::is(one, "tarpc")));
    for ours in measured.iter().filter(|one| one.name.starts_with("Salamander")) {
        if let Some(tarpc) = tarpc {
            table.compare(&ours.name, &tarpc.name, ours.ratio(tarpc), Some(Required::MoreThan(1.0)));
        }
    }
    page.table(&table);
    Ok(())
}
