//! Dependencies point downwards only.

use super::Finding;
use crate::metadata::Metadata;

/// Each crate and those of ours that it may be built on.
const MAY_USE: &[(&str, &[&str])] = &[
    ("salamander-value", &[]),
    ("salamander-codec", &["salamander-value"]),
    ("salamander-wire", &["salamander-value", "salamander-codec"]),
    ("salamander-object", &["salamander-value", "salamander-codec"]),
    ("salamander-macros", &[]),
    (
        "salamander-net",
        &["salamander-value", "salamander-codec", "salamander-wire", "salamander-object", "salamander-macros"],
    ),
    (
        "salamander-http",
        &[
            "salamander-value",
            "salamander-codec",
            "salamander-wire",
            "salamander-object",
            "salamander-net",
            "salamander-macros",
        ],
    ),
    (
        "salamander-files",
        &["salamander-value", "salamander-codec", "salamander-object", "salamander-net", "salamander-macros"],
    ),
    (
        "salamander-tasks",
        &[
            "salamander-value",
            "salamander-codec",
            "salamander-wire",
            "salamander-object",
            "salamander-net",
            "salamander-macros",
        ],
    ),
    (
        "salamander",
        &[
            "salamander-value",
            "salamander-codec",
            "salamander-wire",
            "salamander-object",
            "salamander-net",
            "salamander-files",
            "salamander-http",
            "salamander-tasks",
            "salamander-macros",
        ],
    ),
    ("salamander-cli", &["salamander"]),
];

pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let ours: Vec<&str> = metadata.members().map(|package| &*package.name).collect();
    let mut findings = Vec::new();
    for package in metadata.product() {
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            findings.push(Finding::new(
                &package.name,
                "a crate that has no layer",
                "say what it may use, in the table of xtask/src/checks/layers.rs and in ARCHITECTURE.md",
            ));
            continue;
        };
        for dependency in package.built_on().map(|dependency| &*dependency.name) {
            if ours.contains(&dependency) && !may_use.contains(&dependency) {
                let allowed = if may_use.is_empty() { "nothing of ours".to_owned() } else { may_use.join(", ") };
                findings.push(Finding::new(
                    &package.name,
                    format!("is built on {dependency}"),
                    format!("it may use {allowed}: move the code to the layer that it belongs to"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::metadata::{Dependency, Package, Resolve};

    /// A crate and its dependencies, each with its kind.
    type Crate<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)]);

    /// A workspace of these crates.
    pub(crate) fn workspace(crates: &[Crate<'_>]) -> Metadata {
        let package = |(name, dependencies): &Crate<'_>| Package {
            id: (*name).to_owned(),
            name: (*name).to_owned(),
            manifest_path: format!("/repository/crates/{name}/Cargo.toml").into(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(str::to_owned),
                    ..Dependency::default()
                })
                .collect(),
            ..Package::default()
        };
        Metadata {
            packages: crates.iter().map(package).collect(),
            resolve: Resolve::default(),
            workspace_members: crates.iter().map(|(name, _)| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn upwards_is_wrong_and_downwards_is_right() {
        let good = workspace(&[
            ("salamander-value", &[("serde", None)]),
            ("salamander-codec", &[("salamander-value", None)]),
            ("salamander-object", &[("salamander-codec", None), ("salamander-net", Some("dev"))]),
            ("salamander-net", &[("salamander-object", None)]),
        ]);
        assert_eq!(check(&good), []);
        let bad = workspace(&[("salamander-object", &[("salamander-net", None)]), ("salamander-net", &[])]);
        let found = check(&bad);
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].place, &*found[0].wrong), ("salamander-object", "is built on salamander-net"));
        let bad = workspace(&[("salamander-value", &[("salamander", Some("build"))]), ("salamander", &[])]);
        assert_eq!(check(&bad).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_layer() {
        assert_eq!(check(&workspace(&[("salamander-unheard-of", &[])]))[0].wrong, "a crate that has no layer");
    }
}
