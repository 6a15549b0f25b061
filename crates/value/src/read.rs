//! Tokens into values.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{Dict, Error, Exception, Object, Reader, Result, Set, Token, Value};

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
    let mut build = Build::default();
    let mut whole = build.token(first, |bytes| reader.share(bytes))?;
    while whole.is_none() {
        let next = reader.next();
        if let (Some(open), Ok(token)) = (build.open.last_mut(), &next)
            && open.take(token)?
        {
            continue;
        }
        whole = build.token(next?, |bytes| reader.share(bytes))?;
    }
    whole.ok_or_else(Error::eof)
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
    Dict(Dict, Option<Value>),
}

impl Build {
    /// Takes the next token; gives the value when it is whole. `share` makes shared bytes of borrowed ones.
    ///
    /// # Errors
    /// Unhashable keys and members, and tokens that are not balanced.
    #[inline]
    pub fn token<'de>(&mut self, token: Token<'de>, share: impl FnOnce(&'de [u8]) -> Bytes) -> Result<Option<Value>> {
        let room = |len: Option<usize>| len.unwrap_or(0).min(TRUSTED_LEN);
        let open = match token {
            Token::List(len) => Open::List(Vec::with_capacity(room(len))),
            Token::Tuple(len) => Open::Tuple(Vec::with_capacity(room(len))),
            Token::Set(len) => Open::Set(Set::with_capacity(room(len))),
            Token::FrozenSet(len) => Open::FrozenSet(Set::with_capacity(room(len))),
            Token::Dict(len) => Open::Dict(Dict::with_capacity(room(len)), None),
            Token::End => {
                let closed = self.open.pop().ok_or_else(|| Error::malformed("a container ends that never began"))?;
                return self.place(closed.close()?);
            }
            scalar => return self.place(scalar.into_value(share)?),
        };
        self.open.push(open);
        Ok(None)
    }

    fn place(&mut self, value: Value) -> Result<Option<Value>> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::List(items) | Open::Tuple(items)) => items.push(value),
            Some(Open::Set(set) | Open::FrozenSet(set)) => {
                set.insert(value)?;
            }
            Some(Open::Dict(dict, key)) => match key.take() {
                None => *key = Some(value),
                Some(key) => {
                    dict.insert_value(key, value)?;
                }
            },
        }
        Ok(None)
    }
}

impl Open {
    /// Takes a token of the kinds that most values are made of; tells whether this was one.
    ///
    /// It is put into its place from where it is: a token is large, and to move it first would take most of the time.
    #[inline(always)]
    fn take(&mut self, token: &Token<'_>) -> Result<bool> {
        match self {
            Open::List(items) | Open::Tuple(items) => Ok(plain(token, |value| items.push(value)).is_some()),
            Open::Dict(_, key @ None) => Ok(plain(token, |value| *key = Some(value)).is_some()),
            Open::Dict(dict, key) => match plain(token, |value| dict.insert_value(key.take().unwrap_or_default(), value)) {
                Some(inserted) => inserted.map(|_| true),
                None => Ok(false),
            },
            Open::Set(_) | Open::FrozenSet(_) => Ok(false),
        }
    }

    fn close(self) -> Result<Value> {
        Ok(match self {
            Open::List(items) => Value::List(items),
            Open::Tuple(items) => Value::Tuple(items),
            Open::Set(set) => Value::Set(Box::new(set)),
            Open::FrozenSet(set) => Value::FrozenSet(Box::new(set)),
            Open::Dict(_, Some(_)) => return Err(Error::malformed("a dict ends after a key")),
            Open::Dict(dict, None) => of_dict(dict),
        })
    }
}

/// Makes the value of a token of a common kind, right where it is used.
#[inline(always)]
fn plain<R>(token: &Token<'_>, used: impl FnOnce(Value) -> R) -> Option<R> {
    match token {
        Token::Int(number) => Some(used(Value::Int(*number))),
        Token::Float(number) => Some(used(Value::Float(*number))),
        Token::Str(Cow::Borrowed(text)) => Some(used(Value::Str((*text).into()))),
        _ => None,
    }
}

/// The exception, the object or just the dict that a dict stands for.
fn of_dict(dict: Dict) -> Value {
    if dict.get("__class__").is_none() {
        return Value::Dict(Box::new(dict));
    }
    match Exception::from_dict(dict) {
        Ok(exception) => Value::Exception(Box::new(exception)),
        Err(dict) => match Object::from_dict(dict) {
            Ok(object) => Value::Object(Box::new(object)),
            Err(dict) => Value::Dict(Box::new(dict)),
        },
    }
}

impl<'de> Token<'de> {
    /// The value of a token that is one by itself.
    ///
    /// # Errors
    /// Where the token begins or ends a container.
    #[inline]
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
