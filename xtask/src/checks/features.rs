//! Features only add, and every set of them builds.

use std::path::Path;

use super::Finding;
use crate::cargo;
use crate::metadata::Metadata;

const FACADE: &str = "salamander";

pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.product() {
        for feature in package.features.keys() {
            if ["no-", "no_", "without-", "disable-"].iter().any(|prefix| feature.starts_with(prefix)) {
                findings.push(Finding::new(
                    &package.name,
                    format!("the feature `{feature}` takes something away"),
                    "let a feature add what this one takes away: Cargo turns on all that anybody asks for",
                ));
            }
        }
        if package.name == FACADE && package.features.get("default").is_none_or(|default| default != &["objects"]) {
            findings.push(Finding::new(
                FACADE,
                format!("its default features are {:?}", package.features.get("default")),
                "default = [\"objects\"]: what is new is asked for by name",
            ));
        }
    }
    findings
}

/// Builds the facade with none of its features, with the default ones and with all.
pub fn build(root: &Path) -> Vec<Finding> {
    let sets: [&[&str]; 3] = [&["--no-default-features"], &[], &["--all-features"]];
    let mut findings = Vec::new();
    for flags in sets {
        let mut command = cargo();
        command.args(["check", "--quiet", "--lib", "--package", FACADE]).args(flags).current_dir(root);
        let failed = match command.output() {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(said) = failed {
            let place = format!("{FACADE} {}", flags.first().unwrap_or(&"with its default features"));
            findings.push(Finding::new(place, format!("does not build:\n{said}"), "every set of features has to"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::layers::tests::workspace;

    #[test]
    fn features_that_take_away_and_other_defaults_are_found() {
        let mut metadata = workspace(&[("salamander", &[])]);
        let features = &mut metadata.packages[0].features;
        features.insert("default".to_owned(), vec!["objects".to_owned()]);
        features.insert("objects".to_owned(), Vec::new());
        assert_eq!(check(&metadata), []);
        metadata.packages[0].features.insert("no-tls".to_owned(), Vec::new());
        assert_eq!(check(&metadata)[0].wrong, "the feature `no-tls` takes something away");
        metadata.packages[0].features.remove("no-tls");
        metadata.packages[0].features.insert("default".to_owned(), Vec::new());
        assert_eq!(check(&metadata)[0].wrong, "its default features are Some([])");
    }
}
