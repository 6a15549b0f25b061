//! What a type is in JSON, as far as its name tells.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{AssocType, GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

/// The schema of a type, as an expression.
pub(crate) fn of_type(ty: &Type) -> TokenStream {
    let name = match ty {
        Type::Reference(reference) => return of_type(&reference.elem),
        Type::Paren(paren) => return of_type(&paren.elem),
        Type::Group(group) => return of_type(&group.elem),
        Type::Slice(slice) if is_byte(&slice.elem) => "Any",
        Type::Slice(slice) => return with("Array", &slice.elem),
        Type::Array(array) => return with("Array", &array.elem),
        Type::Tuple(tuple) if tuple.elems.is_empty() => "Null",
        Type::Tuple(_) => return quote!(salamander::Schema::Array(&salamander::Schema::Any)),
        Type::Path(path) => match path.path.segments.last() {
            Some(last) => return of_name(&last.ident.to_string(), &arguments(&last.arguments)),
            None => "Any",
        },
        _ => "Any",
    };
    plain(name)
}

/// The schema of what a method returns, without what may go wrong; of its items, where it gives many.
pub(crate) fn of_return(output: &ReturnType) -> TokenStream {
    result_type(output).map_or_else(|| plain("Null"), of_type)
}

/// The type of what a method returns, without what may go wrong; of its items, where it gives many.
pub(crate) fn result_type(output: &ReturnType) -> Option<&Type> {
    let ReturnType::Type(_, ty) = output else { return None };
    let ty = without_result(ty);
    Some(item(ty).map_or(ty, without_result))
}

fn of_name(name: &str, arguments: &[&Type]) -> TokenStream {
    let first = arguments.first().copied();
    match (name, first) {
        ("bool", _) => plain("Boolean"),
        ("i8" | "i16" | "i32" | "i64" | "i128" | "isize", _) => plain("Integer"),
        ("u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "Int", _) => plain("Integer"),
        ("f32" | "f64", _) => plain("Number"),
        ("str" | "String" | "Str" | "char" | "CompactString" | "Uuid" | "Decimal" | "DateTime" | "Date", _) => {
            plain("String")
        }
        ("Vec" | "VecDeque" | "HashSet" | "BTreeSet" | "LinkedList", Some(items)) => with("Array", items),
        ("Set", _) => quote!(salamander::Schema::Array(&salamander::Schema::Any)),
        ("HashMap" | "BTreeMap" | "IndexMap", _) => match arguments.get(1) {
            Some(values) => with("Object", values),
            None => plain("Any"),
        },
        ("Dict", _) => quote!(salamander::Schema::Object(&salamander::Schema::Any)),
        ("Option", Some(inner)) => with("Nullable", inner),
        ("Box" | "Arc" | "Rc" | "Cow" | "Result", Some(inner)) => of_type(inner),
        _ => plain("Any"),
    }
}

fn plain(name: &str) -> TokenStream {
    let name = syn::Ident::new(name, proc_macro2::Span::call_site());
    quote!(salamander::Schema::#name)
}

fn with(name: &str, inner: &Type) -> TokenStream {
    let name = syn::Ident::new(name, proc_macro2::Span::call_site());
    let inner = of_type(inner);
    quote!(salamander::Schema::#name(&#inner))
}

fn is_byte(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("u8"))
}

fn arguments(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return Vec::new() };
    arguments
        .args
        .iter()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
        .collect()
}

fn without_result(ty: &Type) -> &Type {
    match crate::returns::ok_type(ty) {
        Some(Some(ok)) => ok,
        _ => ty,
    }
}

/// The type of the items, where a type is an iterator or a stream.
fn item(ty: &Type) -> Option<&Type> {
    let bounds = match ty {
        Type::ImplTrait(ty) => &ty.bounds,
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let first = arguments(&last.arguments).into_iter().next()?;
            match first {
                Type::TraitObject(object) if last.ident == "Box" => &object.bounds,
                item if last.ident == "BoxStream" => return Some(item),
                _ => return None,
            }
        }
        _ => return None,
    };
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last()?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Item" => Some(ty),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(tokens: TokenStream) -> String {
        tokens.to_string().replace("salamander :: Schema :: ", "").replace(' ', "")
    }

    #[test]
    fn names_of_types_tell_what_they_are() {
        for (ty, schema) in [
            ("i64", "Integer"),
            ("&str", "String"),
            ("std::string::String", "String"),
            ("Option<Vec<f64>>", "Nullable(&Array(&Number))"),
            ("HashMap<String, Vec<bool>>", "Object(&Array(&Boolean))"),
            ("&[u8]", "Any"),
            ("[i32; 3]", "Array(&Integer)"),
            ("()", "Null"),
            ("(i64, String)", "Array(&Any)"),
            ("Cow<'_, str>", "String"),
            ("Vec", "Any"),
            ("Own", "Any"),
        ] {
            assert_eq!(text(of_type(&syn::parse_str(ty).unwrap())), schema, "{ty}");
        }
    }

    #[test]
    fn what_comes_back_is_what_is_told() {
        for (output, schema) in [
            ("", "Null"),
            ("-> Result<i64, Exception>", "Integer"),
            ("-> Result<()>", "Null"),
            ("-> impl Iterator<Item = u32> + use<>", "Integer"),
            ("-> Result<impl Stream<Item = Result<String>>>", "String"),
            ("-> Box<dyn Iterator<Item = bool> + Send>", "Boolean"),
            ("-> BoxStream<'static, f64>", "Number"),
        ] {
            assert_eq!(text(of_return(&syn::parse_str(output).unwrap())), schema, "{output}");
        }
    }
}
