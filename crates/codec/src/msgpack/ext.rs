//! Extensions: what Pyro makes of the values that msgpack itself does not know.

use salamander_value::{BigInt, Complex, Date, DateTime, Error, FixedOffset, Kind, MAX_INT_DIGITS, Result, Token};

use crate::Zone;

/// Two native doubles.
pub(super) const COMPLEX: u8 = 0x30;
/// An integer beyond 64 bits, in decimal.
pub(super) const INT: u8 = 0x31;
/// Seconds since 1970 of a naive local time, a native double.
pub(super) const DATE_TIME: u8 = 0x32;
/// A date's ordinal, a native long.
pub(super) const DATE: u8 = 0x33;
/// Msgpack's own timestamps.
pub(super) const TIMESTAMP: u8 = 0xFF;

const MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * MICROS;

/// The value of an extension.
///
/// # Errors
/// Codes that Pyro does not know, and data that is none of theirs.
pub(super) fn read<'de>(code: u8, data: &[u8], zone: &Zone) -> Result<Token<'de>> {
    match code {
        COMPLEX => match data.as_chunks::<8>() {
            (&[re, im], []) => Ok(Token::Complex(Complex { re: f64::from_le_bytes(re), im: f64::from_le_bytes(im) })),
            _ => Err(wrong_length(16)),
        },
        INT => int(data),
        DATE_TIME => {
            let seconds = f64::from_le_bytes(data.try_into().map_err(|_| wrong_length(8))?);
            Ok(Token::DateTime(local_time(seconds, zone)?))
        }
        DATE => {
            let ordinal = i64::from_le_bytes(data.try_into().map_err(|_| wrong_length(8))?);
            let kind = if i32::try_from(ordinal).is_ok() { Kind::Malformed } else { Kind::Overflow };
            let date = Date::from_ordinal(ordinal);
            date.map(Token::Date)
                .ok_or_else(|| Error::new(kind, format!("there is no date of the ordinal {ordinal}")))
        }
        TIMESTAMP => timestamp(data),
        _ => Err(Error::new(Kind::Unsupported, format!("invalid ext code for msgpack: {}", code as i8))),
    }
}

#[cold]
fn wrong_length(expected: usize) -> Error {
    Error::malformed(format!("an extension should have {expected} bytes")).as_class("struct.error")
}

/// What Python's `int(bytes)` reads.
fn int<'de>(data: &[u8]) -> Result<Token<'de>> {
    let invalid = || Error::malformed("the text of an int is none");
    let is_space = |byte: &u8| matches!(byte, b' ' | 0x09..=0x0D);
    let start = data.iter().position(|byte| !is_space(byte)).ok_or_else(invalid)?;
    let end = data.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    let text = &data[start..end];
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut digits = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits.push(byte),
            // Between two digits only.
            b'_' if at > 0 && text[at - 1] != b'_' && at + 1 < text.len() => {}
            _ => return Err(invalid()),
        }
    }
    if digits.len() > MAX_INT_DIGITS {
        return Err(too_many_digits());
    }
    let magnitude = BigInt::parse_bytes(&digits, 10).ok_or_else(invalid)?;
    let number = if negative { -magnitude } else { magnitude };
    Ok(match i64::try_from(&number) {
        Ok(number) => Token::Int(number),
        Err(_) => Token::BigInt(Box::new(number)),
    })
}

#[cold]
pub(super) fn too_many_digits() -> Error {
    Error::new(Kind::TooLarge, format!("exceeds the limit ({MAX_INT_DIGITS} digits) for integer string conversion"))
}

/// Msgpack's own timestamp: an aware time in UTC, where that is as exact.
fn timestamp<'de>(data: &[u8]) -> Result<Token<'de>> {
    let (seconds, nanoseconds) = match *data {
        [a, b, c, d] => (i64::from(u32::from_be_bytes([a, b, c, d])), 0),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            ((both & 0x3_FFFF_FFFF) as i64, (both >> 34) as u32)
        }
        [a, b, c, d, ref seconds @ ..] if seconds.len() == 8 => {
            let seconds = seconds.iter().fold(0, |all, &byte| all << 8 | i64::from(byte));
            (seconds, u32::from_be_bytes([a, b, c, d]))
        }
        _ => return Err(Error::malformed("a timestamp of a wrong length")),
    };
    if nanoseconds > 999_999_999 {
        return Err(Error::malformed("a timestamp with too many nanoseconds"));
    }
    let unfit = || Error::new(Kind::Unsupported, "a timestamp that no datetime can hold");
    if nanoseconds % 1000 != 0 {
        return Err(unfit());
    }
    let micros = seconds.checked_mul(MICROS).and_then(|micros| micros.checked_add(i64::from(nanoseconds / 1000)));
    let mut when = micros.and_then(DateTime::from_civil_micros).ok_or_else(unfit)?;
    when.time.offset = Some(FixedOffset::default());
    Ok(Token::DateTime(when))
}

/// What Python's `datetime.fromtimestamp(seconds)` gives.
fn local_time(seconds: f64, zone: &Zone) -> Result<DateTime> {
    if seconds.is_nan() {
        return Err(Error::malformed("a time that is not a number"));
    }
    let mut whole = seconds.trunc();
    let mut micros = ((seconds - whole) * MICROS as f64).round_ties_even();
    if micros >= MICROS as f64 {
        (whole, micros) = (whole + 1.0, micros - MICROS as f64);
    } else if micros < 0.0 {
        (whole, micros) = (whole - 1.0, micros + MICROS as f64);
    }
    let out_of_range = || Error::malformed("the year of a time is out of range");
    if whole.abs() >= 2f64.powi(63) {
        return Err(Error::new(Kind::Overflow, "a time is out of range"));
    }
    // Within a day of what dates can hold; a zone knows nothing of other times.
    if whole.abs() > 300_000_000_000.0 {
        return Err(out_of_range());
    }
    let utc = whole as i64;
    let civil = (utc + i64::from(zone.offset_at_utc(utc))) * MICROS + micros as i64;
    check_first_day(civil)?;
    DateTime::from_civil_micros(civil).ok_or_else(out_of_range)
}

/// What Python's `timestamp()` gives for a naive time.
///
/// # Errors
/// At the first and last day of the calendar, where Python's own calculation fails.
pub(super) fn seconds_of(when: &DateTime, zone: &Zone) -> Result<f64> {
    let civil = when.to_civil_micros();
    let seconds = civil.div_euclid(MICROS);
    let offset = i64::from(zone.offset_at_civil(seconds));
    check_first_day(civil)?;
    if DateTime::from_civil_micros((seconds + offset) * MICROS).is_none() {
        return Err(Error::malformed("year 10000 is out of range"));
    }
    Ok((seconds - offset) as f64 + f64::from(when.time.microsecond) / MICROS as f64)
}

/// Python looks a day back, whether the clock shows a time twice, and fails where there is none.
fn check_first_day(civil: i64) -> Result<()> {
    if civil < (1 - 719_163) * DAY_MICROS + DAY_MICROS {
        return Err(Error::malformed("year 0 is out of range"));
    }
    Ok(())
}
