//! `cargo xtask test` and `cargo xtask soak`: everything that is checked and tested, and the closing lines.

use std::path::{Path, PathBuf};

use crate::libtest::Report;
use crate::steps::{Steps, watch};
use crate::{cargo, checks, setup};

/// What tests are told by the environment: the interpreter of the Python peers, where to note that they cannot run here, and
/// that they may take long.
const PYTHON: &str = "SALAMANDER_PYTHON";
const SKIPPED: &str = "SALAMANDER_SKIPPED";
const SOAK: &str = "SALAMANDER_SOAK";

/// Everything, within 40 minutes from nothing on two cores.
pub fn run(root: &Path, quick: bool) -> Result<(), String> {
    let mut steps = Steps::new(root);
    let mut report = Report::default();
    steps.run("setup", || setup::run(root).map(drop));
    steps.command("cargo fmt --check", cargo().args(["fmt", "--all", "--check"]));
    if quick {
        report.skipped.extend(["clippy: --quick", "documentation: --quick"].map(str::to_owned));
    } else {
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        steps.command("cargo clippy", cargo().args(clippy));
        let doc = ["doc", "--workspace", "--no-deps"];
        steps.command("cargo doc", cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"));
    }
    steps.run("structure checks", || checks::run(root));
    // What integration tests start is not built by the tests themselves.
    let built = steps.command("cargo build", cargo().args(["build", "--workspace", "--bins", "--examples"]));
    if built {
        tests(&mut steps, &mut report, root, &[], &[]);
    } else {
        report.skipped.push("all tests: the build failed".to_owned());
    }
    close(&steps, report)
}

/// The tests that take long, in release: those that are left out by default, and the others with more cases.
pub fn soak(root: &Path) -> Result<(), String> {
    let mut steps = Steps::new(root);
    let mut report = Report::default();
    steps.run("setup", || setup::run(root).map(drop));
    let build = ["build", "--release", "--workspace", "--bins", "--examples"];
    if steps.command("cargo build", cargo().args(build)) {
        tests(&mut steps, &mut report, root, &["--release", "--lib", "--bins", "--tests"], &["--include-ignored"]);
    }
    close(&steps, report)
}

fn tests(steps: &mut Steps, report: &mut Report, root: &Path, cargo_flags: &[&str], test_flags: &[&str]) {
    let skipped = skipped_file();
    let failed_before = report.counts.failed;
    let name = "cargo test";
    let ok = steps.run(name, || {
        let mut command = cargo();
        command.args(["test", "--workspace", "--no-fail-fast"]).args(cargo_flags).arg("--").args(test_flags);
        command.current_dir(root).env(PYTHON, setup::interpreter(root)).env(SKIPPED, &skipped);
        if !test_flags.is_empty() {
            command.env(SOAK, "1");
        }
        watch(&mut command, |line| report.line(line))
    });
    report.found_impossible(&std::fs::read_to_string(&skipped).unwrap_or_default());
    let _ = std::fs::remove_file(&skipped);
    if !ok && report.counts.failed == failed_before {
        // A test binary that was not built, or did not live to say how it went.
        report.counts.failed += 1;
        report.failed.push("a test binary that could not be built or was killed".to_owned());
    }
}

/// Says what failed, what was left out, and how much there was of each.
fn close(steps: &Steps, mut report: Report) -> Result<(), String> {
    println!();
    for name in &report.failed {
        println!("failed: {name}");
    }
    for step in steps.failed().iter().filter(|step| *step != "cargo test") {
        println!("failed: step `{step}`");
        report.counts.failed += 1;
    }
    for line in &report.skipped {
        println!("left out: {line}");
    }
    println!("{} in all", steps.elapsed());
    // The last line is for programs to read.
    println!("{}", report.counts);
    if steps.failed().is_empty() && report.counts.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// A file of this run's own.
fn skipped_file() -> PathBuf {
    std::env::temp_dir().join(format!("salamander-skipped-{}", std::process::id()))
}
