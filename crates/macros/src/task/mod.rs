//! `#[task]`: an exposed function with what a queue wants to know of it.

mod options;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, FnArg, Item, ItemFn, Result, Type, parse_quote};

use crate::returns::Returns;
use crate::schema;
use options::Options;

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: Options = syn::parse2(attr)?;
    let mut function = match syn::parse2(item)? {
        Item::Fn(function) => function,
        other => return Err(Error::new_spanned(other, "#[task] goes on a function")),
    };
    check(&function)?;
    mark_injected(&mut function)?;
    let (root, ident) = (&options.root, &function.sig.ident);
    let own_name = ident.to_string();
    let own_name = own_name.strip_prefix("r#").unwrap_or(&own_name);
    let name = match &options.name {
        Some(name) => quote!(#name),
        None => quote!(salamander::task::default_name(::core::module_path!(), #own_name)),
    };
    let sets = &options.sets;
    let output = output(&function);
    let task = quote! {
        const _: () = {
            use #root as salamander;

            impl salamander::task::Task for #ident {
                type Output = #output;

                #[allow(clippy::all, clippy::pedantic, unused_mut)]
                fn options(&self) -> salamander::task::TaskOptions {
                    let mut options = salamander::task::TaskOptions::new(#name);
                    #(#sets)*
                    options
                }
            }
        };
    };
    let exposed = crate::expose::function(root, function)?;
    Ok(quote!(#exposed #task))
}

fn check(function: &ItemFn) -> Result<()> {
    if Returns::of(&function.sig.output).items.is_some() {
        return Err(Error::new_spanned(
            &function.sig.output,
            "a task has one result and no stream of items; `TaskContext::progress` tells how far it is",
        ));
    }
    Ok(())
}

/// Marks the parameters that no caller gives: the task's context, and the state of the application.
fn mark_injected(function: &mut ItemFn) -> Result<()> {
    for input in &mut function.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        let by_name = ["TaskContext", "State"].iter().any(|name| is_named(&input.ty, name));
        if by_name && !input.attrs.iter().any(|attr| attr.path().is_ident("context")) {
            if let Type::Reference(reference) = &*input.ty
                && reference.mutability.is_some()
            {
                return Err(Error::new_spanned(reference, "it is shared: take it as `&` or by value"));
            }
            let mark: Attribute = parse_quote!(#[context]);
            input.attrs.push(mark);
        }
    }
    Ok(())
}

/// Whether the last name of a type, or of what it refers to, is this one.
fn is_named(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Reference(reference) => is_named(&reference.elem, name),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
    }
}

/// What callers read the result as: text that is lent becomes their own, and what has no name any value.
fn output(function: &ItemFn) -> TokenStream {
    match schema::result_type(&function.sig.output) {
        None => quote!(()),
        Some(ty) if is_named(ty, "Result") => quote!(()),
        Some(Type::Reference(reference)) if is_named(&reference.elem, "str") => quote!(::std::string::String),
        Some(Type::Reference(_) | Type::ImplTrait(_)) => quote!(salamander::Value),
        Some(ty) => quote!(#ty),
    }
}
