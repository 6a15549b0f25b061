//! `#[class]`: a struct as an instance of a Python class.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Fields, Ident, ItemStruct, LitStr, Path, Result, Token};

/// What stands in the attribute: the class, and what else is said.
struct Options {
    class: LitStr,
    exception: bool,
    root: TokenStream,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let class: LitStr = input.parse()?;
        // Instances may go by any name that two sides agree on.
        if class.value().split('.').any(str::is_empty) {
            return Err(Error::new(class.span(), "a class has a name, as \"shop.Order\""));
        }
        if class.value().contains("__") {
            return Err(Error::new(class.span(), "Pyro refuses classes with double underscores in their name"));
        }
        let (mut exception, mut root) = (false, quote!(::salamander::__private));
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            if input.parse::<Option<Token![crate]>>()?.is_some() {
                input.parse::<Token![=]>()?;
                let path: Path = input.parse::<LitStr>()?.parse()?;
                root = quote!(#path);
                continue;
            }
            let word: Ident = input.parse()?;
            if word != "exception" {
                return Err(Error::new(word.span(), "after the class there may stand `exception`"));
            }
            exception = true;
        }
        if exception && !class.value().contains('.') {
            return Err(Error::new(class.span(), "an exception is named with its module, as \"shop.SoldOut\""));
        }
        Ok(Self { class, exception, root })
    }
}

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Options { class, exception, root } = syn::parse2(attr)?;
    let mut item: ItemStruct = syn::parse2(item)?;
    if let Some(param) = item.generics.params.first() {
        return Err(Error::new_spanned(param, "a class has no parameters"));
    }
    let Fields::Named(fields) = &mut item.fields else {
        return Err(Error::new_spanned(&item, "a class has named fields, which are the attributes of its instances"));
    };
    // serde's own attributes go to the structs that serde sees.
    let mut seen = fields.clone();
    fields.named.iter_mut().for_each(|field| field.attrs.retain(|attr| !is_serde(attr)));
    for field in &mut seen.named {
        field.attrs.retain(is_serde);
        field.vis = syn::Visibility::Inherited;
    }
    let of_struct: Vec<Attribute> = item.attrs.iter().filter(|attr| is_serde(attr)).cloned().collect();
    item.attrs.retain(|attr| !is_serde(attr));
    let seen: Vec<_> = seen.named.iter().collect();
    let names: Vec<_> = seen.iter().filter_map(|field| field.ident.as_ref()).collect();
    let ident = &item.ident;
    let remote = LitStr::new(&ident.to_string(), ident.span());
    let hidden = format_ident!("__class");
    let raised = exception.then(|| {
        quote! {
            impl ::core::convert::From<#ident> for salamander::Exception {
                fn from(error: #ident) -> Self {
                    salamander::Exception::of(&error)
                }
            }
        }
    });
    Ok(quote! {
        #item

        const _: () = {
            use #root as salamander;

            #[derive(salamander::serde::Serialize)]
            #[serde(crate = "salamander::serde", remote = #remote, tag = "__class__", rename = #class)]
            #(#of_struct)*
            struct Written { #(#seen),* }

            #[derive(salamander::serde::Deserialize)]
            #[serde(crate = "salamander::serde")]
            #(#of_struct)*
            struct Read {
                #[serde(rename = "__class__")]
                #hidden: ::std::string::String,
                #(#seen),*
            }

            struct Fields<'a>(&'a #ident);

            impl salamander::serde::Serialize for Fields<'_> {
                fn serialize<S: salamander::serde::Serializer>(
                    &self,
                    serializer: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    Written::serialize(self.0, serializer)
                }
            }

            impl salamander::serde::Serialize for #ident {
                fn serialize<S: salamander::serde::Serializer>(
                    &self,
                    serializer: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    salamander::serialize_instance(&Fields(self), serializer)
                }
            }

            impl<'de> salamander::serde::Deserialize<'de> for #ident {
                fn deserialize<D: salamander::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    let read = <Read as salamander::serde::Deserialize>::deserialize(deserializer)?;
                    salamander::check_class::<D::Error>(#class, &read.#hidden)?;
                    ::core::result::Result::Ok(#ident { #(#names: read.#names),* })
                }
            }

            impl salamander::Class for #ident {
                const CLASS: &'static str = #class;
            }

            #raised
        };
    })
}

fn is_serde(attr: &Attribute) -> bool {
    attr.path().is_ident("serde")
}
