//! Measures Salamander beside its peers, on this machine, in one run, and writes the folder `results`.
//!
//! This process measures and reports. What is measured are pairs of other processes, a client and a server: this program again
//! (`systems`), the program in `peers`, and the scripts in `python`.

mod corpus;
mod machine;
mod options;
mod pair;
mod process;
mod report;
mod results;
mod sections;
mod sizes;
mod systems;

use std::process::ExitCode;

use salamander_bench_harness::{Args, Failure};

use options::Options;
use report::Page;

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
    let sections: Vec<_> = sections::ALL.iter().filter(|section| options.wants(section.name)).collect();
    let head = machine::describe(options);
    let mut pages = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        eprintln!("section {}/{} {}", number + 1, sections.len(), section.name);
        let mut page = Page::new(section.title);
        if let Err(failure) = (section.measure)(options, &mut page) {
            page.failed(&failure);
        }
        println!("## {}\n\n{}\n{}", page.title(), page.summary(), page.text());
        if let Some(folder) = &options.output {
            results::write(folder, section.name, &head, &page)?;
        }
        pages.push(page);
    }
    println!("{}", Page::count(&pages));
    Ok(())
}
