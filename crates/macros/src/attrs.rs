//! The small attributes inside an exposed block or proxy trait.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::{Attribute, Error, Expr, LitStr, Path, Result, Token};

/// Takes the attribute of this name out of a list, if it is there.
pub(crate) fn take(attrs: &mut Vec<Attribute>, name: &str) -> Result<Option<Attribute>> {
    let mut found = None;
    let mut at = 0;
    while at < attrs.len() {
        if attrs[at].path().is_ident(name) {
            let attr = attrs.remove(at);
            if found.is_some() {
                return Err(Error::new_spanned(attr, format!("#[{name}] stands here twice")));
            }
            found = Some(attr);
        } else {
            at += 1;
        }
    }
    Ok(found)
}

/// Takes a flag such as `#[oneway]`.
pub(crate) fn take_flag(attrs: &mut Vec<Attribute>, name: &str) -> Result<bool> {
    match take(attrs, name)? {
        None => Ok(false),
        Some(attr) => attr.meta.require_path_only().map(|_| true),
    }
}

/// Takes `#[name("text")]`.
pub(crate) fn take_name(attrs: &mut Vec<Attribute>) -> Result<Option<LitStr>> {
    take(attrs, "name")?.map(|attr| attr.parse_args()).transpose()
}

/// Takes `#[default(expression)]`.
pub(crate) fn take_default(attrs: &mut Vec<Attribute>) -> Result<Option<Expr>> {
    take(attrs, "default")?.map(|attr| attr.parse_args()).transpose()
}

/// The text of the documentation comments.
pub(crate) fn doc(attrs: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("doc")) {
        if let syn::Meta::NameValue(meta) = &attr.meta
            && let Expr::Lit(lit) = &meta.value
            && let syn::Lit::Str(text) = &lit.lit
        {
            let text = text.value();
            lines.push(text.strip_prefix(' ').unwrap_or(&text).to_owned());
        }
    }
    lines.join("\n").trim().to_owned()
}

/// The attribute's own argument: where the rendered code finds our crates.
pub(crate) fn crate_path(attr: TokenStream) -> Result<TokenStream> {
    if attr.is_empty() {
        return Ok(quote!(::salamander::__private));
    }
    let parser = |input: syn::parse::ParseStream<'_>| {
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        input.parse::<LitStr>()
    };
    let path: Path = parser.parse2(attr)?.parse()?;
    Ok(quote!(#path))
}
