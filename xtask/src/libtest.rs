//! What Rust's test harness prints, counted.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// The output of any number of test binaries, read line by line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub counts: Counts,
    /// The names of tests that failed.
    pub failed: Vec<String>,
    /// What was left out, with the reason where one is given.
    pub skipped: Vec<String>,
}

impl Report {
    /// Takes one line.
    pub fn line(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(result) = line.strip_prefix("test result: ") {
            self.counts += counts(result);
        } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|test| test.rsplit_once(" ... ")) {
            if outcome == "FAILED" {
                self.failed.push(name.to_owned());
            } else if let Some(reason) = outcome.strip_prefix("ignored") {
                let reason = reason.trim_start_matches([',', ' ']);
                let reason = if reason.is_empty() { "marked as ignored" } else { reason };
                self.skipped.push(format!("{name}: {reason}"));
            }
        }
    }

    /// Tests that found only when they ran that they cannot run here: one line each, `name: reason`. They count as passed
    /// to the harness.
    pub fn found_impossible(&mut self, lines: &str) {
        for line in lines.lines().filter(|line| !line.is_empty()) {
            self.counts.passed = self.counts.passed.saturating_sub(1);
            self.counts.skipped += 1;
            self.skipped.push(line.to_owned());
        }
    }
}

/// The numbers of `ok. 3 passed; 0 failed; 1 ignored; ...`.
fn counts(result: &str) -> Counts {
    let number = |what: &str| {
        let part = result.split([';', '.']).map(str::trim).find_map(|part| part.strip_suffix(what));
        part.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    Counts { passed: number("passed"), failed: number("failed"), skipped: number("ignored") }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 4 tests
test uri::forms::every_form_is_read ... ok
test slow ... ignored, takes an hour; `cargo xtask soak` runs it
test plain ... ignored
test broken ... FAILED

test result: FAILED. 1 passed; 1 failed; 2 ignored; 0 measured; 7 filtered out; finished in 0.01s

     Running unittests src/lib.rs (target/debug/deps/x-1)
test src/lib.rs - Dict (line 3) ... ok
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s
";

    fn report() -> Report {
        let mut report = Report::default();
        OUTPUT.lines().for_each(|line| report.line(line));
        report
    }

    #[test]
    fn binaries_are_summed_up() {
        let report = report();
        assert_eq!(report.counts.to_string(), "13 passed, 1 failed, 2 skipped");
        assert_eq!(report.failed, ["broken"]);
        assert_eq!(report.skipped, ["slow: takes an hour; `cargo xtask soak` runs it", "plain: marked as ignored"]);
    }

    #[test]
    fn tests_that_could_not_run_did_not_pass() {
        let mut report = report();
        report.found_impossible("ipv6_works: no IPv6 here\n\n");
        assert_eq!(report.counts, Counts { passed: 12, failed: 1, skipped: 3 });
        assert_eq!(report.skipped[2], "ipv6_works: no IPv6 here");
    }
}
