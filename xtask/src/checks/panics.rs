//! Nothing outside tests panics on purpose, unless it says why.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ImplItem, Stmt};

use super::Finding;
use super::source::{Source, attributes, is_test};

const METHODS: &[&str] = &["unwrap", "expect", "unwrap_err", "expect_err", "unwrap_unchecked"];
const MACROS: &[&str] = &["panic", "todo", "unimplemented", "unreachable", "dbg"];

pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Examples show how it is done, too; tests may unwrap.
    let examined =
        |source: &&Source| !source.is_test() || source.path.components().any(|part| part.as_os_str() == "examples");
    for source in sources.iter().filter(examined) {
        Panics { source, findings: &mut findings }.visit_file(&source.file);
    }
    findings
}

struct Panics<'a> {
    source: &'a Source,
    findings: &'a mut Vec<Finding>,
}

impl Panics<'_> {
    fn found(&mut self, what: String, span: proc_macro2::Span) {
        self.findings.push(Finding::new(
            self.source.at(span),
            format!("{what} outside tests"),
            "give an error; or where it cannot happen, `#[expect(clippy::unwrap_used, reason = \"why it cannot\")]`",
        ));
    }
}

/// Whether attributes permit a panic and say why.
fn is_explained(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let (mut panics, mut reason) = (false, false);
        if !attribute.path().is_ident("expect") && !attribute.path().is_ident("allow") {
            return false;
        }
        let _ = attribute.parse_nested_meta(|meta| {
            let lint = meta.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            panics |= ["unwrap_used", "expect_used", "panic", "unreachable", "todo"].contains(&&*lint);
            if meta.path.is_ident("reason") {
                reason = !meta.value()?.parse::<syn::LitStr>()?.value().is_empty();
            }
            Ok(())
        });
        panics && reason
    })
}

impl<'ast> Visit<'ast> for Panics<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = attributes(item);
        if !is_test(attributes) && !is_explained(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let explained = matches!(item, ImplItem::Fn(function) if is_explained(&function.attrs));
        if !explained {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let explained = matches!(statement, Stmt::Local(local) if is_explained(&local.attrs));
        if !explained {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if let Expr::MethodCall(call) = expression {
            let name = call.method.to_string();
            if is_explained(&call.attrs) {
                return;
            }
            if METHODS.contains(&&*name) {
                self.found(format!("`.{name}()`"), call.method.span());
            }
        }
        visit::visit_expr(self, expression);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident().map(ToString::to_string).filter(|name| MACROS.contains(&&**name)) {
            self.found(format!("`{name}!`"), call.span());
        }
        visit::visit_macro(self, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::source::testing::source;

    fn of(text: &str) -> Vec<String> {
        let found = check(&[source("x", "crates/x/src/a.rs", text)]);
        found.into_iter().map(|finding| finding.wrong).collect()
    }

    #[test]
    fn what_panics_is_found() {
        assert_eq!(
            of("fn a() { b().c.unwrap().expect(\"x\"); }"),
            ["`.expect()` outside tests", "`.unwrap()` outside tests"]
        );
        assert_eq!(of("fn a() -> u8 { todo!() }"), ["`todo!` outside tests"]);
        assert_eq!(of("impl A { fn a() { if b { panic!(\"no\") } } }"), ["`panic!` outside tests"]);
        assert!(of("fn a() { b.unwrap_or(1); c.unwrap_or_default(); assert!(d) }").is_empty());
    }

    #[test]
    fn tests_may_unwrap() {
        assert!(of("#[cfg(test)] mod tests { fn a() { b.unwrap() } } #[test] fn c() { d.unwrap() }").is_empty());
        assert!(check(&[source("x", "crates/x/tests/a.rs", "fn a() { b.unwrap() }")]).is_empty());
    }

    #[test]
    fn a_reason_makes_it_right() {
        assert!(of("#[expect(clippy::unwrap_used, reason = \"never empty\")] fn a() { b.unwrap() }").is_empty());
        assert!(of("impl A { #[allow(clippy::expect_used, reason = \"x\")] fn a() { b.expect(\"\") } }").is_empty());
        assert_eq!(of("#[expect(clippy::unwrap_used)] fn a() { b.unwrap() }").len(), 1);
        assert_eq!(of("#[expect(dead_code, reason = \"x\")] fn a() { b.unwrap() }").len(), 1);
    }
}
