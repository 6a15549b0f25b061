//! Many connections, and new ones.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, our_server, ours};
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::Spec;
use crate::report::{Page, Required, Table};
use crate::sizes::Sizes;

pub const SECTION: Section =
    Section { name: "connections", title: "16 connections, and new connections", peers: false, measure: run };

const CODECS: [Codec; 2] = [Codec::Msgpack, Codec::Serpent];

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say("16 tasks, each calling `add` over a connection of its own; nothing is held on a CPU.");
    compare(options, page, "calls", "call", 0.8, |spec| spec.with("load", "connections").with("count", 16))?;
    page.say("Connecting, the handshake and one call; raw TCP connects and makes the same two round trips.");
    compare(options, page, "connections", "connection", 0.7, |spec| spec.with("load", "connect"))?;
    page.say("For comparison, 16 tasks that share a proxy with `pooled(16)`:");
    let pairs = RUNTIMES.map(|runtime| {
        let client = ours(Codec::Msgpack, runtime).with("load", "pooled").with("count", 16);
        Pair::new(format!("Salamander msgpack, pooled [{runtime}]"), &our_server(runtime), &client)
    });
    page.table(&Table::rates("calls", "call", &measure(&pairs, options)));
    Ok(())
}

fn compare(
    options: &Options,
    page: &mut Page,
    unit: &str,
    each: &str,
    mark: f64,
    load: impl Fn(Spec) -> Spec,
) -> Result<(), Failure> {
    let mut pairs = Vec::new();
    for codec in CODECS {
        let sizes = Sizes::of_add(codec, options).ok();
        for runtime in RUNTIMES {
            if let Some(sizes) = sizes {
                let raw = load(sizes.raw().with("runtime", runtime));
                pairs.push(Pair::new(raw_name(codec, runtime), &raw, &raw));
            }
            pairs.push(Pair::new(our_name(codec, runtime), &our_server(runtime), &load(ours(codec, runtime))));
        }
    }
    let measured = measure(&pairs, options);
    let mut table = Table::rates(unit, each, &measured);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    for codec in CODECS {
        for runtime in RUNTIMES {
            let Some(ours) = find(our_name(codec, runtime)) else { continue };
            let ratio = find(raw_name(codec, runtime)).and_then(|raw| ours.ratio(raw));
            table.compare(&ours.name, "raw", ratio, Some(Required::AtLeast(mark)));
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
