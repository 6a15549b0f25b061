//! Every licence in the tree is permitted.

use super::Finding;
use crate::metadata::Metadata;

/// Licences that ask for nothing but to be named.
const PERMITTED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "CC0-1.0",
    "BSL-1.0",
];

/// Packages under other licences, each with the reason why that is all right.
const WITH_REASON: &[(&str, &str, &str)] = &[(
    "libbz2-rs-sys",
    "bzip2-1.0.6",
    "BSD's terms in bzip2's words: name it, and do not pass changes off as the original",
)];

pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or_default();
        let excepted = WITH_REASON.iter().any(|(name, of, _)| *name == package.name && *of == licence);
        if excepted || permits(licence) {
            continue;
        }
        let shown = match (licence, &package.license_file) {
            ("", Some(file)) => format!("its licence is the text in {file}"),
            ("", None) => "it names no licence".to_owned(),
            (licence, _) => format!("its licence is {licence}"),
        };
        findings.push(Finding::new(
            format!("{} {}", package.name, package.version),
            shown,
            "use another crate, or list it with a reason in xtask/src/checks/licences.rs",
        ));
    }
    findings
}

/// Whether a licence expression can be met by permitted licences alone.
fn permits(expression: &str) -> bool {
    let expression = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let mut parser = Parser { words: &words };
    parser.any() == Some(true) && parser.words.is_empty()
}

/// Reads an expression from the left; what is none is `None`.
struct Parser<'w> {
    words: &'w [&'w str],
}

impl Parser<'_> {
    fn eat(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn any(&mut self) -> Option<bool> {
        let mut permitted = self.all()?;
        while self.eat("OR") {
            permitted |= self.all()?;
        }
        Some(permitted)
    }

    fn all(&mut self) -> Option<bool> {
        let mut permitted = self.one()?;
        while self.eat("AND") {
            permitted &= self.one()?;
        }
        Some(permitted)
    }

    fn one(&mut self) -> Option<bool> {
        if self.eat("(") {
            let permitted = self.any()?;
            return self.eat(")").then_some(permitted);
        }
        let (name, rest) = self.words.split_first()?;
        self.words = rest;
        if let ["WITH", exception, rest @ ..] = rest {
            self.words = rest;
            return Some(PERMITTED.contains(&&*format!("{name} WITH {exception}")));
        }
        Some(PERMITTED.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::layers::tests::workspace;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
            "GPL-3.0-only OR (MIT AND BSD-3-Clause)",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(permits(good), "{good}");
        }
        for bad in ["", "GPL-3.0-only", "MIT AND GPL-2.0-only", "MPL-2.0", "MIT OR", "(MIT", "MIT WITH x", "MIT MIT"]
        {
            assert!(!permits(bad), "{bad}");
        }
    }

    #[test]
    fn a_package_without_a_licence_is_found() {
        let mut metadata = workspace(&[("good", &[]), ("bad", &[])]);
        metadata.packages[0].license = Some("MIT".to_owned());
        let found = check(&metadata);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].wrong, "it names no licence");
    }
}
