//! The command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use salamander_bench_harness::Failure;

use crate::sections;

const USAGE: &str = "\
usage: salamander-bench [--quick] [--only NAME]... [--no-peers] [--python PATH] [--output FOLDER]

  --quick        runs of 0.5 s instead of 2 s, which leave results as they are
  --only NAME    this section alone
  --no-peers     without tarpc, tonic, jsonrpsee, Cap'n Proto and rusty-celery, which take long to build;
                 leaves results as they are
  --python PATH  a Python with Pyro5, serpent, msgpack and Celery [$SALAMANDER_PYTHON, else .venv/bin/python]
  --output FOLDER  where to write each section's tables [bench/results]
";

/// What the command line asks for.
pub struct Options {
    pub quick: bool,
    pub python: PathBuf,
    /// The program in `peers`, if it could be built.
    pub peers: Option<PathBuf>,
    /// The program in `queues`, if it could be built.
    pub queues: Option<PathBuf>,
    /// The folder of results.
    pub output: Option<PathBuf>,
    only: Vec<String>,
}

impl Options {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var_os("SALAMANDER_PYTHON").map(PathBuf::from);
        let mut options = Self {
            quick: false,
            python: python.unwrap_or_else(|| here.join("../.venv/bin/python")),
            peers: None,
            queues: None,
            output: None,
            only: Vec::new(),
        };
        let mut peers = true;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n\n{}", usage()));
            match &*word {
                "--quick" => options.quick = true,
                "--no-peers" => peers = false,
                "--only" => options.only.push(value()?),
                "--python" => options.python = value()?.into(),
                "--output" => options.output = Some(value()?.into()),
                _ => return Err(format!("{word}?\n\n{}", usage()).into()),
            }
        }
        if let Some(unknown) =
            options.only.iter().find(|name| sections::ALL.iter().all(|section| section.name != **name))
        {
            return Err(format!("there is no section {unknown}\n\n{}", usage()).into());
        }
        if !options.quick && peers && options.output.is_none() {
            options.output = Some(here.join("results"));
        }
        let wanted = sections::ALL.iter().any(|section| section.peers && options.wants(section.name));
        if peers && wanted {
            options.peers = build(&here.join("peers"), "salamander-bench-peers");
        }
        if peers && options.wants("tasks") {
            options.queues = build(&here.join("queues"), "salamander-bench-queues");
        }
        Ok(options)
    }

    /// Whether this section is to be measured.
    pub fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == section)
    }

    /// How often each side is run, how long each time, and how long before to warm up.
    pub fn repeats(&self) -> (usize, Duration, Duration) {
        let (long, warm) = if self.quick { (500, 100) } else { (2000, 300) };
        (3, Duration::from_millis(long), Duration::from_millis(warm))
    }

    /// The arguments, for the report.
    pub fn shown(&self) -> String {
        let mut shown = "cargo run --release --manifest-path bench/Cargo.toml --".to_owned();
        if self.quick {
            shown.push_str(" --quick");
        }
        for name in &self.only {
            shown.push_str(&format!(" --only {name}"));
        }
        shown
    }
}

fn usage() -> String {
    let names: Vec<_> = sections::ALL.iter().map(|section| section.name).collect();
    format!("{USAGE}\nsections: {}", names.join(", "))
}

/// Builds a program of a workspace of its own beside this one; says so where that fails, and does without.
fn build(folder: &Path, program: &str) -> Option<PathBuf> {
    let name = folder.file_name()?;
    eprintln!("building {}", folder.display());
    let target = std::env::current_exe().ok()?.ancestors().nth(2)?.join(name);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    let built = cargo.arg("--target-dir").arg(&target).status();
    if built.is_ok_and(|status| status.success()) {
        return Some(target.join("release").join(program));
    }
    eprintln!("{program} could not be built: this run is without it");
    None
}
