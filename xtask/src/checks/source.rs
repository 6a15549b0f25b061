//! The sources that are checked, parsed.

use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::{Attribute, Item};

use crate::metadata::Metadata;

/// One file of the product.
pub struct Source {
    /// The package, as `salamander-net`.
    pub package: String,
    /// Below the root of the repository.
    pub path: PathBuf,
    pub text: String,
    pub file: syn::File,
}

impl Source {
    pub fn parse(package: &str, path: impl Into<PathBuf>, text: &str) -> Result<Self, String> {
        let path = path.into();
        let file = syn::parse_file(text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { package: package.to_owned(), path, text: text.to_owned(), file })
    }

    /// The file and the line.
    pub fn at(&self, span: Span) -> String {
        format!("{}:{}", self.path.display(), span.start().line)
    }

    /// Whether it is compiled for tests only; by the project's habit such a file is called so.
    pub fn is_test(&self) -> bool {
        let name = self.path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        matches!(name, "tests" | "testing") || !self.path.components().any(|part| part.as_os_str() == "src")
    }
}

/// All files of the product.
pub fn load(root: &Path, metadata: &Metadata) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for package in metadata.product() {
        let mut paths = Vec::new();
        collect(package.directory(), &mut paths).map_err(|error| format!("{}: {error}", package.name))?;
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            sources.push(Source::parse(&package.name, path.strip_prefix(root).unwrap_or(&path), &text)?);
        }
    }
    Ok(sources)
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            // What compile-fail tests are fed with is wrong on purpose.
            if !path.ends_with("target") && !path.ends_with("ui") {
                collect(&path, paths)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Whether attributes say that something is there for tests only.
pub fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.segments.last().is_some_and(|last| last.ident == "test") {
            return true;
        }
        let mut test = false;
        if path.is_ident("cfg") {
            let _ = attribute.parse_nested_meta(|meta| {
                test |= meta.path.is_ident("test");
                Ok(())
            });
        }
        test
    })
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::Source;

    /// A made-up file.
    pub(crate) fn source(package: &str, path: &str, text: &str) -> Source {
        Source::parse(package, path, text).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_tests_is_known() {
        let file = syn::parse_file(
            "#[cfg(test)] mod a {} #[test] fn b() {} #[tokio::test] async fn c() {} #[cfg(unix)] fn d() {} fn e() {}",
        );
        let found: Vec<bool> = file.unwrap().items.iter().map(|item| is_test(attributes(item))).collect();
        assert_eq!(found, [true, true, true, false, false]);
        assert!(testing::source("x", "crates/x/src/a/tests.rs", "").is_test());
        assert!(testing::source("x", "crates/x/tests/a.rs", "").is_test());
        assert!(!testing::source("x", "crates/x/src/a.rs", "").is_test());
    }
}
