//! `#[expose]`

mod function;
mod parse;
mod render;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, ItemFn, Result};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let root = crate::attrs::crate_path(attr)?;
    match syn::parse2(item)? {
        Item::Impl(block) => Ok(render::render(&root, &parse::Exposed::parse(block)?)),
        Item::Fn(item) => function(&root, item),
        other => Err(Error::new_spanned(other, "#[expose] goes on an impl block or on a function")),
    }
}

/// A function as a type of its name, which is called as an object with one method.
pub(crate) fn function(root: &TokenStream, function: ItemFn) -> Result<TokenStream> {
    let ident = function.sig.ident.clone();
    let function::Function { item, block } = function::Function::parse(function)?;
    let exposed = render::render(root, &parse::Exposed::parse(block)?);
    Ok(quote! {
        #item
        #exposed
        impl #root::Function for #ident {}
    })
}
