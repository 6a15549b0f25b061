//! [`Binder`]: arguments to parameters, by Python's rules and with Python's messages.

use std::borrow::Cow;

use salamander_value::{Dict, Error, Exception, Kind, Reader, Token, Value, read_into, read_rest, skip_value};
use serde::Deserialize;

use crate::function::FUNCTION;
use crate::members::{Members, Method, ParamKind};

/// Gives the arguments of one call in turn, each with the parameter that it belongs to.
///
/// `#[expose]` writes the loop around it; what cannot be bound becomes the `TypeError` that Python raises.
pub struct Binder<'b, 'de> {
    args: &'b mut dyn Reader<'de>,
    class: &'static str,
    method: &'static Method,
    positional: usize,
    /// One bit for each parameter that has its argument.
    seen: u64,
    in_keywords: bool,
    rest: Vec<Value>,
    named_rest: Dict,
}

impl<'b, 'de> Binder<'b, 'de> {
    /// Opens the arguments of a call of this method.
    ///
    /// # Errors
    /// Where the positional arguments are no sequence.
    pub fn open(
        args: &'b mut dyn Reader<'de>,
        class: &'static str,
        method: &'static Method,
    ) -> Result<Self, Exception> {
        match args.next()? {
            Token::List(_) | Token::Tuple(_) => {}
            other => {
                return Err(Exception::type_error(format!(
                    "the arguments of a call should be a list, not {}",
                    other.type_name()
                )));
            }
        }
        Ok(Self {
            args,
            class,
            method,
            positional: 0,
            seen: 0,
            in_keywords: false,
            rest: Vec::new(),
            named_rest: Dict::new(),
        })
    }

    /// The next argument: the index of its parameter, and the token that begins it, to be given to [`Binder::read`].
    ///
    /// # Errors
    /// `TypeError` for what no parameter takes, and whatever is wrong with the encoded arguments.
    pub fn next_argument(&mut self) -> Result<Option<(usize, Token<'de>)>, Exception> {
        while !self.in_keywords {
            match self.args.next()? {
                Token::End => match self.args.next()? {
                    Token::Dict(_) => self.in_keywords = true,
                    Token::None => return self.finish(),
                    other => {
                        return Err(Exception::type_error(format!(
                            "keyword arguments should be a dict, not {}",
                            other.type_name()
                        )));
                    }
                },
                token => {
                    let at = self.positional;
                    self.positional += 1;
                    if at < self.method.positional() {
                        self.seen |= 1 << at;
                        return Ok(Some((at, token)));
                    }
                    if !self.takes(ParamKind::Args) {
                        return Err(self.too_many(&token));
                    }
                    let value = read_rest(self.args, token)?;
                    self.rest.push(value);
                }
            }
        }
        loop {
            let name = match self.args.next()? {
                Token::End => return self.finish(),
                Token::Str(name) => name,
                _ => return Err(Exception::type_error("keywords must be strings")),
            };
            let params = &self.method.params[..self.method.positional()];
            match params.iter().position(|param| param.name == name) {
                Some(at) if self.seen & 1 << at != 0 => {
                    return Err(self.error(&format!("got multiple values for argument '{name}'")));
                }
                Some(at) => {
                    self.seen |= 1 << at;
                    return Ok(Some((at, self.args.next()?)));
                }
                None if self.takes(ParamKind::Kwargs) => {
                    let first = self.args.next()?;
                    let value = read_rest(self.args, first)?;
                    self.named_rest.insert(&*name, value);
                }
                None => return Err(self.error(&format!("got an unexpected keyword argument '{name}'"))),
            }
        }
    }

    /// Reads an argument as the type of its parameter.
    ///
    /// # Errors
    /// `TypeError` that names the parameter where the argument is of another type.
    pub fn read<T: Deserialize<'de>>(&mut self, at: usize, token: Token<'de>) -> Result<T, Exception> {
        read_into(self.args, token).map_err(|error| self.wrong(at, &error))
    }

    /// All further positional arguments, each as the type of its parameter.
    ///
    /// # Errors
    /// `TypeError` where one is of another type.
    pub fn rest<T: serde::de::DeserializeOwned>(&mut self, at: usize) -> Result<Vec<T>, Exception> {
        let rest = std::mem::take(&mut self.rest);
        rest.iter().map(|value| salamander_value::from_value(value).map_err(|error| self.wrong(at, &error))).collect()
    }

    /// All further keyword arguments, as the type of its parameter.
    ///
    /// # Errors
    /// `TypeError` where they do not fit it.
    pub fn named_rest<T: serde::de::DeserializeOwned>(&mut self, at: usize) -> Result<T, Exception> {
        let rest = Value::from(std::mem::take(&mut self.named_rest));
        salamander_value::from_value(&rest).map_err(|error| self.wrong(at, &error))
    }

    /// The end of the arguments: nothing that must be given is missing.
    fn finish<T>(&mut self) -> Result<Option<T>, Exception> {
        let missing: Vec<&str> = self
            .method
            .params
            .iter()
            .enumerate()
            .filter(|(at, param)| param.kind == ParamKind::Required && self.seen & 1 << at == 0)
            .map(|(_, param)| param.name)
            .collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = missing.iter().map(|name| format!("'{name}'")).collect();
        let listed = match &names[..] {
            [one] => one.clone(),
            [one, two] => format!("{one} and {two}"),
            [most @ .., last] => format!("{}, and {last}", most.join(", ")),
            [] => String::new(),
        };
        Err(self.error(&format!(
            "missing {} required positional argument{}: {listed}",
            names.len(),
            if names.len() == 1 { "" } else { "s" }
        )))
    }

    /// A parameter that has no argument although it needs one; `finish` has found it before.
    pub fn missing(&self, at: usize) -> Exception {
        let name = self.method.params.get(at).map_or("?", |param| param.name);
        self.error(&format!("missing 1 required positional argument: '{name}'"))
    }

    fn takes(&self, kind: ParamKind) -> bool {
        self.method.params.iter().any(|param| param.kind == kind)
    }

    #[cold]
    fn error(&self, what: &str) -> Exception {
        Exception::type_error(format!("{}() {what}", Members::shown(self.class, self.method.name)))
    }

    #[cold]
    fn too_many(&mut self, token: &Token<'de>) -> Exception {
        // Python counts `self`, which a function has not, and tells how many there were in all.
        let this = usize::from(self.method.name != FUNCTION);
        let mut given = self.positional + this;
        let mut next = salamander_value::skip_value(self.args, token).and_then(|()| self.args.next());
        while let Ok(token) = next {
            if token == Token::End {
                break;
            }
            given += 1;
            next = salamander_value::skip_value(self.args, &token).and_then(|()| self.args.next());
        }
        let most = self.method.positional() + this;
        let least = self.method.params.iter().filter(|param| param.kind == ParamKind::Required).count() + this;
        let takes = if least == most { most.to_string() } else { format!("from {least} to {most}") };
        let plural = if most == 1 { "" } else { "s" };
        let were = if given == 1 { "was" } else { "were" };
        self.error(&format!("takes {takes} positional argument{plural} but {given} {were} given"))
    }

    #[cold]
    fn wrong(&self, at: usize, error: &Error) -> Exception {
        let name = self.method.params.get(at).map_or("?", |param| param.name);
        let mut exception = error.exception();
        if matches!(error.kind(), Kind::Type | Kind::Custom) {
            exception = self.error(&format!("argument '{name}': {}", error.message()));
        }
        exception
    }
}

impl Members {
    /// Whether a call with so many positional arguments and keywords of these names fits a method, whatever the arguments are; for
    /// callers that want to know before they send it.
    ///
    /// # Errors
    /// The `TypeError` that the call would raise.
    pub fn check_arguments<'k>(
        &'static self,
        method: &'static Method,
        positional: usize,
        keywords: impl Iterator<Item = &'k str>,
    ) -> Result<(), Exception> {
        let mut shape = Shape { positional, keywords, state: ShapeState::Start };
        let mut binder = Binder::open(&mut shape, self.class, method)?;
        while let Some((_, token)) = binder.next_argument()? {
            skip_value(binder.args, &token)?;
        }
        Ok(())
    }
}

/// Arguments of which only their number and names are known: each is `None`.
struct Shape<K> {
    positional: usize,
    keywords: K,
    state: ShapeState,
}

enum ShapeState {
    Start,
    Positional,
    Between,
    Names,
    Value,
}

impl<'k, K: Iterator<Item = &'k str>> Reader<'k> for Shape<K> {
    fn next(&mut self) -> salamander_value::Result<Token<'k>> {
        let (token, state) = match self.state {
            ShapeState::Start => (Token::Tuple(None), ShapeState::Positional),
            ShapeState::Positional if self.positional == 0 => (Token::End, ShapeState::Between),
            ShapeState::Positional => {
                self.positional -= 1;
                (Token::None, ShapeState::Positional)
            }
            ShapeState::Between => (Token::Dict(None), ShapeState::Names),
            ShapeState::Names => match self.keywords.next() {
                Some(name) => (Token::Str(Cow::Borrowed(name)), ShapeState::Value),
                None => (Token::End, ShapeState::Names),
            },
            ShapeState::Value => (Token::None, ShapeState::Names),
        };
        self.state = state;
        Ok(token)
    }
}
