//! What an exposed `impl` block says.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Error, Expr, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, ReceiverKind, Result, Type};

use crate::attrs;
use crate::returns::{self, Returns};
use crate::schema;

/// An exposed `impl` block.
pub(crate) struct Exposed {
    /// The block without our attributes.
    pub(crate) item: ItemImpl,
    pub(crate) class: String,
    pub(crate) doc: String,
    pub(crate) methods: Vec<Method>,
    pub(crate) getters: Vec<Method>,
    pub(crate) setters: Vec<Method>,
    /// Names that stand in the block and are not exposed.
    pub(crate) unexposed: Vec<String>,
}

/// An exposed method, getter or setter.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) params: Vec<Param>,
    pub(crate) mutable: bool,
    pub(crate) asynchronous: bool,
    pub(crate) blocking: bool,
    pub(crate) oneway: bool,
    pub(crate) callback: bool,
    pub(crate) returns: Returns,
    /// The type that is no `Result` by its name, where it can be asked whether it is one nevertheless.
    pub(crate) plain: Option<Type>,
    pub(crate) returns_text: String,
    pub(crate) schema: TokenStream,
}

/// A parameter.
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Required,
    Default(Box<Expr>),
    /// An `Option` that may be left out.
    Option,
    Args,
    Kwargs,
    /// `&CallContext`, lent.
    Context,
    /// What comes out of the context by its type.
    Injected,
}

impl Kind {
    /// Whether the caller gives it.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self, Kind::Context | Kind::Injected)
    }
}

const MOST_PARAMS: usize = 64;

impl Exposed {
    pub(crate) fn parse(mut item: ItemImpl) -> Result<Self> {
        if let Some((path, _)) = &item.trait_ {
            return Err(Error::new_spanned(
                path,
                "#[expose] goes on the impl block of a type itself, not on an impl of a trait",
            ));
        }
        let class = match &*item.self_ty {
            Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let class = class.ok_or_else(|| Error::new_spanned(&item.self_ty, "#[expose] needs a named type"))?;
        let mut exposed = Self {
            class,
            doc: attrs::doc(&item.attrs),
            methods: Vec::new(),
            getters: Vec::new(),
            setters: Vec::new(),
            unexposed: Vec::new(),
            item: item.clone(),
        };
        let mut errors: Option<Error> = None;
        for member in &mut item.items {
            if let ImplItem::Fn(function) = member
                && let Err(error) = exposed.function(function)
            {
                match &mut errors {
                    Some(errors) => errors.combine(error),
                    None => errors = Some(error),
                }
            }
        }
        exposed.item = item;
        match errors {
            Some(errors) => Err(errors),
            None => Ok(exposed),
        }
    }

    fn function(&mut self, function: &mut ImplItemFn) -> Result<()> {
        let oneway = attrs::take_flag(&mut function.attrs, "oneway")?;
        let callback = attrs::take_flag(&mut function.attrs, "callback")?;
        let blocking = attrs::take_flag(&mut function.attrs, "blocking")?;
        let property = attrs::take_flag(&mut function.attrs, "property")?;
        let setter = attrs::take_flag(&mut function.attrs, "setter")?;
        let unexposed = attrs::take_flag(&mut function.attrs, "unexposed")?;
        let given_name = attrs::take_name(&mut function.attrs)?;

        let ident = function.sig.ident.clone();
        let own_name = ident.to_string();
        let own_name = own_name.strip_prefix("r#").unwrap_or(&own_name).to_owned();
        let Some(receiver) = function.sig.receiver() else {
            if oneway || blocking || property || setter || given_name.is_some() {
                return Err(Error::new_spanned(&function.sig, "a function without `self` cannot be exposed"));
            }
            return Ok(());
        };
        if unexposed || (given_name.is_none() && is_private(&own_name)) {
            self.unexposed.push(own_name);
            return Ok(());
        }
        let mutable = match &receiver.kind {
            ReceiverKind::Reference(_, _, mutable) => mutable.is_some(),
            _ => {
                return Err(Error::new_spanned(
                    receiver,
                    "an exposed method takes `&self` or `&mut self`: the object stays where it is",
                ));
            }
        };
        if let Some(param) = function.sig.generics.type_params().next() {
            return Err(Error::new_spanned(
                param,
                "an exposed method has no type parameters: clients could not choose them; take a `Value` for any type",
            ));
        }
        let name = match given_name {
            Some(name) if is_private(&name.value()) => {
                return Err(Error::new(name.span(), "a name that starts with an underscore is private in Python"));
            }
            Some(name) => name.value(),
            None if setter => match own_name.strip_prefix("set_") {
                Some(name) => name.to_owned(),
                None => {
                    return Err(Error::new(
                        ident.span(),
                        "a setter is called `set_NAME`, or says which property it sets: #[name(\"...\")]",
                    ));
                }
            },
            None => own_name,
        };
        let params = function
            .sig
            .inputs
            .iter_mut()
            .filter_map(|input| match input {
                FnArg::Receiver(_) => None,
                FnArg::Typed(input) => Some(input),
            })
            .map(Param::parse)
            .collect::<Result<Vec<_>>>()?;
        if params.len() > MOST_PARAMS {
            return Err(Error::new(ident.span(), format!("more than {MOST_PARAMS} parameters")));
        }
        let asynchronous = function.sig.asyncness.is_some();
        if asynchronous && blocking {
            return Err(Error::new(ident.span(), "an async method must not block: leave #[blocking] or `async` out"));
        }
        let real = params.iter().filter(|param| param.kind.is_given()).count();
        if (property || setter) && params.iter().any(|param| matches!(param.kind, Kind::Injected)) {
            return Err(Error::new(ident.span(), "a property takes nothing from its context but `&CallContext`"));
        }
        if property && real > 0 {
            return Err(Error::new(ident.span(), "a property is read without arguments; #[setter] marks the setter"));
        }
        if setter && real != 1 {
            return Err(Error::new(ident.span(), "a setter takes one argument, the new value"));
        }
        let returns = Returns::of(&function.sig.output);
        let nameable = self.item.generics.params.is_empty() && function.sig.generics.params.is_empty();
        let plain = returns::plain(&function.sig.output).filter(|_| nameable);
        let returns_text = schema::result_type(&function.sig.output).map_or_else(|| "()".to_owned(), type_text);
        let method = Method {
            doc: attrs::doc(&function.attrs),
            ident,
            name,
            params,
            mutable,
            asynchronous,
            blocking,
            oneway,
            callback,
            returns,
            plain: plain.cloned(),
            returns_text,
            schema: schema::of_return(&function.sig.output),
        };
        let list = match (property, setter) {
            (true, true) => return Err(Error::new(Span::call_site(), "#[property] or #[setter], not both")),
            (true, false) => &mut self.getters,
            (false, true) => &mut self.setters,
            (false, false) => &mut self.methods,
        };
        if list.iter().any(|other| other.name == method.name) {
            return Err(Error::new(method.ident.span(), format!("`{}` is exposed twice", method.name)));
        }
        list.push(method);
        Ok(())
    }

    /// Whether any exposed method takes `&mut self`.
    pub(crate) fn mutable(&self) -> bool {
        self.methods.iter().chain(&self.getters).chain(&self.setters).any(|method| method.mutable)
    }
}

impl Param {
    fn parse(input: &mut syn::PatType) -> Result<Self> {
        let default = attrs::take_default(&mut input.attrs)?;
        let args = attrs::take_flag(&mut input.attrs, "args")?;
        let kwargs = attrs::take_flag(&mut input.attrs, "kwargs")?;
        let injected = attrs::take_flag(&mut input.attrs, "context")?;
        let Pat::Ident(pattern) = &*input.pat else {
            return Err(Error::new_spanned(&input.pat, "a parameter needs a name: clients may give it by keyword"));
        };
        let name = pattern.ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name).trim_start_matches('_').to_owned();
        let kind = match default {
            Some(default) => Kind::Default(Box::new(default)),
            None if args => Kind::Args,
            None if kwargs => Kind::Kwargs,
            None if is_context(&input.ty) => Kind::Context,
            None if injected => Kind::Injected,
            None if returns::is_option(&input.ty) => Kind::Option,
            None => Kind::Required,
        };
        Ok(Self { name, ty: (*input.ty).clone(), kind })
    }
}

/// `&CallContext`
fn is_context(ty: &Type) -> bool {
    let Type::Reference(reference) = ty else { return false };
    let Type::Path(path) = &*reference.elem else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "CallContext")
}

/// As Pyro sees it: an underscore in front, and no special method.
fn is_private(name: &str) -> bool {
    name.starts_with('_') && !(name.len() > 4 && name.starts_with("__") && name.ends_with("__"))
}

/// A type as it is written, without the spaces between tokens.
pub(crate) fn type_text(ty: &Type) -> String {
    tokens_text(ty)
}

/// A default as people write it: how Rust makes the text or number another type tells nothing.
pub(crate) fn default_text(default: &Expr) -> String {
    match default {
        Expr::MethodCall(call)
            if call.args.is_empty() && ["to_owned", "to_string", "into"].iter().any(|name| call.method == name) =>
        {
            default_text(&call.receiver)
        }
        other => tokens_text(other),
    }
}

/// A piece of source as it is written, nearly.
fn tokens_text(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    text.replace(" < ", "<")
        .replace(" <", "<")
        .replace("< ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
        .replace("& ", "&")
        .replace(" :: ", "::")
}
