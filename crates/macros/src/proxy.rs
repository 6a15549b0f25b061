//! `#[proxy]`

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, FnArg, Ident, ItemTrait, Pat, Result, ReturnType, TraitItem, TraitItemFn, Type};

use crate::{attrs, returns};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let root = attrs::crate_path(attr)?;
    let item: ItemTrait = syn::parse2(item)?;
    if !item.generics.params.is_empty() || !item.supertraits.is_empty() {
        return Err(Error::new_spanned(&item.ident, "a proxy trait has neither parameters nor supertraits"));
    }
    let mut methods = Vec::new();
    for member in item.items {
        match member {
            TraitItem::Fn(function) => methods.push(Method::parse(function)?),
            other => return Err(Error::new_spanned(other, "a proxy trait has methods only")),
        }
    }
    let name = format_ident!("{}Proxy", item.ident);
    let blocking_name = format_ident!("{}BlockingProxy", item.ident);
    let asynchronous = methods.iter().map(|method| method.render(&root, true));
    let blocking = methods.iter().map(|method| method.render(&root, false));
    let (vis, attributes) = (&item.vis, &item.attrs);
    let doc = format!("A typed proxy for a remote `{}`.", item.ident);
    let blocking_doc = format!("A typed proxy for a remote `{}`, for code that is not async.", item.ident);
    let asynchronous =
        typed_proxy(&name, vis, &quote!(#root::Proxy), &quote!(#(#attributes)* #[doc = #doc]), asynchronous);
    let blocking =
        typed_proxy(&blocking_name, vis, &quote!(#root::blocking::Proxy), &quote!(#[doc = #blocking_doc]), blocking);
    Ok(quote!(#asynchronous #blocking))
}

/// A struct around a proxy, with the methods of the trait.
fn typed_proxy(
    name: &Ident,
    vis: &syn::Visibility,
    proxy: &TokenStream,
    attributes: &TokenStream,
    methods: impl Iterator<Item = TokenStream>,
) -> TokenStream {
    quote! {
        #attributes
        #[derive(Clone, Debug)]
        #[allow(dead_code)]
        #vis struct #name(#proxy);

        #[allow(dead_code)]
        impl #name {
            /// The proxy that calls go through.
            pub fn proxy(&self) -> &#proxy {
                &self.0
            }

            #(#methods)*
        }

        impl ::core::convert::From<#proxy> for #name {
            fn from(proxy: #proxy) -> Self {
                Self(proxy)
            }
        }
    }
}

struct Method {
    attrs: Vec<Attribute>,
    ident: Ident,
    params: Vec<(Ident, Type)>,
    /// The name that the remote object knows it by.
    remote: String,
    kind: Kind,
    /// The type of the result, or of each item of a stream.
    ok: TokenStream,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Call,
    Oneway,
    Get,
    Set,
    Stream,
}

impl Method {
    fn parse(mut function: TraitItemFn) -> Result<Self> {
        let kinds =
            [("oneway", Kind::Oneway), ("property", Kind::Get), ("setter", Kind::Set), ("stream", Kind::Stream)];
        let mut kind = Kind::Call;
        for (name, of) in kinds {
            if attrs::take_flag(&mut function.attrs, name)? {
                if kind != Kind::Call {
                    return Err(Error::new(function.sig.ident.span(), "only one kind of method at a time"));
                }
                kind = of;
            }
        }
        let given_name = attrs::take_name(&mut function.attrs)?;
        let signature = function.sig;
        if signature.receiver().is_none() || function.default.is_some() {
            return Err(Error::new_spanned(&signature, "write `async fn name(&self, ...) -> Result<T>;`"));
        }
        let own_name = signature.ident.to_string();
        let own_name = own_name.strip_prefix("r#").unwrap_or(&own_name);
        let remote = match (given_name, kind) {
            (Some(name), _) => name.value(),
            (None, Kind::Set) => own_name.strip_prefix("set_").unwrap_or(own_name).to_owned(),
            (None, _) => own_name.to_owned(),
        };
        let mut params = Vec::new();
        for input in &signature.inputs {
            let FnArg::Typed(input) = input else { continue };
            let Pat::Ident(pattern) = &*input.pat else {
                return Err(Error::new_spanned(&input.pat, "a parameter needs a name"));
            };
            params.push((pattern.ident.clone(), (*input.ty).clone()));
        }
        let expected = match kind {
            Kind::Get => Some(0),
            Kind::Set => Some(1),
            _ => None,
        };
        if expected.is_some_and(|expected| expected != params.len()) {
            return Err(Error::new(signature.ident.span(), "a property is read without arguments and set with one"));
        }
        let ok = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => match returns::ok_type(ty) {
                Some(Some(ok)) => quote!(#ok),
                Some(None) => quote!(()),
                None => quote!(#ty),
            },
        };
        Ok(Self { attrs: function.attrs, ident: signature.ident, params, remote, kind, ok })
    }

    fn render(&self, root: &TokenStream, asynchronous: bool) -> TokenStream {
        let Self { attrs, ident, params, remote, kind, ok } = self;
        let inputs = params.iter().map(|(name, ty)| quote!(#name: #ty));
        let names = params.iter().map(|(name, _)| name);
        let arguments = quote!((#(&#names,)*));
        let first = params.first().map(|(name, _)| name);
        let call = match kind {
            Kind::Call => quote!(self.0.call(#remote, #arguments)),
            Kind::Oneway => quote!(self.0.oneway(#remote, #arguments)),
            Kind::Get => quote!(self.0.get(#remote)),
            Kind::Set => quote!(self.0.set(#remote, &#first)),
            Kind::Stream => quote!(self.0.stream(#remote, #arguments)),
        };
        let ok = match (kind, asynchronous) {
            (Kind::Stream, true) => quote!(#root::ItemStream<#ok>),
            (Kind::Stream, false) => quote!(#root::blocking::ItemStream<#ok>),
            _ => ok.clone(),
        };
        let (asyncness, wait) = if asynchronous { (quote!(async), quote!(.await)) } else { (quote!(), quote!()) };
        quote! {
            #(#attrs)*
            pub #asyncness fn #ident(&self, #(#inputs),*) -> ::core::result::Result<#ok, #root::Error> {
                #call #wait
            }
        }
    }
}
