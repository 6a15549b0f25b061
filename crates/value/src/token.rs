//! The two traits that every codec implements, and the tokens that flow between.

use std::borrow::Cow;

use bytes::Bytes;
use num_bigint::BigInt;
use uuid::Uuid;

use crate::{Complex, Date, DateTime, Decimal, Dict, Result, SurrogateStr, Time, TimeDelta, Value};

/// One step of a value: a scalar, the start of a container, or the end of the innermost open one.
///
/// A container's number is its length (pairs for a dict) where the format tells it beforehand; it is a hint from
/// a peer, never to be trusted for an allocation. Dicts give key, value, key, value, until `End`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Token<'de> {
    /// `None`
    None,
    /// `bool`
    Bool(bool),
    /// `int` that fits 64 bits
    Int(i64),
    /// `int` of any other size
    BigInt(Box<BigInt>),
    /// `float`
    Float(f64),
    /// `complex`
    Complex(Complex),
    /// `str`
    Str(Cow<'de, str>),
    /// `str` with lone surrogates
    Surrogates(Box<SurrogateStr>),
    /// `bytes`
    Bytes(Cow<'de, [u8]>),
    /// `bytearray`
    ByteArray(Cow<'de, [u8]>),
    /// `decimal.Decimal`
    Decimal(Box<Decimal>),
    /// `datetime.datetime`
    DateTime(DateTime),
    /// `datetime.date`
    Date(Date),
    /// `datetime.time`
    Time(Time),
    /// `datetime.timedelta`
    TimeDelta(TimeDelta),
    /// `uuid.UUID`
    Uuid(Uuid),
    /// Start of a `list`
    List(Option<usize>),
    /// Start of a `tuple`
    Tuple(Option<usize>),
    /// Start of a `set`
    Set(Option<usize>),
    /// Start of a `frozenset`
    FrozenSet(Option<usize>),
    /// Start of a `dict`
    Dict(Option<usize>),
    /// End of the innermost container
    End,
}

impl Token<'_> {
    /// The same, which borrows nothing.
    pub fn into_owned(self) -> Token<'static> {
        match self {
            Self::None => Token::None,
            Self::Bool(flag) => Token::Bool(flag),
            Self::Int(number) => Token::Int(number),
            Self::BigInt(number) => Token::BigInt(number),
            Self::Float(number) => Token::Float(number),
            Self::Complex(number) => Token::Complex(number),
            Self::Str(text) => Token::Str(text.into_owned().into()),
            Self::Surrogates(text) => Token::Surrogates(text),
            Self::Bytes(bytes) => Token::Bytes(bytes.into_owned().into()),
            Self::ByteArray(bytes) => Token::ByteArray(bytes.into_owned().into()),
            Self::Decimal(number) => Token::Decimal(number),
            Self::DateTime(time) => Token::DateTime(time),
            Self::Date(date) => Token::Date(date),
            Self::Time(time) => Token::Time(time),
            Self::TimeDelta(delta) => Token::TimeDelta(delta),
            Self::Uuid(uuid) => Token::Uuid(uuid),
            Self::List(len) => Token::List(len),
            Self::Tuple(len) => Token::Tuple(len),
            Self::Set(len) => Token::Set(len),
            Self::FrozenSet(len) => Token::FrozenSet(len),
            Self::Dict(len) => Token::Dict(len),
            Self::End => Token::End,
        }
    }
}

impl Token<'_> {
    /// The name of the Python type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Token::None => "None",
            Token::Bool(_) => "bool",
            Token::Int(_) | Token::BigInt(_) => "int",
            Token::Float(_) => "float",
            Token::Complex(_) => "complex",
            Token::Str(_) | Token::Surrogates(_) => "str",
            Token::Bytes(_) => "bytes",
            Token::ByteArray(_) => "bytearray",
            Token::Decimal(_) => "Decimal",
            Token::DateTime(_) => "datetime",
            Token::Date(_) => "date",
            Token::Time(_) => "time",
            Token::TimeDelta(_) => "timedelta",
            Token::Uuid(_) => "UUID",
            Token::List(_) => "list",
            Token::Tuple(_) => "tuple",
            Token::Set(_) => "set",
            Token::FrozenSet(_) => "frozenset",
            Token::Dict(_) => "dict",
            Token::End => "the end of a container",
        }
    }

    /// Whether this token opens a container.
    pub fn opens(&self) -> bool {
        matches!(self, Token::List(_) | Token::Tuple(_) | Token::Set(_) | Token::FrozenSet(_) | Token::Dict(_))
    }
}

/// Reads one encoded value as a stream of tokens, within the format's limits of depth and size.
///
/// An implementation checks all that can be wrong with the bytes: it gives balanced tokens or an error, it never
/// allocates ahead of the bytes it has, and after an error it is not used again.
pub trait Reader<'de> {
    /// The next token.
    ///
    /// # Errors
    /// Of any kind that bytes from a peer can cause; see [`Kind`](crate::Kind).
    fn next(&mut self) -> Result<Token<'de>>;

    /// These bytes, shared with the buffer that is read from where they are part of it, else copied.
    fn share(&self, bytes: &'de [u8]) -> Bytes {
        Bytes::copy_from_slice(bytes)
    }

    /// What a dict stands for that says with `__class__` of what class it is.
    ///
    /// # Errors
    /// Where the format has a class of its own, and this is none.
    fn instance(&self, dict: Dict) -> Result<Value> {
        Ok(Value::of_class(dict))
    }
}

impl<'de, R: Reader<'de> + ?Sized> Reader<'de> for &mut R {
    fn next(&mut self) -> Result<Token<'de>> {
        (**self).next()
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        (**self).share(bytes)
    }

    fn instance(&self, dict: Dict) -> Result<Value> {
        (**self).instance(dict)
    }
}

/// Writes one value as a sequence of scalars and of containers that are begun and ended.
///
/// It converts and refuses as the Python serializer of the format does: a set may become a list, or be an error.
/// A length of `None` is one that is not known yet. After an error, what was written so far is thrown away.
#[allow(missing_docs)]
pub trait Writer {
    fn none(&mut self) -> Result<()>;
    fn bool(&mut self, value: bool) -> Result<()>;
    fn int(&mut self, value: i64) -> Result<()>;
    fn big_int(&mut self, value: &BigInt) -> Result<()>;
    fn float(&mut self, value: f64) -> Result<()>;
    fn complex(&mut self, value: Complex) -> Result<()>;
    fn str(&mut self, value: &str) -> Result<()>;
    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()>;
    fn bytes(&mut self, value: &[u8]) -> Result<()>;
    fn byte_array(&mut self, value: &[u8]) -> Result<()>;
    fn decimal(&mut self, value: &Decimal) -> Result<()>;
    fn date_time(&mut self, value: &DateTime) -> Result<()>;
    fn date(&mut self, value: &Date) -> Result<()>;
    fn time(&mut self, value: &Time) -> Result<()>;
    fn time_delta(&mut self, value: &TimeDelta) -> Result<()>;
    fn uuid(&mut self, value: &Uuid) -> Result<()>;

    fn begin_list(&mut self, len: Option<usize>) -> Result<()>;
    fn begin_tuple(&mut self, len: Option<usize>) -> Result<()>;
    fn begin_set(&mut self, len: Option<usize>) -> Result<()>;
    fn begin_frozen_set(&mut self, len: Option<usize>) -> Result<()>;
    /// Begins a dict of `len` pairs; keys and values follow in turn.
    fn begin_dict(&mut self, len: Option<usize>) -> Result<()>;
    /// Begins a dict that stands for an instance of a class, an exception among them; `__class__` is one of its keys.
    fn begin_object(&mut self, len: Option<usize>) -> Result<()> {
        self.begin_dict(len)
    }
    /// Ends the innermost open container.
    fn end(&mut self) -> Result<()>;

    /// Bytes that may be kept instead of copied.
    fn shared_bytes(&mut self, value: &Bytes) -> Result<()> {
        self.bytes(value)
    }
    /// An unsigned integer.
    fn uint(&mut self, value: u64) -> Result<()> {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.big_int(&value.into()),
        }
    }
}
