//! Rust's types as values.

use bytes::Bytes;
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use uuid::Uuid;

use crate::{
    Blob, Complex, Date, DateTime, Decimal, Dict, Exception, Object, Set, Str, SurrogateStr, Time, TimeDelta, Value,
};

macro_rules! from {
    ($($source:ty: $value:ident => $made:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $made
            }
        }
    )*};
}

from! {
    (): _unit => Value::None;
    bool: flag => Value::Bool(flag);
    i8: number => Value::Int(number.into());
    i16: number => Value::Int(number.into());
    i32: number => Value::Int(number.into());
    i64: number => Value::Int(number);
    u8: number => Value::Int(number.into());
    u16: number => Value::Int(number.into());
    u32: number => Value::Int(number.into());
    u64: number => BigInt::from(number).into();
    i128: number => BigInt::from(number).into();
    u128: number => BigInt::from(number).into();
    isize: number => Value::Int(number as i64);
    usize: number => BigInt::from(number).into();
    f32: number => Value::Float(number.into());
    f64: number => Value::Float(number);
    Complex: number => Value::Complex(number);
    Str: text => Value::Str(text);
    &str: text => Value::Str(text.into());
    String: text => Value::Str(text.into());
    SurrogateStr: text => Value::Surrogates(Box::new(text));
    Blob: bytes => Value::Bytes(bytes);
    Bytes: bytes => Value::Bytes(bytes.into());
    &[u8]: bytes => Value::Bytes(bytes.into());
    Decimal: number => Value::Decimal(Box::new(number));
    DateTime: when => Value::DateTime(Box::new(when));
    Date: date => Value::Date(date);
    Time: time => Value::Time(Box::new(time));
    TimeDelta: delta => Value::TimeDelta(delta);
    Uuid: uuid => Value::Uuid(Box::new(uuid));
    Dict: dict => Value::Dict(Box::new(dict));
    Set: set => Value::Set(Box::new(set));
    Object: object => Value::Object(Box::new(object));
    Exception: exception => Value::Exception(Box::new(exception));
}

/// An integer is [`Value::Int`] where it fits, so that equal integers are equal values.
impl From<BigInt> for Value {
    fn from(number: BigInt) -> Self {
        match number.to_i64() {
            Some(number) => Value::Int(number),
            None => Value::BigInt(Box::new(number)),
        }
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::None, Into::into)
    }
}
