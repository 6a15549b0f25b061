//! Tokens into values.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{Dict, Error, Reader, Result, Set, Token, Value};

/// Reads the next value.
///
/// A dict that says of what class it is becomes a [`Value::Object`] or [`Value::Exception`]. The stack of the thread is
/// not used for depth, and no list is allocated for more items than have come.
///
/// # Errors
/// Those of the reader, unhashable keys among them.
pub fn read_value<'de, R: Reader<'de> + ?Sized>(reader: &mut R) -> Result<Value> {
    let first = reader.next()?;
    read_rest(reader, first)
}

/// Reads the value that this token begins.
///
/// # Errors
/// Those of the reader, unhashable keys among them.
pub fn read_rest<'de, R: Reader<'de> + ?Sized>(reader: &mut R, first: Token<'de>) -> Result<Value> {
    let Some(mut open) = Open::begin(&first) else {
        return first.into_value(|bytes| reader.share(bytes));
    };
    let mut outer = Vec::new();
    loop {
        let token = open.fill(reader)?;
        match Open::begin(&token) {
            Some(inner) => outer.push(std::mem::replace(&mut open, inner)),
            None => {
                let value = open.close(|dict| reader.instance(dict))?;
                open = match outer.pop() {
                    Some(open) => open,
                    None => return Ok(value),
                };
                open.put(value)?;
            }
        }
    }
}

/// Skips the value that this token begins.
///
/// # Errors
/// Those of the reader.
pub fn skip_value<'de, R: Reader<'de> + ?Sized>(reader: &mut R, first: &Token<'de>) -> Result<()> {
    let mut open = usize::from(first.opens());
    while open > 0 {
        match reader.next()? {
            Token::End => open -= 1,
            token if token.opens() => open += 1,
            _ => {}
        }
    }
    Ok(())
}

/// How many items a container is given room for before any has come, whatever it says of its length.
const TRUSTED_LEN: usize = 1024;

/// Puts one value together from its tokens.
#[derive(Default)]
pub struct Build {
    open: Vec<Open>,
}

enum Open {
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Set(Set),
    FrozenSet(Set),
    /// With the place of the entry whose value comes next, if it is no key.
    Dict(Dict, Option<usize>),
}

impl Build {
    /// Takes the next token; gives the value when it is whole. `share` makes shared bytes of borrowed ones.
    ///
    /// # Errors
    /// Unhashable keys and members, and tokens that are not balanced.
    pub fn token<'de>(&mut self, token: Token<'de>, share: impl FnOnce(&'de [u8]) -> Bytes) -> Result<Option<Value>> {
        self.token_as(token, share, |dict| Ok(Value::of_class(dict)))
    }

    /// The same, where `instance` says what a dict with `__class__` is that ends here.
    ///
    /// # Errors
    /// As [`Build::token`], and those of `instance`.
    pub fn token_as<'de>(
        &mut self,
        token: Token<'de>,
        share: impl FnOnce(&'de [u8]) -> Bytes,
        instance: impl FnOnce(Dict) -> Result<Value>,
    ) -> Result<Option<Value>> {
        if let Some(open) = Open::begin(&token) {
            self.open.push(open);
            return Ok(None);
        }
        let value = match token {
            Token::End => {
                let closed = self.open.pop().ok_or_else(|| Error::malformed("a container ends that never began"))?;
                closed.close(instance)?
            }
            scalar => scalar.into_value(share)?,
        };
        match self.open.last_mut() {
            None => Ok(Some(value)),
            Some(open) => open.put(value).map(|()| None),
        }
    }
}

/// Builds a value where it is to stay: moving values costs more than reading them.
#[inline(always)]
fn push_with(items: &mut Vec<Value>, make: impl FnOnce() -> Value) {
    items.extend(std::iter::once_with(make));
}

impl Open {
    /// The container that this token begins, if it begins one.
    fn begin(token: &Token<'_>) -> Option<Self> {
        let room = |len: &Option<usize>| len.unwrap_or(0).min(TRUSTED_LEN);
        Some(match token {
            Token::List(len) => Open::List(Vec::with_capacity(room(len))),
            Token::Tuple(len) => Open::Tuple(Vec::with_capacity(room(len))),
            Token::Set(len) => Open::Set(Set::with_capacity(room(len))),
            Token::FrozenSet(len) => Open::FrozenSet(Set::with_capacity(room(len))),
            Token::Dict(len) => Open::Dict(Dict::with_capacity(room(len)), None),
            _ => return None,
        })
    }

    /// Puts scalars in, as long as they come; gives the token that is none.
    fn fill<'de, R: Reader<'de> + ?Sized>(&mut self, reader: &mut R) -> Result<Token<'de>> {
        match self {
            Open::List(items) | Open::Tuple(items) => loop {
                match reader.next() {
                    Ok(Token::Int(number)) => push_with(items, || Value::Int(number)),
                    Ok(Token::Float(number)) => push_with(items, || Value::Float(number)),
                    Ok(Token::Str(Cow::Borrowed(text))) => push_with(items, || Value::Str(text.into())),
                    Ok(token) if token.opens() || matches!(token, Token::End) => return Ok(token),
                    Ok(scalar) => items.push(scalar.into_value(|bytes| reader.share(bytes))?),
                    Err(error) => return Err(error),
                }
            },
            Open::Dict(dict, place) => loop {
                match (reader.next(), *place) {
                    (Ok(Token::Str(Cow::Borrowed(text))), None) => *place = Some(dict.place_str(text)),
                    (Ok(token), _) if token.opens() || matches!(token, Token::End) => return Ok(token),
                    (Ok(scalar), None) => *place = Some(dict.place(scalar.into_value(|bytes| reader.share(bytes))?)?),
                    (Ok(scalar), Some(at)) => {
                        let value = scalar.into_value(|bytes| reader.share(bytes))?;
                        if let Some(place) = dict.value_at(at) {
                            *place = value;
                        }
                        *place = None;
                    }
                    (Err(error), _) => return Err(error),
                }
            },
            Open::Set(_) | Open::FrozenSet(_) => loop {
                match reader.next()? {
                    token if token.opens() || matches!(token, Token::End) => return Ok(token),
                    scalar => self.put(scalar.into_value(|bytes| reader.share(bytes))?)?,
                }
            },
        }
    }

    #[inline]
    fn put(&mut self, value: Value) -> Result<()> {
        match self {
            Open::List(items) | Open::Tuple(items) => items.push(value),
            Open::Set(set) | Open::FrozenSet(set) => {
                set.insert(value)?;
            }
            Open::Dict(dict, place) => match place.take() {
                None => *place = Some(dict.place(value)?),
                Some(at) => {
                    if let Some(place) = dict.value_at(at) {
                        *place = value;
                    }
                }
            },
        }
        Ok(())
    }

    fn close(self, instance: impl FnOnce(Dict) -> Result<Value>) -> Result<Value> {
        Ok(match self {
            Open::List(items) => Value::List(items),
            Open::Tuple(items) => Value::Tuple(items),
            Open::Set(set) => Value::Set(Box::new(set)),
            Open::FrozenSet(set) => Value::FrozenSet(Box::new(set)),
            Open::Dict(_, Some(_)) => return Err(Error::malformed("a dict ends after a key")),
            Open::Dict(dict, None) if dict.get("__class__").is_some() => instance(dict)?,
            Open::Dict(dict, None) => Value::Dict(Box::new(dict)),
        })
    }
}

impl<'de> Token<'de> {
    /// The value of a token that is one by itself.
    ///
    /// # Errors
    /// Where the token begins or ends a container.
    pub fn into_value(self, share: impl FnOnce(&'de [u8]) -> Bytes) -> Result<Value> {
        let blob = |bytes: Cow<'de, [u8]>| match bytes {
            Cow::Borrowed(bytes) => share(bytes).into(),
            Cow::Owned(bytes) => bytes.into(),
        };
        Ok(match self {
            Token::None => Value::None,
            Token::Bool(flag) => Value::Bool(flag),
            Token::Int(number) => Value::Int(number),
            Token::BigInt(number) => Value::from(*number),
            Token::Float(number) => Value::Float(number),
            Token::Complex(number) => Value::Complex(number),
            Token::Str(text) => Value::Str(text.into()),
            Token::Surrogates(text) => Value::Surrogates(text),
            Token::Bytes(bytes) => Value::Bytes(blob(bytes)),
            Token::ByteArray(bytes) => Value::ByteArray(blob(bytes)),
            Token::Decimal(number) => Value::Decimal(number),
            Token::DateTime(when) => Value::DateTime(Box::new(when)),
            Token::Date(date) => Value::Date(date),
            Token::Time(time) => Value::Time(Box::new(time)),
            Token::TimeDelta(delta) => Value::TimeDelta(delta),
            Token::Uuid(uuid) => Value::Uuid(Box::new(uuid)),
            Token::List(_) | Token::Tuple(_) | Token::Set(_) | Token::FrozenSet(_) | Token::Dict(_) | Token::End => {
                return Err(Error::malformed("a container where a scalar should be"));
            }
        })
    }
}
