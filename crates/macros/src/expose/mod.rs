//! `#[expose]`

mod parse;
mod render;

use proc_macro2::TokenStream;
use syn::Result;

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let root = crate::attrs::crate_path(attr)?;
    let exposed = parse::Exposed::parse(syn::parse2(item)?)?;
    Ok(render::render(&root, &exposed))
}
