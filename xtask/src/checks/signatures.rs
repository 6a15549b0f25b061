//! No driver's type stands in a public signature: a driver can be exchanged without anybody's noticing.
//!
//! What is `pub` is taken for reachable, which the lint `unreachable_pub` sees to. Types are known by the paths and imports of
//! their file; what a macro renders is not seen.

use std::collections::{HashMap, HashSet};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Fields, ImplItem, Item, Signature, TraitItem, Type, UseTree, Visibility};

use super::Finding;
use super::source::{Source, attributes, is_test};

/// The crates that are hidden.
const DRIVERS: &[&str] = &[
    "axum",
    "fancy_regex",
    "flate2",
    "hyper",
    "hyper_util",
    "jiff",
    "lapin",
    "quick_xml",
    "redis",
    "regex",
    "rusqlite",
    "rustls",
    "tokio_postgres",
    "tokio_rusqlite",
    "tokio_rustls",
    "toml",
    "tower_http",
    "zeromq",
];

pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut known: HashMap<&str, Known> = HashMap::new();
    for source in sources {
        known.entry(&source.package).or_default().collect(&source.file.items);
    }
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test() && source.package != "salamander-cli") {
        let mut names = HashMap::new();
        imports(&source.file.items, &mut names);
        let known = &known[&*source.package];
        Scan { source, names: &names, known, findings: &mut findings }.items(&source.file.items);
    }
    findings
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What is public of a package, by name.
#[derive(Default)]
struct Known {
    /// Public types and traits.
    public: HashSet<String>,
    /// Traits that nobody outside can name, nor call the methods of.
    private_traits: HashSet<String>,
}

impl Known {
    fn collect(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Struct(item) if is_public(&item.vis) => drop(self.public.insert(item.ident.to_string())),
                Item::Enum(item) if is_public(&item.vis) => drop(self.public.insert(item.ident.to_string())),
                Item::Trait(item) if is_public(&item.vis) => drop(self.public.insert(item.ident.to_string())),
                Item::Trait(item) => drop(self.private_traits.insert(item.ident.to_string())),
                Item::Mod(item) => {
                    if let Some((_, items)) = &item.content {
                        self.collect(items);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The names of a file that stand for something of a driver, each with the driver.
fn imports(items: &[Item], names: &mut HashMap<String, &'static str>) {
    for item in items {
        match item {
            Item::Use(item) => import(&item.tree, None, names),
            Item::Type(item) if !is_public(&item.vis) => {
                if let Type::Path(path) = &*item.ty
                    && let Some(driver) =
                        path.path.segments.first().and_then(|first| driver(&first.ident.to_string()))
                {
                    names.insert(item.ident.to_string(), driver);
                }
            }
            Item::Mod(item) => {
                if let Some((_, items)) = &item.content {
                    imports(items, names);
                }
            }
            _ => {}
        }
    }
}

fn import(tree: &UseTree, of: Option<&'static str>, names: &mut HashMap<String, &'static str>) {
    let known = |name: &syn::Ident| of.or_else(|| driver(&name.to_string()));
    let mut insert = |name: &syn::Ident, of: Option<&'static str>| {
        if let Some(of) = of {
            names.insert(name.to_string(), of);
        }
    };
    match tree {
        UseTree::Path(path) if is_own(&path.ident) => {}
        UseTree::Path(path) => import(&path.tree, known(&path.ident), names),
        UseTree::Name(name) => insert(&name.ident, known(&name.ident)),
        UseTree::Rename(name) => insert(&name.rename, known(&name.ident)),
        UseTree::Group(group) => group.items.iter().for_each(|tree| import(tree, of, names)),
        _ => {}
    }
}

/// Whether a path leads into this crate: a module may have the name of its driver.
fn is_own(name: &syn::Ident) -> bool {
    name == "crate" || name == "self" || name == "super"
}

fn driver(name: &str) -> Option<&'static str> {
    DRIVERS.iter().copied().find(|driver| *driver == name)
}

struct Scan<'a> {
    source: &'a Source,
    names: &'a HashMap<String, &'static str>,
    known: &'a Known,
    findings: &'a mut Vec<Finding>,
}

impl Scan<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_public(&item.vis) => self.signature(&item.sig),
            Item::Struct(item) if is_public(&item.vis) => {
                self.visit_generics(&item.generics);
                self.fields(&item.fields, false);
            }
            Item::Enum(item) if is_public(&item.vis) => {
                self.visit_generics(&item.generics);
                item.variants.iter().for_each(|variant| self.fields(&variant.fields, true));
            }
            Item::Type(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Static(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Trait(item) if is_public(&item.vis) => {
                self.visit_generics(&item.generics);
                item.supertraits.iter().for_each(|bound| self.visit_type_param_bound(bound));
                for item in &item.items {
                    match item {
                        TraitItem::Fn(item) => self.signature(&item.sig),
                        TraitItem::Type(item) => item.bounds.iter().for_each(|b| self.visit_type_param_bound(b)),
                        TraitItem::Const(item) => self.visit_type(&item.ty),
                        _ => {}
                    }
                }
            }
            Item::Use(item) if is_public(&item.vis) => self.reexport(&item.tree),
            Item::Impl(item) => self.implementation(item),
            Item::Mod(item) => {
                if let Some((_, items)) = &item.content {
                    self.items(items);
                }
            }
            _ => {}
        }
    }

    fn implementation(&mut self, item: &syn::ItemImpl) {
        let of_trait = item.trait_.as_ref().map(|(path, ..)| path);
        let name = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let own = matches!(&*item.self_ty, Type::Path(path) if self.known.public.contains(&name(&path.path)));
        let own_trait = of_trait.is_some_and(|path| self.known.public.contains(&name(path)));
        let private_trait = of_trait.is_some_and(|path| self.known.private_traits.contains(&name(path)));
        if private_trait || !own && !own_trait {
            return;
        }
        if let Some(path) = of_trait {
            self.visit_path(path);
            self.visit_type(&item.self_ty);
        }
        for member in &item.items {
            match member {
                ImplItem::Fn(member) if of_trait.is_some() || is_public(&member.vis) => self.signature(&member.sig),
                ImplItem::Type(member) => self.visit_type(&member.ty),
                ImplItem::Const(member) if of_trait.is_some() || is_public(&member.vis) => {
                    self.visit_type(&member.ty);
                }
                _ => {}
            }
        }
    }

    fn signature(&mut self, signature: &Signature) {
        self.visit_generics(&signature.generics);
        signature.inputs.iter().for_each(|input| self.visit_fn_arg(input));
        self.visit_return_type(&signature.output);
    }

    fn fields(&mut self, fields: &Fields, all: bool) {
        for field in fields.iter().filter(|field| all || is_public(&field.vis)) {
            self.visit_type(&field.ty);
        }
    }

    fn reexport(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) if is_own(&path.ident) => {}
            UseTree::Path(path) => match driver(&path.ident.to_string()) {
                Some(driver) => self.found(driver, path.ident.span()),
                None => self.reexport(&path.tree),
            },
            UseTree::Name(name) => {
                if let Some(driver) = driver(&name.ident.to_string()) {
                    self.found(driver, name.ident.span());
                }
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.reexport(tree)),
            _ => {}
        }
    }

    fn found(&mut self, driver: &str, span: proc_macro2::Span) {
        self.findings.push(Finding::new(
            self.source.at(span),
            format!("something of {driver} is part of what is public"),
            "wrap it in a type of ours, or make the item pub(crate): the driver may be exchanged one day",
        ));
    }
}

impl<'ast> Visit<'ast> for Scan<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            let first = first.ident.to_string();
            if let Some(driver) = driver(&first).or_else(|| self.names.get(&first).copied()) {
                self.found(driver, path.span());
            }
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::source::testing::source;

    fn of(text: &str) -> usize {
        check(&[source("salamander-net", "crates/net/src/a.rs", text)]).len()
    }

    #[test]
    fn drivers_in_signatures_are_found() {
        for text in [
            "pub fn a() -> rusqlite::Connection { b() }",
            "use rusqlite::Connection; pub fn a(b: &mut Connection) {}",
            "use rusqlite as db; pub fn a(b: Vec<db::Row<'_>>) {}",
            "type Db = rusqlite::Connection; pub fn a(b: Db) {}",
            "pub struct A { pub b: Option<jiff::Zoned> }",
            "pub enum A { B(redis::Client) }",
            "pub type A = axum::Router;",
            "pub use rustls::ServerConfig;",
            "pub trait A { fn b(&self, c: lapin::Channel); }",
            "pub struct A; impl A { pub fn b(&self) -> fancy_regex::Regex { c() } }",
            "pub struct E; impl From<rusqlite::Error> for E { fn from(e: u8) -> Self { E } }",
            "pub struct A; impl Iterator for A { type Item = toml::Value; }",
            "pub fn a<T: Into<jiff::Timestamp>>(b: T) {}",
        ] {
            assert_eq!(of(text), 1, "{text}");
        }
    }

    #[test]
    fn drivers_inside_are_none_of_anybodys_business() {
        for text in [
            "use rusqlite::Connection; pub struct A { b: Connection }",
            "pub(crate) fn a() -> rusqlite::Connection { b() }",
            "pub struct A; impl A { fn b(&self) -> fancy_regex::Regex { c() } }",
            "trait T {} pub struct A; impl T for A { fn b(c: toml::Value) {} }",
            "struct E; impl From<rusqlite::Error> for E { fn from(e: u8) -> Self { E } }",
            "pub fn a() { let b: rusqlite::Connection = c(); }",
            "#[cfg(test)] mod tests { pub fn a() -> rusqlite::Connection { b() } }",
            "pub fn redis() -> String { String::new() }",
            "mod redis; use crate::redis::Place; pub use self::redis::RedisBroker; pub fn a(b: Place) {}",
        ] {
            assert_eq!(of(text), 0, "{text}");
        }
    }
}
