//! Marshal into tokens.

use std::borrow::Cow;
use std::str;

use bytes::Bytes;
use salamander_value::{Complex, Dict, Error, Kind, Reader, Result, SurrogateStr, Token, Value};

use super::{FLAG_REF, MAX_DEPTH, long};
use crate::binary::{Input, Stack};
use crate::call::read_head;
use crate::{CallHead, Classes, Codec, Settings};

/// Reads marshal. A reference gives the tokens of what it refers to once more, out of the bytes where that stands.
#[doc(hidden)]
pub struct MarshalReader<'de> {
    input: Input<'de>,
    /// The innermost open container; at the bottom one that holds the one value.
    open: Frame,
    outer: Stack<Frame, 8>,
    /// Where each object starts that can be referred to; with `OPEN` while its end has not come.
    references: Stack<usize, 16>,
    /// How many of the open containers are what a reference refers to.
    replays: usize,
    /// How many values references may still give.
    budget: usize,
    max_depth: usize,
    classes: &'de Classes,
}

#[derive(Clone, Copy, Default)]
struct Frame {
    /// How many objects are still to come. A dict does not tell; of its number only the evenness counts.
    left: u32,
    is_dict: bool,
    after: After,
    /// What `after` is about.
    what: usize,
}

/// What is to be done when a container ends.
#[derive(Clone, Copy, Default)]
enum After {
    #[default]
    Nothing,
    /// It can be referred to from now on, by the number `what`.
    Complete,
    /// It was a replay; reading goes on at the position `what`.
    Resume,
}

/// In `references`: the object is not complete.
const OPEN: usize = 1 << (usize::BITS - 1);

/// So many bytes of text or data count as one more value.
const BYTES_PER_VALUE: usize = 16;

impl<'de> MarshalReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        Self {
            input: Input::new(bytes),
            open: Frame { left: 1, ..Frame::default() },
            outer: Stack::new(),
            references: Stack::new(),
            replays: 0,
            budget: settings.limits.values(bytes.len()),
            max_depth: settings.limits.depth.min(MAX_DEPTH),
            classes: &settings.classes,
        }
    }

    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        match self.next()? {
            Token::Tuple(Some(4)) | Token::List(Some(4)) => read_head(self),
            _ => Err(Error::malformed("a call should be a tuple of four")),
        }
    }

    /// The object whose code was just read.
    ///
    /// Its arms give tokens without touching them again: a token that is looked at or moved on its way costs more than
    /// reading it.
    #[inline(always)]
    fn object(&mut self, code: u8) -> Result<Token<'de>> {
        let kind = code & !FLAG_REF;
        let referable = code & FLAG_REF != 0
            && self.replays == 0
            && !matches!(kind, b'N' | b'T' | b'F' | b'S' | b'.' | b'0' | b'r');
        if referable {
            self.references.push(self.input.position() - 1);
        }
        match kind {
            b'i' => Ok(Token::Int(i32::from_le_bytes(self.array()?).into())),
            b'Z' | b'z' => {
                let len = self.byte()?.into();
                latin1(self.take(len)?)
            }
            b'r' => self.replay(),
            b'N' => Ok(Token::None),
            b'T' => Ok(Token::Bool(true)),
            b'F' => Ok(Token::Bool(false)),
            b'g' => Ok(Token::Float(self.float()?)),
            b'u' | b't' => {
                let len = self.size()?;
                utf8(self.take(len)?)
            }
            b's' => {
                let len = self.size()?;
                Ok(Token::Bytes(Cow::Borrowed(self.take(len)?)))
            }
            b'a' | b'A' => {
                let len = self.size()?;
                latin1(self.take(len)?)
            }
            b')' => {
                let len = self.byte()?.into();
                self.begin(Token::Tuple(Some(len)), len, referable)
            }
            b'(' => {
                let len = self.size()?;
                self.begin(Token::Tuple(Some(len)), len, referable)
            }
            b'[' => {
                let len = self.size()?;
                self.begin(Token::List(Some(len)), len, referable)
            }
            b'{' => {
                let token = self.begin(Token::Dict(None), 0, referable)?;
                (self.open.left, self.open.is_dict) = (u32::MAX - 1, true);
                Ok(token)
            }
            b'0' => self.null(),
            b'<' => {
                let len = self.size()?;
                self.begin(Token::Set(Some(len)), len, referable)
            }
            b'>' => {
                let len = self.size()?;
                self.begin(Token::FrozenSet(Some(len)), len, referable)
            }
            b'l' => self.long(),
            b'I' => Ok(Token::Int(i64::from_le_bytes(self.array()?))),
            b'y' => Ok(Token::Complex(Complex { re: self.float()?, im: self.float()? })),
            b'f' => Ok(Token::Float(self.float_text()?)),
            b'x' => Ok(Token::Complex(Complex { re: self.float_text()?, im: self.float_text()? })),
            _ => Err(self.no_data(kind)),
        }
    }

    #[cold]
    fn no_data(&self, kind: u8) -> Error {
        let error = match kind {
            b'c' => Error::new(Kind::Security, "marshal data holds code, which is never accepted"),
            b'S' => Error::new(Kind::Unsupported, "marshal data holds the class StopIteration"),
            b'.' => Error::new(Kind::Unsupported, "marshal data holds Ellipsis"),
            _ => Error::malformed(format!("unknown type code {kind:#04x} in marshal data")),
        };
        error.at(self.input.position() - 1)
    }

    fn begin(&mut self, token: Token<'de>, len: usize, referable: bool) -> Result<Token<'de>> {
        // Every object takes a byte at the least.
        if len > self.input.left() {
            return Err(eof());
        }
        if self.outer.len() >= self.max_depth {
            return Err(Error::too_deep(self.max_depth).as_class("builtins.ValueError"));
        }
        // No length in the format is longer.
        let left = u32::try_from(len).map_err(|_| eof())?;
        let (mut after, mut what) = (After::Nothing, 0);
        if referable {
            (after, what) = (After::Complete, self.references.len() - 1);
            if let Some(start) = self.references.get_mut(what) {
                *start |= OPEN;
            }
        }
        self.outer.push(std::mem::replace(&mut self.open, Frame { left, is_dict: false, after, what }));
        Ok(token)
    }

    fn close(&mut self) -> Result<Token<'de>> {
        let Some(outer) = self.outer.pop() else {
            return Err(Error::malformed("nothing follows the value"));
        };
        let Frame { after, what, .. } = std::mem::replace(&mut self.open, outer);
        match after {
            After::Nothing => {}
            After::Complete => {
                if let Some(start) = self.references.get_mut(what) {
                    *start &= !OPEN;
                }
            }
            After::Resume => {
                self.replays -= 1;
                self.input.seek(what);
            }
        }
        Ok(Token::End)
    }

    /// The end of a dict, where its next key could be.
    fn null(&mut self) -> Result<Token<'de>> {
        if self.open.is_dict && self.open.left % 2 == 1 {
            self.close()
        } else {
            Err(Error::malformed("a null stands where an object should be").as_class("builtins.TypeError"))
        }
    }

    /// What a reference refers to: its tokens come again.
    fn replay(&mut self) -> Result<Token<'de>> {
        let number = i32::from_le_bytes(self.array()?);
        let start = match usize::try_from(number).ok().and_then(|number| self.references.get_mut(number)) {
            None => return Err(Error::malformed("a reference to nothing in marshal data")),
            Some(start) if *start & OPEN != 0 => {
                return Err(Error::new(Kind::Unsupported, "marshal data holds a container that contains itself")
                    .as_class("builtins.ValueError"));
            }
            Some(start) => *start,
        };
        let resume = self.input.position();
        self.input.seek(start);
        self.replays += 1;
        let code = self.byte()?;
        // What can be referred to is no reference, so this goes no deeper.
        let token = self.replayed(code)?;
        if token.opens() {
            (self.open.after, self.open.what) = (After::Resume, resume);
        } else {
            self.replays -= 1;
            self.input.seek(resume);
        }
        Ok(token)
    }

    /// An object of what a reference refers to.
    fn replayed(&mut self, code: u8) -> Result<Token<'de>> {
        let token = self.object(code)?;
        if code & !FLAG_REF != b'r' {
            self.spend(&token)?;
        }
        Ok(token)
    }

    /// Counts what references make the message larger by.
    fn spend(&mut self, token: &Token<'de>) -> Result<()> {
        let len = match token {
            Token::End => return Ok(()),
            Token::Str(text) => text.len(),
            Token::Surrogates(text) => text.code_points().len() * 4,
            Token::Bytes(bytes) => bytes.len(),
            Token::BigInt(number) => number.bits() as usize / 8,
            _ => 0,
        };
        match self.budget.checked_sub(1 + len / BYTES_PER_VALUE) {
            Some(budget) => self.budget = budget,
            None => return Err(Error::new(Kind::TooLarge, "the references in marshal data make it too large")),
        }
        Ok(())
    }

    fn long(&mut self) -> Result<Token<'de>> {
        let count = i32::from_le_bytes(self.array()?);
        let len = (count.unsigned_abs() as usize).checked_mul(2).ok_or_else(eof)?;
        long::read(count < 0, self.take(len)?)
    }

    fn float(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// As versions 0 and 1 write it.
    fn float_text(&mut self) -> Result<f64> {
        let len = self.byte()?.into();
        let text = self.take(len)?;
        str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Error::malformed("the text of a float is none"))
    }

    #[inline]
    fn size(&mut self) -> Result<usize> {
        usize::try_from(i32::from_le_bytes(self.array()?)).map_err(|_| Error::malformed("a size is out of range"))
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        self.input.byte().ok_or_else(eof)
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'de [u8]> {
        self.input.take(len).ok_or_else(eof)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.input.array().ok_or_else(eof)
    }
}

impl<'de> Reader<'de> for MarshalReader<'de> {
    #[inline]
    fn next(&mut self) -> Result<Token<'de>> {
        if self.open.left == 0 {
            return self.close();
        }
        self.open.left -= 1;
        let code = self.byte()?;
        if self.replays > 0 { self.replayed(code) } else { self.object(code) }
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        self.input.share(bytes)
    }

    fn instance(&self, dict: Dict) -> Result<Value> {
        self.classes.instance(Codec::Marshal, dict)
    }
}

#[cold]
fn eof() -> Error {
    Error::eof().as_class("builtins.EOFError")
}

/// Each byte is the character of its number; CPython writes only ASCII so.
#[inline]
fn latin1(bytes: &[u8]) -> Result<Token<'_>> {
    if bytes.is_ascii()
        && let Ok(text) = str::from_utf8(bytes)
    {
        return Ok(Token::Str(Cow::Borrowed(text)));
    }
    Ok(Token::Str(Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect())))
}

/// UTF-8 in which lone surrogates are encoded like other characters.
#[inline]
fn utf8(bytes: &[u8]) -> Result<Token<'_>> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(Token::Str(Cow::Borrowed(text))),
        Err(_) => match SurrogateStr::from_wtf8(bytes) {
            Some(text) => Ok(Token::Surrogates(Box::new(text))),
            None => Err(Error::malformed("a str is not UTF-8")),
        },
    }
}
