//! String and bytes literals.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};
use salamander_value::{Error, Result, Token};

use super::SerpentReader;
use crate::literal::{Text, hex, plain_len};

/// What stands before the quote.
#[derive(Clone, Copy, Default)]
struct Prefix {
    bytes: bool,
    raw: bool,
}

impl<'de> SerpentReader<'de> {
    /// Reads the string that begins with the quote here: at once, if it is as the library writes it.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Token<'de>> {
        if let Some((text, end)) = self.plain_string(self.at) {
            let before = std::mem::replace(&mut self.at, end);
            if matches!(self.text.as_bytes().get(end), Some(b',' | b':' | b')' | b']' | b'}')) || !self.at_string() {
                return Ok(Token::Str(Cow::Borrowed(text)));
            }
            self.at = before;
        }
        self.strings()
    }

    /// The string whose quote is at a place, if it has no escapes, and the place behind it.
    #[inline(always)]
    pub(super) fn plain_string(&self, at: usize) -> Option<(&'de str, usize)> {
        let bytes = self.text.as_bytes();
        let (start, quote) = (at + 1, *bytes.get(at)?);
        let end = start + plain_len(&bytes[start..], quote);
        let plain = bytes.get(end) == Some(&quote) && (end > start || bytes.get(end + 1) != Some(&quote));
        plain.then(|| (self.part(start..end), end + 1))
    }

    /// Reads a string that has a prefix, escapes, three quotes or a string beside it.
    pub(super) fn strings(&mut self) -> Result<Token<'de>> {
        let first = self.prefix()?;
        let body = self.body()?;
        let mut more = self.at_string();
        if !more && self.is_plain(&body, first) {
            let part = self.part(body);
            return Ok(match first.bytes {
                true => Token::Bytes(Cow::Borrowed(part.as_bytes())),
                false => Token::Str(Cow::Borrowed(part)),
            });
        }
        let (mut text, mut binary) = match first.bytes {
            true => (Text::with_capacity(0), Vec::with_capacity(body.len())),
            false => (Text::with_capacity(body.len()), Vec::new()),
        };
        let (mut prefix, mut body) = (first, body);
        loop {
            match (prefix.bytes, prefix.raw) {
                (true, _) => unescape_bytes(self.part(body.clone()), body.start, prefix.raw, &mut binary)?,
                (false, raw) => unescape(self.part(body.clone()), body.start, raw, &mut text)?,
            }
            if !more {
                break;
            }
            prefix = self.prefix()?;
            if prefix.bytes != first.bytes {
                return Err(self.syntax("cannot mix bytes and nonbytes literals"));
            }
            body = self.body()?;
            more = self.at_string();
        }
        if first.bytes { Ok(Token::Bytes(Cow::Owned(binary))) } else { text.into_token() }
    }

    /// Whether a string follows, with a prefix or without.
    fn at_string(&mut self) -> bool {
        match self.peek() {
            b'\'' | b'"' => true,
            b'a'..=b'z' | b'A'..=b'Z' => {
                let rest = &self.text.as_bytes()[self.at + 1..];
                rest.iter().take(2).find(|b| !b.is_ascii_alphabetic()).is_some_and(|b| matches!(b, b'\'' | b'"'))
            }
            _ => false,
        }
    }

    /// Goes to the quote.
    fn prefix(&mut self) -> Result<Prefix> {
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let prefix = match rest[..len].to_ascii_lowercase().as_slice() {
            b"" | b"u" => Prefix::default(),
            b"r" => Prefix { bytes: false, raw: true },
            b"b" => Prefix { bytes: true, raw: false },
            b"br" | b"rb" => Prefix { bytes: true, raw: true },
            b"f" | b"fr" | b"rf" => return Err(Error::malformed("malformed node or string: an f-string").at(self.at)),
            _ => return Err(self.syntax("invalid syntax: not a prefix of a string")),
        };
        self.at += len;
        Ok(prefix)
    }

    /// Goes behind the string whose quote is here, and tells what lies between its quotes.
    fn body(&mut self) -> Result<Range<usize>> {
        let bytes = self.text.as_bytes();
        let Some(&quote) = bytes.get(self.at) else { return Err(self.unexpected(0)) };
        let triple = bytes[self.at..].starts_with(&[quote; 3]);
        let start = self.at + if triple { 3 } else { 1 };
        let mut at = start;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let len = memchr3(quote, b'\\', b'\n', rest).unwrap_or(rest.len());
            if !triple && memchr(b'\r', &rest[..len]).is_some() {
                return Err(self.syntax("unterminated string literal"));
            }
            at += len;
            match bytes.get(at) {
                Some(b'\\') => at += if bytes[at + 1..].starts_with(b"\r\n") { 3 } else { 2 },
                Some(&b) if b == quote && !triple => {
                    self.at = at + 1;
                    return Ok(start..at);
                }
                Some(&b) if b == quote && bytes[at..].starts_with(&[quote; 3]) => {
                    self.at = at + 3;
                    return Ok(start..at);
                }
                Some(_) if triple => at += 1,
                None if triple => return Err(self.syntax("unterminated triple-quoted string literal")),
                _ => return Err(self.syntax("unterminated string literal")),
            }
        }
    }

    /// Whether the string is what stands there, letter by letter.
    fn is_plain(&self, body: &Range<usize>, prefix: Prefix) -> bool {
        let part = self.part(body.clone()).as_bytes();
        let escape = if prefix.raw { b'\r' } else { b'\\' };
        memchr2(escape, b'\r', part).is_none() && (!prefix.bytes || part.is_ascii())
    }

    fn part(&self, range: Range<usize>) -> &'de str {
        self.text.get(range).unwrap_or_default()
    }
}

/// Appends what a string literal stands for.
fn unescape(mut source: &str, mut at: usize, raw: bool, text: &mut Text) -> Result<()> {
    let escape = if raw { b'\r' } else { b'\\' };
    while let Some(found) = memchr2(escape, b'\r', source.as_bytes()) {
        let (plain, rest) = source.split_at(found);
        text.push_str(plain);
        at += found;
        let taken = match rest.as_bytes() {
            // Python reads every line end as `\n`.
            [b'\r', b'\n', ..] => {
                text.push(0x0A);
                2
            }
            [b'\r', ..] => {
                text.push(0x0A);
                1
            }
            [_, escape @ ..] => 1 + unescape_one(escape, at, text)?,
            [] => 0,
        };
        at += taken;
        source = rest.get(taken..).unwrap_or_default();
    }
    text.push_str(source);
    Ok(())
}

/// Appends what one escape stands for; gives its length behind the backslash.
fn unescape_one(escape: &[u8], at: usize, text: &mut Text) -> Result<usize> {
    let wrong = |what: &str| {
        let message = format!("(unicode error) 'unicodeescape' codec can't decode bytes: {what}");
        Err(Error::malformed(message).as_class("builtins.SyntaxError").at(at))
    };
    let digits = match escape {
        [b'x', ..] => 2,
        [b'u', ..] => 4,
        [b'U', ..] => 8,
        [b'N', ..] => return wrong("characters by name are not supported"),
        _ => {
            let (meaning, len) = simple_escape(escape);
            if let Some(point) = meaning {
                text.push(u32::from(point));
            }
            return Ok(len);
        }
    };
    match escape.get(1..=digits).and_then(hex) {
        None => wrong(match digits {
            2 => "truncated \\xXX escape",
            4 => "truncated \\uXXXX escape",
            _ => "truncated \\UXXXXXXXX escape",
        }),
        Some(point) if text.push(point) => Ok(1 + digits),
        Some(_) => wrong("illegal Unicode character"),
    }
}

/// Appends what a bytes literal stands for.
fn unescape_bytes(source: &str, at: usize, raw: bool, binary: &mut Vec<u8>) -> Result<()> {
    let syntax = |message: &str, at| Err(Error::malformed(message).as_class("builtins.SyntaxError").at(at));
    if let Some(foreign) = source.bytes().position(|b| !b.is_ascii()) {
        return syntax("bytes can only contain ASCII literal characters", at + foreign);
    }
    let mut rest = source.as_bytes();
    let escape = if raw { b'\r' } else { b'\\' };
    while let Some(found) = memchr2(escape, b'\r', rest) {
        let (plain, escape) = rest.split_at(found);
        binary.extend_from_slice(plain);
        let taken = match escape {
            [b'\r', b'\n', ..] => {
                binary.push(b'\n');
                2
            }
            [b'\r', ..] => {
                binary.push(b'\n');
                1
            }
            [_, b'x', digits @ ..] => match digits.get(..2).and_then(hex) {
                Some(byte) => {
                    binary.push(byte as u8);
                    4
                }
                None => return syntax("(value error) invalid \\x escape", at),
            },
            [_, escape @ ..] => {
                let (meaning, len) = simple_escape(escape);
                binary.extend(meaning.map(|point| point as u8));
                1 + len
            }
            [] => 0,
        };
        rest = escape.get(taken..).unwrap_or_default();
    }
    binary.extend_from_slice(rest);
    Ok(())
}

/// The character that an escape without hexadecimal digits stands for, if for any, and its length behind the backslash.
fn simple_escape(escape: &[u8]) -> (Option<u16>, usize) {
    let point = match escape {
        [b'\\' | b'\'' | b'"', ..] => u16::from(escape[0]),
        [b'n', ..] => 0x0A,
        [b'r', ..] => 0x0D,
        [b't', ..] => 0x09,
        [b'a', ..] => 0x07,
        [b'b', ..] => 0x08,
        [b'f', ..] => 0x0C,
        [b'v', ..] => 0x0B,
        // A line that goes on in the next.
        [b'\r', b'\n', ..] => return (None, 2),
        [b'\n' | b'\r', ..] => return (None, 1),
        [b'0'..=b'7', ..] => {
            let octal = escape.iter().take(3).take_while(|b| matches!(b, b'0'..=b'7'));
            let (point, len) = octal.fold((0, 0), |(point, len), b| (point << 3 | u16::from(b - b'0'), len + 1));
            return (Some(point), len);
        }
        // No escape: the backslash stands for itself.
        _ => return (Some(u16::from(b'\\')), 0),
    };
    (Some(point), 1)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use salamander_value::{SurrogateStr, Value};

    use super::*;
    use crate::{Codec, Settings};

    fn read(text: &str) -> Result<Value> {
        Codec::Serpent.decode_value(&Bytes::from(text.to_owned()), &Settings::default())
    }

    #[test]
    fn strings_are_read_in_every_spelling() {
        for (text, value) in [
            ("'abc'", "abc"),
            ("\"it's\"", "it's"),
            ("''", ""),
            ("\"\"", ""),
            ("'é€😀'", "é€😀"),
            (r#"'\\ \' \" \a\b\f\n\r\t\v'"#, "\\ ' \" \x07\x08\x0c\n\r\t\x0b"),
            (r"'\x41\u20ac\U0001f600\101\0\18\400'", "A€😀A\0\u{1}8Ā"),
            (r"'\q\ \é\8'", r"\q\ \é\8"),
            ("'a\\\nb\\\r\nc\\\rd'", "abcd"),
            ("'tab\there \x01'", "tab\there \x01"),
            ("'''a\n'b' ''c'''", "a\n'b' ''c"),
            ("\"\"\"\"a\"\"\"", "\"a"),
            ("''''''", ""),
            ("'''a\r\nb\rc'''", "a\nb\nc"),
            ("u'a' U'b'", "ab"),
            (r"r'\n\'' R'\\'", r"\n\'\\"),
            ("'a''b'\"c\"", "abc"),
            ("'a'''", "a"),
            ("('a' # comment\n'b')", "ab"),
            ("'a' \\\n 'b'", "ab"),
        ] {
            assert_eq!(read(text), Ok(Value::from(value)), "{text:?}");
        }
    }

    #[test]
    fn bytes_are_read_in_every_spelling() {
        for (text, value) in [
            ("b'abc'", &b"abc"[..]),
            ("B\"it's\"", b"it's"),
            ("b''", b""),
            (r"b'\x00\xff\n\\\'\377\777'", b"\x00\xff\n\\'\xff\xff"),
            (r"b'\u20ac\N{x}'", br"\u20ac\N{x}"),
            (r"rb'\x00' bR'\n'", br"\x00\n"),
            ("b'''a\r\nb'''", b"a\nb"),
            ("b'a\\\nb'", b"ab"),
            ("b'a'b'b'", b"ab"),
        ] {
            assert_eq!(read(text), Ok(Value::from(value)), "{text:?}");
        }
    }

    #[test]
    fn lone_surrogates_are_kept() {
        let surrogates =
            |points: &[u32]| Ok(Value::Surrogates(Box::new(SurrogateStr::new(points.to_vec()).unwrap())));
        assert_eq!(read(r"'a\ud800é'"), surrogates(&[0x61, 0xD800, 0xE9]));
        // Python does not join two escapes into one character here.
        assert_eq!(read(r"'\ud83d\ude00'"), surrogates(&[0xD83D, 0xDE00]));
        assert_eq!(read(r"'\ud83d' '\U0000de00'"), surrogates(&[0xD83D, 0xDE00]));
    }

    #[test]
    #[rustfmt::skip]
    fn strings_that_python_refuses_are_refused() {
        for text in [
            "'a", "'a\nb'", "'a\rb'", "'''a'", r"'\", r"'\'", r"r'\'", r"'\x4'", r"'\xg0'", r"'\u123'", r"'\U0000004'",
            r"'\U00110000'", r"'\N{BULLET}'", r"b'\x4'", "b'é'", "rb'é'", "b'a' 'b'", "'a' b'b'", "uR'a'", "bu'a'", "x'a'",
            "'a'\n'b'", "['a' b]",
        ] {
            assert_eq!(read(text).map_err(|error| error.class()), Err("builtins.SyntaxError"), "{text:?}");
        }
        assert_eq!(read("f'a'").map_err(|error| error.class()), Err("builtins.ValueError"));
        assert_eq!(read(r"['ok', 'a\u12']").unwrap_err().offset(), Some(9));
    }
}
