//! The `salamander` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    salamander_cli::run()
}
