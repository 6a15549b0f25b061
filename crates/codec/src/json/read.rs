//! [`JsonReader`]: JSON as tokens.

use std::borrow::Cow;

use bytes::Bytes;
use salamander_value::{Error, Reader, Result, Token};

use super::DEPTH;
use super::call::Call;
use crate::levels::Levels;
use crate::{Settings, literal};

/// Reads what `json.loads` reads, each byte once.
#[doc(hidden)]
pub struct JsonReader<'de> {
    pub(super) bytes: &'de Bytes,
    pub(super) settings: &'de Settings,
    pub(super) text: &'de str,
    pub(super) at: usize,
    pub(super) next: Next,
    top: Open,
    outer: Levels<Open>,
    limit: usize,
    /// What is wrong with the input as a whole.
    problem: Option<Error>,
    pub(super) call: Call,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Document,
    List,
    Dict,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Start,
    Value,
    /// The first item of a list, or its end.
    Item,
    /// The first key of a dict, or its end.
    Key,
    /// A comma, or the end of the container.
    Comma,
    /// Nothing; or, in a call, what its next part is.
    Nothing,
}

impl<'de> JsonReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        let (text, problem) = match literal::utf8(bytes) {
            Ok(text) if text.starts_with('\u{FEFF}') => {
                ("", Some(Error::malformed("Unexpected UTF-8 BOM (decode using utf-8-sig)").at(0)))
            }
            Ok(text) => (text, None),
            Err(problem) => ("", Some(problem)),
        };
        Self {
            bytes,
            settings,
            text,
            at: 0,
            next: Next::Start,
            top: Open::Document,
            outer: Levels::new(Open::Document),
            limit: settings.limits.depth.min(DEPTH),
            problem,
            call: Call::None,
        }
    }

    /// Checks that nothing follows.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.finish_call()?;
        match self.peek() {
            _ if self.at == self.text.len() => Ok(()),
            _ => Err(self.error("Extra data")),
        }
    }

    /// The next byte that is no white space; 0 at the end.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(&b) => return b,
                None => return 0,
            }
        }
    }

    #[inline]
    fn open(&mut self, bracket: Open, next: Next) -> Result<()> {
        if self.outer.len() >= self.limit {
            return Err(Error::too_deep(self.limit).at(self.at));
        }
        self.at += 1;
        self.outer.push(self.top);
        self.top = bracket;
        self.next = next;
        Ok(())
    }

    #[inline]
    fn close(&mut self) -> Token<'de> {
        self.at += 1;
        self.top = self.outer.pop().unwrap_or(Open::Document);
        self.next = self.behind();
        Token::End
    }

    /// Forgets the container that is open.
    pub(super) fn leave(&mut self) {
        self.outer = Levels::new(Open::Document);
        self.top = Open::Document;
    }

    /// What comes behind a value.
    #[inline]
    fn behind(&self) -> Next {
        if self.top == Open::Document { Next::Nothing } else { Next::Comma }
    }

    #[inline]
    fn value(&mut self, b: u8) -> Result<Token<'de>> {
        let token = match b {
            b'"' => self.string()?,
            b'0'..=b'9' | b'-' => self.number()?,
            b'{' => return self.open(Open::Dict, Next::Key).map(|()| Token::Dict(None)),
            b'[' => return self.open(Open::List, Next::Item).map(|()| Token::List(None)),
            _ => self.word()?,
        };
        self.next = self.behind();
        Ok(token)
    }

    fn word(&mut self) -> Result<Token<'de>> {
        const WORDS: [(&str, Token<'static>); 5] = [
            ("null", Token::None),
            ("true", Token::Bool(true)),
            ("false", Token::Bool(false)),
            ("NaN", Token::Float(f64::NAN)),
            ("Infinity", Token::Float(f64::INFINITY)),
        ];
        let rest = self.text.get(self.at..).unwrap_or_default();
        match WORDS.into_iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, token)) => {
                self.at += word.len();
                Ok(token)
            }
            None => Err(self.error("Expecting value")),
        }
    }

    /// A key with its colon.
    #[inline]
    pub(super) fn key(&mut self, b: u8) -> Result<Token<'de>> {
        if b != b'"' {
            return Err(self.error("Expecting property name enclosed in double quotes"));
        }
        let key = self.string()?;
        if self.peek() != b':' {
            return Err(self.error("Expecting ':' delimiter"));
        }
        self.at += 1;
        self.next = Next::Value;
        Ok(key)
    }

    #[cold]
    pub(super) fn error(&self, message: &str) -> Error {
        Error::malformed(message).at(self.at)
    }
}

impl<'de> Reader<'de> for JsonReader<'de> {
    #[inline(always)]
    fn next(&mut self) -> Result<Token<'de>> {
        match self.next_plain() {
            Some(token) => Ok(token),
            None => self.next_any(),
        }
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        literal::share(self.bytes, bytes)
    }
}

impl<'de> JsonReader<'de> {
    /// A number or string inside a container, after at most one space: most of what there is to read.
    #[inline(always)]
    fn next_plain(&mut self) -> Option<Token<'de>> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        let key = match self.next {
            Next::Comma if *bytes.get(at)? == b',' => {
                at += 1;
                self.top == Open::Dict
            }
            Next::Value if self.top == Open::Dict => false,
            _ => return None,
        };
        at += usize::from(bytes.get(at) == Some(&b' '));
        let (token, mut end) = match bytes.get(at)? {
            b'"' => {
                let (text, end) = self.plain_string(at)?;
                (Token::Str(Cow::Borrowed(text)), end)
            }
            b'0'..=b'9' | b'-' if !key => self.plain_number(at)?,
            _ => return None,
        };
        if key && *bytes.get(end)? != b':' {
            return None;
        }
        end += usize::from(key);
        self.next = if key { Next::Value } else { Next::Comma };
        self.at = end;
        Some(token)
    }

    #[inline(never)]
    fn next_any(&mut self) -> Result<Token<'de>> {
        let b = self.peek();
        match (self.next, self.top) {
            (Next::Comma, Open::List) => match b {
                b',' => {
                    self.at += 1;
                    let b = self.peek();
                    self.value(b)
                }
                b']' => Ok(self.close()),
                _ => Err(self.error("Expecting ',' delimiter")),
            },
            (Next::Comma, _) => match b {
                b',' => {
                    self.at += 1;
                    let b = self.peek();
                    self.key(b)
                }
                b'}' => Ok(self.close()),
                _ => Err(self.error("Expecting ',' delimiter")),
            },
            (Next::Item, _) if b == b']' => Ok(self.close()),
            (Next::Key, _) if b == b'}' => Ok(self.close()),
            (Next::Key, _) => self.key(b),
            (Next::Value | Next::Item, _) => self.value(b),
            (Next::Start, _) => match self.problem.take() {
                Some(problem) => Err(problem),
                None => self.value(b),
            },
            (Next::Nothing, _) => {
                let b = self.next_part()?;
                self.value(b)
            }
        }
    }
}
