//! Values, codecs and frames do no I/O, and read no clock, randomness, time zone or environment.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;
use super::source::{Source, attributes, is_test};
use crate::metadata::{Metadata, Package};

/// The crates, and what each may be built on: nothing in these lists reads anything of the outer world.
const SANS_IO: &[(&str, &[&str])] = &[
    (
        "salamander-value",
        &[
            "base64",
            "bytes",
            "compact_str",
            "hashbrown",
            "itoa",
            "memchr",
            "num-bigint",
            "num-traits",
            "ryu",
            "serde",
            "uuid",
        ],
    ),
    (
        "salamander-codec",
        &[
            "base64",
            "bytes",
            "itoa",
            "memchr",
            "num-bigint",
            "num-traits",
            "ryu",
            "salamander-value",
            "saphyr-parser",
            "serde",
            "uuid",
        ],
    ),
    (
        "salamander-wire",
        &[
            "base64",
            "brotli",
            "bytes",
            "bzip2",
            "flate2",
            "hmac",
            "lzma-rust2",
            "md-5",
            "memchr",
            "ruzstd",
            "salamander-codec",
            "salamander-value",
            "sha1",
            "sha2",
            "sha3",
            "uuid",
        ],
    ),
];

/// Features of those that read a clock or randomness.
const IMPURE_FEATURES: &[(&str, &[&str])] =
    &[("uuid", &["v1", "v4", "v6", "v7", "rng", "fast-rng", "rng-getrandom", "rng-rand"]), ("num-bigint", &["rand"])];

/// What the standard library has for it. Reading a clock is found by clippy, which knows types.
const IMPURE_PATHS: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "net", "TcpStream"],
    &["std", "net", "TcpListener"],
    &["std", "net", "UdpSocket"],
    &["std", "net", "ToSocketAddrs"],
    &["std", "os"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
    &["std", "io", "stderr"],
];

/// What clippy is told to find.
const LINT: &str = "disallowed_methods";
const DISALLOWED: &[&str] =
    &["std::time::SystemTime::now", "std::time::Instant::now", "std::env::var", "std::env::var_os", "std::env::vars"];

pub fn check(metadata: &Metadata, sources: &[Source], clippy: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, allowed) in SANS_IO {
        for package in metadata.product().filter(|package| package.name == *name) {
            dependencies(package, allowed, &mut findings);
        }
        for source in sources.iter().filter(|source| source.package == *name && !source.is_test()) {
            Impure { source, findings: &mut findings }.visit_file(&source.file);
        }
    }
    for method in DISALLOWED.iter().filter(|method| !clippy.contains(&format!("\"{method}\""))) {
        findings.push(Finding::new(
            "clippy.toml",
            format!("`{method}` is missing among the disallowed methods"),
            "put it back: that list keeps clocks and the environment out of the sans-io crates",
        ));
    }
    findings
}

fn dependencies(package: &Package, allowed: &[&str], findings: &mut Vec<Finding>) {
    for dependency in package.built_on() {
        if !allowed.contains(&&*dependency.name) {
            findings.push(Finding::new(
                &package.name,
                format!("is built on {}", dependency.name),
                "hand in what it needs; or, if that crate reads nothing of the outer world, list it in \
                 xtask/src/checks/sans_io.rs",
            ));
        }
        let impure =
            IMPURE_FEATURES.iter().find(|(name, _)| *name == dependency.name).map_or(&[][..], |(_, all)| all);
        for feature in dependency.features.iter().filter(|feature| impure.contains(&&***feature)) {
            findings.push(Finding::new(
                &package.name,
                format!("is built on {} with the feature {feature}", dependency.name),
                "leave the feature to salamander-net, and hand in what it makes",
            ));
        }
    }
}

/// Looks for paths into the outer world, and for the lint being switched off.
struct Impure<'a> {
    source: &'a Source,
    findings: &'a mut Vec<Finding>,
}

impl Impure<'_> {
    fn path(&mut self, names: &[String], span: proc_macro2::Span) {
        let impure =
            IMPURE_PATHS.iter().find(|path| names.len() >= path.len() && path.iter().zip(names).all(|(a, b)| a == b));
        if let Some(path) = impure {
            self.findings.push(Finding::new(
                self.source.at(span),
                format!("{} uses {}", self.source.package, path.join("::")),
                "hand in what it needs: this crate does no I/O",
            ));
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        match tree {
            syn::UseTree::Path(path) => {
                let names = [before, &[path.ident.to_string()]].concat();
                self.tree(&path.tree, &names);
            }
            syn::UseTree::Name(name) => self.path(&[before, &[name.ident.to_string()]].concat(), name.span()),
            syn::UseTree::Rename(name) => self.path(&[before, &[name.ident.to_string()]].concat(), name.span()),
            syn::UseTree::Glob(glob) => self.path(before, glob.span()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Impure<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let off = ["allow", "expect", "warn"].iter().any(|level| attribute.path().is_ident(level));
        let mut named = false;
        let _ = attribute.parse_nested_meta(|meta| {
            named |= meta.path.segments.last().is_some_and(|last| last.ident == LINT);
            if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Lit>()?;
            }
            Ok(())
        });
        if off && named {
            self.findings.push(Finding::new(
                self.source.at(attribute.span()),
                format!("clippy::{LINT} is switched off"),
                "hand in the time, the environment and the like: this crate reads none",
            ));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&names, path.span());
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::layers::tests::workspace;
    use crate::checks::source::testing::source;

    const CLIPPY: &str = "\"std::time::SystemTime::now\" \"std::time::Instant::now\" \"std::env::var\" \
                          \"std::env::var_os\" \"std::env::vars\"";

    fn of(text: &str) -> Vec<String> {
        let sources = [source("salamander-wire", "crates/wire/src/lib.rs", text)];
        let found = check(&workspace(&[]), &sources, CLIPPY);
        found.into_iter().map(|finding| finding.wrong).collect()
    }

    #[test]
    fn paths_into_the_outer_world_are_found() {
        assert_eq!(of("use std::{fmt, net::{SocketAddr, TcpStream}};"), ["salamander-wire uses std::net::TcpStream"]);
        assert_eq!(of("fn a() { std::fs::read(\"x\"); }"), ["salamander-wire uses std::fs"]);
        assert_eq!(of("use std::env::*;"), ["salamander-wire uses std::env"]);
        assert!(
            of("use std::net::SocketAddr; use std::io::Error; #[cfg(test)] mod tests { use std::fs; }").is_empty()
        );
    }

    #[test]
    fn switching_the_lint_off_is_found() {
        assert_eq!(of("#![allow(clippy::disallowed_methods)]"), ["clippy::disallowed_methods is switched off"]);
        assert_eq!(of("#[expect(clippy::disallowed_methods, reason = \"x\")] fn a() {}").len(), 1);
        assert!(of("#![deny(clippy::disallowed_methods)] #![allow(dead_code)]").is_empty());
    }

    #[test]
    fn dependencies_that_read_the_outer_world_are_found() {
        let mut metadata = workspace(&[("salamander-value", &[("uuid", None), ("proptest", Some("dev"))])]);
        assert_eq!(check(&metadata, &[], CLIPPY), []);
        metadata.packages[0].dependencies[0].features.push("v4".to_owned());
        assert_eq!(check(&metadata, &[], CLIPPY)[0].wrong, "is built on uuid with the feature v4");
        let metadata = workspace(&[("salamander-codec", &[("tokio", None)])]);
        assert_eq!(check(&metadata, &[], CLIPPY)[0].wrong, "is built on tokio");
    }

    #[test]
    fn a_shortened_list_of_clippy_is_found() {
        assert_eq!(check(&workspace(&[]), &[], "").len(), DISALLOWED.len());
    }
}
