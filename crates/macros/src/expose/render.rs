//! The `Expose` implementation of an exposed block.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::parse::{Exposed, Kind, Method, Param, default_text, type_text};
use crate::returns::{ItemsOf, Returns};
use crate::schema;

pub(crate) fn render(root: &TokenStream, exposed: &Exposed) -> TokenStream {
    let Exposed { item, class, doc, unexposed, .. } = exposed;
    let (impl_generics, _, where_clause) = item.generics.split_for_impl();
    let self_ty = &item.self_ty;
    let guarded = exposed.mutable();
    let store = if guarded { quote!(Guarded) } else { quote!(Shared) };

    let methods = exposed.methods.iter().map(|method| method_entry(method, guarded));
    let names = property_names(exposed);
    let properties = names.iter().map(|name| property_entry(exposed, name));
    let calls = exposed.methods.iter().enumerate().map(|(at, method)| {
        let body = method_arm(method, at, guarded);
        quote!(salamander::Member::Method(#at) => { #body })
    });
    let gets = exposed.getters.iter().map(|method| {
        let at = names.iter().position(|name| *name == method.name);
        let context = context_binding(method);
        let call = call_it(method, guarded, &[]);
        quote!(salamander::Member::Get(#at) => { #context #call })
    });
    let sets = exposed.setters.iter().map(|method| {
        let at = names.iter().position(|name| *name == method.name);
        let body = setter_arm(method, guarded);
        quote!(salamander::Member::Set(#at) => { #body })
    });
    quote! {
        #item

        const _: () = {
            use #root as salamander;

            impl #impl_generics salamander::Expose for #self_ty #where_clause {
                type Store = salamander::#store<Self>;

                const MEMBERS: &'static salamander::Members = &salamander::Members {
                    class: #class,
                    doc: #doc,
                    methods: &[#(#methods),*],
                    properties: &[#(#properties),*],
                    unexposed: &[#(#unexposed),*],
                };

                #[allow(unused_variables, unused_mut, clippy::all, clippy::pedantic)]
                fn invoke(
                    store: &Self::Store,
                    member: salamander::Member,
                    call: &mut salamander::Invocation<'_, '_>,
                ) -> salamander::Step {
                    let step = (|| -> ::core::result::Result<salamander::Step, salamander::Exception> {
                        ::core::result::Result::Ok(match member {
                            #(#calls)*
                            #(#gets)*
                            #(#sets)*
                            _ => salamander::Step::Failed(salamander::Exception::attribute_error("no such member")),
                        })
                    })();
                    // What was not called has failed at its arguments.
                    step.unwrap_or_else(|exception| salamander::Step::Failed(exception.of_arguments()))
                }
            }
        };
    }
}

/// The entry of a method in the list of members.
fn method_entry(method: &Method, guarded: bool) -> TokenStream {
    let Method { name, doc, oneway, callback, returns_text, schema, .. } = method;
    let plain = !guarded && !method.asynchronous && !method.blocking;
    let stream = method.returns.items.is_some();
    let span = method.ident.span();
    let line = quote::quote_spanned!(span=> ::core::line!());
    let params = method.params.iter().filter_map(|param| {
        let Param { name, ty, kind } = param;
        let (schema, ty) = (schema::of_type(ty), type_text(ty));
        let default = match kind {
            Kind::Default(default) => {
                let text = default_text(default);
                quote!(::core::option::Option::Some(#text))
            }
            _ => quote!(::core::option::Option::None),
        };
        let kind = match kind {
            Kind::Required => quote!(Required),
            Kind::Default(_) | Kind::Option => quote!(Optional),
            Kind::Args => quote!(Args),
            Kind::Kwargs => quote!(Kwargs),
            Kind::Context | Kind::Injected => return None,
        };
        Some(quote! {
            salamander::Param {
                name: #name,
                ty: #ty,
                schema: #schema,
                kind: salamander::ParamKind::#kind,
                default: #default,
            }
        })
    });
    quote! {
        salamander::Method {
            name: #name,
            doc: #doc,
            params: &[#(#params),*],
            oneway: #oneway,
            callback: #callback,
            plain: #plain,
            stream: #stream,
            returns: #returns_text,
            schema: #schema,
            file: ::core::file!(),
            line: #line,
        }
    }
}

fn property_names(exposed: &Exposed) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for method in exposed.getters.iter().chain(&exposed.setters) {
        if !names.contains(&&*method.name) {
            names.push(&method.name);
        }
    }
    names
}

fn property_entry(exposed: &Exposed, name: &str) -> TokenStream {
    let getter = exposed.getters.iter().find(|method| method.name == name);
    let setter = exposed.setters.iter().find(|method| method.name == name);
    let doc = getter.or(setter).map_or("", |method| &method.doc);
    // The value that a setter takes: one of its parameters may be the context.
    let value = setter.and_then(|setter| setter.params.iter().find(|param| param.kind.is_given()));
    let (ty, schema) = match (getter, value) {
        (Some(getter), _) => (getter.returns_text.clone(), getter.schema.clone()),
        (None, Some(value)) => (type_text(&value.ty), schema::of_type(&value.ty)),
        (None, None) => (String::new(), quote!(salamander::Schema::Any)),
    };
    let (readable, writable) = (getter.is_some(), setter.is_some());
    quote! {
        salamander::Property {
            name: #name,
            doc: #doc,
            ty: #ty,
            schema: #schema,
            readable: #readable,
            writable: #writable,
        }
    }
}

/// Binds the arguments and makes the call.
fn method_arm(method: &Method, at: usize, guarded: bool) -> TokenStream {
    let variables: Vec<_> = (0..method.params.len()).map(|at| format_ident!("arg{at}")).collect();
    let mut declare = TokenStream::new();
    let mut arms = TokenStream::new();
    let mut unwrap = TokenStream::new();
    let mut rest = TokenStream::new();
    // Parameters are numbered as in the list of members, which leaves the context out.
    let real = method.params.iter().zip(&variables).filter(|(param, _)| param.kind.is_given());
    for (at, (param, variable)) in real.enumerate() {
        let owned = owned_type(&param.ty);
        match &param.kind {
            Kind::Args => rest.extend(quote!(let #variable = binder.rest(#at)?;)),
            Kind::Kwargs => rest.extend(quote!(let #variable: #owned = binder.named_rest(#at)?;)),
            kind => {
                declare.extend(
                    quote!(let mut #variable: ::core::option::Option<#owned> = ::core::option::Option::None;),
                );
                arms.extend(quote!(#at => #variable = ::core::option::Option::Some(binder.read(#at, token)?),));
                let missing = match kind {
                    Kind::Default(default) => quote!(#default),
                    Kind::Option => quote!(::core::option::Option::None),
                    _ => quote!(return ::core::result::Result::Err(binder.missing(#at))),
                };
                unwrap.extend(quote! {
                    let #variable: #owned = match #variable {
                        ::core::option::Option::Some(value) => value,
                        ::core::option::Option::None => #missing,
                    };
                });
            }
        }
    }
    let injected =
        method.params.iter().zip(&variables).filter(|(param, _)| matches!(param.kind, Kind::Injected)).map(
            |(param, variable)| {
                let owned = owned_type(&param.ty);
                quote! {
                    let #variable = match <#owned as salamander::FromContext>::from_context(call.request.context()) {
                        ::core::result::Result::Ok(value) => value,
                        ::core::result::Result::Err(exception) => {
                            return ::core::result::Result::Ok(salamander::Step::Failed(exception));
                        }
                    };
                }
            },
        );
    let context = context_binding(method);
    let call = call_it(method, guarded, &variables);
    let checked = no_result(method);
    quote! {
        #checked
        #declare
        let method = &<Self as salamander::Expose>::MEMBERS.methods[#at];
        let mut binder =
            salamander::Binder::open(&mut *call.args, <Self as salamander::Expose>::MEMBERS.class, method)?;
        while let ::core::option::Option::Some((at, token)) = binder.next_argument()? {
            match at {
                #arms
                _ => {}
            }
        }
        #unwrap
        #rest
        #(#injected)*
        #context
        #call
    }
}

fn setter_arm(method: &Method, guarded: bool) -> TokenStream {
    let variables: Vec<_> = (0..method.params.len()).map(|at| format_ident!("arg{at}")).collect();
    let read =
        method.params.iter().zip(&variables).filter(|(param, _)| param.kind.is_given()).map(|(param, variable)| {
            let owned = owned_type(&param.ty);
            quote!(let #variable: #owned = salamander::from_reader(&mut *call.args)?;)
        });
    let context = context_binding(method);
    let call = call_it(method, guarded, &variables);
    quote!(#(#read)* #context #call)
}

/// `context`, for a plain method that asks for it.
fn context_binding(method: &Method) -> TokenStream {
    if method.params.iter().any(|param| matches!(param.kind, Kind::Context)) {
        quote!(let context = call.request.context();)
    } else {
        quote!()
    }
}

/// What does not compile where a `Result` has another name: its errors would be taken for values.
fn no_result(method: &Method) -> TokenStream {
    let Some(ty) = &method.plain else { return quote!() };
    quote_spanned! {ty.span()=>
        const _: () = {
            #[allow(unused_imports)]
            use salamander::AnyReturned as _;
            ::core::assert!(
                !salamander::Returned::<#ty>::IS_RESULT,
                "a `Result` by another name: write `Result<...>`, or its errors would be taken for values"
            );
        };
    }
}

/// The call itself, by the way in which the method runs and the object is kept.
fn call_it(method: &Method, guarded: bool, variables: &[syn::Ident]) -> TokenStream {
    let ident = &method.ident;
    let by_reference = |context: TokenStream| {
        let arguments: Vec<TokenStream> = method
            .params
            .iter()
            .zip(variables.iter().map(Some).chain(std::iter::repeat(None)))
            .map(|(param, variable)| match (&param.kind, &param.ty) {
                (Kind::Context, _) => context.clone(),
                (_, Type::Reference(reference)) if reference.mutability.is_some() => quote!(&mut #variable),
                (_, Type::Reference(_)) => quote!(&#variable),
                _ => quote!(#variable),
            })
            .collect();
        quote!(this.#ident(#(#arguments),*))
    };
    let direct = by_reference(quote!(context));
    let inside = by_reference(quote!(&context));
    let step = step(method.returns);
    let outcome = outcome(method.returns);
    match (guarded, method.asynchronous, method.blocking, method.mutable) {
        (false, true, ..) => quote! {
            store.run(call, move |this, context, format| async move { let result = #inside.await; #outcome })
        },
        (false, _, true, _) => quote! {
            store.block(call, move |this, context, format| { let result = #direct; #outcome })
        },
        (false, ..) => quote!({ let this = store.get(); let result = #direct; #step }),
        (true, true, _, true) => quote! {
            store.run_write(call, move |mut this, context, format| async move { let result = #inside.await; #outcome })
        },
        (true, true, _, false) => quote! {
            store.run_read(call, move |this, context, format| async move { let result = #inside.await; #outcome })
        },
        (true, _, true, true) => quote! {
            store.block_write(call, move |this, context, format| { let result = #direct; #outcome })
        },
        (true, _, true, false) => quote! {
            store.block_read(call, move |this, context, format| { let result = #direct; #outcome })
        },
        (true, _, _, true) => quote! {
            match store.try_write() {
                ::core::option::Option::Some(mut this) => { let result = #direct; #step }
                ::core::option::Option::None => {
                    store.write(call, move |this, context, format| { let result = #direct; #outcome })
                }
            }
        },
        (true, _, _, false) => quote! {
            match store.try_read() {
                ::core::option::Option::Some(this) => { let result = #direct; #step }
                ::core::option::Option::None => {
                    store.read(call, move |this, context, format| { let result = #direct; #outcome })
                }
            }
        },
    }
}

/// `result` as a step, written into the reply at once.
fn step(returns: Returns) -> TokenStream {
    match (returns.fallible, returns.items) {
        (false, None) => quote!(salamander::Step::value(call, &result)),
        (true, None) => quote!(salamander::Step::result(call, result)),
        (false, Some(items)) => {
            let items = items_of(items);
            quote!(salamander::Step::Stream(#items))
        }
        (true, Some(items)) => {
            let items = items_of(items);
            quote! {
                match result {
                    ::core::result::Result::Ok(result) => salamander::Step::Stream(#items),
                    ::core::result::Result::Err(error) => {
                        salamander::Step::Failed(::core::convert::Into::into(error))
                    }
                }
            }
        }
    }
}

/// `result` as an outcome, encoded for later.
fn outcome(returns: Returns) -> TokenStream {
    let done = match returns.items {
        None => quote!(format.outcome(&result)),
        Some(items) => {
            let items = items_of(items);
            quote!(salamander::Outcome::Stream(#items))
        }
    };
    if !returns.fallible {
        return done;
    }
    quote! {
        match result {
            ::core::result::Result::Ok(result) => #done,
            ::core::result::Result::Err(error) => {
                salamander::Outcome::Exception(::core::convert::Into::into(error))
            }
        }
    }
}

fn items_of(items: ItemsOf) -> TokenStream {
    let source = if items.stream {
        quote!(salamander::StreamItems(::std::boxed::Box::pin(result)))
    } else {
        quote!(salamander::IterItems(result))
    };
    let source = if items.fallible { quote!(salamander::FallibleItems(#source)) } else { source };
    quote!(salamander::Items::new(#source))
}

/// The type that an argument is read as: references are lent from an owned value.
fn owned_type(ty: &Type) -> TokenStream {
    let Type::Reference(reference) = ty else { return quote!(#ty) };
    match &*reference.elem {
        Type::Path(path) if path.path.is_ident("str") => quote!(::std::string::String),
        Type::Slice(slice) => match &*slice.elem {
            Type::Path(path) if path.path.is_ident("u8") => quote!(salamander::Blob),
            elem => quote!(::std::vec::Vec<#elem>),
        },
        elem => quote!(#elem),
    }
}
