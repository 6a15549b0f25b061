//! The items of a remote generator.

use salamander::Codec;
use salamander_bench_harness::Failure;

use super::{RUNTIMES, Section, our_server, ours, pyro5};
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::Spec;
use crate::report::{Page, Required, Table};

pub const SECTION: Section = Section { name: "stream", title: "Item streams", peers: false, measure: run };

const CODECS: [Codec; 2] = [Codec::Serpent, Codec::Msgpack];

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let load = |spec: Spec| spec.with("load", "stream");
    let mut pairs = Vec::new();
    for codec in CODECS {
        pairs.push(Pair::new(pyro5_name(codec), &pyro5(codec), &load(pyro5(codec))));
        let name = format!("Pyro5's client, Salamander's daemon, {codec}");
        pairs.push(Pair::new(name, &our_server("mt"), &load(pyro5(codec))));
        for runtime in RUNTIMES {
            let client = load(ours(codec, runtime));
            pairs.push(Pair::new(one_name(codec, runtime), &our_server(runtime), &client.with("prefetch", 1)));
            pairs.push(Pair::new(many_name(codec, runtime), &our_server(runtime), &client));
        }
    }
    let measured = measure(&pairs, options);
    page.say("The items of one endless generator of integers; nothing is held on a CPU.");
    let mut table = Table::rates("items", "item", &measured);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    for codec in CODECS {
        let Some(theirs) = find(pyro5_name(codec)) else { continue };
        let mut compare = |name, mark: Option<f64>| {
            if let Some(ours) = find(name) {
                table.compare(&ours.name, &theirs.name, ours.ratio(theirs), mark.map(Required::AtLeast));
            }
        };
        compare(format!("Pyro5's client, Salamander's daemon, {codec}"), None);
        for runtime in RUNTIMES {
            compare(one_name(codec, runtime), Some(2.0));
            compare(many_name(codec, runtime), Some(20.0));
        }
    }
    page.table(&table);
    Ok(())
}

fn pyro5_name(codec: Codec) -> String {
    format!("Pyro5, {codec}")
}

fn one_name(codec: Codec, runtime: &str) -> String {
    format!("Salamander {codec}, one item a request [{runtime}]")
}

fn many_name(codec: Codec, runtime: &str) -> String {
    format!("Salamander {codec}, prefetching [{runtime}]")
}
