//! What stands in the parentheses of `#[task(...)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, Lit, LitStr, Path, Result, Token};

/// The options of a task.
pub(super) struct Options {
    /// Where the rendered code finds our crates.
    pub(super) root: TokenStream,
    pub(super) name: Option<LitStr>,
    /// What sets the fields of `options`.
    pub(super) sets: Vec<TokenStream>,
}

/// What an option is given as.
#[derive(Clone, Copy)]
enum Form {
    /// A number, or `None` for any number of times.
    Times,
    /// A time: seconds as a number, or a `Duration`.
    Seconds,
    /// A time that may be none.
    OptionalSeconds,
    /// `true`, `false`, or the seconds of the first pause.
    Backoff,
    /// A flag that the settings decide where it is not given.
    OptionalFlag,
    Flag,
    /// Text: a literal or a constant.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A list of names of classes.
    Classes,
    /// `"10/m"`
    Rate,
    /// A number of one byte.
    Priority,
    /// A number.
    Number,
}

const FORMS: &[(&str, Form)] = &[
    ("max_retries", Form::Times),
    ("default_retry_delay", Form::Seconds),
    ("autoretry_for", Form::Classes),
    ("dont_autoretry_for", Form::Classes),
    ("retry_backoff", Form::Backoff),
    ("retry_backoff_max", Form::Seconds),
    ("retry_jitter", Form::Flag),
    ("rate_limit", Form::Rate),
    ("time_limit", Form::OptionalSeconds),
    ("soft_time_limit", Form::OptionalSeconds),
    ("acks_late", Form::OptionalFlag),
    ("acks_on_failure_or_timeout", Form::OptionalFlag),
    ("acks_on_failure", Form::OptionalFlag),
    ("acks_on_timeout", Form::OptionalFlag),
    ("reject_on_worker_lost", Form::OptionalFlag),
    ("track_started", Form::OptionalFlag),
    ("ignore_result", Form::OptionalFlag),
    ("store_errors_even_if_ignored", Form::OptionalFlag),
    ("typing", Form::Flag),
    ("serializer", Form::OneOf(&["json", "msgpack", "yaml", "pickle"])),
    ("compression", Form::OneOf(&["zlib", "gzip", "bzip2", "lzma", "zstd"])),
    ("priority", Form::Priority),
    ("queue", Form::Text),
    ("exchange", Form::Text),
    ("routing_key", Form::Text),
    ("expires", Form::OptionalSeconds),
    ("limit_key", Form::Text),
    ("limit_rate", Form::Rate),
    ("limit_concurrency", Form::Number),
    ("dedupe_key", Form::Text),
    ("dedupe_for", Form::OptionalSeconds),
];

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self { root: quote!(::salamander::__private), name: None, sets: Vec::new() };
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            if input.parse::<Option<Token![crate]>>()?.is_some() {
                input.parse::<Token![=]>()?;
                let path: Path = input.parse::<LitStr>()?.parse()?;
                options.root = quote!(#path);
            } else {
                let key: Ident = input.parse()?;
                if seen.iter().any(|other| key == other) {
                    return Err(Error::new(key.span(), format!("`{key}` stands here twice")));
                }
                seen.push(key.to_string());
                if key == "retry_kwargs" {
                    let inner;
                    syn::parenthesized!(inner in input);
                    options.retry_kwargs(&inner)?;
                } else {
                    known(&key)?;
                    input.parse::<Token![=]>()?;
                    options.option(&key, input)?;
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

impl Options {
    fn option(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        if key == "name" {
            let name: LitStr = input.parse()?;
            if name.value().is_empty() {
                return Err(Error::new(name.span(), "a task has a name, as \"tasks.add\""));
            }
            self.name = Some(name);
            return Ok(());
        }
        let value: Expr = input.parse()?;
        let form = form(key)?;
        self.sets.push(set(key, form, &value)?);
        Ok(())
    }

    /// `retry_kwargs(max_retries = 5, countdown = 2)`: what retries by themselves are made with.
    fn retry_kwargs(&mut self, input: ParseStream<'_>) -> Result<()> {
        let pair = |input: ParseStream<'_>| {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            Ok((key, input.parse::<Expr>()?))
        };
        for (key, value) in Punctuated::<_, Token![,]>::parse_terminated_with(input, pair)? {
            let field = match key.to_string().as_str() {
                "max_retries" => (quote!(autoretry_max_retries), optional(&value, &quote!(#value))),
                "countdown" => (
                    quote!(autoretry_countdown),
                    quote!(::core::option::Option::Some(salamander::task::seconds(#value))),
                ),
                _ => return Err(Error::new(key.span(), "here may stand `max_retries` and `countdown`")),
            };
            let (field, value) = field;
            self.sets.push(quote!(options.#field = #value;));
        }
        Ok(())
    }
}

fn form(key: &Ident) -> Result<Form> {
    FORMS.iter().find(|(name, _)| key == name).map(|(_, form)| *form).ok_or_else(|| unknown(key))
}

fn known(key: &Ident) -> Result<()> {
    if key == "name" { Ok(()) } else { form(key).map(|_| ()) }
}

fn unknown(key: &Ident) -> Error {
    let text = match key.to_string().as_str() {
        "bind" => "a task is bound by a parameter: take a `&TaskContext`".to_owned(),
        "base" => "tasks have no base class here; what they share is a `State<T>`".to_owned(),
        "shared" | "lazy" => format!("`{key}` is of Python's imports; a task is registered with `App::register`"),
        _ => {
            let names: Vec<&str> = FORMS.iter().map(|(name, _)| *name).collect();
            format!("unknown option `{key}`; there are name, retry_kwargs(...), {}", names.join(", "))
        }
    };
    Error::new(key.span(), text)
}

fn set(field: &Ident, form: Form, value: &Expr) -> Result<TokenStream> {
    let value = match form {
        Form::Times => optional(value, &quote!(#value)),
        Form::Seconds => quote!(salamander::task::seconds(#value)),
        Form::OptionalSeconds => optional(value, &quote!(salamander::task::seconds(#value))),
        Form::Backoff => quote!(salamander::task::backoff(#value)),
        Form::OptionalFlag => quote!(::core::option::Option::Some(#value)),
        Form::Flag => quote!(#value),
        Form::Text => quote!(::core::option::Option::Some(::core::convert::Into::into(#value))),
        Form::OneOf(names) => {
            if let Some(text) = literal(value)
                && !names.contains(&text.value().as_str())
            {
                return Err(Error::new(text.span(), format!("`{field}` is one of {}", names.join(", "))));
            }
            quote!(::core::option::Option::Some(::core::convert::Into::into(#value)))
        }
        Form::Classes => {
            let Expr::Array(classes) = value else {
                return Err(Error::new_spanned(value, "a list of classes, as [\"ValueError\", \"shop.SoldOut\"]"));
            };
            let classes = classes.elems.iter();
            quote!(::std::vec![#(::core::convert::Into::into(#classes)),*])
        }
        Form::Rate => {
            let (count, per) = rate(value)?;
            quote!(::core::option::Option::Some(salamander::task::RateLimit {
                count: #count,
                per: ::core::time::Duration::from_secs(#per),
            }))
        }
        Form::Priority | Form::Number => quote!(::core::option::Option::Some(#value)),
    };
    Ok(quote!(options.#field = #value;))
}

/// `Some(rendered)`, or `None` where that is what stands there.
fn optional(value: &Expr, rendered: &TokenStream) -> TokenStream {
    match value {
        Expr::Path(path) if path.path.is_ident("None") => quote!(::core::option::Option::None),
        _ => quote!(::core::option::Option::Some(#rendered)),
    }
}

fn literal(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// How often in how many seconds: `"10/m"`, `"0.5/s"`, or a number for each second.
fn rate(value: &Expr) -> Result<(f64, u64)> {
    let wrong = || Error::new_spanned(value, "a rate is written \"10/s\", \"10/m\" or \"10/h\"");
    let text = match value {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => text.value(),
            Lit::Int(number) => number.base10_digits().to_owned(),
            Lit::Float(number) => number.base10_digits().to_owned(),
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    let (count, per) = match text.split_once('/') {
        None => (text.as_str(), 1),
        Some((count, "s")) => (count, 1),
        Some((count, "m")) => (count, 60),
        Some((count, "h")) => (count, 3600),
        Some(_) => return Err(wrong()),
    };
    match count.parse::<f64>() {
        Ok(count) if count.is_finite() && count > 0.0 => Ok((count, per)),
        _ => Err(wrong()),
    }
}
