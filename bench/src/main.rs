//! Measures Salamander beside its peers, on this machine, in one run, and writes `RESULTS.md`.
//!
//! This process measures and reports. What is measured are pairs of other processes, a client and a server: this program again
//! (`systems`), the program in `peers`, and the scripts in `python`.

mod corpus;
mod machine;
mod options;
mod pair;
mod process;
mod report;
mod sections;
mod sizes;
mod systems;

use std::process::ExitCode;

use salamander_bench_harness::{Args, Failure};

use options::Options;
use report::Report;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let done = match words.next().as_deref() {
        Some(role @ ("server" | "client")) => systems::run(role, &Args::new(words)),
        _ => Options::parse(std::env::args().skip(1)).and_then(|options| measure(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("salamander-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), Failure> {
    let sections = sections::ALL;
    let mut report = Report::new(options);
    for (number, section) in sections.iter().enumerate().filter(|(_, section)| options.wants(section.name)) {
        eprintln!("section {}/{} {}", number + 1, sections.len(), section.name);
        let mut page = report::Page::new(number + 1, section.title);
        if let Err(failure) = (section.measure)(options, &mut page) {
            page.failed(&failure);
        }
        println!("{}", page.markdown());
        report.add(page);
    }
    if let Some(path) = &options.output {
        std::fs::write(path, report.markdown())?;
        eprintln!("written to {}", path.display());
    }
    println!("{}", report.summary());
    Ok(())
}
