//! The product builds with Rust and a C compiler alone.

use super::Finding;
use crate::metadata::Metadata;

/// Crates that want a library of the system, cmake, perl or protoc.
const FORBIDDEN: &[(&str, &str)] = &[
    ("aws-lc-sys", "use rustls with ring"),
    ("aws-lc-rs", "use rustls with ring"),
    ("openssl-sys", "use rustls with ring"),
    ("native-tls", "use rustls with ring"),
    ("zmq-sys", "use a ZeroMQ that is written in Rust"),
    ("zeromq-src", "use a ZeroMQ that is written in Rust"),
    ("cmake", "use a crate that builds without cmake"),
    ("bindgen", "use a crate that has its bindings ready: bindgen wants clang"),
    ("prost-build", "generate the code and commit it: this wants protoc"),
    ("libz-sys", "use flate2 with its backend in Rust"),
];

/// Crates that link a library; those that bring its source along.
const BRING_THEIR_OWN: &[&str] = &["libsqlite3-sys", "ring"];

pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.built_with(metadata.product()) {
        let place = format!("{} {}", package.name, package.version);
        if let Some((_, instead)) = FORBIDDEN.iter().find(|(name, _)| *name == package.name) {
            findings.push(Finding::new(place, "is in the product's tree", *instead));
        } else if let Some(library) = &package.links
            && package.name.ends_with("-sys")
            && !BRING_THEIR_OWN.contains(&&*package.name)
        {
            findings.push(Finding::new(
                place,
                format!("links the library {library} of the system"),
                "use a crate that brings its own, and list it in xtask/src/checks/native.rs",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::layers::tests::workspace;
    use crate::metadata::{DepKind, Node, NodeDep};

    fn tree(dependency: &str, kind: Option<&str>) -> Metadata {
        let mut metadata = workspace(&[("salamander-net", &[]), (dependency, &[])]);
        metadata.packages[1].manifest_path = "/registry/x/Cargo.toml".into();
        metadata.workspace_members.pop();
        metadata.resolve.nodes = vec![Node {
            id: "salamander-net".to_owned(),
            deps: vec![NodeDep {
                pkg: dependency.to_owned(),
                dep_kinds: vec![DepKind { kind: kind.map(str::to_owned) }],
            }],
        }];
        metadata
    }

    #[test]
    fn what_wants_a_foreign_tool_is_found_where_the_product_is_built_with_it() {
        assert_eq!(check(&tree("openssl-sys", None)).len(), 1);
        assert_eq!(check(&tree("cmake", Some("build"))).len(), 1);
        assert_eq!(check(&tree("cmake", Some("dev"))), []);
        assert_eq!(check(&tree("serde", None)), []);
    }

    #[test]
    fn a_library_of_the_system_is_found() {
        let mut metadata = tree("usb-sys", None);
        assert_eq!(check(&metadata), []);
        metadata.packages[1].links = Some("usb".to_owned());
        assert_eq!(check(&metadata)[0].wrong, "links the library usb of the system");
        metadata = tree("libsqlite3-sys", None);
        metadata.packages[1].links = Some("sqlite3".to_owned());
        assert_eq!(check(&metadata), []);
    }
}
