//! The texts of protocol 0: strings with escapes, and numbers.

use std::borrow::Cow;
use std::str;

use salamander_value::{BigInt, Error, Kind, MAX_INT_DIGITS, Result, SurrogateStr, Token};

/// A `str`, as UTF-8 in which lone surrogates are encoded like other characters.
pub(super) fn utf8(bytes: &[u8]) -> Result<Token<'_>> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(Token::Str(Cow::Borrowed(text))),
        Err(_) => match SurrogateStr::from_wtf8(bytes) {
            Some(text) => Ok(Token::Surrogates(Box::new(text))),
            None => Err(Error::new(Kind::Unicode, "a str is not UTF-8")),
        },
    }
}

/// A `str` of Python 2, which is ASCII where Python 3 reads it.
pub(super) fn ascii(bytes: Cow<'_, [u8]>) -> Result<Token<'_>> {
    if !bytes.is_ascii() {
        return Err(Error::new(Kind::Unicode, "a str of Python 2 is not ASCII"));
    }
    let text = match bytes {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    };
    text.map(Token::Str).ok_or_else(Error::eof)
}

/// What stands in quotes, as Python 2's `repr()` writes it.
pub(super) fn quoted(line: &[u8]) -> Result<Token<'_>> {
    let bad = || Error::malformed("the STRING opcode argument must be quoted");
    let line = line.trim_ascii_end();
    let (&first, rest) = line.split_first().ok_or_else(bad)?;
    let (&last, inner) = rest.split_last().ok_or_else(bad)?;
    if first != last || !matches!(first, b'\'' | b'"') {
        return Err(bad());
    }
    if !inner.contains(&b'\\') {
        return ascii(Cow::Borrowed(inner));
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first().ok_or_else(|| Error::malformed("a string ends in an escape"))?;
        rest = after;
        match escape {
            b'\n' => {}
            b'a' => text.push(7),
            b'b' => text.push(8),
            b't' => text.push(b'\t'),
            b'n' => text.push(b'\n'),
            b'v' => text.push(11),
            b'f' => text.push(12),
            b'r' => text.push(b'\r'),
            b'x' => {
                text.push(hex(&mut rest, 2)? as u8);
            }
            b'0'..=b'7' => {
                let mut code = u32::from(escape - b'0');
                for _ in 0..2 {
                    if let Some((&digit @ b'0'..=b'7', after)) = rest.split_first() {
                        code = code * 8 + u32::from(digit - b'0');
                        rest = after;
                    }
                }
                text.push(code as u8);
            }
            b'\\' | b'\'' | b'"' => text.push(escape),
            other => text.extend([b'\\', other]),
        }
    }
    ascii(Cow::Owned(text))
}

/// Latin-1 with `\u` and `\U` escapes.
pub(super) fn raw_unicode_escape(line: &[u8]) -> Result<Token<'_>> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return utf8(line);
    }
    let mut code_points = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let code_point = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => {
                rest = &rest[1..];
                hex(&mut rest, 4)?
            }
            (b'\\', Some(b'U')) => {
                rest = &rest[1..];
                hex(&mut rest, 8)?
            }
            (b'\\', Some(&other)) => {
                rest = &rest[1..];
                code_points.push(b'\\'.into());
                other.into()
            }
            (byte, _) => byte.into(),
        };
        code_points.push(code_point);
    }
    match SurrogateStr::new(code_points) {
        Ok(text) => Ok(Token::Surrogates(Box::new(text))),
        Err(Some(text)) => Ok(Token::Str(Cow::Owned(text))),
        Err(None) => Err(Error::new(Kind::Unicode, "an escape is no character")),
    }
}

fn hex(rest: &mut &[u8], digits: usize) -> Result<u32> {
    let bad = || Error::malformed("an escape lacks digits");
    let (taken, after) = rest.split_at_checked(digits).ok_or_else(bad)?;
    *rest = after;
    if !taken.iter().all(u8::is_ascii_hexdigit) {
        return Err(bad());
    }
    str::from_utf8(taken).ok().and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or_else(bad)
}

/// The number of an `INT` or a `LONG`.
pub(super) fn integer(line: &[u8]) -> Result<Token<'static>> {
    let bad = || Error::malformed("an int is none");
    let text = str::from_utf8(line.trim_ascii()).map_err(|_| bad())?;
    let text = text.strip_suffix('L').unwrap_or(text);
    if let Ok(number) = text.parse() {
        return Ok(Token::Int(number));
    }
    if text.len() > MAX_INT_DIGITS + 1 {
        let message = format!("an int of more than {MAX_INT_DIGITS} digits");
        return Err(Error::new(Kind::TooLarge, message));
    }
    Ok(Token::BigInt(Box::new(text.parse().map_err(|_| bad())?)))
}

/// The number of a `FLOAT`.
pub(super) fn float(line: &[u8]) -> Result<f64> {
    let text = str::from_utf8(line.trim_ascii()).ok();
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::malformed("the text of a float is none"))
}

/// An integer of any length, little-endian and in two's complement.
pub(super) fn long(bytes: &[u8]) -> Token<'static> {
    if let Some(last) = bytes.last()
        && bytes.len() <= 8
    {
        let mut all = [if last & 0x80 == 0 { 0 } else { 0xFF }; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        return Token::Int(i64::from_le_bytes(all));
    }
    let number = BigInt::from_signed_bytes_le(bytes);
    match i64::try_from(&number) {
        Ok(number) => Token::Int(number),
        Err(_) => Token::BigInt(Box::new(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(token: Result<Token<'_>>) -> String {
        match token.and_then(|token| token.into_value(bytes::Bytes::copy_from_slice)) {
            Ok(value) => value.to_string(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn strings_of_protocol_0_are_read() {
        assert_eq!(shown(quoted(br"'it\'s \x41\101\n\\'")), r#""it's AA\n\\""#);
        assert_eq!(shown(quoted(b"\"a'b\"")), r#""a'b""#);
        assert_eq!(shown(quoted(br"'\q'")), r"'\\q'");
        assert_eq!(shown(quoted(br"'\xe9'")), "a str of Python 2 is not ASCII");
        for bad in [&b"'"[..], b"'a", b"a'", b"", b"'a\"", b"'a\\'", b"'\\x4'"] {
            assert!(quoted(bad).is_err(), "{bad:?}");
        }
        assert_eq!(shown(raw_unicode_escape(b"a\xe9\\u20ac\\U0001f600\\\\u0041")), "'aé€😀\\\\\\\\u0041'");
        assert_eq!(shown(raw_unicode_escape(b"\\ud800x")), "'\\ud800x'");
        assert_eq!(shown(raw_unicode_escape(b"\\U00110000")), "an escape is no character");
        assert_eq!(shown(raw_unicode_escape(b"\\u12")), "an escape lacks digits");
        assert_eq!(shown(raw_unicode_escape(b"\\u+123")), "an escape lacks digits");
    }

    #[test]
    fn numbers_of_protocol_0_are_read() {
        assert_eq!(shown(integer(b"-12")), "-12");
        assert_eq!(shown(integer(b"9223372036854775808L")), "9223372036854775808");
        assert_eq!(shown(integer("9".repeat(5000).as_bytes())), "an int of more than 4300 digits");
        assert_eq!(shown(integer(b"x")), "an int is none");
        assert_eq!(float(b"-inf").unwrap(), f64::NEG_INFINITY);
        assert_eq!(shown(Ok(long(b""))), "0");
        assert_eq!(shown(Ok(long(b"\xff"))), "-1");
        assert_eq!(shown(Ok(long(b"\x00\x00\x00\x00\x00\x00\x00\x80\x00"))), "9223372036854775808");
        assert_eq!(shown(Ok(long(b"\x01\0\0\0\0\0\0\0\0\0\0"))), "1");
    }
}
