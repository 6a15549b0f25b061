//! Text: [`Str`], and [`SurrogateStr`] for what Python allows and Unicode does not.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A `str`; short ones take no allocation.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Str(CompactString);

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Str {
    #[inline]
    fn from(text: &str) -> Self {
        Self(CompactString::new(text))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(CompactString::from(text))
    }
}

impl From<std::borrow::Cow<'_, str>> for Str {
    fn from(text: std::borrow::Cow<'_, str>) -> Self {
        Self(CompactString::from(text))
    }
}

impl From<Str> for String {
    fn from(text: Str) -> Self {
        text.0.into_string()
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A Python `str` with at least one lone surrogate (U+D800 to U+DFFF), which Rust's strings cannot hold.
///
/// The rule: it is kept as code points and written back as Python would (`\ud800` escapes in serpent, `surrogatepass`
/// UTF-8 in marshal) or refused where Python's serializer refuses it (JSON, msgpack). Read as a Rust `String` it is
/// an error; it is never replaced silently.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SurrogateStr(Vec<u32>);

impl SurrogateStr {
    /// The string of these code points.
    ///
    /// # Errors
    /// A string, where all of it is Unicode text; and nothing at all where a number is no code point.
    pub fn new(code_points: Vec<u32>) -> Result<Self, Option<String>> {
        if code_points.iter().any(|&c| c > 0x10_FFFF) {
            return Err(None);
        }
        match code_points.iter().map(|&c| char::from_u32(c)).collect::<Option<String>>() {
            Some(text) => Err(Some(text)),
            None => Ok(Self(code_points)),
        }
    }

    /// Reads UTF-8 in which surrogates are encoded like other characters (Python's `surrogatepass`, WTF-8).
    pub fn from_wtf8(bytes: &[u8]) -> Option<Self> {
        let mut code_points = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    code_points.extend(text.chars().map(u32::from));
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    code_points.extend(std::str::from_utf8(valid).ok()?.chars().map(u32::from));
                    let &[0xED, high @ 0xA0..=0xBF, low @ 0x80..=0xBF, ..] = after else { return None };
                    code_points.push(0xD000 | u32::from(high & 0x3F) << 6 | u32::from(low & 0x3F));
                    rest = &after[3..];
                }
            }
        }
        Self::new(code_points).ok()
    }

    /// UTF-8 with the surrogates encoded like other characters.
    pub fn to_wtf8(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * 3);
        for &c in &self.0 {
            match char::from_u32(c) {
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => out.extend([0xED, 0x80 | (c >> 6) as u8 & 0x3F, 0x80 | c as u8 & 0x3F]),
            }
        }
        out
    }

    /// The code points.
    pub fn code_points(&self) -> &[u32] {
        &self.0
    }
}

impl fmt::Debug for SurrogateStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for &c in &self.0 {
            match char::from_u32(c) {
                Some(c) => write!(f, "{}", c.escape_debug())?,
                None => write!(f, "\\u{{{c:x}}}")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_round_trip_through_wtf8() {
        let text = SurrogateStr::new(vec![0x61, 0xD800, 0x20AC, 0xDFFF]).unwrap();
        let bytes = text.to_wtf8();
        assert_eq!(bytes, b"a\xed\xa0\x80\xe2\x82\xac\xed\xbf\xbf");
        assert_eq!(SurrogateStr::from_wtf8(&bytes), Some(text));
        assert_eq!(SurrogateStr::from_wtf8(b"\xff"), None);
        assert_eq!(SurrogateStr::new(vec![0x61]), Err(Some("a".into())));
    }
}
