//! Large binary arguments.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, our_server, ours, pyro5};
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::Spec;
use crate::report::{Page, Required, Table};
use crate::sizes::Sizes;

pub const SECTION: Section = Section { name: "bytes", title: "1 MiB of bytes", peers: false, measure: run };

const SIZE: usize = 1 << 20;

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let load = |spec: Spec| spec.with("load", "bytes").with("count", SIZE);
    let sizes = Sizes::of_bytes(Codec::Msgpack, SIZE, options)?;
    let mut pairs = Vec::new();
    for runtime in RUNTIMES {
        let raw = sizes.raw().with("runtime", runtime).with("load", "sequential");
        pairs.push(Pair::start(format!("raw tokio TCP [{runtime}]"), &raw, &raw, options));
        // JSON carries no bytes.
        for codec in [Codec::Msgpack, Codec::Marshal, Codec::Serpent] {
            pairs.push(Pair::start(
                our_name(codec, runtime),
                &our_server(runtime),
                &load(ours(codec, runtime)),
                options,
            ));
        }
    }
    for codec in [Codec::Msgpack, Codec::Marshal, Codec::Serpent] {
        pairs.push(Pair::start(pyro5_name(codec), &pyro5(codec), &load(pyro5(codec)), options));
    }
    let measured = measure(pairs, options);
    page.say(&format!(
        "A method takes 1 MiB of `bytes` and returns how many they are, one call after the other; so the figures are MiB/s. \
         Raw TCP sends as many bytes ({sizes}), each time awaits the answer, and uses its buffers again. JSON carries no bytes."
    ));
    let mut table = Table::rates("MiB", "MiB", &measured);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    for runtime in RUNTIMES {
        let raw = find(format!("raw tokio TCP [{runtime}]"));
        for codec in [Codec::Msgpack, Codec::Marshal, Codec::Serpent] {
            let Some(ours) = find(our_name(codec, runtime)) else { continue };
            let theirs = find(pyro5_name(codec));
            let (of_raw, of_theirs) = match codec {
                Codec::Msgpack => (Some(Required::AtLeast(0.85)), None),
                Codec::Serpent => (None, Some(Required::AtLeast(5.0))),
                _ => (None, None),
            };
            table.compare(&ours.name, "raw", raw.and_then(|raw| ours.ratio(raw)), of_raw);
            table.compare(&ours.name, &pyro5_name(codec), theirs.and_then(|theirs| ours.ratio(theirs)), of_theirs);
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
