//! Serde's `Deserialize` out of a [`Reader`].

use std::borrow::Cow;

use base64::Engine;
use num_traits::ToPrimitive;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::{
    Complex, Date, DateTime, Decimal, Dict, Error, Exception, Int, Kind, MAX_INT_DIGITS, MAX_TYPED_DEPTH, Reader,
    Result, Set, Time, TimeDelta, Token, Value, ValueReader, handover, read_rest, skip_value,
};

/// Reads the next value as the type that is asked for.
///
/// Lists, tuples and sets all serve where a sequence is asked for, integers where a float is, `bool` where an integer is,
/// as in Python. Strings and bytes can be borrowed from the buffer.
///
/// # Errors
/// Those of the reader, and [`Kind::Type`] where the value is another.
pub fn from_reader<'de, T: Deserialize<'de>>(reader: &mut dyn Reader<'de>) -> Result<T> {
    let first = reader.next()?;
    read_into(reader, first)
}

/// Reads the value that this token begins as the type that is asked for.
///
/// # Errors
/// As [`from_reader`].
pub fn read_into<'de, T: Deserialize<'de>>(reader: &mut dyn Reader<'de>, first: Token<'de>) -> Result<T> {
    T::deserialize(FromTokens { token: first, reader, depth: 0 })
}

/// Turns a value into a type of the user's own.
///
/// # Errors
/// [`Kind::Type`] where the value is another.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    from_reader(&mut ValueReader::new(value))
}

/// A `serde::Deserializer` for the value that a token begins.
pub struct FromTokens<'r, 'de> {
    token: Token<'de>,
    reader: &'r mut dyn Reader<'de>,
    depth: usize,
}

impl<'r, 'de> FromTokens<'r, 'de> {
    /// Reads the value that `token` begins.
    pub fn new(reader: &'r mut dyn Reader<'de>, token: Token<'de>) -> Self {
        Self { token, reader, depth: 0 }
    }

    /// Lets the visitor have the items of the container that was begun, and sees to it that it took all.
    fn items<T>(self, visit: impl FnOnce(&mut Items<'_, 'de>) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_TYPED_DEPTH {
            return Err(Error::too_deep(MAX_TYPED_DEPTH));
        }
        let len = match self.token {
            Token::List(len) | Token::Tuple(len) | Token::Set(len) | Token::FrozenSet(len) | Token::Dict(len) => len,
            _ => None,
        };
        let mut items = Items { reader: self.reader, depth: self.depth + 1, ended: false, len };
        let value = visit(&mut items)?;
        if !items.ended && items.reader.next()? != Token::End {
            return Err(Error::new(Kind::Type, "the sequence has more items than expected"));
        }
        Ok(value)
    }

    /// The bytes of a token that is some, or of the dict that serpent sends in their place.
    fn into_bytes(self) -> Result<Cow<'de, [u8]>> {
        match self.token {
            Token::Bytes(bytes) | Token::ByteArray(bytes) => Ok(bytes),
            Token::Dict(_) => {
                let value = read_rest(self.reader, self.token)?;
                let data = value.get("data").and_then(Value::as_str);
                match (data, value.get("encoding").and_then(Value::as_str)) {
                    (Some(data), Some("base64")) => base64::engine::general_purpose::STANDARD
                        .decode(data)
                        .map(Cow::Owned)
                        .map_err(|error| Error::malformed(format!("bad base64 data: {error}"))),
                    _ => Err(Error::expected("bytes", "dict")),
                }
            }
            other => Err(Error::expected("bytes", other.type_name())),
        }
    }
}

impl<'de> Deserializer<'de> for FromTokens<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token {
            Token::None => visitor.visit_unit(),
            Token::Bool(flag) => visitor.visit_bool(flag),
            Token::Int(number) => visitor.visit_i64(number),
            Token::BigInt(number) => match (number.to_u64(), number.to_i128(), number.to_u128()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i128(number),
                (_, _, Some(number)) => visitor.visit_u128(number),
                _ => Err(Error::new(Kind::Overflow, "int too large to convert")),
            },
            Token::Float(number) => visitor.visit_f64(number),
            Token::Str(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::Str(Cow::Owned(text)) => visitor.visit_string(text),
            Token::Surrogates(_) => Err(Error::new(Kind::Unicode, "surrogates not allowed")),
            Token::Bytes(Cow::Borrowed(bytes)) | Token::ByteArray(Cow::Borrowed(bytes)) => {
                visitor.visit_borrowed_bytes(bytes)
            }
            Token::Bytes(Cow::Owned(bytes)) | Token::ByteArray(Cow::Owned(bytes)) => visitor.visit_byte_buf(bytes),
            Token::Decimal(number) => visitor.visit_string(number.to_string()),
            Token::DateTime(when) => visitor.visit_string(when.to_string()),
            Token::Date(date) => visitor.visit_string(date.to_string()),
            Token::Time(time) => visitor.visit_string(time.to_string()),
            Token::TimeDelta(delta) => visitor.visit_f64(delta.total_seconds()),
            Token::Uuid(uuid) => visitor.visit_string(uuid.to_string()),
            Token::Complex(number) => {
                let mut parts = [number.re, number.im].into_iter();
                visitor.visit_seq(de::value::SeqDeserializer::<_, Error>::new(parts.by_ref()))
            }
            Token::List(_) | Token::Tuple(_) | Token::Set(_) | Token::FrozenSet(_) => {
                self.items(|items| visitor.visit_seq(items))
            }
            Token::Dict(_) => self.items(|items| visitor.visit_map(items)),
            Token::End => Err(Error::malformed("a value is missing")),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token {
            Token::Int(number) => visitor.visit_i64(number),
            Token::Bool(flag) => visitor.visit_i64(flag.into()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token {
            Token::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if matches!(self.token, Token::List(_) | Token::Tuple(_)) {
            return self.deserialize_any(visitor);
        }
        match self.into_bytes()? {
            Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
            Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match name {
            handover::VALUE => {
                let value = read_rest(self.reader, self.token)?;
                handover::give(value);
                visitor.visit_unit()
            }
            handover::BYTES => {
                let Self { token, reader, depth } = self;
                let bytes = FromTokens { token, reader: &mut *reader, depth }.into_bytes()?;
                handover::give(Value::Bytes(match bytes {
                    Cow::Borrowed(bytes) => reader.share(bytes).into(),
                    Cow::Owned(bytes) => bytes.into(),
                }));
                visitor.visit_unit()
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.token {
            Token::Str(variant) => visitor.visit_enum(variant.into_deserializer()),
            Token::Dict(_) => self.items(|items| visitor.visit_enum(Variant { items })),
            other => Err(Error::expected("the name of a variant, or a dict with one entry", other.type_name())),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        skip_value(self.reader, &self.token)?;
        visitor.visit_unit()
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    forward_to_deserialize_any! {
        bool f32 f64 char str string unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// What is left of an open container.
struct Items<'r, 'de> {
    reader: &'r mut dyn Reader<'de>,
    depth: usize,
    ended: bool,
    len: Option<usize>,
}

impl<'de> Items<'_, 'de> {
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.ended {
            return Ok(None);
        }
        match self.reader.next()? {
            Token::End => {
                self.ended = true;
                Ok(None)
            }
            token => seed.deserialize(FromTokens { token, reader: &mut *self.reader, depth: self.depth }).map(Some),
        }
    }

    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.next(seed)?.ok_or_else(|| Error::malformed("a value is missing"))
    }
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }

    /// A hint for capacity; serde's own types bound what they allocate for it.
    fn size_hint(&self) -> Option<usize> {
        self.len
    }
}

impl<'de> de::MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.value(seed)
    }
}

/// The one entry of a dict that stands for an enum's variant.
struct Variant<'i, 'r, 'de> {
    items: &'i mut Items<'r, 'de>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let variant = self.items.value(seed)?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        self.items.value(std::marker::PhantomData::<()>)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        self.items.value(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.items.value(Visit(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.items.value(Visit(visitor))
    }
}

struct Visit<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Visit<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    /// Whole and without loss from our own codecs; as far as serde's data model goes from other deserializers.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(handover::VALUE, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    /// Our own bridge comes here after it handed the value over.
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(handover::take().unwrap_or_default())
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(bytes.into())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut dict = Dict::new();
        while let Some((key, value)) = access.next_entry()? {
            dict.insert_value(key, value).map_err(de::Error::custom)?;
        }
        Ok(dict.into())
    }
}

macro_rules! out_of_value {
    ($($type:ty, $what:literal: $pattern:pat => $made:expr;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Value::deserialize(deserializer)? {
                    $pattern => Ok($made),
                    other => Err(de::Error::custom(format_args!("expected {}, got {}", $what, other.type_name()))),
                }
            }
        }
    )*};
}
out_of_value! {
    Dict, "dict": Value::Dict(dict) => *dict;
    Set, "set": Value::Set(set) | Value::FrozenSet(set) => *set;
    DateTime, "datetime": Value::DateTime(when) => *when;
    Date, "date": Value::Date(date) => date;
    Time, "time": Value::Time(time) => *time;
    TimeDelta, "timedelta": Value::TimeDelta(delta) => delta;
    Complex, "complex": Value::Complex(number) => number;
    Exception, "exception": Value::Exception(exception) => *exception;
}

impl<'de> Deserialize<'de> for Int {
    /// Also from a string of digits, as formats write it that know no such numbers.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = Value::deserialize(deserializer)?;
        match whole {
            Value::Bool(flag) => Ok(i64::from(flag).into()),
            Value::Int(number) => Ok(number.into()),
            Value::BigInt(number) => Ok(Int(*number)),
            Value::Str(digits) if digits.len() <= MAX_INT_DIGITS => {
                digits.parse().map(Int).map_err(|_| de::Error::custom("expected int, got str"))
            }
            other => Err(de::Error::custom(format_args!("expected int, got {}", other.type_name()))),
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    /// Also from a string, which is what most of Python's serializers make of a decimal.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Decimal(number) => Ok(*number),
            Value::Str(text) => text.parse().map_err(de::Error::custom),
            Value::Int(number) => number.to_string().parse().map_err(de::Error::custom),
            other => Err(de::Error::custom(format_args!("expected Decimal, got {}", other.type_name()))),
        }
    }
}
