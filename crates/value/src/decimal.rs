//! [`Decimal`]: Python's `decimal.Decimal`, in exactly the digits it was made of.

use std::fmt;
use std::str::FromStr;

use num_bigint::BigInt;

use crate::{Error, Result};

/// A decimal number as Python has it: a sign, digits and an exponent, or an infinity or NaN.
///
/// `1.0` and `1.00` are different here, as their texts are; arithmetic is left to crates that do arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: Digits,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Digits {
    /// Digits without leading zeros ("0" for zero), times ten to the exponent.
    Finite(String, i64),
    Infinity,
    /// Quiet or signalling, with diagnostic digits.
    NaN(bool, String),
}

impl Decimal {
    /// The integer it is equal to, where it is one of moderate size.
    pub fn to_int(&self) -> Option<BigInt> {
        let Digits::Finite(digits, exponent) = &self.digits else { return None };
        let magnitude: BigInt = match *exponent {
            e @ 0..=400 => format!("{digits}{:0<1$}", "", e as usize).parse().ok()?,
            e if e < 0 => {
                let zeros = usize::try_from(-e).ok()?;
                if digits == "0" {
                    return Some(BigInt::ZERO);
                }
                let whole = digits.len().checked_sub(zeros)?;
                if digits[whole..].bytes().any(|digit| digit != b'0') {
                    return None;
                }
                digits[..whole].parse().ok()?
            }
            _ => return None,
        };
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

impl FromStr for Decimal {
    type Err = Error;

    /// Reads what Python's `Decimal(text)` reads.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::malformed(format!("not a decimal number: {text:?}"));
        let body = text.trim();
        let (negative, body) = match body.as_bytes().first() {
            Some(b'-') => (true, &body[1..]),
            Some(b'+') => (false, &body[1..]),
            _ => (false, body),
        };
        let lower = body.to_ascii_lowercase();
        let digits = if lower == "inf" || lower == "infinity" {
            Digits::Infinity
        } else if let Some(payload) = lower.strip_prefix("snan").or(lower.strip_prefix("nan")) {
            if !payload.bytes().all(|b| b.is_ascii_digit()) {
                return Err(invalid());
            }
            Digits::NaN(lower.starts_with('s'), payload.trim_start_matches('0').to_owned())
        } else {
            let (mantissa, exponent) = match lower.split_once('e') {
                Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| invalid())?),
                None => (lower.as_str(), 0),
            };
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let all = format!("{whole}{fraction}");
            if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
                return Err(invalid());
            }
            let trimmed = all.trim_start_matches('0');
            let digits = if trimmed.is_empty() { "0" } else { trimmed };
            let exponent = exponent.checked_sub(fraction.len() as i64).ok_or_else(invalid)?;
            Digits::Finite(digits.to_owned(), exponent)
        };
        Ok(Self { negative, digits })
    }
}

/// As Python's `str()`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let (digits, exponent) = match &self.digits {
            Digits::Infinity => return f.write_str("Infinity"),
            Digits::NaN(signalling, payload) => {
                return write!(f, "{}NaN{payload}", if *signalling { "s" } else { "" });
            }
            Digits::Finite(digits, exponent) => (digits, *exponent),
        };
        let adjusted = exponent.saturating_add(digits.len() as i64 - 1);
        if exponent <= 0 && adjusted >= -6 {
            let point = digits.len() as i64 + exponent;
            match exponent {
                0 => f.write_str(digits),
                _ if point > 0 => write!(f, "{}.{}", &digits[..point as usize], &digits[point as usize..]),
                _ => write!(f, "0.{:0<1$}{digits}", "", -point as usize),
            }
        } else {
            f.write_str(&digits[..1])?;
            if digits.len() > 1 {
                write!(f, ".{}", &digits[1..])?;
            }
            write!(f, "E{adjusted:+}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_pythons() {
        for (text, shown) in [
            ("1", "1"),
            ("1.0", "1.0"),
            ("-0", "-0"),
            ("0.00", "0.00"),
            ("1E5", "1E+5"),
            ("12345e-2", "123.45"),
            ("0.0000001", "1E-7"),
            ("0.000001", "0.000001"),
            ("123E+10", "1.23E+12"),
            ("inf", "Infinity"),
            ("-nan12", "-NaN12"),
            ("sNaN", "sNaN"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0e-20", "0E-20"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), shown);
        }
        for text in ["", ".", "1.2.3", "abc", "1e", "--1"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert_eq!("1.50E+3".parse::<Decimal>().unwrap().to_int(), Some(1500.into()));
        assert_eq!("1.5".parse::<Decimal>().unwrap().to_int(), None);
    }
}
