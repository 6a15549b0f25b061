//! What kombu makes of values that JSON has no word for: `{"__type__": "datetime", "__value__": "2020-01-31T00:00:00"}`.
//!
//! # Wire
//! kombu 5.7. A dict of just these two keys that names a known type is that value. One whose value is none that the type is made of is refused
//! as it is in Python, but if the value is a list or dict that stands for nothing, it stays a dict.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use salamander_value::{DateTime, Decimal, Error, Reader, Result, Token, Uuid};

use super::read::JsonReader;
use crate::literal::plain_len;

const TYPE: &str = "__type__";
const VALUE: &str = "__value__";

/// Appends a string in quotes, what is not ASCII escaped.
pub(super) fn quote_ascii(out: &mut Vec<u8>, text: &str) {
    if text.is_ascii() && plain_len(text.as_bytes(), b'"') == text.len() && !text.contains('\x7f') {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        quote_points(out, text.chars().map(u32::from));
    }
}

/// Appends code points in quotes, lone surrogates among them.
pub(super) fn quote_points(out: &mut Vec<u8>, points: impl Iterator<Item = u32>) {
    out.push(b'"');
    for point in points {
        match point {
            0x22 | 0x5C => out.extend([b'\\', point as u8]),
            0x20..=0x7E => out.push(point as u8),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0D => out.extend_from_slice(b"\\r"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            // A vector takes whatever is written.
            0..=0xFFFF => _ = write!(out, "\\u{point:04x}"),
            _ => {
                let above = point - 0x1_0000;
                _ = write!(out, "\\u{:04x}\\u{:04x}", 0xD800 + (above >> 10), 0xDC00 + (above & 0x3FF));
            }
        }
    }
    out.push(b'"');
}

/// Appends what is text in the form of its type; it needs no escapes.
pub(super) fn text(out: &mut Vec<u8>, kind: &str, value: &dyn Display) -> Result<()> {
    _ = write!(out, "{{\"{TYPE}\": \"{kind}\", \"{VALUE}\": \"{value}\"}}");
    Ok(())
}

pub(super) fn uuid(out: &mut Vec<u8>, value: &Uuid) -> Result<()> {
    _ = write!(out, "{{\"{TYPE}\": \"uuid\", \"{VALUE}\": {{\"hex\": \"{}\"}}}}", value.simple());
    Ok(())
}

/// Bytes as text where they are UTF-8, else in base 64.
pub(super) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    match str::from_utf8(value) {
        Ok(text) => {
            _ = write!(out, "{{\"{TYPE}\": \"bytes\", \"{VALUE}\": ");
            quote_ascii(out, text);
            out.push(b'}');
        }
        Err(_) => {
            let encoded = Base64Display::new(value, &STANDARD);
            _ = write!(out, "{{\"{TYPE}\": \"base64\", \"{VALUE}\": \"{encoded}\"}}");
        }
    }
}

/// The second half of such a dict.
enum Part<'de> {
    Scalar(Token<'de>),
    /// `{"hex": "..."}`
    Hex(Cow<'de, str>),
}

impl<'de> JsonReader<'de> {
    /// Whether the dict that begins here looks, by its first key, as if it stood for another value.
    #[inline]
    pub(super) fn may_be_extended(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        let mut key = rest.iter().skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        key.next() == Some(&b'"') && matches!(key.next(), Some(b'_' | b'\\'))
    }

    /// The value that the dict stands for that begins here, if it stands for one.
    pub(super) fn read_extended(&mut self) -> Result<Option<Token<'de>>> {
        let mut probe = self.probe();
        // What is wrong is found again when the dict is read as one.
        let Ok(Some((kind, part))) = parts(&mut probe) else { return Ok(None) };
        let token = match (kind, part) {
            (Token::Str(kind), part) => convert(&kind, part).map_err(|error| error.at(self.at))?,
            _ => return Err(self.error("Unsupported type")),
        };
        self.at = probe.at;
        Ok(Some(token))
    }
}

/// The type and the value, if there is nothing else. Little is read, however much there is.
fn parts<'de>(probe: &mut JsonReader<'de>) -> Result<Option<(Token<'de>, Part<'de>)>> {
    let (mut kind, mut value) = (None, None);
    probe.next()?;
    for _ in 0..2 {
        let Token::Str(key) = probe.next()? else { return Ok(None) };
        match (&*key, probe.next()?) {
            (VALUE, Token::Dict(_)) => match (probe.next()?, probe.next()?, probe.next()?) {
                (Token::Str(key), Token::Str(hex), Token::End) if key == "hex" => value = Some(Part::Hex(hex)),
                _ => return Ok(None),
            },
            (_, token) if token.opens() => return Ok(None),
            (TYPE, token) => kind = Some(token),
            (VALUE, token) => value = Some(Part::Scalar(token)),
            _ => return Ok(None),
        }
    }
    Ok(if probe.next()? == Token::End { kind.zip(value) } else { None })
}

fn convert<'de>(kind: &str, part: Part<'de>) -> Result<Token<'de>> {
    Ok(match (kind, part) {
        ("uuid", Part::Hex(hex)) => {
            let hex = hex.replace("urn:", "").replace("uuid:", "");
            let hex: String = hex.trim_matches(['{', '}']).chars().filter(|c| *c != '-').collect();
            let uuid = (hex.len() == 32).then(|| Uuid::try_parse(&hex).ok()).flatten();
            Token::Uuid(uuid.ok_or_else(|| Error::malformed("badly formed hexadecimal UUID string"))?)
        }
        ("bytes", Part::Scalar(Token::Str(text))) => Token::Bytes(Cow::Owned(text.into_owned().into_bytes())),
        ("base64", Part::Scalar(Token::Str(text))) => Token::Bytes(Cow::Owned(base64_as_python(&text)?)),
        ("datetime", Part::Scalar(Token::Str(text))) => Token::DateTime(text.parse()?),
        ("date", Part::Scalar(Token::Str(text))) => Token::Date(text.parse::<DateTime>()?.date),
        ("time", Part::Scalar(Token::Str(text))) => Token::Time(text.parse()?),
        ("decimal", Part::Scalar(Token::Str(text))) => decimal(text.trim())?,
        ("decimal", Part::Scalar(Token::Int(number))) => decimal(&number.to_string())?,
        ("bytes" | "base64" | "datetime" | "date" | "time" | "decimal" | "uuid", _) => {
            return Err(Error::malformed(format!("no value of the type '{kind}'")));
        }
        _ => return Err(Error::malformed(format!("Unsupported type: '{kind}'"))),
    })
}

fn decimal(text: &str) -> Result<Token<'static>> {
    let number: Decimal = text.parse()?;
    Ok(Token::Decimal(Box::new(number)))
}

/// Base 64 as Python's `b64decode` reads it, which overlooks what is none of its characters.
///
/// # Errors
/// Text that ends too early.
pub fn base64_as_python(text: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| {
        let kept: Vec<u8> =
            text.bytes().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')).collect();
        // Nothing counts that follows the padding.
        let end = kept.iter().position(|byte| *byte == b'=').map_or(kept.len(), |at| at.div_ceil(4) * 4);
        let lax = base64::engine::GeneralPurpose::new(
            &base64::alphabet::STANDARD,
            base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
        );
        lax.decode(kept.get(..end).unwrap_or(&kept)).map_err(|_| Error::malformed("Incorrect padding"))
    })
}
