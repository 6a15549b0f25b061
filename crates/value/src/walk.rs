//! [`ValueReader`]: the tokens of a value that is there already.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{Blob, Reader, Result, Token, Value};

/// Reads a value as if it had come encoded.
pub struct ValueReader<'de> {
    next: Next<'de>,
    open: Vec<Next<'de>>,
}

enum Next<'de> {
    One(Option<Cow<'de, Value>>),
    Items(std::slice::Iter<'de, Value>),
    Entries(Box<dyn Iterator<Item = (&'de Value, &'de Value)> + Send + 'de>, Option<&'de Value>),
    Owned(std::vec::IntoIter<(Value, Value)>, Option<Value>),
    OwnedItems(std::vec::IntoIter<Value>),
}

impl<'de> ValueReader<'de> {
    /// Reads this value.
    pub fn new(value: &'de Value) -> Self {
        Self { next: Next::One(Some(Cow::Borrowed(value))), open: Vec::new() }
    }

    fn advance(&mut self) -> Option<Cow<'de, Value>> {
        match &mut self.next {
            Next::One(value) => value.take(),
            Next::Items(items) => items.next().map(Cow::Borrowed),
            Next::OwnedItems(items) => items.next().map(Cow::Owned),
            Next::Entries(entries, held) => held.take().map(Cow::Borrowed).or_else(|| {
                let (key, value) = entries.next()?;
                *held = Some(value);
                Some(Cow::Borrowed(key))
            }),
            Next::Owned(entries, held) => held.take().map(Cow::Owned).or_else(|| {
                let (key, value) = entries.next()?;
                *held = Some(value);
                Some(Cow::Owned(key))
            }),
        }
    }

    fn enter(&mut self, token: Token<'de>, next: Next<'de>) -> Token<'de> {
        self.open.push(std::mem::replace(&mut self.next, next));
        token
    }

    fn borrowed(&mut self, value: &'de Value) -> Token<'de> {
        match value {
            Value::Str(text) => Token::Str(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Token::Bytes(Cow::Borrowed(bytes)),
            Value::ByteArray(bytes) => Token::ByteArray(Cow::Borrowed(bytes)),
            Value::List(items) => self.enter(Token::List(Some(items.len())), Next::Items(items.iter())),
            Value::Tuple(items) => self.enter(Token::Tuple(Some(items.len())), Next::Items(items.iter())),
            Value::Set(set) => self.enter(Token::Set(Some(set.len())), Next::Items(set.iter())),
            Value::FrozenSet(set) => self.enter(Token::FrozenSet(Some(set.len())), Next::Items(set.iter())),
            Value::Dict(dict) => {
                self.enter(Token::Dict(Some(dict.len())), Next::Entries(Box::new(dict.iter()), None))
            }
            Value::Object(object) => {
                let fields = object.fields();
                self.enter(Token::Dict(Some(fields.len())), Next::Entries(Box::new(fields.iter()), None))
            }
            Value::Exception(exception) => {
                let dict = exception.to_dict();
                self.enter(Token::Dict(Some(dict.len())), Next::Owned(dict.into_iter(), None))
            }
            scalar => Self::scalar(scalar.clone()),
        }
    }

    fn owned(&mut self, value: Value) -> Token<'de> {
        let owned = |blob: Blob| Cow::Owned(blob.to_vec());
        match value {
            Value::Str(text) => Token::Str(Cow::Owned(text.into())),
            Value::Bytes(bytes) => Token::Bytes(owned(bytes)),
            Value::ByteArray(bytes) => Token::ByteArray(owned(bytes)),
            Value::List(items) => self.enter(Token::List(Some(items.len())), Next::OwnedItems(items.into_iter())),
            Value::Tuple(items) => self.enter(Token::Tuple(Some(items.len())), Next::OwnedItems(items.into_iter())),
            Value::Set(set) => {
                let items: Vec<_> = set.into_iter().collect();
                self.enter(Token::Set(Some(items.len())), Next::OwnedItems(items.into_iter()))
            }
            Value::FrozenSet(set) => {
                let items: Vec<_> = set.into_iter().collect();
                self.enter(Token::FrozenSet(Some(items.len())), Next::OwnedItems(items.into_iter()))
            }
            Value::Dict(dict) => self.enter(Token::Dict(Some(dict.len())), Next::Owned(dict.into_iter(), None)),
            Value::Object(object) => {
                let fields = object.into_fields();
                self.enter(Token::Dict(Some(fields.len())), Next::Owned(fields.into_iter(), None))
            }
            Value::Exception(exception) => {
                let dict = exception.to_dict();
                self.enter(Token::Dict(Some(dict.len())), Next::Owned(dict.into_iter(), None))
            }
            scalar => Self::scalar(scalar),
        }
    }

    /// The token of a value that is neither text, bytes nor container.
    fn scalar(value: Value) -> Token<'de> {
        match value {
            Value::Bool(flag) => Token::Bool(flag),
            Value::Int(number) => Token::Int(number),
            Value::BigInt(number) => Token::BigInt(number),
            Value::Float(number) => Token::Float(number),
            Value::Complex(number) => Token::Complex(number),
            Value::Surrogates(text) => Token::Surrogates(text),
            Value::Decimal(number) => Token::Decimal(number),
            Value::DateTime(when) => Token::DateTime(*when),
            Value::Date(date) => Token::Date(date),
            Value::Time(time) => Token::Time(*time),
            Value::TimeDelta(delta) => Token::TimeDelta(delta),
            Value::Uuid(uuid) => Token::Uuid(*uuid),
            _ => Token::None,
        }
    }
}

impl<'de> Reader<'de> for ValueReader<'de> {
    fn next(&mut self) -> Result<Token<'de>> {
        Ok(match self.advance() {
            Some(Cow::Borrowed(value)) => self.borrowed(value),
            Some(Cow::Owned(value)) => self.owned(value),
            None => {
                if let Some(outer) = self.open.pop() {
                    self.next = outer;
                }
                Token::End
            }
        })
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        Bytes::copy_from_slice(bytes)
    }
}
