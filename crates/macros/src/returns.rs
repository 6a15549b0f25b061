//! What a method returns, as far as its signature tells: a value, a `Result`, a stream of items.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

/// The kind of a return type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returns {
    /// It is a `Result` of what follows.
    pub(crate) fallible: bool,
    /// What it is, if not one value.
    pub(crate) items: Option<ItemsOf>,
}

/// Where items come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemsOf {
    /// An asynchronous stream; else an iterator.
    pub(crate) stream: bool,
    /// Each item is a `Result`.
    pub(crate) fallible: bool,
}

impl Returns {
    pub(crate) fn of(output: &ReturnType) -> Self {
        let ReturnType::Type(_, ty) = output else { return Self { fallible: false, items: None } };
        match ok_type(ty) {
            Some(inner) => Self { fallible: true, items: inner.and_then(items_of) },
            None => Self { fallible: false, items: items_of(ty) },
        }
    }
}

/// What is returned as it is, if it can be named wherever the method's class can.
pub(crate) fn plain(output: &ReturnType) -> Option<&Type> {
    let (Returns { fallible: false, items: None }, ReturnType::Type(_, ty)) = (Returns::of(output), output) else {
        return None;
    };
    fn named_anywhere(tokens: TokenStream) -> bool {
        tokens.into_iter().all(|token| match token {
            TokenTree::Ident(ident) => ident != "Self" && ident != "impl",
            TokenTree::Punct(punct) => punct.as_char() != '\'',
            TokenTree::Group(group) => named_anywhere(group.stream()),
            TokenTree::Literal(_) => true,
        })
    }
    Some(&**ty).filter(|ty| matches!(ty, Type::Path(_)) && named_anywhere(ty.to_token_stream()))
}

/// The first parameter of a type whose name is `Result`.
pub(crate) fn ok_type(ty: &Type) -> Option<Option<&Type>> {
    last_argument(ty, "Result")
}

/// The first parameter of a type whose last name is this one; `Some(None)` if it has none.
fn last_argument<'t>(ty: &'t Type, name: &str) -> Option<Option<&'t Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if last.ident != name {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(None) };
    Some(arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }))
}

fn items_of(ty: &Type) -> Option<ItemsOf> {
    if let Some(item) = last_argument(ty, "BoxStream") {
        return Some(ItemsOf { stream: true, fallible: item.is_some_and(|item| ok_type(item).is_some()) });
    }
    let bounds = match ty {
        Type::ImplTrait(ty) => &ty.bounds,
        Type::Path(_) => match last_argument(ty, "Box")?? {
            Type::TraitObject(ty) => &ty.bounds,
            _ => return None,
        },
        _ => return None,
    };
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last()?;
        let stream = last.ident == "Stream";
        if !stream && last.ident != "Iterator" {
            return None;
        }
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return Some(ItemsOf { stream, fallible: false });
        };
        let fallible = arguments.args.iter().any(|argument| match argument {
            GenericArgument::AssocType(item) => ok_type(&item.ty).is_some(),
            _ => false,
        });
        Some(ItemsOf { stream, fallible })
    })
}

/// Whether a type is `Option<...>`.
pub(crate) fn is_option(ty: &Type) -> bool {
    last_argument(ty, "Option").is_some()
}
