//! A file is one concern, and short enough to be read at once.

use super::{Finding, Source};

const WARN_OVER: usize = 400;
const FAIL_OVER: usize = 800;

pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > WARN_OVER {
            let mut finding = Finding::new(
                source.path.display().to_string(),
                format!("has {lines} lines"),
                format!("{WARN_OVER} are plenty, {FAIL_OVER} the limit: give the second concern a file of its own"),
            );
            finding.warning = lines <= FAIL_OVER;
            findings.push(finding);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::source::testing::source;

    #[test]
    fn long_files_are_found_and_very_long_ones_are_wrong() {
        let of = |lines| check(&[source("x", "crates/x/src/a.rs", &"//\n".repeat(lines))]);
        assert_eq!(of(400), []);
        assert!(of(401)[0].warning && of(800)[0].warning);
        assert!(!of(801)[0].warning);
    }
}
