//! A door knows no other door, and the registry knows no protocol.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use super::{Finding, Source};

/// The crate in which each directory is one protocol.
const PROTOCOLS: &str = "salamander-wire";

/// Crates that know no protocol, and what they may not name.
const IGNORANT: &[&str] = &["salamander-object", "salamander-codec", "salamander-value"];
const UPPER: &[&str] =
    &["salamander_wire", "salamander_net", "salamander_files", "salamander_http", "salamander_tasks", "salamander"];

pub fn check(sources: &[Source]) -> Vec<Finding> {
    let protocols: BTreeSet<String> = sources
        .iter()
        .filter(|source| source.package == PROTOCOLS)
        .filter_map(|source| protocol(source).map(str::to_owned))
        .collect();
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let mut names = Names(Vec::new());
        names.visit_file(&source.file);
        for name in names.0 {
            let text = name.to_string();
            let named_protocol = protocols.contains(&text);
            if IGNORANT.contains(&&*source.package) && (named_protocol || UPPER.contains(&&*text)) {
                findings.push(Finding::new(
                    source.at(name.span()),
                    format!("{} names `{text}`", source.package),
                    "calls and values know no protocol: let the door translate, in salamander-net",
                ));
            }
            let own = protocol(source);
            if source.package == PROTOCOLS && named_protocol && own.is_some_and(|own| own != text) {
                findings.push(Finding::new(
                    source.at(name.span()),
                    format!("{} names {text}", own.unwrap_or_default()),
                    "a protocol knows no other: what both need belongs into the root of the crate",
                ));
            }
        }
    }
    findings
}

/// The directory below `src`, for the files of a protocol.
fn protocol(source: &Source) -> Option<&str> {
    let mut parts = source.path.iter().skip_while(|part| *part != "src").skip(1);
    let first = parts.next()?;
    parts.next().and_then(|_| first.to_str())
}

/// All identifiers of paths.
struct Names(Vec<syn::Ident>);

impl<'ast> Visit<'ast> for Names {
    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        self.0.push(segment.ident.clone());
        visit::visit_path_segment(self, segment);
    }

    fn visit_use_path(&mut self, path: &'ast syn::UsePath) {
        self.0.push(path.ident.clone());
        visit::visit_use_path(self, path);
    }

    fn visit_use_name(&mut self, name: &'ast syn::UseName) {
        self.0.push(name.ident.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::source::testing::source;

    #[test]
    fn protocols_that_know_each_other_are_found() {
        let pyro5 = source("salamander-wire", "crates/wire/src/pyro5/mod.rs", "use crate::WireError;");
        let pyro4 = |text| source("salamander-wire", "crates/wire/src/pyro4/mod.rs", text);
        let root = source("salamander-wire", "crates/wire/src/lib.rs", "pub mod pyro4; pub use pyro5::Header;");
        assert_eq!(check(&[pyro5, pyro4("fn a() { super::pyro4::b() }"), root]), []);
        let pyro5 = source("salamander-wire", "crates/wire/src/pyro5/mod.rs", "");
        let found = check(&[pyro5, pyro4("\nuse crate::pyro5::{Header, Flags};")]);
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].place, &*found[0].wrong), ("crates/wire/src/pyro4/mod.rs:2", "pyro4 names pyro5"));
    }

    #[test]
    fn a_registry_that_knows_a_protocol_is_found() {
        let wire = source("salamander-wire", "crates/wire/src/pyro5/mod.rs", "");
        let registry = "use salamander_wire::pyro5::Header; fn a() { let text = \"pyro5\"; }";
        let object = source("salamander-object", "crates/object/src/registry.rs", registry);
        let found = check(&[wire, object]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].wrong, "salamander-object names `salamander_wire`");
    }
}
