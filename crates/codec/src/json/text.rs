//! Strings in JSON.

use std::borrow::Cow;

use memchr::memchr;
use salamander_value::{Error, Result, Token};

use super::read::JsonReader;
use crate::literal::{Text, hex, plain_len};

impl<'de> JsonReader<'de> {
    /// Reads the string whose quote is here.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Token<'de>> {
        match self.plain_string(self.at) {
            Some((text, end)) => {
                self.at = end;
                Ok(Token::Str(Cow::Borrowed(text)))
            }
            None => self.escaped_string(),
        }
    }

    /// The string whose quote is at a place, if it has no escapes, and the place behind it.
    #[inline(always)]
    pub(super) fn plain_string(&self, at: usize) -> Option<(&'de str, usize)> {
        let bytes = self.text.as_bytes();
        let start = at + 1;
        let end = start + plain_len(&bytes[start..], b'"');
        (bytes.get(end) == Some(&b'"')).then(|| (self.text.get(start..end).unwrap_or_default(), end + 1))
    }

    fn escaped_string(&mut self) -> Result<Token<'de>> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut end = start;
        loop {
            end += plain_len(bytes.get(end..).unwrap_or_default(), b'"');
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => return Err(Error::malformed("Invalid control character").at(end)),
                None => return Err(Error::malformed("Unterminated string").at(start - 1)),
            }
        }
        self.at = end + 1;
        unescape(self.text.get(start..end).unwrap_or_default(), start)?.into_token()
    }
}

fn unescape(mut source: &str, mut at: usize) -> Result<Text> {
    let mut text = Text::with_capacity(source.len());
    while let Some(found) = memchr(b'\\', source.as_bytes()) {
        let (plain, escape) = source.split_at(found);
        text.push_str(plain);
        at += found;
        let (point, len) = match escape.as_bytes()[1..] {
            [b @ (b'"' | b'\\' | b'/'), ..] => (u32::from(b), 2),
            [b'b', ..] => (0x08, 2),
            [b'f', ..] => (0x0C, 2),
            [b'n', ..] => (0x0A, 2),
            [b'r', ..] => (0x0D, 2),
            [b't', ..] => (0x09, 2),
            [b'u', ..] => unicode(escape.as_bytes(), at)?,
            _ => return Err(Error::malformed("Invalid \\escape").at(at)),
        };
        text.push(point);
        at += len;
        source = escape.get(len..).unwrap_or_default();
    }
    text.push_str(source);
    Ok(text)
}

/// The character of `\uXXXX`, or of two of them that are a pair of surrogates, and its length.
fn unicode(escape: &[u8], at: usize) -> Result<(u32, usize)> {
    let unit = |from: usize| match escape.get(from..from + 4).and_then(hex) {
        Some(unit) => Ok(unit),
        None => Err(Error::malformed("Invalid \\uXXXX escape").at(at + from - 1)),
    };
    let high = unit(2)?;
    if (0xD800..0xDC00).contains(&high) && escape.get(6..8) == Some(b"\\u") {
        let low = unit(8)?;
        if (0xDC00..0xE000).contains(&low) {
            return Ok((0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12));
        }
    }
    Ok((high, 6))
}
