//! What the two text formats have in common: UTF-8, integers in digits, and text that is put together from escapes.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memchr2;
use num_bigint::BigInt;
use salamander_value::{Error, Kind, MAX_INT_DIGITS, Result, SurrogateStr, Token};

/// All of the input as text.
///
/// # Errors
/// [`Kind::Unicode`] where it is not UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        let reason = match (error.error_len(), byte) {
            (None, _) => "unexpected end of data",
            (_, 0xC2..=0xF4) => "invalid continuation byte",
            _ => "invalid start byte",
        };
        let message = format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {reason}");
        Error::new(Kind::Unicode, message).at(at)
    })
}

/// A part of `whole`, shared with it; copied where it is no part of it.
pub(crate) fn share(whole: &Bytes, part: &[u8]) -> Bytes {
    let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
    match start.checked_add(part.len()) {
        Some(end) if end <= whole.len() => whole.slice(start..end),
        _ => Bytes::copy_from_slice(part),
    }
}

/// A byte in all eight places of a word.
const fn eight(b: u8) -> u64 {
    u64::from_ne_bytes([b; 8])
}

/// The eight bytes at a place as a word, the first lowest.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|chunk| u64::from_le_bytes(*chunk))
}

/// How many bytes come before the first quote, backslash or control character.
#[inline]
pub(crate) fn plain_len(bytes: &[u8], quote: u8) -> usize {
    let mut len = 0;
    while len < 32 {
        // Eight bytes in a word: the top bit of each is set where it is zero, or below a limit. What is carried can set it
        // wrongly only behind a place where it is set rightly.
        let Some(word) = word(bytes, len) else {
            let plain = |b: u8| b != quote && b != b'\\' && b >= b' ';
            return len + bytes[len..].iter().position(|&b| !plain(b)).unwrap_or(bytes.len() - len);
        };
        let below = |word: u64, limit: u8| word.wrapping_sub(eight(limit)) & !word;
        let stops = (below(word, b' ') | below(word ^ eight(quote), 1) | below(word ^ eight(b'\\'), 1)) & eight(0x80);
        if stops != 0 {
            return len + stops.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    long_plain_len(bytes, quote, len)
}

/// The same where this many are known to come before: in blocks that grow, so that what is looked at for nothing is at
/// most as long as what is not.
fn long_plain_len(bytes: &[u8], quote: u8, known: usize) -> usize {
    let (mut len, mut block) = (known, 64);
    loop {
        let rest = &bytes[len..];
        let part = &rest[..rest.len().min(block)];
        let end = memchr2(quote, b'\\', part).unwrap_or(part.len());
        let part_plain = &part[..end];
        // Without an exit from it, the compiler makes vector instructions of this.
        if part_plain.iter().fold(u8::MAX, |low, &b| low.min(b)) < b' ' {
            return len + part_plain.iter().position(|&b| b < b' ').unwrap_or(end);
        }
        len += end;
        if end < part.len() || part.len() == rest.len() {
            return len;
        }
        block *= 2;
    }
}

/// The number that leading digits make, and how many there are: 18 at most, else 19.
#[inline]
pub(crate) fn short_integer(bytes: &[u8]) -> (u64, usize) {
    let (mut number, mut len) = eight_digits(bytes);
    if len == 8 {
        let rest = &bytes[8..];
        let (more, more_len) = eight_digits(rest);
        number = number * POWERS[more_len] + more;
        len += more_len;
        if more_len == 8 {
            for &digit in rest[8..].iter().take(3).take_while(|b| b.is_ascii_digit()) {
                if len == 18 {
                    return (0, 19);
                }
                number = number * 10 + u64::from(digit - b'0');
                len += 1;
            }
        }
    }
    (number, len)
}

/// The number that up to eight leading digits make, and how many there are.
#[inline(always)]
pub(crate) fn eight_digits(bytes: &[u8]) -> (u64, usize) {
    let Some(word) = word(bytes, 0) else {
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit());
        return digits.fold((0, 0), |(number, len), &digit| (number * 10 + u64::from(digit - b'0'), len + 1));
    };
    let values = word ^ eight(b'0');
    // The top bit of each byte that is above nine.
    let others = (((values & eight(0x7F)) + eight(0x76)) | values) & eight(0x80);
    let len = others.trailing_zeros() as usize / 8;
    if len == 0 {
        return (0, 0);
    }
    // The digits moved to the end, zeros before them; then pairs, fours and eights are put together.
    let digits = values << (64 - 8 * len);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    const LOW: u64 = 0x0000_00FF_0000_00FF;
    let high = (pairs & LOW).wrapping_mul(100 + (1_000_000 << 32));
    let low = (pairs >> 16 & LOW).wrapping_mul(1 + (10_000 << 32));
    (high.wrapping_add(low) >> 32, len)
}

/// The powers of ten that fit.
pub(crate) const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The `int` of these decimal digits.
///
/// # Errors
/// [`Kind::TooLarge`] for more digits than Python converts.
pub(crate) fn integer(digits: &str, negative: bool) -> Result<Token<'static>> {
    let (number, len) = short_integer(digits.as_bytes());
    if len == digits.len() && len < 19 {
        return Ok(Token::Int(signed(number, negative)));
    }
    if digits.len() > MAX_INT_DIGITS {
        return Err(too_many_digits(format!(": value has {} digits", digits.len())));
    }
    let number = digits.parse::<BigInt>().map_err(|_| Error::malformed("invalid decimal literal"))?;
    Ok(whole_number(if negative { -number } else { number }))
}

/// The number of [`short_integer`] with its sign.
#[inline]
pub(crate) fn signed(number: u64, negative: bool) -> i64 {
    // 18 digits at most, which fit.
    let number = number as i64;
    if negative { -number } else { number }
}

/// The `int` of any size as the token of its size.
pub(crate) fn whole_number(number: BigInt) -> Token<'static> {
    match i64::try_from(&number) {
        Ok(number) => Token::Int(number),
        Err(_) => Token::BigInt(Box::new(number)),
    }
}

/// The digits of an `int` that is written.
///
/// # Errors
/// [`Kind::TooLarge`] for more digits than Python converts.
pub(crate) fn big_int_text(number: &BigInt) -> Result<String> {
    // 10 ** 4300 has 14,285 bits: what has more need not be converted, which would take long.
    let text = if number.bits() > 14_285 { String::new() } else { number.to_string() };
    let digits = text.trim_start_matches('-').len();
    if digits == 0 || digits > MAX_INT_DIGITS { Err(too_many_digits(String::new())) } else { Ok(text) }
}

#[cold]
fn too_many_digits(what: String) -> Error {
    let message = format!("Exceeds the limit ({MAX_INT_DIGITS} digits) for integer string conversion{what}");
    Error::new(Kind::TooLarge, message)
}

/// A `str` that is put together from pieces and escapes, lone surrogates among them.
pub(crate) enum Text {
    Unicode(String),
    /// From the first lone surrogate on.
    CodePoints(Vec<u32>),
}

impl Text {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Text::Unicode(String::with_capacity(capacity))
    }

    pub(crate) fn push_str(&mut self, piece: &str) {
        match self {
            Text::Unicode(text) => text.push_str(piece),
            Text::CodePoints(points) => points.extend(piece.chars().map(u32::from)),
        }
    }

    /// Adds the character of a number; tells whether there is one.
    pub(crate) fn push(&mut self, point: u32) -> bool {
        match (&mut *self, char::from_u32(point)) {
            (Text::Unicode(text), Some(c)) => text.push(c),
            (Text::CodePoints(points), _) if point <= 0x10_FFFF => points.push(point),
            (Text::Unicode(text), None) if point <= 0x10_FFFF => {
                let points = text.chars().map(u32::from).chain([point]).collect();
                *self = Text::CodePoints(points);
            }
            _ => return false,
        }
        true
    }

    pub(crate) fn into_token(self) -> Result<Token<'static>> {
        match self {
            Text::Unicode(text) => Ok(Token::Str(Cow::Owned(text))),
            Text::CodePoints(points) => match SurrogateStr::new(points) {
                Ok(text) => Ok(Token::Surrogates(Box::new(text))),
                Err(Some(text)) => Ok(Token::Str(Cow::Owned(text))),
                Err(None) => Err(Error::malformed("illegal Unicode character")),
            },
        }
    }
}

/// The number of hexadecimal digits, all of them.
pub(crate) fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_plain_text_is_found_at_any_distance() {
        for len in (0..300).chain([1000, 5000]) {
            for end in [b'\'', b'\\', b'\n', 0x1F] {
                let mut bytes = vec![b'x'; len];
                bytes.push(end);
                bytes.extend_from_slice(b"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'");
                assert_eq!(plain_len(&bytes, b'\''), len);
            }
            assert_eq!(plain_len(&vec![0xC3; len], b'"'), len);
            assert_eq!(plain_len(&vec![0x7F; len], b'"'), len);
        }
    }

    #[test]
    fn digits_are_counted_and_put_together_at_any_length() {
        let digits = "12345678901234567890123";
        for len in 0..digits.len() {
            for end in ["", ",", "x", "/", ":", "\u{b0}", ", 12345678901234567890"] {
                let text = format!("{}{end}", &digits[..len]);
                let (number, counted) = short_integer(text.as_bytes());
                assert_eq!(counted, len.min(19), "{text}");
                if (1..19).contains(&len) {
                    assert_eq!(Ok(number), digits[..len].parse(), "{text}");
                }
            }
        }
        assert_eq!(short_integer(b"000000000000000000,"), (0, 18));
        assert_eq!(short_integer(b"999999999999999999,"), (999_999_999_999_999_999, 18));
    }

    #[test]
    fn integers_are_of_the_size_they_need() {
        for (digits, negative, token) in [
            ("0", true, Token::Int(0)),
            ("999999999999999999", false, Token::Int(999_999_999_999_999_999)),
            ("9223372036854775807", false, Token::Int(i64::MAX)),
            ("9223372036854775808", true, Token::Int(i64::MIN)),
            ("9223372036854775808", false, Token::BigInt(Box::new(BigInt::from(1u64 << 63)))),
        ] {
            assert_eq!(integer(digits, negative), Ok(token));
        }
        assert!(integer(&"9".repeat(4300), false).is_ok());
        assert_eq!(integer(&"9".repeat(4301), false).map_err(|error| error.kind()), Err(Kind::TooLarge));
    }

    #[test]
    fn integers_of_more_than_4300_digits_are_not_written() {
        let limit = BigInt::from(10).pow(4300);
        assert_eq!(big_int_text(&(&limit - 1)).map(|text| text.len()), Ok(4300));
        assert_eq!(big_int_text(&(1 - &limit)).map(|text| text.len()), Ok(4301));
        assert_eq!(big_int_text(&limit).map_err(|error| error.kind()), Err(Kind::TooLarge));
        assert_eq!(big_int_text(&-limit).map_err(|error| error.class()), Err("builtins.ValueError"));
        assert!(big_int_text(&BigInt::from(10).pow(100_000)).is_err());
    }

    #[test]
    fn utf8_errors_are_pythons() {
        for (bytes, reason) in [
            (&b"a\xff"[..], "byte 0xff in position 1: invalid start byte"),
            (b"\xc3(", "byte 0xc3 in position 0: invalid continuation byte"),
            (b"\xe2\x82", "byte 0xe2 in position 0: unexpected end of data"),
            (b"\xed\xa0\x80", "byte 0xed in position 0: invalid continuation byte"),
        ] {
            let error = utf8(bytes).unwrap_err();
            assert!(error.message().ends_with(reason), "{error}");
        }
    }

    #[test]
    fn parts_are_shared_and_foreign_bytes_are_copied() {
        let whole = Bytes::from_static(b"abcdef");
        assert_eq!(share(&whole, &whole[2..4]).as_ptr(), whole[2..].as_ptr());
        assert_eq!(share(&whole, b"xyz"), b"xyz"[..]);
    }
}
