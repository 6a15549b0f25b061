//! Numbers: literals in all their spellings, signs, and the sums that complex numbers are written as.

use std::borrow::Cow;

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use salamander_value::{Complex, Dict, Error, Kind, Result, Token, Value};

use super::SerpentReader;
use crate::float::plain_float;
use crate::literal::{integer, short_integer, signed, whole_number};

impl<'de> SerpentReader<'de> {
    /// Reads the number that begins here, with what is added to it and the parentheses that end behind it.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Token<'de>> {
        if let Some((token, end)) = self.plain_number(self.at)
            && matches!(self.text.as_bytes().get(end), Some(b',' | b']' | b'}' | b':'))
        {
            self.at = end;
            return Ok(token);
        }
        let token = self.signed()?;
        self.behind_number(token)
    }

    /// The number at a place as the library writes it, if a separator or bracket stands behind it, and the place of that.
    #[inline(always)]
    pub(super) fn plain_number(&self, at: usize) -> Option<(Token<'de>, usize)> {
        let bytes = self.text.as_bytes().get(at..)?;
        let negative = bytes.first() == Some(&b'-');
        let digits = &bytes[usize::from(negative)..];
        let (number, len) = short_integer(digits);
        if !(1..19).contains(&len) {
            return None;
        }
        let (token, len) = match digits.get(len)? {
            b'.' => {
                let (number, len) = plain_float(digits, (number, len))?;
                (Token::Float(if negative { -number } else { number }), len)
            }
            _ if digits[0] == b'0' && len > 1 => return None,
            _ => (Token::Int(signed(number, negative)), len),
        };
        let end = matches!(digits.get(len)?, b',' | b']' | b'}' | b':' | b')');
        end.then_some((token, at + usize::from(negative) + len))
    }

    /// Looks behind a number for what belongs to it.
    fn behind_number(&mut self, mut token: Token<'de>) -> Result<Token<'de>> {
        let mut sum = false;
        loop {
            match self.peek() {
                b')' if self.close_group() => {}
                sign @ (b'+' | b'-') if !sum => {
                    self.at += 1;
                    let start = self.at;
                    let imaginary = self.operand()?;
                    token = add(&token, sign, &imaginary).map_err(|error| error.at(start))?;
                    sum = true;
                }
                _ => return Ok(token),
            }
        }
    }

    fn signed(&mut self) -> Result<Token<'de>> {
        match self.text.as_bytes().get(self.at) {
            Some(b'+') => {
                self.at += 1;
                self.operand()
            }
            Some(b'-') => {
                self.at += 1;
                // A single number, whatever parentheses stand around it.
                Ok(match self.operand()? {
                    Token::Int(number) => number.checked_neg().map_or(Token::Int(number), Token::Int),
                    Token::BigInt(number) => whole_number(-*number),
                    Token::Float(number) => Token::Float(-number),
                    Token::Complex(Complex { re, im }) => Token::Complex(Complex { re: -re, im: -im }),
                    other => other,
                })
            }
            _ => self.literal(),
        }
    }

    /// Reads a number without a sign, in parentheses or not.
    fn operand(&mut self) -> Result<Token<'de>> {
        let mut open = 0;
        while self.peek() == b'(' {
            self.open_group()?;
            open += 1;
        }
        if !matches!(self.peek(), b'0'..=b'9' | b'.') {
            return Err(Error::malformed("malformed node or string: an operation on what is no number").at(self.at));
        }
        let number = self.literal()?;
        for _ in 0..open {
            match self.peek() {
                b')' if self.close_group() => {}
                b => return Err(self.unexpected(b)),
            }
        }
        Ok(number)
    }

    /// Reads a number as Python's tokenizer does.
    fn literal(&mut self) -> Result<Token<'de>> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        if bytes.get(start) == Some(&b'0') {
            let radix = match bytes.get(start + 1) {
                Some(b'x' | b'X') => 16,
                Some(b'o' | b'O') => 8,
                Some(b'b' | b'B') => 2,
                _ => 10,
            };
            if radix != 10 {
                return self.based(radix);
            }
        }
        let mut at = start;
        let whole = digits(bytes, &mut at);
        let mut float = false;
        if bytes.get(at) == Some(&b'.') && whole != Run::Broken {
            at += 1;
            float = true;
            let broken = match bytes.get(at) {
                Some(b'0'..=b'9') => digits(bytes, &mut at) == Run::Broken,
                _ => whole == Run::Empty,
            };
            if broken {
                return Err(self.syntax("invalid decimal literal"));
            }
        }
        if whole == Run::Broken || !float && whole == Run::Empty {
            return Err(self.syntax("invalid decimal literal"));
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1;
            float = true;
            if let Some(b'+' | b'-') = bytes.get(at) {
                at += 1;
            }
            if digits(bytes, &mut at) != Run::Digits {
                return Err(self.syntax("invalid decimal literal"));
            }
        }
        let end = at;
        let imaginary = matches!(bytes.get(at), Some(b'j' | b'J'));
        at += usize::from(imaginary);
        if bytes.get(at).is_some_and(|&b| continues_name(b)) {
            return Err(self.syntax("invalid decimal literal"));
        }
        let spelled = self.text.get(start..end).unwrap_or_default();
        let plain = if spelled.contains('_') { Cow::Owned(spelled.replace('_', "")) } else { Cow::Borrowed(spelled) };
        let token = if float || imaginary {
            let number = plain.parse().map_err(|_| self.syntax("invalid decimal literal"))?;
            if imaginary { Token::Complex(Complex { re: 0.0, im: number }) } else { Token::Float(number) }
        } else if plain.starts_with('0') {
            if plain.bytes().any(|digit| digit != b'0') {
                return Err(self.syntax("leading zeros in decimal integer literals are not permitted"));
            }
            Token::Int(0)
        } else {
            integer(&plain, false).map_err(|error| error.as_class("builtins.SyntaxError").at(start))?
        };
        self.at = at;
        Ok(token)
    }

    /// Reads an integer in hexadecimal, octal or binary digits.
    fn based(&mut self, radix: u32) -> Result<Token<'de>> {
        let (bytes, start) = (self.text.as_bytes(), self.at + 2);
        let mut spelled = Vec::new();
        let mut at = start;
        loop {
            let digit = at + usize::from(bytes.get(at) == Some(&b'_'));
            match bytes.get(digit) {
                Some(&b) if char::from(b).is_digit(radix) => spelled.push(b),
                Some(&b) if continues_name(b) || digit > at => return Err(self.syntax("invalid digit in literal")),
                _ => break,
            }
            at = digit + 1;
        }
        let number = BigInt::parse_bytes(&spelled, radix).ok_or_else(|| self.syntax("invalid literal"))?;
        self.at = at;
        Ok(whole_number(number))
    }

    /// Behind the first key of a dict: the float, if the whole dict is `{'__class__': 'float', 'value': '...'}`, which is
    /// how the library writes NaN, in either order. Else it stays before the colon.
    pub(super) fn special_float(&mut self, first: &str) -> Result<Option<f64>> {
        if !matches!(first, "__class__" | "value") {
            return Ok(None);
        }
        let start = self.at;
        let found = self.special_float_text(first == "__class__");
        if found.is_none() {
            self.at = start;
        }
        found.map(|text| python_float(text).map_err(|error| error.at(start))).transpose()
    }

    /// Goes up to the closing brace.
    fn special_float_text(&mut self, class_first: bool) -> Option<&'de str> {
        let first = self.short_string(b':')?;
        if class_first && first != "float" {
            return None;
        }
        let key = self.short_string(b',')?;
        let second = self.short_string(b':')?;
        if self.peek() == b',' {
            self.at += 1;
        }
        let whole = self.peek() == b'}';
        match (class_first, key) {
            (true, "value") if whole => Some(second),
            (false, "__class__") if whole && second == "float" => Some(first),
            _ => None,
        }
    }

    /// Reads a separator and a string that is short and plain.
    fn short_string(&mut self, separator: u8) -> Option<&'de str> {
        if self.peek() != separator {
            return None;
        }
        self.at += 1;
        let quote = self.peek();
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..).filter(|_| matches!(quote, b'\'' | b'"'))?;
        let len = rest.iter().take(64).position(|&b| b == quote)?;
        let text = self.text.get(start..start + len)?;
        self.at = start + len + 1;
        (!text.contains(['\\', '\n', '\r'])).then_some(text)
    }
}

/// A run of digits, single underscores between them.
#[derive(PartialEq)]
enum Run {
    Empty,
    Digits,
    /// An underscore that has no digit behind it.
    Broken,
}

fn digits(bytes: &[u8], at: &mut usize) -> Run {
    let start = *at;
    loop {
        match (bytes.get(*at), bytes.get(*at + 1)) {
            (Some(b'0'..=b'9'), _) => *at += 1,
            (Some(b'_'), Some(b'0'..=b'9')) if *at > start => *at += 1,
            (Some(b'_'), _) => return Run::Broken,
            _ if *at > start => return Run::Digits,
            _ => return Run::Empty,
        }
    }
}

fn continues_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

/// A real number and an imaginary one: nothing else may be added.
fn add(left: &Token<'_>, sign: u8, right: &Token<'_>) -> Result<Token<'static>> {
    let real = match left {
        Token::Int(number) => Some(*number as f64),
        Token::BigInt(number) => match number.to_f64().filter(|number| number.is_finite()) {
            None => return Err(Error::new(Kind::Overflow, "int too large to convert to float")),
            real => real,
        },
        Token::Float(number) => Some(*number),
        _ => None,
    };
    match (real, right) {
        (Some(re), &Token::Complex(Complex { im, .. })) if sign == b'+' => {
            Ok(Token::Complex(Complex { re: re + 0.0, im: 0.0 + im }))
        }
        (Some(re), &Token::Complex(Complex { im, .. })) => Ok(Token::Complex(Complex { re: re - 0.0, im: 0.0 - im })),
        _ => Err(Error::malformed("malformed node or string: a sum that is no complex number")),
    }
}

/// The float that a dict of class `float` stands for: `float(dict["value"])`.
pub(super) fn float_of(dict: &Dict) -> Result<f64> {
    match dict.get("value") {
        Some(Value::Str(text)) => python_float(text),
        Some(Value::Float(number)) => Ok(*number),
        Some(Value::Int(number)) => Ok(*number as f64),
        Some(Value::Bool(flag)) => Ok(f64::from(*flag)),
        Some(Value::BigInt(number)) => number
            .to_f64()
            .filter(|number| number.is_finite())
            .ok_or_else(|| Error::new(Kind::Overflow, "int too large to convert to float")),
        Some(other) => Err(Error::malformed(format!("a float whose 'value' is '{}'", other.type_name()))
            .as_class("builtins.TypeError")),
        None => Err(Error::malformed("a float without 'value'").as_class("builtins.KeyError")),
    }
}

/// What Python's `float(text)` gives, for ASCII text.
fn python_float(text: &str) -> Result<f64> {
    let spelled = text.trim();
    let digit = |at: usize| spelled.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let placed = |at: usize| at.checked_sub(1).is_some_and(digit) && digit(at + 1);
    spelled
        .bytes()
        .enumerate()
        .all(|(at, b)| b != b'_' || placed(at))
        .then(|| spelled.replace('_', "").parse().ok())
        .flatten()
        .ok_or_else(|| Error::malformed(format!("could not convert string to float: {text:.80?}")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use salamander_value::Value;

    use super::*;
    use crate::{Codec, Settings};

    fn read(text: &str) -> Result<Value> {
        Codec::Serpent.decode_value(&Bytes::from(text.to_owned()), &Settings::default())
    }

    #[test]
    fn integers_are_read_in_every_spelling() {
        for (text, number) in [
            ("0", 0),
            ("00_0", 0),
            ("-0", 0),
            ("+5", 5),
            ("- 5", -5),
            ("-(5)", -5),
            ("((-((5))))", -5),
            ("1_000", 1000),
            ("123456789012345678", 123_456_789_012_345_678),
            ("1234567890123456789", 1_234_567_890_123_456_789),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("0xFf", 255),
            ("0X_f", 15),
            ("-0o17", -15),
            ("0b1_01", 5),
        ] {
            assert_eq!(read(text), Ok(Value::Int(number)), "{text}");
            assert_eq!(read(&format!("[1,{text}]")), Ok(Value::List(vec![1.into(), number.into()])), "{text}");
        }
        assert_eq!(read("9223372036854775808"), Ok(Value::from(BigInt::from(1u64 << 63))));
        assert_eq!(read(&format!("0x1{}", "0".repeat(5000))), Ok(Value::from(BigInt::from(1) << 20_000)));
    }

    #[test]
    fn integers_of_more_than_4300_digits_are_refused() {
        assert!(read(&"9".repeat(4300)).is_ok());
        assert!(read(&"0".repeat(5000)).is_ok());
        for text in ["9".repeat(4301), format!("[1,-{}]", "9".repeat(5000)), "1_".repeat(4300) + "1"] {
            let error = read(&text).unwrap_err();
            assert_eq!((error.kind(), error.class()), (Kind::TooLarge, "builtins.SyntaxError"));
        }
    }

    #[test]
    fn floats_are_read_in_every_spelling() {
        for (text, number) in [
            ("1.5", 1.5),
            ("-0.0", -0.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("1e5", 1e5),
            ("1.E-5", 1e-5),
            ("1_0.2_5e1_0", 10.25e10),
            ("09.5", 9.5),
            ("00e1", 0.0),
            ("0.1", 0.1),
            ("123456789012345.678", 123_456_789_012_345.67),
            ("3.141592653589793238462643383279", std::f64::consts::PI),
            ("1e30000", f64::INFINITY),
            ("-1e30000", f64::NEG_INFINITY),
            ("1e-30000", 0.0),
        ] {
            let Ok(Value::Float(read)) = read(text) else { panic!("{text}") };
            assert_eq!(read.to_bits(), number.to_bits(), "{text}");
        }
        let in_list = read("[-1.25,2.5]");
        assert_eq!(in_list, Ok(Value::List(vec![Value::Float(-1.25), Value::Float(2.5)])));
    }

    #[test]
    fn complex_numbers_are_sums() {
        let complex = |re, im| Value::Complex(Complex { re, im });
        for (text, re, im) in [
            ("(1+2j)", 1.0, 2.0),
            ("-1-2.5J", -1.0, -2.5),
            ("2j", 0.0, 2.0),
            ("-2j", -0.0, -2.0),
            ("(1.5)+(2j)", 1.5, 2.0),
            ("(-(5)) + ((2j))", -5.0, 2.0),
            ("1e30000-1e30000j", f64::INFINITY, f64::NEG_INFINITY),
            ("09j", 0.0, 9.0),
        ] {
            assert_eq!(read(text), Ok(complex(re, im)), "{text}");
        }
        assert_eq!(read("[(1+2j),((3)-4j),]"), Ok(Value::List(vec![complex(1.0, 2.0), complex(3.0, -4.0)])));
        assert!(matches!(read("(0.0-0.0j)"), Ok(Value::Complex(number)) if number.im.is_sign_positive()));
        assert!(matches!(read("-2j"), Ok(Value::Complex(number)) if number.re.is_sign_negative()));
        let error = read(&format!("1{}+1j", "0".repeat(400))).unwrap_err();
        assert_eq!(error.class(), "builtins.OverflowError");
    }

    #[test]
    #[rustfmt::skip]
    fn numbers_that_python_refuses_are_refused() {
        for text in [
            "007", "0_7", "1__0", "1_", "0x", "0xg", "0x1.5", "0b12", "0o8", "0x_", "0xfj", "1e", "1e+", "1_e5", "1._5", "1.5.5",
            "1a", "1.5x", "12é", ".", "...", "-", "1+2j+3j", "[01]", "[1,01]", "[1,1.5.5]",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        for text in ["--5", "+-5", "-True", "-'a'", "1+-2j", "1+2", "2j+1", "2j+3j", "1+'a'"] {
            assert_eq!(read(text).map_err(|error| error.class()), Err("builtins.ValueError"), "{text}");
        }
    }

    #[test]
    fn a_dict_that_stands_for_a_float_is_one() {
        for (text, shown) in [
            ("{'__class__':'float','value':'nan'}", "nan"),
            ("[1,{'__class__':'float','value':'nan'}]", "[1, nan]"),
            ("{'x': {\"value\" : 'nan', \"__class__\": 'float', } }", "{'x': nan}"),
            ("{'__class__':'float','value':' -1_0.5e1\t'}", "-105.0"),
            ("{'__class__':'float','value':'-Infinity'}", "-inf"),
            ("{'value':'nan'}", "{'value': 'nan'}"),
            ("{'value':'nan','__class__':'double'}", "<double {'value': 'nan'}>"),
            ("{'__class__':'float','value':1}", "1.0"),
            ("{'__class__':'float','value':'na''n'}", "nan"),
            ("{'__class__':('float'),'value':'1','x':1}", "1.0"),
            ("{'__class__':'complex','real':1.0,'imag':2.0}", "<complex {'real': 1.0, 'imag': 2.0}>"),
        ] {
            assert_eq!(read(text).map(|value| value.to_string()).as_deref(), Ok(shown), "{text}");
        }
        for (text, class, message) in [
            (
                "{'__class__':'float','value':'spam'}",
                "builtins.ValueError",
                "could not convert string to float: \"spam\"",
            ),
            (
                "{'__class__':'float','value':'n''one'}",
                "builtins.ValueError",
                "could not convert string to float: \"none\"",
            ),
            ("{'__class__':'float','value':[]}", "builtins.TypeError", "a float whose 'value' is 'list'"),
            ("{'__class__':'float'}", "builtins.KeyError", "a float without 'value'"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.class(), error.message()), (class, message), "{text}");
        }
    }
}
