//! Which values can be keys, and which keys are the same one: Python's hash and equality.

use std::hash::{Hash, Hasher};

use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive};

use crate::{Error, Kind, Result, Value};

/// Feeds what Python's `hash()` depends on into `state`: equal keys are fed alike.
///
/// # Errors
/// [`Kind::Unhashable`] for lists, dicts, sets and byte arrays, as in Python.
pub fn key_hash(key: &Value, state: &mut impl Hasher) -> Result<()> {
    match key {
        Value::None => 0u8.hash(state),
        Value::Bool(flag) => hash_int(i64::from(*flag), state),
        Value::Int(number) => hash_int(*number, state),
        Value::BigInt(number) => hash_big(number, state),
        Value::Float(number) => hash_float(*number, state),
        Value::Complex(number) if number.im == 0.0 => hash_float(number.re, state),
        Value::Complex(number) => (3u8, number.re.to_bits(), number.im.to_bits()).hash(state),
        Value::Str(text) => text.hash(state),
        Value::Surrogates(text) => text.hash(state),
        Value::Bytes(bytes) => bytes.hash(state),
        Value::Tuple(items) => {
            (4u8, items.len()).hash(state);
            for item in items {
                key_hash(item, state)?;
            }
        }
        Value::FrozenSet(set) => (5u8, set.len()).hash(state),
        Value::DateTime(value) => value.hash(state),
        Value::Date(value) => value.hash(state),
        Value::Time(value) => value.hash(state),
        Value::TimeDelta(value) => value.hash(state),
        Value::Uuid(value) => value.hash(state),
        Value::Decimal(value) => match value.to_int() {
            Some(number) => hash_big(&number, state),
            None => value.hash(state),
        },
        Value::Object(_)
        | Value::Exception(_)
        | Value::List(_)
        | Value::Dict(_)
        | Value::Set(_)
        | Value::ByteArray(_) => {
            return Err(Error::new(Kind::Unhashable, format!("unhashable type: '{}'", key.type_name())));
        }
    }
    Ok(())
}

fn hash_int(number: i64, state: &mut impl Hasher) {
    (1u8, number).hash(state);
}

fn hash_big(number: &BigInt, state: &mut impl Hasher) {
    match number.to_i64() {
        Some(number) => hash_int(number, state),
        None => (2u8, number).hash(state),
    }
}

fn hash_float(number: f64, state: &mut impl Hasher) {
    if number.fract() == 0.0 {
        match BigInt::from_f64(number) {
            Some(number) => hash_big(&number, state),
            None => number.to_bits().hash(state),
        }
    } else {
        (6u8, number.to_bits()).hash(state);
    }
}

/// Whether Python holds these two for the same key: `1`, `1.0` and `True` are.
pub fn key_eq(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Tuple(a), Value::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| key_eq(a, b)),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a == b,
            (None, None) => a == b,
            _ => false,
        },
    }
}

/// A number reduced to the one form in which equal numbers are equal.
#[derive(PartialEq)]
enum Number {
    Int(BigInt),
    Float(f64),
    Complex(f64, f64),
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(flag) => Number::Int(i64::from(*flag).into()),
            Value::Int(number) => Number::Int((*number).into()),
            Value::BigInt(number) => Number::Int((**number).clone()),
            Value::Float(number) => Number::of_float(*number),
            Value::Complex(number) if number.im == 0.0 => Number::of_float(number.re),
            Value::Complex(number) => Number::Complex(number.re, number.im),
            Value::Decimal(value) => Number::Int(value.to_int()?),
            _ => return None,
        })
    }

    fn of_float(number: f64) -> Self {
        match BigInt::from_f64(number) {
            Some(int) if number.fract() == 0.0 => Number::Int(int),
            _ => Number::Float(number),
        }
    }
}
