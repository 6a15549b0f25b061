//! [`Document`]: what Python's unmarshaller makes of a document.

use std::borrow::Cow;

use bytes::Bytes;
use salamander_value::repr::str_repr;
use salamander_value::{Error, Kind, Result, Token};

use super::encoding::decode;
use super::scalar;
use super::scan::{Broken, Event, Scanner};
use crate::Settings;

/// How many elements may be open for each container: `value`, `struct` and `member`, or `value`, `array` and `data`.
const ELEMENTS: usize = 3;

/// A document that has been read: values, and what they stand for.
///
/// All of it is read before anything is done with it, so that no call is made of which the end is missing or wrong.
#[derive(Clone, Debug)]
pub struct Document<'de> {
    /// The list of all values.
    pub(super) tokens: Vec<Token<'de>>,
    pub(super) len: usize,
    pub(super) method: Option<Cow<'de, str>>,
    pub(super) kind: Option<What>,
}

/// What the values stand for, by the element that ended last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Params,
    Fault,
    Method,
}

impl<'de> Document<'de> {
    /// Reads a document.
    ///
    /// # Errors
    /// What Python's `loads` refuses, and what is nested too deep, with the exceptions that Python raises.
    pub fn read(bytes: &'de Bytes, settings: &Settings) -> Result<Self> {
        let document = Self::read_any(bytes, settings)?;
        match document.kind {
            Some(_) => Ok(document),
            None => Err(response_error("")),
        }
    }

    /// The same where it may be a value alone.
    pub(super) fn read_any(bytes: &'de Bytes, settings: &Settings) -> Result<Self> {
        let text = decode(bytes)?;
        match &text.text {
            Cow::Borrowed(whole) => Unmarshaller::new(settings).run(whole, text.start, text.broken),
            Cow::Owned(whole) => Ok(Unmarshaller::new(settings).run(whole, text.start, text.broken)?.into_owned()),
        }
    }

    /// The name of the method, if it is a call.
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn into_owned(self) -> Document<'static> {
        let owned = |token: Token<'_>| match token {
            Token::Str(text) => Token::Str(Cow::Owned(text.into_owned())),
            Token::Bytes(bytes) => Token::Bytes(Cow::Owned(bytes.into_owned())),
            Token::None => Token::None,
            Token::Bool(flag) => Token::Bool(flag),
            Token::Int(number) => Token::Int(number),
            Token::BigInt(number) => Token::BigInt(number),
            Token::Float(number) => Token::Float(number),
            Token::Decimal(number) => Token::Decimal(number),
            Token::DateTime(when) => Token::DateTime(when),
            Token::List(len) => Token::List(len),
            Token::Dict(len) => Token::Dict(len),
            // There are no others.
            _ => Token::End,
        };
        Document {
            tokens: self.tokens.into_iter().map(owned).collect(),
            len: self.len,
            method: self.method.map(|name| Cow::Owned(name.into_owned())),
            kind: self.kind,
        }
    }
}

/// Values out of elements, as Python's class of that name.
struct Unmarshaller<'t> {
    document: Document<'t>,
    /// The containers that are open; at the bottom the list of all values.
    open: Vec<Mark>,
    /// The text since the last element began.
    data: Cow<'t, str>,
    /// Whether a `value` has begun and nothing in it.
    value: bool,
    depth: usize,
}

/// A container that is open.
#[derive(Default)]
struct Mark {
    /// How many values there are in it; keys count too.
    len: usize,
    /// A key that cannot be one.
    wrong_key: Option<(usize, &'static str)>,
}

impl<'t> Unmarshaller<'t> {
    fn new(settings: &Settings) -> Self {
        let tokens = vec![Token::List(None)];
        Self {
            document: Document { tokens, len: 0, method: None, kind: None },
            open: vec![Mark::default()],
            data: Cow::Borrowed(""),
            value: false,
            depth: settings.limits.depth,
        }
    }

    fn run(mut self, text: &'t str, start: usize, broken: Option<Broken>) -> Result<Document<'t>> {
        let mut scanner = Scanner::new(text, start, broken, self.depth.saturating_mul(ELEMENTS).saturating_add(16));
        loop {
            match scanner.next()? {
                Event::Start(tag) => self.start(local(tag))?,
                Event::End(tag) => self.end(local(tag))?,
                Event::Text(text) if self.data.is_empty() => self.data = Cow::Borrowed(text),
                Event::Text(text) => self.data.to_mut().push_str(text),
                Event::Char(c) => self.data.to_mut().push(c),
                Event::Section(text) => {
                    let text = text.replace("\r\n", "\n").replace('\r', "\n");
                    self.data.to_mut().push_str(&text);
                }
                Event::Eof => break,
            }
        }
        let mut document = self.document;
        document.len = self.open.first().map_or(0, |mark| mark.len);
        document.tokens.push(Token::End);
        Ok(document)
    }

    fn start(&mut self, tag: &str) -> Result<()> {
        if matches!(tag, "array" | "struct") {
            if self.open.len() > self.depth {
                return Err(Error::too_deep(self.depth));
            }
            self.push(if tag == "array" { Token::List(None) } else { Token::Dict(None) });
            self.open.push(Mark::default());
        }
        self.data = Cow::Borrowed("");
        if self.value && !is_known(tag) {
            let mut repr = Vec::new();
            str_repr(&mut repr, tag);
            let said = format!("unknown tag {}", String::from_utf8_lossy(&repr));
            return Err(response_error(&said));
        }
        self.value = tag == "value";
        Ok(())
    }

    fn end(&mut self, tag: &str) -> Result<()> {
        let token = match tag {
            "value" if !self.value => return Ok(()),
            "value" | "string" | "name" => Token::Str(self.take()),
            "int" | "i4" | "i8" | "i1" | "i2" | "biginteger" => scalar::int(&self.data)?,
            "boolean" => match &*self.data {
                "0" => Token::Bool(false),
                "1" => Token::Bool(true),
                _ => return Err(Error::new(Kind::Type, "bad boolean value")),
            },
            "double" | "float" => scalar::float(&self.data)?,
            "nil" => Token::None,
            "base64" => scalar::base64(&self.data)?,
            "dateTime.iso8601" => scalar::date_time(&self.data)?,
            "bigdecimal" => scalar::decimal(&self.data)?,
            "array" | "struct" => return self.close(tag == "struct"),
            "params" => return self.is(What::Params),
            "fault" => return self.is(What::Fault),
            "methodName" => {
                self.document.method = Some(self.take());
                return self.is(What::Method);
            }
            _ => return Ok(()),
        };
        self.push(token);
        self.value = false;
        Ok(())
    }

    /// The text, which Python keeps: another element that ends before one begins has the same.
    fn take(&mut self) -> Cow<'t, str> {
        self.data.clone()
    }

    fn is(&mut self, kind: What) -> Result<()> {
        self.document.kind = Some(kind);
        Ok(())
    }

    fn push(&mut self, token: Token<'t>) {
        if let Some(mark) = self.open.last_mut() {
            if mark.len.is_multiple_of(2) && token.opens() {
                mark.wrong_key.get_or_insert((mark.len, token.type_name()));
            }
            mark.len += 1;
        }
        self.document.tokens.push(token);
    }

    fn close(&mut self, is_struct: bool) -> Result<()> {
        self.value = false;
        if let Some(mark) = self.open.pop()
            && is_struct
        {
            // Python looks for the value of a key first.
            if let Some((at, key)) = mark.wrong_key
                && at + 1 < mark.len
            {
                return Err(Error::new(Kind::Unhashable, format!("unhashable type: '{key}'")));
            }
            if !mark.len.is_multiple_of(2) {
                return Err(Error::malformed("list index out of range").as_class("builtins.IndexError"));
            }
        }
        self.document.tokens.push(Token::End);
        Ok(())
    }
}

/// A name without its prefix, whatever namespace that is.
fn local(tag: &str) -> &str {
    tag.rsplit(':').next().unwrap_or_default()
}

/// The elements that Python knows what to do with where they end.
fn is_known(tag: &str) -> bool {
    matches!(
        tag,
        "nil"
            | "boolean"
            | "i1"
            | "i2"
            | "i4"
            | "i8"
            | "int"
            | "biginteger"
            | "double"
            | "float"
            | "bigdecimal"
            | "string"
            | "name"
            | "array"
            | "struct"
            | "base64"
            | "dateTime.iso8601"
            | "value"
            | "params"
            | "fault"
            | "methodName"
    )
}

/// Python's `ResponseError`, which shows itself by its representation.
#[cold]
pub(super) fn response_error(said: &str) -> Error {
    let mut repr = Vec::new();
    if !said.is_empty() {
        str_repr(&mut repr, said);
    }
    let message = format!("ResponseError({})", String::from_utf8_lossy(&repr));
    Error::malformed(message).as_class("xmlrpc.client.ResponseError")
}
