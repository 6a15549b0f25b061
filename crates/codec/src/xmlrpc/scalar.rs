//! The text of elements as values, by the rules of the Python functions that read it there.

use std::borrow::Cow;

use salamander_value::repr::str_repr;
use salamander_value::{Date, DateTime, Decimal, Error, Kind, Result, Time, Token};

use crate::literal::integer;

/// As `int()`.
pub(super) fn int(text: &str) -> Result<Token<'static>> {
    let wrong = || {
        // Python shows no more of it.
        let shown: String = repr(text).chars().take(200).collect();
        Error::malformed(format!("invalid literal for int() with base 10: {shown}"))
    };
    let plain = plain(text);
    let (negative, digits) = match plain.as_bytes() {
        [b'-', ..] => (true, &plain[1..]),
        [b'+', ..] => (false, &plain[1..]),
        _ => (false, &*plain),
    };
    let digits = without_underscores(digits).ok_or_else(wrong)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    integer(&digits, negative)
}

/// As `float()`.
pub(super) fn float(text: &str) -> Result<Token<'static>> {
    let plain = plain(text);
    let number = without_underscores(&plain).and_then(|text| text.parse().ok());
    let wrong = || Error::malformed(format!("could not convert string to float: {}", repr(text)));
    number.map(Token::Float).ok_or_else(wrong)
}

/// As `decimal.Decimal()`.
pub(super) fn decimal(text: &str) -> Result<Token<'static>> {
    let number = plain(text).replace('_', "").parse::<Decimal>();
    let wrong = |_| {
        let message = "[<class 'decimal.ConversionSyntax'>]";
        Error::malformed(message).as_class("decimal.InvalidOperation")
    };
    number.map(|number| Token::Decimal(Box::new(number))).map_err(wrong)
}

/// Without spaces around it, and with the digits that ASCII has in the place of others.
fn plain(text: &str) -> Cow<'_, str> {
    let space = |c: char| c.is_whitespace() || matches!(c, '\x1c'..='\x1f');
    with_plain_digits(text.trim_matches(space))
}

fn with_plain_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| digit(c).unwrap_or(c)).collect())
}

/// The digit that a character stands for in one of the scripts that have digits of their own (those that are used most).
fn digit(c: char) -> Option<char> {
    const ZEROS: [u32; 18] = [
        0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20,
        0x1040, 0x17E0, 0xFF10,
    ];
    let zero = ZEROS.into_iter().find(|zero| (*zero..zero + 10).contains(&u32::from(c)))?;
    char::from_digit(u32::from(c) - zero, 10)
}

/// Without underscores, each of which has to stand between two digits.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let fits = |(at, _)| is_digit(usize::checked_sub(at, 1)) && is_digit(Some(at + 1));
    bytes.iter().enumerate().filter(|(_, b)| **b == b'_').all(fits).then(|| Cow::Owned(text.replace('_', "")))
}

/// As `base64.decodebytes()`, for which other characters mean nothing.
pub(super) fn base64(text: &str) -> Result<Token<'static>> {
    if let Some(at) = text.chars().position(|c| !c.is_ascii()) {
        return Err(not_ascii(text, at));
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut place, mut pads) = (0u32, 0, 0);
    for b in text.bytes() {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if place >= 2 => {
                pads += 1;
                if place + pads >= 4 {
                    return Ok(Token::Bytes(Cow::Owned(out)));
                }
                continue;
            }
            _ => continue,
        };
        pads = 0;
        bits = bits << 6 | u32::from(six);
        place = (place + 1) % 4;
        match place {
            2 => out.push((bits >> 4) as u8),
            3 => out.push((bits >> 2) as u8),
            0 => out.push(bits as u8),
            _ => {}
        }
    }
    let message = match place {
        0 => return Ok(Token::Bytes(Cow::Owned(out))),
        1 => format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
            out.len() / 3 * 4 + 1
        ),
        _ => "Incorrect padding".to_owned(),
    };
    Err(Error::malformed(message).as_class("binascii.Error"))
}

/// Python's words for the characters that ASCII has not, from this one on.
#[cold]
fn not_ascii(text: &str, at: usize) -> Error {
    let run: Vec<char> = text.chars().skip(at).take_while(|c| !c.is_ascii()).collect();
    let what = match run[..] {
        [c] => {
            let escaped = match u32::from(c) {
                point @ ..0x100 => format!("\\x{point:02x}"),
                point @ ..0x1_0000 => format!("\\u{point:04x}"),
                point => format!("\\U{point:08x}"),
            };
            format!("'{escaped}' in position {at}")
        }
        _ => format!("in position {at}-{}", at + run.len() - 1),
    };
    let plural = if run.len() == 1 { "" } else { "s" };
    let message = format!("'ascii' codec can't encode character{plural} {what}: ordinal not in range(128)");
    Error::new(Kind::Unicode, message)
}

/// As `datetime.strptime(text, "%Y%m%dT%H:%M:%S")`; and with dashes in the date, which Python reads as text alone.
pub(super) fn date_time(text: &str) -> Result<Token<'static>> {
    let plain = with_plain_digits(text);
    let Some((fields, len)) = fields(plain.as_bytes()) else {
        let message = format!("time data {} does not match format '%Y%m%dT%H:%M:%S'", repr(text));
        return Err(Error::malformed(message));
    };
    if let Some(rest) = plain.get(len..)
        && !rest.is_empty()
    {
        return Err(Error::malformed(format!("unconverted data remains: {rest}")));
    }
    let [year, month, day, hour, minute, second] = fields;
    if second > 59 {
        return Err(Error::malformed("second must be in 0..59"));
    }
    let date = if year == 0 { None } else { Date::new(year, month as u8, day as u8) };
    let time = Time::new(hour as u8, minute as u8, second as u8, 0);
    match (date, time) {
        (Some(date), Some(time)) => Ok(Token::DateTime(DateTime::new(date, time))),
        _ if year == 0 => Err(Error::malformed("year 0 is out of range")),
        _ => Err(Error::malformed("day is out of range for month")),
    }
}

/// The six numbers of a time, and where they end. As in Python, those of two digits may have one where that is clear.
fn fields(text: &[u8]) -> Option<([u16; 6], usize)> {
    let year = number(text.get(..4)?)?;
    let dashed = text.get(4) == Some(&b'-');
    let mut at = 4;
    for month_len in [2, 1] {
        at = 4 + usize::from(dashed);
        let Some(month) = two(text, &mut at, month_len, 1..=12) else { continue };
        if dashed {
            if text.get(at) != Some(&b'-') {
                continue;
            }
            at += 1;
        }
        let day_at = at;
        for day_len in [2, 1] {
            at = day_at;
            let Some(day) = two(text, &mut at, day_len, 1..=31) else { continue };
            if !matches!(text.get(at), Some(b'T' | b't')) {
                continue;
            }
            at += 1;
            let hour = either(text, &mut at, 0..=23)?;
            let minute = either(text, &mut at, 0..=59)?;
            let second = two(text, &mut at, 2, 0..=61).or_else(|| two(text, &mut at, 1, 0..=9))?;
            return Some(([year, month, day, hour, minute, second], at));
        }
    }
    let _ = at;
    None
}

/// A number of one or two digits before a colon.
fn either(text: &[u8], at: &mut usize, range: std::ops::RangeInclusive<u16>) -> Option<u16> {
    for len in [2, 1] {
        let mut end = *at;
        if let Some(number) = two(text, &mut end, len, range.clone())
            && text.get(end) == Some(&b':')
        {
            *at = end + 1;
            return Some(number);
        }
    }
    None
}

/// A number of just so many digits.
fn two(text: &[u8], at: &mut usize, len: usize, range: std::ops::RangeInclusive<u16>) -> Option<u16> {
    let found = number(text.get(*at..*at + len)?).filter(|number| range.contains(number))?;
    *at += len;
    Some(found)
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |number, b| {
        b.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add(u16::from(b - b'0')))
    })
}

fn repr(text: &str) -> String {
    let mut out = Vec::new();
    str_repr(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}
