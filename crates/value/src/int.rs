//! [`Int`]: an integer of any size, as parameters and results have it.

use std::fmt;
use std::ops::Deref;

use num_bigint::BigInt;

use crate::Value;

/// An `int` of any size: a parameter or result where Rust's integers may be too small.
///
/// It is a [`BigInt`] that travels as Python's `int`; to calculate with it, use what is inside.
///
/// ```
/// use salamander_value::{Int, from_value, to_value};
///
/// let factorial: Int = (1..=30u64).product::<Int>();
/// let value = to_value(&factorial).unwrap();
/// assert_eq!(value.to_string(), "265252859812191058636308480000000");
/// assert_eq!(from_value::<Int>(&value).unwrap(), factorial);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int(pub BigInt);

impl Deref for Int {
    type Target = BigInt;

    fn deref(&self) -> &BigInt {
        &self.0
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! from {
    ($($type:ty)*) => {$(
        impl From<$type> for Int {
            fn from(number: $type) -> Self {
                Self(number.into())
            }
        }
    )*};
}
from!(BigInt i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl From<Int> for BigInt {
    fn from(number: Int) -> Self {
        number.0
    }
}

impl From<Int> for Value {
    fn from(number: Int) -> Self {
        number.0.into()
    }
}

impl<T: Into<BigInt>> std::iter::Sum<T> for Int {
    fn sum<I: Iterator<Item = T>>(numbers: I) -> Self {
        Self(numbers.map(Into::into).sum())
    }
}

impl<T: Into<BigInt>> std::iter::Product<T> for Int {
    fn product<I: Iterator<Item = T>>(numbers: I) -> Self {
        Self(numbers.map(Into::into).product())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{from_value, to_value};

    #[test]
    fn integers_of_any_size_pass() {
        for number in [0.into(), i64::MIN.into(), u128::MAX.into(), Int(BigInt::from(-3).pow(200))] {
            let value = to_value(&number).unwrap();
            assert_eq!((value.type_name(), value.to_string()), ("int", number.to_string()));
            assert_eq!(from_value::<Int>(&value).unwrap(), number);
        }
        assert_eq!(from_value::<Int>(&Value::Bool(true)).unwrap(), 1.into());
        let error = from_value::<Int>(&Value::Float(1.0)).unwrap_err();
        assert_eq!(error.message(), "expected int, got float");
    }

    #[test]
    fn small_ones_are_as_all_small_ones_are() {
        assert_eq!(Value::from(Int::from(7)), Value::Int(7));
        assert_eq!(to_value(&Int::from(7)).unwrap(), Value::Int(7));
    }

    #[test]
    fn other_formats_see_its_digits() {
        assert_eq!(serde_json::to_string(&Int::from(7)).unwrap(), "\"7\"");
        assert_eq!(serde_json::from_str::<Int>("7").unwrap(), Int::from(7));
        assert_eq!(serde_json::from_str::<Int>("\"-70000000000000000000000\"").unwrap().to_string().len(), 24);
    }
}
