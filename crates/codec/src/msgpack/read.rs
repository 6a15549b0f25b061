//! Msgpack into tokens.

use std::borrow::Cow;
use std::str;

use bytes::Bytes;
use salamander_value::{Dict, Error, Reader, Result, Token, Value};

use super::{MAX_DEPTH, ext};
use crate::binary::{Input, Stack};
use crate::call::read_head;
use crate::{CallHead, Codec, Settings};

/// Reads msgpack.
#[doc(hidden)]
pub struct MsgpackReader<'de> {
    input: Input<'de>,
    /// The innermost open container; at the bottom one that holds the one value.
    open: Frame,
    outer: Stack<Frame, 8>,
    settings: &'de Settings,
    max_depth: usize,
}

#[derive(Clone, Copy, Default)]
struct Frame {
    /// How many objects are still to come, keys and values counted each.
    left: usize,
    is_map: bool,
}

impl<'de> MsgpackReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        Self {
            input: Input::new(bytes),
            open: Frame { left: 1, is_map: false },
            outer: Stack::new(),
            settings,
            max_depth: settings.limits.depth.min(MAX_DEPTH),
        }
    }

    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        match self.next()? {
            Token::List(Some(4)) => read_head(self),
            _ => Err(Error::malformed("a call should be an array of four")),
        }
    }

    /// Checks that nothing follows.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.input.left() {
            0 => Ok(()),
            left => Err(Error::malformed(format!("{left} bytes too many")).at(self.input.position())),
        }
    }

    /// The object that begins with this byte.
    ///
    /// Its arms give tokens without touching them again: a token that is looked at or moved on its way costs more than
    /// reading it.
    #[inline(always)]
    fn object(&mut self, first: u8) -> Result<Token<'de>> {
        match first {
            0x00..=0x7F => Ok(Token::Int(first.into())),
            0xE0..=0xFF => Ok(Token::Int((first as i8).into())),
            0xA0..=0xBF => self.text((first & 0x1F).into()),
            0x90..=0x9F => self.list((first & 0x0F).into()),
            0x80..=0x8F => self.map((first & 0x0F).into()),
            0xC0 => Ok(Token::None),
            0xC2 => Ok(Token::Bool(false)),
            0xC3 => Ok(Token::Bool(true)),
            0xCB => Ok(Token::Float(f64::from_be_bytes(self.array()?))),
            0xCC => Ok(Token::Int(u8::from_be_bytes(self.array()?).into())),
            0xCD => Ok(Token::Int(u16::from_be_bytes(self.array()?).into())),
            0xCE => Ok(Token::Int(u32::from_be_bytes(self.array()?).into())),
            0xCF => {
                let number = u64::from_be_bytes(self.array()?);
                Ok(i64::try_from(number).map_or_else(|_| Token::BigInt(Box::new(number.into())), Token::Int))
            }
            0xD0 => Ok(Token::Int(i8::from_be_bytes(self.array()?).into())),
            0xD1 => Ok(Token::Int(i16::from_be_bytes(self.array()?).into())),
            0xD2 => Ok(Token::Int(i32::from_be_bytes(self.array()?).into())),
            0xD3 => Ok(Token::Int(i64::from_be_bytes(self.array()?))),
            0xD9 => self.len8().and_then(|len| self.text(len)),
            0xDA => self.len16().and_then(|len| self.text(len)),
            0xDB => self.len32().and_then(|len| self.text(len)),
            0xC4 => self.len8().and_then(|len| self.bytes(len)),
            0xC5 => self.len16().and_then(|len| self.bytes(len)),
            0xC6 => self.len32().and_then(|len| self.bytes(len)),
            0xDC => self.len16().and_then(|len| self.list(len)),
            0xDD => self.len32().and_then(|len| self.list(len)),
            0xDE => self.len16().and_then(|len| self.map(len)),
            0xDF => self.len32().and_then(|len| self.map(len)),
            0xCA => Ok(Token::Float(f32::from_be_bytes(self.array()?).into())),
            0xD4..=0xD8 => self.extension(1 << (first - 0xD4)),
            0xC7 => self.len8().and_then(|len| self.extension(len)),
            0xC8 => self.len16().and_then(|len| self.extension(len)),
            0xC9 => self.len32().and_then(|len| self.extension(len)),
            0xC1 => Err(Error::malformed("no msgpack object begins with 0xc1")),
        }
    }

    #[inline]
    fn text(&mut self, len: usize) -> Result<Token<'de>> {
        match str::from_utf8(self.take(len)?) {
            Ok(text) => Ok(Token::Str(Cow::Borrowed(text))),
            Err(_) => Err(Error::malformed("a str is not UTF-8")),
        }
    }

    #[inline]
    fn bytes(&mut self, len: usize) -> Result<Token<'de>> {
        Ok(Token::Bytes(Cow::Borrowed(self.take(len)?)))
    }

    fn list(&mut self, len: usize) -> Result<Token<'de>> {
        self.begin(len, false)?;
        Ok(Token::List(Some(len)))
    }

    fn map(&mut self, len: usize) -> Result<Token<'de>> {
        self.begin(len.checked_mul(2).ok_or_else(Error::eof)?, true)?;
        Ok(Token::Dict(Some(len)))
    }

    fn begin(&mut self, left: usize, is_map: bool) -> Result<()> {
        // Every object takes a byte at the least.
        if left > self.input.left() {
            return Err(Error::eof());
        }
        if self.outer.len() >= self.max_depth {
            return Err(Error::too_deep(self.max_depth).as_class("builtins.ValueError"));
        }
        self.outer.push(std::mem::replace(&mut self.open, Frame { left, is_map }));
        Ok(())
    }

    #[cold]
    fn close(&mut self) -> Result<Token<'de>> {
        self.open = self.outer.pop().ok_or_else(|| Error::malformed("nothing follows the value"))?;
        Ok(Token::End)
    }

    fn extension(&mut self, len: usize) -> Result<Token<'de>> {
        let [code] = self.array()?;
        if self.settings.kombu && code != ext::TIMESTAMP {
            return Err(Error::new(
                salamander_value::Kind::Unsupported,
                format!("unknown extension of msgpack: {}", code as i8),
            ));
        }
        ext::read(code, self.take(len)?, &self.settings.zone)
    }

    fn len8(&mut self) -> Result<usize> {
        Ok(u8::from_be_bytes(self.array()?).into())
    }

    fn len16(&mut self) -> Result<usize> {
        Ok(u16::from_be_bytes(self.array()?).into())
    }

    fn len32(&mut self) -> Result<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Error::eof())
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'de [u8]> {
        self.input.take(len).ok_or_else(Error::eof)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.input.array().ok_or_else(Error::eof)
    }
}

/// A key that is neither `str` nor `bytes`, as the Python library refuses it.
#[cold]
fn wrong_key(first: u8) -> Error {
    let name = match first {
        0x80..=0x8F | 0xDE | 0xDF => "dict",
        0x90..=0x9F | 0xDC | 0xDD => "list",
        0xC0 => "NoneType",
        0xC2 | 0xC3 => "bool",
        0xCA | 0xCB => "float",
        0x00..=0x7F | 0xCC..=0xD3 | 0xE0..=0xFF => "int",
        _ => "this",
    };
    Error::malformed(format!("{name} is not allowed for map key when strict_map_key=True"))
}

impl<'de> Reader<'de> for MsgpackReader<'de> {
    #[inline]
    fn next(&mut self) -> Result<Token<'de>> {
        if self.open.left == 0 {
            return self.close();
        }
        self.open.left -= 1;
        let [first] = self.array()?;
        let is_key = self.open.is_map && self.open.left % 2 == 1;
        if is_key && !matches!(first, 0xA0..=0xBF | 0xD9..=0xDB | 0xC4..=0xC6) {
            return Err(wrong_key(first));
        }
        self.object(first)
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        self.input.share(bytes)
    }

    fn instance(&self, dict: Dict) -> Result<Value> {
        if self.settings.kombu {
            return Ok(dict.into());
        }
        self.settings.classes.instance(Codec::Msgpack, dict)
    }
}
