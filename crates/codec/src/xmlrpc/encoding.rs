//! Bytes to text: the byte order mark, the XML declaration, and the encodings that expat has itself.

use std::borrow::Cow;

use salamander_value::{Error, Kind, Result};

use super::scan::{Broken, Text, expat_error, is_space};

/// The text of a document, behind its byte order mark and with its XML declaration checked.
///
/// # Errors
/// A declaration that is wrong, or of an encoding other than UTF-8, UTF-16, ISO-8859-1 and ASCII.
pub(super) fn decode(bytes: &[u8]) -> Result<Text<'_>> {
    match bytes {
        // The mark counts as a character of the first line.
        [0xEF, 0xBB, 0xBF, ..] => {
            let mut text = utf8(bytes);
            text.start = 3;
            begin(text, Family::Eight)
        }
        [0xFE, 0xFF, rest @ ..] => begin(utf16(rest, u16::from_be_bytes), Family::Sixteen),
        [0xFF, 0xFE, rest @ ..] => begin(utf16(rest, u16::from_le_bytes), Family::Sixteen),
        [0, b'<', ..] => begin(utf16(bytes, u16::from_be_bytes), Family::Sixteen),
        [b'<', 0, ..] => begin(utf16(bytes, u16::from_le_bytes), Family::Sixteen),
        _ => {
            // The declaration is ASCII in all encodings of eight bits.
            let end = memchr::memchr(b'>', bytes).map_or(bytes.len(), |end| end + 1);
            let head = utf8(bytes.get(..end).unwrap_or_default());
            let declared = Declaration::read(&head)?;
            let text = match declared.and_then(|declared| declared.encoding).map(|(name, _)| encoding(name)) {
                Some(Some(Encoding::Latin1)) => latin1(bytes),
                Some(Some(Encoding::Ascii)) => ascii(bytes),
                _ => utf8(bytes),
            };
            begin(text, Family::Eight)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Eight,
    Sixteen,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Latin1,
    Ascii,
    Utf16,
}

fn encoding(name: &str) -> Option<Encoding> {
    Some(match &*name.to_ascii_lowercase().replace('_', "-") {
        "utf-8" | "utf8" => Encoding::Utf8,
        "iso-8859-1" | "latin-1" | "latin1" | "iso8859-1" => Encoding::Latin1,
        "us-ascii" | "ascii" => Encoding::Ascii,
        "utf-16" | "utf-16be" | "utf-16le" | "utf16" => Encoding::Utf16,
        _ => return None,
    })
}

/// Checks the declaration, and goes behind it.
fn begin(mut text: Text<'_>, family: Family) -> Result<Text<'_>> {
    let Some(declared) = Declaration::read(&text)? else { return Ok(text) };
    if let Some((name, at)) = declared.encoding {
        match encoding(name) {
            None => {
                let message = format!("unknown encoding: {name}");
                return Err(Error::new(Kind::Unsupported, message).as_class("builtins.LookupError"));
            }
            Some(known) if (known == Encoding::Utf16) != (family == Family::Sixteen) => {
                return Err(expat_error(&text.text, "encoding specified in XML declaration is incorrect", at));
            }
            Some(_) => {}
        }
    }
    text.start = declared.end;
    Ok(text)
}

struct Declaration<'t> {
    /// Its name, and where it stands.
    encoding: Option<(&'t str, usize)>,
    end: usize,
}

impl<'t> Declaration<'t> {
    /// The declaration that the text begins with, if it does.
    fn read(text: &'t Text<'_>) -> Result<Option<Self>> {
        let whole = &*text.text;
        let start = text.start;
        match whole.get(start..).and_then(|whole| whole.strip_prefix("<?xml")).map(|rest| rest.as_bytes().first()) {
            Some(Some(&b)) if is_space(b) || b == b'?' => {}
            _ => return Ok(None),
        }
        let Some(close) = whole.find("?>") else {
            // An encoding of which the start alone is looked at has its end elsewhere.
            return match text.broken {
                Some(Broken::Invalid) => Err(expat_error(&text.text, "not well-formed (invalid token)", whole.len())),
                _ => Err(expat_error(&text.text, "unclosed token", start)),
            };
        };
        let wrong = |at: usize| expat_error(&text.text, "XML declaration not well-formed", at);
        let mut at = start + 5;
        let mut encoding = None;
        let mut seen = 0;
        while let Some(name) = next_part(whole, &mut at, close).map_err(wrong)? {
            let (name, value, value_at) = name;
            let name_at = whole[..value_at].rfind(name).unwrap_or(value_at);
            let place = match name {
                "version" => 1,
                "encoding" => 2,
                "standalone" => 3,
                _ => return Err(wrong(name_at)),
            };
            if place <= seen || (seen == 0 && place != 1) {
                return Err(wrong(name_at));
            }
            let fits = match place {
                3 => matches!(value, "yes" | "no"),
                2 => value.starts_with(|c: char| c.is_ascii_alphabetic()),
                _ => true,
            };
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':');
            if !fits || !value.bytes().all(plain) {
                return Err(wrong(value_at));
            }
            if place == 2 {
                encoding = Some((value, value_at));
            }
            seen = place;
        }
        if seen == 0 {
            return Err(wrong(at));
        }
        Ok(Some(Self { encoding, end: close + 2 }))
    }
}

/// The next `name = "value"` before `close`, and where its value stands; the error is the place where there is something else.
fn next_part<'t>(text: &'t str, at: &mut usize, close: usize) -> Result<Option<(&'t str, &'t str, usize)>, usize> {
    let bytes = text.as_bytes();
    let skip = |at: &mut usize| {
        let start = *at;
        while *at < close && bytes.get(*at).is_some_and(|&b| is_space(b)) {
            *at += 1;
        }
        *at > start
    };
    let spaced = skip(at);
    if *at >= close {
        return Ok(None);
    }
    if !spaced {
        return Err(*at);
    }
    let name = *at;
    while *at < close && bytes.get(*at).is_some_and(u8::is_ascii_lowercase) {
        *at += 1;
    }
    let name_end = *at;
    skip(at);
    if *at >= close || bytes.get(*at) != Some(&b'=') || name == name_end {
        return Err(*at);
    }
    *at += 1;
    skip(at);
    let quote = match bytes.get(*at) {
        Some(&quote @ (b'"' | b'\'')) => quote,
        _ => return Err(*at),
    };
    let value = *at + 1;
    let end = text.get(value..close).and_then(|rest| rest.find(char::from(quote))).ok_or(value)? + value;
    *at = end + 1;
    match (text.get(name..name_end), text.get(value..end)) {
        (Some(name), Some(text)) => Ok(Some((name, text, value))),
        _ => Err(value),
    }
}

fn utf8(bytes: &[u8]) -> Text<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Text { text: Cow::Borrowed(text), start: 0, broken: None },
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok());
            let broken = if error.error_len().is_none() { Broken::Partial } else { Broken::Invalid };
            Text { text: Cow::Borrowed(valid.unwrap_or_default()), start: 0, broken: Some(broken) }
        }
    }
}

fn latin1(bytes: &[u8]) -> Text<'static> {
    let text = bytes.iter().map(|&b| char::from(b)).collect();
    Text { text: Cow::Owned(text), start: 0, broken: None }
}

fn ascii(bytes: &[u8]) -> Text<'_> {
    let valid = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(bytes.len());
    let mut text = utf8(bytes.get(..valid).unwrap_or_default());
    text.broken = (valid < bytes.len()).then_some(Broken::Invalid);
    text
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Text<'static> {
    let pairs = bytes.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len() / 2);
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) => text.push(c),
            Err(_) => return Text { text: Cow::Owned(text), start: 0, broken: Some(Broken::Invalid) },
        }
    }
    Text { text: Cow::Owned(text), start: 0, broken: odd.then_some(Broken::Partial) }
}
