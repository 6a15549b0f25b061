//! `#[expose]` on a function: a type of its name, which can be registered and called.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, FnArg, ItemFn, ItemImpl, Pat, Result, ReturnType, Signature, Type, parse_quote};

/// An exposed function: the type, and the `impl` block with its one method.
pub(super) struct Function {
    /// The type and how it can be called as the function that it was.
    pub(super) item: TokenStream,
    /// The block that is exposed.
    pub(super) block: ItemImpl,
}

impl Function {
    pub(super) fn parse(function: ItemFn) -> Result<Self> {
        let ItemFn { attrs, vis, sig, block, .. } = function;
        if let Some(param) = sig.generics.type_params().next() {
            return Err(Error::new_spanned(
                param,
                "an exposed function has no type parameters: clients could not choose them; take a `Value` for any type",
            ));
        }
        if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
            return Err(Error::new_spanned(receiver, "#[expose] goes on the impl block, not on a method in it"));
        }
        let ident = &sig.ident;
        let docs = docs(&attrs);
        // What concerns the call, such as `#[blocking]`, is the method's.
        let (ours, others): (Vec<Attribute>, Vec<Attribute>) = attrs.into_iter().partition(is_ours);
        let body = Signature { ident: format_ident!("function"), inputs: plain_inputs(&sig), ..sig.clone() };
        let method = Signature { ident: format_ident!("call"), inputs: method_inputs(&sig), ..sig.clone() };
        let names = names(&sig)?;
        let wait = sig.asyncness.map(|_| quote!(.await));
        let pointer = pointer(&sig);
        let text = format!("The function `{ident}` as an object.");
        let documented = if docs.is_empty() { quote!(#[doc = #text]) } else { quote!(#(#docs)*) };
        let item = quote! {
            #documented
            #[allow(non_camel_case_types)]
            #[derive(Clone, Copy, Debug, Default)]
            #vis struct #ident;

            impl #ident {
                #(#others)*
                #body #block
            }

            #pointer
        };
        let block = parse_quote! {
            #(#docs)*
            #[allow(clippy::unused_self)]
            impl #ident {
                #[allow(missing_docs)]
                #(#docs)*
                #(#ours)*
                #[name("__call__")]
                #vis #method { Self::function(#(#names),*) #wait }
            }
        };
        Ok(Self { item, block })
    }
}

/// Lets the type be called as the function that it was: `add(2, 3)`. Not where the function's type cannot be written.
fn pointer(sig: &Signature) -> TokenStream {
    let named = |ty: &Type| !matches!(ty, Type::ImplTrait(_));
    let returns = match &sig.output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => named(ty) && !contains_impl(ty),
    };
    if sig.asyncness.is_some() || !returns || !sig.generics.params.is_empty() {
        return TokenStream::new();
    }
    let ident = &sig.ident;
    let types = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => Some(&input.ty),
        FnArg::Receiver(_) => None,
    });
    let output = &sig.output;
    quote! {
        impl ::core::ops::Deref for #ident {
            type Target = fn(#(#types),*) #output;

            fn deref(&self) -> &Self::Target {
                const POINTER: &<#ident as ::core::ops::Deref>::Target = &(#ident::function as _);
                POINTER
            }
        }
    }
}

/// Whether `impl` stands anywhere in a type.
fn contains_impl(ty: &Type) -> bool {
    use proc_macro2::TokenTree;
    fn found(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "impl",
            TokenTree::Group(group) => found(group.stream()),
            _ => false,
        })
    }
    found(quote!(#ty))
}

fn docs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect()
}

fn is_ours(attr: &Attribute) -> bool {
    ["oneway", "callback", "blocking"].iter().any(|name| attr.path().is_ident(name))
}

/// The parameters without attributes of ours.
fn plain_inputs(sig: &Signature) -> syn::punctuated::Punctuated<FnArg, syn::Token![,]> {
    let plain = |mut input: FnArg| {
        if let FnArg::Typed(input) = &mut input {
            input.attrs.clear();
        }
        input
    };
    sig.inputs.iter().cloned().map(plain).collect()
}

/// The parameters of the method: the same, as names only, after `&self`.
fn method_inputs(sig: &Signature) -> syn::punctuated::Punctuated<FnArg, syn::Token![,]> {
    let named = |mut input: FnArg| {
        if let FnArg::Typed(input) = &mut input
            && let Pat::Ident(pattern) = &mut *input.pat
        {
            pattern.mutability = None;
            pattern.by_ref = None;
        }
        input
    };
    std::iter::once(parse_quote!(&self)).chain(sig.inputs.iter().cloned().map(named)).collect()
}

fn names(sig: &Signature) -> Result<Vec<&syn::Ident>> {
    let mut names = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Typed(input) => match &*input.pat {
                Pat::Ident(pattern) => names.push(&pattern.ident),
                other => {
                    return Err(Error::new_spanned(
                        other,
                        "a parameter needs a name: clients may give it by keyword",
                    ));
                }
            },
            FnArg::Receiver(receiver) => return Err(Error::new_spanned(receiver, "a function has no `self`")),
        }
    }
    Ok(names)
}
