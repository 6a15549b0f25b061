//! Python's `+` and `-` on values.

use salamander::{BigInt, Complex, Exception, SurrogateStr, Value};

/// A number on the way up: int, float, complex.
enum Number {
    Int(BigInt),
    Float(f64),
    Complex(Complex),
}

/// `x + y`
///
/// # Errors
/// `TypeError` where Python has no sum, `OverflowError` for an int that is too large for the float it is added to.
pub(super) fn add(x: Value, y: Value) -> Result<Value, Exception> {
    let (x, y) = match (x, y) {
        (Value::Int(a), Value::Int(b)) => {
            return Ok(a.checked_add(b).map_or_else(|| (BigInt::from(a) + b).into(), Value::Int));
        }
        (Value::Str(a), Value::Str(b)) => return Ok(format!("{a}{b}").into()),
        (Value::List(mut a), Value::List(b)) => {
            a.extend(b);
            return Ok(Value::List(a));
        }
        (Value::Tuple(mut a), Value::Tuple(b)) => {
            a.extend(b);
            return Ok(Value::Tuple(a));
        }
        pair => pair,
    };
    if let Some(numbers) = numbers(&x, &y) {
        return Ok(match numbers? {
            (Number::Int(a), Number::Int(b)) => (a + b).into(),
            (Number::Float(a), Number::Float(b)) => (a + b).into(),
            (a, b) => {
                let (a, b) = (a.complex()?, b.complex()?);
                Complex { re: a.re + b.re, im: a.im + b.im }.into()
            }
        });
    }
    if let (Some(a), Some(b)) = (code_points(&x), code_points(&y)) {
        let all = a.into_iter().chain(b).collect();
        return match SurrogateStr::new(all) {
            Ok(text) => Ok(text.into()),
            Err(text) => Ok(text.unwrap_or_default().into()),
        };
    }
    match (&x, &y) {
        (Value::Bytes(a), Value::Bytes(b) | Value::ByteArray(b)) => Ok(Value::Bytes([&a[..], b].concat().into())),
        (Value::ByteArray(a), Value::Bytes(b) | Value::ByteArray(b)) => {
            Ok(Value::ByteArray([&a[..], b].concat().into()))
        }
        (Value::Bytes(_) | Value::ByteArray(_), _) => {
            Err(Exception::type_error(format!("can't concat {} to {}", y.type_name(), x.type_name())))
        }
        (Value::Str(_) | Value::Surrogates(_) | Value::List(_) | Value::Tuple(_), _) => {
            let (x, y) = (x.type_name(), y.type_name());
            Err(Exception::type_error(format!("can only concatenate {x} (not \"{y}\") to {x}")))
        }
        _ => Err(unsupported('+', &x, &y)),
    }
}

/// `x - y`
///
/// # Errors
/// As [`add`].
pub(super) fn sub(x: Value, y: Value) -> Result<Value, Exception> {
    if let (Value::Int(a), Value::Int(b)) = (&x, &y)
        && let Some(difference) = a.checked_sub(*b)
    {
        return Ok(Value::Int(difference));
    }
    let Some(numbers) = numbers(&x, &y) else { return Err(unsupported('-', &x, &y)) };
    Ok(match numbers? {
        (Number::Int(a), Number::Int(b)) => (a - b).into(),
        (Number::Float(a), Number::Float(b)) => (a - b).into(),
        (a, b) => {
            let (a, b) = (a.complex()?, b.complex()?);
            Complex { re: a.re - b.re, im: a.im - b.im }.into()
        }
    })
}

/// `x * y`, for numbers.
///
/// # Errors
/// As [`add`].
pub(super) fn mul(x: Value, y: Value) -> Result<Value, Exception> {
    if let (Value::Int(a), Value::Int(b)) = (&x, &y)
        && let Some(product) = a.checked_mul(*b)
    {
        return Ok(Value::Int(product));
    }
    let Some(numbers) = numbers(&x, &y) else { return Err(unsupported('*', &x, &y)) };
    Ok(match numbers? {
        (Number::Int(a), Number::Int(b)) => (a * b).into(),
        (Number::Float(a), Number::Float(b)) => (a * b).into(),
        (a, b) => {
            let (a, b) = (a.complex()?, b.complex()?);
            Complex { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }.into()
        }
    })
}

/// Both as numbers; of an int and a float both are floats. None where one of them is no number.
fn numbers(x: &Value, y: &Value) -> Option<Result<(Number, Number), Exception>> {
    Some(match (Number::of(x)?, Number::of(y)?) {
        (Number::Float(a), Number::Int(b)) => float(&b).map(|b| (Number::Float(a), Number::Float(b))),
        (Number::Int(a), Number::Float(b)) => float(&a).map(|a| (Number::Float(a), Number::Float(b))),
        pair => Ok(pair),
    })
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(Self::Int(u8::from(*flag).into())),
            Value::Int(number) => Some(Self::Int((*number).into())),
            Value::BigInt(number) => Some(Self::Int((**number).clone())),
            Value::Float(number) => Some(Self::Float(*number)),
            Value::Complex(number) => Some(Self::Complex(*number)),
            _ => None,
        }
    }

    fn complex(self) -> Result<Complex, Exception> {
        match self {
            Self::Int(number) => Ok(Complex { re: float(&number)?, im: 0.0 }),
            Self::Float(re) => Ok(Complex { re, im: 0.0 }),
            Self::Complex(number) => Ok(number),
        }
    }
}

/// The float nearest to an int.
fn float(number: &BigInt) -> Result<f64, Exception> {
    /// More binary digits than any float has before the point.
    const MOST_BITS: u64 = 1024;
    let too_large = || Exception::new("builtins.OverflowError", "int too large to convert to float");
    if number.bits() > MOST_BITS {
        return Err(too_large());
    }
    // By way of the digits, because that rounds correctly.
    number.to_string().parse().ok().filter(|float: &f64| float.is_finite()).ok_or_else(too_large)
}

/// The code points of any text.
fn code_points(value: &Value) -> Option<Vec<u32>> {
    match value {
        Value::Str(text) => Some(text.chars().map(u32::from).collect()),
        Value::Surrogates(text) => Some(text.code_points().to_vec()),
        _ => None,
    }
}

fn unsupported(operator: char, x: &Value, y: &Value) -> Exception {
    let (x, y) = (x.type_name(), y.type_name());
    Exception::type_error(format!("unsupported operand type(s) for {operator}: '{x}' and '{y}'"))
}

#[cfg(test)]
mod tests {
    use salamander::{Dict, Set};

    use super::*;

    fn big(digits: &str) -> Value {
        digits.parse::<BigInt>().unwrap().into()
    }

    fn complex(re: f64, im: f64) -> Value {
        Complex { re, im }.into()
    }

    #[test]
    fn numbers_are_pythons() {
        let huge = "1".repeat(400);
        for (x, y, sum, difference) in [
            (2.into(), 3.into(), "5", "-1"),
            (Value::Int(i64::MAX), 1.into(), "9223372036854775808", "9223372036854775806"),
            (Value::Int(i64::MIN), 1.into(), "-9223372036854775807", "-9223372036854775809"),
            (big("123456789012345678901"), big("-123456789012345678900"), "1", "246913578024691357801"),
            (true.into(), true.into(), "2", "0"),
            (true.into(), 0.5.into(), "1.5", "0.5"),
            (1.into(), 0.25.into(), "1.25", "0.75"),
            (big("9007199254740993"), 0.0.into(), "9007199254740992.0", "9007199254740992.0"),
            (f64::INFINITY.into(), f64::INFINITY.into(), "inf", "nan"),
            (complex(1.0, 2.0), 3.into(), "(4+2j)", "(-2+2j)"),
            (0.5.into(), complex(0.5, -1.0), "(1-1j)", "1j"),
            (big(&huge), big(&huge), &"2".repeat(400), "0"),
        ] {
            assert_eq!(add(x.clone(), y.clone()).unwrap().to_string(), sum, "{x} + {y}");
            assert_eq!(sub(x.clone(), y.clone()).unwrap().to_string(), difference, "{x} - {y}");
        }
        for value in [0.5.into(), complex(1.0, 1.0)] {
            let error = add(big(&huge), value).unwrap_err();
            assert_eq!(error.to_string(), "OverflowError: int too large to convert to float");
        }
    }

    #[test]
    fn sequences_are_concatenated() {
        let lone = SurrogateStr::new(vec![0xD800]).unwrap();
        for (x, y, sum) in [
            ("sala".into(), "mander".into(), "'salamander'"),
            (Value::from(vec![1]), Value::from(vec!["x"]), "[1, 'x']"),
            (Value::Tuple(vec![1.into()]), Value::Tuple(vec![]), "(1,)"),
            (Value::from(&b"a"[..]), Value::ByteArray(b"b"[..].into()), "b'ab'"),
            (Value::ByteArray(b"b"[..].into()), Value::from(&b"a"[..]), "bytearray(b'ba')"),
            ("x".into(), lone.into(), r"'x\ud800'"),
        ] {
            assert_eq!(add(x.clone(), y.clone()).unwrap().to_string(), sum, "{x} + {y}");
        }
    }

    #[test]
    fn what_has_no_sum_is_told_as_python_tells_it() {
        let refused = |x: Value, y: Value| add(x, y).unwrap_err().to_string();
        assert_eq!(refused(1.into(), "a".into()), "TypeError: unsupported operand type(s) for +: 'int' and 'str'");
        assert_eq!(refused("a".into(), 1.into()), "TypeError: can only concatenate str (not \"int\") to str");
        assert_eq!(
            refused(Value::from(vec![1]), Value::Tuple(vec![])),
            "TypeError: can only concatenate list (not \"tuple\") to list"
        );
        assert_eq!(refused(Value::from(&b"x"[..]), "y".into()), "TypeError: can't concat str to bytes");
        assert_eq!(
            refused(Value::None, Dict::new().into()),
            "TypeError: unsupported operand type(s) for +: 'NoneType' and 'dict'"
        );
        assert_eq!(
            refused(Set::new().into(), true.into()),
            "TypeError: unsupported operand type(s) for +: 'set' and 'bool'"
        );
        let error = sub("a".into(), "b".into()).unwrap_err();
        assert_eq!(error.to_string(), "TypeError: unsupported operand type(s) for -: 'str' and 'str'");
    }
}
