//! `#[expose]`

mod function;
mod parse;
mod render;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, Result};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let root = crate::attrs::crate_path(attr)?;
    match syn::parse2(item)? {
        Item::Impl(block) => Ok(render::render(&root, &parse::Exposed::parse(block)?)),
        Item::Fn(function) => {
            let ident = function.sig.ident.clone();
            let function::Function { item, block } = function::Function::parse(function)?;
            let exposed = render::render(&root, &parse::Exposed::parse(block)?);
            Ok(quote! {
                #item
                #exposed
                impl #root::Function for #ident {}
            })
        }
        other => Err(Error::new_spanned(other, "#[expose] goes on an impl block or on a function")),
    }
}
