//! What is done with this repository beside building it: `cargo xtask help`.

// This is no part of the product: it reads the clock and the environment as it likes.
#![allow(clippy::disallowed_methods)]

mod checks;
mod libtest;
mod metadata;
mod servers;
mod setup;
mod steps;
mod test;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const HELP: &str = "\
cargo xtask COMMAND

  setup           makes .venv with the Python peers that tests run against, and installs a browser where it may
  test [--quick]  set-up, then everything that is checked and tested; --quick leaves out what is slow to build
  soak            the long tests: more cases, more time
  checks          the structure checks alone: layers, licences, file sizes and the like
  help            this text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let done = match arguments[..] {
        ["setup"] => setup::run(&root).map(|python| println!("the Python peers are ready: {}", python.display())),
        ["test"] => test::run(&root, false),
        ["test", "--quick"] => test::run(&root, true),
        ["soak"] => test::soak(&root),
        ["checks"] => checks::run(&root),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Where all has been said already, there is nothing more to say.
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Cargo, the very one that runs this.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.stdin(Stdio::null());
    command
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
