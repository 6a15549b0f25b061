//! What a scalar stands for, by YAML 1.1 as PyYAML has it.

use std::borrow::Cow;

use salamander_value::{BigInt, Date, DateTime, Error, FixedOffset, Result, Time, Token};

use crate::base64_as_python;
use crate::literal::{integer, whole_number};

/// What plain text without a tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    /// `<<`
    Merge,
    /// `=`
    Value,
    Str,
}

/// What plain text is, by its form.
pub(super) fn kind(text: &str) -> Kind {
    let is = |words: &[&str]| words.contains(&text);
    match text.as_bytes().first() {
        None => Kind::Null,
        Some(b'~') if text == "~" => Kind::Null,
        Some(b'<') if text == "<<" => Kind::Merge,
        Some(b'=') if text == "=" => Kind::Value,
        Some(b'n' | b'N') if is(&["null", "Null", "NULL"]) => Kind::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O')
            if bool_of(text, true).is_some() =>
        {
            Kind::Bool
        }
        Some(b'-' | b'+' | b'.' | b'0'..=b'9') if is_float(text) => Kind::Float,
        Some(b'-' | b'+' | b'0'..=b'9') if is_int(text) => Kind::Int,
        Some(b'0'..=b'9') if is_plain_date(text) || time_of_day(text).is_some() => Kind::Timestamp,
        _ => Kind::Str,
    }
}

/// The value of text of a kind.
///
/// # Errors
/// Text that is none of the kind, which only a tag can say that it is.
pub(super) fn value<'de>(kind: Kind, text: Cow<'de, str>) -> Result<Token<'de>> {
    Ok(match kind {
        Kind::Null => Token::None,
        Kind::Bool => Token::Bool(bool_of(&text, false).ok_or_else(|| invalid("bool", &text))?),
        Kind::Int => int(&text)?,
        Kind::Float => Token::Float(float(&text).ok_or_else(|| invalid("float", &text))?),
        Kind::Timestamp => timestamp(&text).ok_or_else(|| invalid_timestamp(&text))?,
        Kind::Merge | Kind::Value | Kind::Str => Token::Str(text),
    })
}

/// `!!binary`
pub(super) fn binary<'de>(text: &str) -> Result<Token<'de>> {
    if !text.is_ascii() {
        return Err(Error::malformed("failed to convert base64 data into ascii"));
    }
    base64_as_python(text).map(|bytes| Token::Bytes(bytes.into()))
}

#[cold]
fn invalid(kind: &str, text: &str) -> Error {
    Error::malformed(format!("invalid {kind}: {text:?}"))
}

/// Text that looks like none is another error in Python than one that there is not.
#[cold]
fn invalid_timestamp(text: &str) -> Error {
    let looks = time_of_day(text).is_some() || date(text).is_some_and(|(_, rest)| rest.is_empty());
    let class = if looks { "builtins.ValueError" } else { "builtins.AttributeError" };
    invalid("timestamp", text).as_class(class)
}

fn bool_of(text: &str, exact: bool) -> Option<bool> {
    const WORDS: [(&str, bool); 6] =
        [("yes", true), ("no", false), ("true", true), ("false", false), ("on", true), ("off", false)];
    let (_, flag) = WORDS.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(text))?;
    let rest = text.get(1..).unwrap_or_default().as_bytes();
    let all = |upper: bool| text.bytes().all(|byte| byte.is_ascii_uppercase() == upper);
    // `yes`, `Yes`, `YES`
    (!exact || all(false) || all(true) || rest.iter().all(u8::is_ascii_lowercase)).then_some(flag)
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, of: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(|byte| of(byte) || byte == b'_')
}

fn digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Digits with `_` between them, which begin with a digit.
fn digits(text: &str) -> bool {
    text.bytes().next().is_some_and(digit) && all(text, digit)
}

/// `30` of `12:30`: a number below 60.
fn sixtieth(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
}

fn is_int(text: &str) -> bool {
    let text = unsigned(text);
    match text.as_bytes() {
        [b'0'] => true,
        [b'0', b'b', rest @ ..] => !rest.is_empty() && all(&text[2..], |byte| matches!(byte, b'0' | b'1')),
        [b'0', b'x', rest @ ..] => !rest.is_empty() && all(&text[2..], |byte| byte.is_ascii_hexdigit()),
        [b'0', ..] => all(&text[1..], |byte| (b'0'..=b'7').contains(&byte)),
        [b'1'..=b'9', ..] => {
            let mut parts = text.split(':');
            parts.next().is_some_and(digits) && parts.all(sixtieth)
        }
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    let positive = unsigned(text);
    if matches!(positive, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, rest)) = text.split_once('.') else { return false };
    let exponent = |text: &str| match text.as_bytes() {
        [] => true,
        [b'e' | b'E', b'-' | b'+', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let behind = rest.find(['e', 'E']).unwrap_or(rest.len());
    let (fraction, power) = rest.split_at(behind);
    if whole.is_empty() {
        return digits(fraction) && exponent(power);
    }
    let mut parts = unsigned(whole).split(':');
    if !parts.next().is_some_and(digits) || !all(fraction, digit) {
        return false;
    }
    match whole.contains(':') {
        true => parts.all(sixtieth) && power.is_empty(),
        false => exponent(power),
    }
}

fn int<'de>(text: &str) -> Result<Token<'de>> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let negative = plain.starts_with('-');
    let digits = unsigned(&plain);
    let radix = |digits: &str, radix| match digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        true => BigInt::parse_bytes(digits.as_bytes(), radix).ok_or_else(|| invalid("int", text)),
        false => Err(invalid("int", text)),
    };
    let number = match digits.as_bytes() {
        [b'0'] => return Ok(Token::Int(0)),
        [b'0', b'b', ..] => radix(&digits[2..], 2)?,
        [b'0', b'x', ..] => radix(&digits[2..], 16)?,
        [b'0', ..] => radix(digits, 8)?,
        _ if digits.contains(':') => {
            let mut sum = BigInt::from(0);
            for part in digits.split(':') {
                // A long number takes as long as it is for each part, so there are few parts.
                if digits.len() > salamander_value::MAX_INT_DIGITS {
                    return Err(invalid("int", text));
                }
                sum = sum * 60 + radix(part, 10)?;
            }
            sum
        }
        _ if digits.is_empty() || !digits.bytes().all(digit) => return Err(invalid("int", text)),
        _ => return integer(digits, negative),
    };
    Ok(whole_number(if negative { -number } else { number }))
}

fn float(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let digits = unsigned(&plain);
    let number = match digits {
        ".inf" => f64::INFINITY,
        // The one that PyYAML makes.
        ".nan" => return Some(f64::from_bits(0xFFF8_0000_0000_0000)),
        _ if digits.contains(':') => {
            digits.split(':').try_fold(0.0, |sum, part| part.parse::<f64>().ok().map(|part| sum * 60.0 + part))?
        }
        _ => digits.parse().ok()?,
    };
    Some(if plain.starts_with('-') { -number } else { number })
}

/// `2026-01-02`
fn is_plain_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { digit(*byte) })
}

/// The parts of a date and time; digits alone are looked at.
struct Stamp {
    date: (u16, u8, u8),
    time: Option<(u8, u8, u8, u32)>,
    /// Minutes east of UTC.
    offset: Option<i64>,
}

/// Takes one or two digits off the front.
fn number(text: &str, most: usize) -> Option<(u16, &str)> {
    let len = text.bytes().take(most).take_while(|byte| digit(*byte)).count();
    let (digits, rest) = text.split_at(len);
    Some((digits.parse().ok()?, rest))
}

fn small(text: &str) -> Option<(u8, &str)> {
    let (number, rest) = number(text, 2)?;
    Some((u8::try_from(number).ok()?, rest))
}

fn two(text: &str) -> Option<(u8, &str)> {
    text.as_bytes().get(1).is_some_and(|byte| digit(*byte)).then(|| small(text))?
}

fn date(text: &str) -> Option<((u16, u8, u8), &str)> {
    let (year, rest) = number(text, 4).filter(|_| text.bytes().take_while(|byte| digit(*byte)).count() == 4)?;
    let (month, rest) = small(rest.strip_prefix('-')?)?;
    let (day, rest) = small(rest.strip_prefix('-')?)?;
    Some(((year, month, day), rest))
}

/// `2026-1-2t3:04:05.6 +7`: a date with a time.
fn time_of_day(text: &str) -> Option<Stamp> {
    let (date, rest) = date(text)?;
    let spaced = rest.trim_start_matches([' ', '\t']);
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None if spaced.len() < rest.len() => spaced,
        None => return None,
    };
    let (hour, rest) = small(rest)?;
    let (minute, rest) = two(rest.strip_prefix(':')?)?;
    let (second, rest) = two(rest.strip_prefix(':')?)?;
    let (micros, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let len = rest.bytes().take_while(|byte| digit(*byte)).count();
            let padded = rest.bytes().take(len).chain(*b"000000").take(6);
            (padded.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')), &rest[len..])
        }
        None => (0, rest),
    };
    let time = Some((hour, minute, second, micros));
    let zone = rest.trim_start_matches([' ', '\t']);
    let offset = match zone.as_bytes() {
        [] if rest.is_empty() => None,
        [b'Z'] => Some(0),
        [sign @ (b'-' | b'+'), ..] => {
            let (hours, rest) = small(&zone[1..])?;
            let (minutes, rest) = match rest.strip_prefix(':') {
                Some(rest) => two(rest)?,
                None => (0, rest),
            };
            if !rest.is_empty() {
                return None;
            }
            let offset = i64::from(hours) * 60 + i64::from(minutes);
            Some(if *sign == b'-' { -offset } else { offset })
        }
        _ => return None,
    };
    Some(Stamp { date, time, offset })
}

fn timestamp<'de>(text: &str) -> Option<Token<'de>> {
    let stamp = match time_of_day(text) {
        Some(stamp) => stamp,
        None => Stamp { date: date(text).filter(|(_, rest)| rest.is_empty())?.0, time: None, offset: None },
    };
    let (year, month, day) = stamp.date;
    let date = Date::new(year, month, day)?;
    let Some((hour, minute, second, micros)) = stamp.time else { return Some(Token::Date(date)) };
    let offset = match stamp.offset {
        Some(minutes) if minutes.abs() < 24 * 60 => Some(FixedOffset { microseconds: minutes * 60_000_000 }),
        Some(_) => return None,
        None => None,
    };
    let time = Time { offset, ..Time::new(hour, minute, second, micros)? };
    Some(Token::DateTime(DateTime::new(date, time)))
}
