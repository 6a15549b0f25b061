//! Large binary arguments.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, our_server, ours, pyro5};
use crate::options::Options;
use crate::pair::{Pair, measure_afresh};
use crate::process::Spec;
use crate::report::{Page, Required, Table};
use crate::sizes::Sizes;

pub const SECTION: Section = Section { name: "bytes", title: "1 MiB of bytes", peers: false, measure: run };

const SIZE: usize = 1 << 20;

/// JSON carries no bytes.
const CODECS: [Codec; 3] = [Codec::Msgpack, Codec::Marshal, Codec::Serpent];

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let sizes = Sizes::of_bytes(Codec::Msgpack, SIZE, options)?;
    page.say(&format!(
        "A method takes 1 MiB of `bytes` and returns how many they are, one call after the other; so the figures are MiB/s. \
         Raw TCP sends as many bytes ({sizes}), each time awaits the answer, and uses its buffers again. JSON carries no bytes. \
         \
         A connection's congestion window decides whether a whole MiB waits in the socket, out of the cache, or is read while \
         it is written; raw TCP's rate differs by a factor of 2.5 for it. So each round has new connections, and the best round \
         of each side counts."
    ));
    page.say("Both processes on CPU 0:");
    compare(options, page, sizes, Some(Required::AtLeast(0.85)), |spec| spec.with("cpu", 0))?;
    page.say("Nothing is held on a CPU. Where the system puts the two processes decides, for raw TCP too, so this has no mark:");
    compare(options, page, sizes, None, |spec| spec)
}

fn compare(
    options: &Options,
    page: &mut Page,
    sizes: Sizes,
    mark: Option<Required>,
    place: impl Fn(Spec) -> Spec,
) -> Result<(), Failure> {
    let load = |spec: Spec| place(spec).with("load", "bytes").with("count", SIZE);
    let mut pairs = Vec::new();
    for runtime in RUNTIMES {
        let raw = place(sizes.raw().with("runtime", runtime)).with("load", "sequential");
        pairs.push(Pair::new(format!("raw tokio TCP [{runtime}]"), &raw, &raw));
        for codec in CODECS {
            let server = place(our_server(runtime));
            pairs.push(Pair::new(our_name(codec, runtime), &server, &load(ours(codec, runtime))));
        }
    }
    for codec in CODECS {
        pairs.push(Pair::new(pyro5_name(codec), &place(pyro5(codec)), &load(pyro5(codec))));
    }
    let measured = measure_afresh(&pairs, options);
    let mut table = Table::rates("MiB", "MiB", &measured);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    for runtime in RUNTIMES {
        let raw = find(format!("raw tokio TCP [{runtime}]"));
        for codec in CODECS {
            let Some(ours) = find(our_name(codec, runtime)) else { continue };
            let theirs = find(pyro5_name(codec));
            let (of_raw, of_theirs) = match codec {
                Codec::Msgpack => (mark, None),
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
