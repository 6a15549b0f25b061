//! The codecs alone, beside Python's.

use std::time::Duration;

use salamander::Codec;
use salamander_bench_harness::Failure;
use salamander_codec::Settings;
use salamander_value::{Dict, Value};

use super::Section;
use crate::corpus::corpus;
use crate::options::Options;
use crate::pair::median;
use crate::process::{Process, Program, Spec};
use crate::report::{Page, Required, Table, decimals};

pub const SECTION: Section =
    Section { name: "codecs", title: "The codecs, beside Python's own", peers: false, measure: run };

const WAYS: [&str; 2] = ["encode", "decode"];

/// What was measured of one codec with one item in one direction, in nanoseconds, one figure a round.
struct Timed {
    item: &'static str,
    way: &'static str,
    ours: Vec<f64>,
    theirs: Vec<f64>,
    failure: Option<String>,
}

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let items = Dict::from_iter(corpus());
    let file = std::env::temp_dir().join(format!("salamander-bench-{}.marshal", std::process::id()));
    std::fs::write(&file, Codec::Marshal.encode_value(&Value::from(items), &Settings::default())?)?;
    let ours = Spec::new(Program::Bench).with("system", "codecs").with("cpu", 0);
    let theirs = Spec::new(Program::PythonCodecs).with("corpus", file.display()).with("cpu", 0);
    let started = Process::start("client", &ours, options)
        .and_then(|(ours, _)| Process::start("client", &theirs, options).map(|(theirs, _)| [ours, theirs]));
    let _ = std::fs::remove_file(&file);
    let mut processes = started?;
    page.say(
        "Nanoseconds to encode a value into new bytes, and to decode bytes into a new value; `Value` here, Python's objects \
         there. Python's marshal, json and msgpack are written in C, its serpent in Python. JSON carries no bytes.",
    );
    for codec in Codec::PYRO5 {
        eprint!("  {codec}          \r");
        let timed = time(codec, &mut processes, options);
        report(codec, &timed, page);
    }
    Ok(())
}

fn time(codec: Codec, processes: &mut [Process; 2], options: &Options) -> Vec<Timed> {
    let (rounds, duration, _) = options.repeats();
    let duration = duration / 20;
    let mut all = Vec::new();
    for (item, _) in corpus().iter().filter(|(item, _)| codec != Codec::Json || *item != "bytes") {
        for way in WAYS {
            let mut timed = Timed { item, way, ours: Vec::new(), theirs: Vec::new(), failure: None };
            for _ in 0..rounds {
                let line = format!("time {item} {codec} {way} {}", duration.as_secs_f64());
                let [ours, theirs] = processes;
                match (ask(ours, &line, duration), ask(theirs, &line, duration)) {
                    (Ok(ours), Ok(theirs)) => {
                        timed.ours.push(ours);
                        timed.theirs.push(theirs);
                    }
                    (Err(failure), _) => timed.failure = Some(failure.to_string()),
                    (_, Err(failure)) => timed.failure = Some(format!("Python: {failure}")),
                }
                if timed.failure.is_some() {
                    break;
                }
            }
            all.push(timed);
        }
    }
    all
}

fn ask(process: &mut Process, line: &str, duration: Duration) -> Result<f64, Failure> {
    let answer = process.ask(line, duration)?;
    Ok(answer.strip_prefix("done ").ok_or("not understood")?.parse()?)
}

fn report(codec: Codec, timed: &[Timed], page: &mut Page) {
    let (mark, python) = match codec {
        Codec::Serpent => (Required::AtLeast(10.0), "Python's serpent"),
        Codec::Marshal => (Required::MoreThan(1.0), "Python's marshal (C)"),
        Codec::Json => (Required::MoreThan(1.0), "Python's json (C)"),
        _ => (Required::MoreThan(1.0), "Python's msgpack (C)"),
    };
    let mut table = Table::new(&["Salamander ns", "Python ns"]);
    for Timed { item, way, ours, theirs, failure } in timed {
        let name = format!("{codec} {way} {item}");
        let ours_cell = failure.as_ref().map(|failure| format!("failed: {failure}"));
        let cell = |figures: &[f64]| median(figures).map_or_else(String::new, decimals);
        table.line(&name, vec![ours_cell.unwrap_or_else(|| cell(ours)), cell(theirs)]);
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| theirs / ours).collect();
        table.compare(&name, python, median(&ratios), Some(mark));
    }
    page.table(&table);
    let worst = timed.iter().filter_map(|timed| {
        let ratios: Vec<f64> = timed.ours.iter().zip(&timed.theirs).map(|(ours, theirs)| theirs / ours).collect();
        Some((median(&ratios)?, timed))
    });
    if let Some((ratio, Timed { item, way, .. })) = worst.min_by(|(one, _), (other, _)| one.total_cmp(other)) {
        page.say(&format!("The worst case of {codec} is to {way} {item}: {} times {python}.", decimals(ratio)));
    }
}
