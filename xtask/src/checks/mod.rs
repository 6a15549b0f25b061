//! `cargo xtask checks`: the structure of the project, which no compiler checks.
//!
//! Each check is a function from what it looks at to the [`Finding`]s in it, so that it can be shown to find something.

mod doors;
mod features;
mod layers;
mod licences;
mod native;
mod panics;
mod sans_io;
mod signatures;
mod sizes;
mod source;

use std::fmt;
use std::path::Path;

use crate::metadata::Metadata;
use source::Source;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file and line, or the package.
    pub place: String,
    pub wrong: String,
    /// What would be right.
    pub right: String,
    /// It is only to be thought about.
    pub warning: bool,
}

impl Finding {
    pub fn new(place: impl Into<String>, wrong: impl Into<String>, right: impl Into<String>) -> Self {
        Self { place: place.into(), wrong: wrong.into(), right: right.into(), warning: false }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, wrong, warning, .. } = self;
        let kind = if *warning { "warning" } else { "error" };
        write!(f, "{kind}: {place}: {wrong}")
    }
}

/// Runs all checks and prints what they find.
pub fn run(root: &Path) -> Result<(), String> {
    let metadata = Metadata::load(root)?;
    let sources = source::load(root, &metadata)?;
    let clippy = std::fs::read_to_string(root.join("clippy.toml")).unwrap_or_default();
    let checks: [(&str, Vec<Finding>); 10] = [
        ("layers depend downwards only", layers::check(&metadata)),
        ("the sans-io crates do no I/O", sans_io::check(&metadata, &sources, &clippy)),
        ("nothing is built from C that need not be", native::check(&metadata)),
        ("no driver's type is public", signatures::check(&sources)),
        ("features only add", features::check(&metadata)),
        ("every set of features builds", features::build(root)),
        ("doors know no other door", doors::check(&sources)),
        ("licences are permitted", licences::check(&metadata)),
        ("files are short", sizes::check(&sources)),
        ("nothing panics on purpose", panics::check(&sources)),
    ];
    let mut errors = 0;
    for (name, findings) in checks {
        let wrong = findings.iter().filter(|finding| !finding.warning).count();
        println!("{} {name}", if wrong == 0 { "  ok " } else { " FAIL" });
        for (at, finding) in findings.iter().enumerate() {
            println!("    {finding}");
            // Once for all that are wrong in the same way.
            if findings.get(at + 1).is_none_or(|next| next.right != finding.right) {
                println!("      {}", finding.right);
            }
        }
        errors += wrong;
    }
    if errors == 0 { Ok(()) } else { Err(format!("{errors} things are not as they should be")) }
}
