//! [`SerpentReader`]: Python literals as tokens.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memchr;
use salamander_value::{Dict, Error, Kind, Reader, Result, Token, Value};

use super::look::Look;
use super::number::float_of;
use super::{BRACKETS, HEADER};
use crate::call::read_head;
use crate::levels::Levels;
use crate::{CallHead, Classes, Codec, Settings, literal};

/// Reads what `ast.literal_eval` reads, each byte once (twice inside a bracket whose first element is a bracket).
///
/// What `literal_eval` takes and this refuses: a tuple without parentheses at the top, `\N{...}` escapes, `...`,
/// `(set)()`, and the positional arguments of a call in parentheses that make no tuple. As Pyro does for it, this makes a
/// float of the dict that the library writes for NaN; here it may be a key as well.
#[doc(hidden)]
pub struct SerpentReader<'de> {
    bytes: &'de Bytes,
    pub(super) text: &'de str,
    pub(super) at: usize,
    /// The innermost open bracket, and whether nothing has come in it yet.
    top: Open,
    fresh: bool,
    outer: Levels<Open>,
    limit: usize,
    classes: &'de Classes,
    /// The first element of the bracket just begun: what the bracket is was to be seen only behind it.
    pending: Option<Token<'de>>,
    look: Look,
    /// What is wrong with the input as a whole.
    problem: Option<Error>,
    call: bool,
}

/// What a bracket is, and what comes next in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Document,
    List,
    Tuple,
    /// The tuple of the positional arguments, before its first comma.
    Arguments,
    Set,
    /// A dict, before a key.
    Key,
    /// A dict, before a colon.
    Value,
    /// Parentheses around one value.
    Group,
}

impl<'de> SerpentReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        let (text, problem) = match literal::utf8(bytes).and_then(without_nul) {
            Ok(text) => (text, None),
            Err(problem) => ("", Some(problem)),
        };
        Self {
            bytes,
            text,
            at: 0,
            top: Open::Document,
            fresh: true,
            outer: Levels::new(Open::Document),
            limit: settings.limits.depth.min(BRACKETS),
            classes: &settings.classes,
            pending: None,
            look: Look::default(),
            problem,
            call: false,
        }
    }

    /// Reads on to the positional arguments.
    ///
    /// That they are a tuple is taken for granted where a bracket comes first in them, and checked at their end:
    /// to look ahead would be to read most of every call twice.
    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        self.call = true;
        match self.next()? {
            Token::Tuple(_) | Token::List(_) => {}
            other => {
                let message = format!("a call should be a tuple, not {}", other.type_name());
                return Err(Error::malformed(message).at(self.at));
            }
        }
        let head = read_head(self)?;
        let end = self.at;
        if self.peek() == b',' {
            self.at += 1;
            if self.peek() == b'(' {
                self.open(Open::Arguments)?;
                if matches!(self.peek(), b'(' | b'[' | b'{') {
                    self.pending = Some(Token::Tuple(None));
                    return Ok(head);
                }
                self.close();
            }
        }
        self.at = end;
        Ok(head)
    }

    /// Checks that nothing follows.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if self.call && self.next()? != Token::End {
            return Err(Error::malformed("a call should have four parts, not more").at(self.at));
        }
        while self.top == Open::Group {
            match self.peek() {
                b')' => self.close(),
                b => return Err(self.unexpected(b)),
            };
        }
        loop {
            match self.peek() {
                0 if self.top == Open::Document => return Ok(()),
                b'#' | b'\n' | b'\r' => self.skip_line(),
                b',' => return Err(self.syntax("a tuple without parentheses is not accepted")),
                b => return Err(self.unexpected(b)),
            }
        }
    }

    /// Goes to the value: behind comments and empty lines.
    #[inline]
    fn start(&mut self) -> Result<()> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let first_line = !self.text.starts_with(HEADER);
        if !first_line {
            self.at = HEADER.len();
        }
        let mut indented = !first_line;
        loop {
            let line = self.at;
            match self.peek() {
                b'#' | b'\n' | b'\r' => self.skip_line(),
                // A form feed begins the line anew.
                _ if indented
                    && matches!(self.text.as_bytes().get(line), Some(b' ' | b'\t'))
                    && self.text.as_bytes()[self.at - 1] != 0x0C =>
                {
                    return Err(self.syntax("unexpected indent"));
                }
                _ => return Ok(()),
            }
            indented = true;
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += memchr::memchr2(b'\n', b'\r', rest).map_or(rest.len(), |end| end + 1);
    }

    /// The next byte that means something; 0 at the end.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> u8 {
        match self.text.as_bytes().get(self.at) {
            Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0C | b'#' | b'\\') => self.skip(),
            Some(&b) => b,
            None => 0,
        }
    }

    /// Goes behind white space; inside brackets, behind line ends and comments as well.
    fn skip(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t' | 0x0C) => self.at += 1,
                Some(b'\n' | b'\r') if self.top != Open::Document => self.at += 1,
                Some(b'#') if self.top != Open::Document => self.skip_line(),
                Some(b'\\') => match (bytes.get(self.at + 1), bytes.get(self.at + 2)) {
                    (Some(b'\r'), Some(b'\n')) => self.at += 3,
                    (Some(b'\n' | b'\r'), Some(_)) => self.at += 2,
                    _ => return b'\\',
                },
                Some(&b) => return b,
                None => return 0,
            }
        }
    }

    #[inline]
    fn open(&mut self, bracket: Open) -> Result<()> {
        if self.outer.len() >= self.limit {
            return Err(self.too_deep());
        }
        self.at += 1;
        self.outer.push(self.top);
        self.top = bracket;
        self.fresh = true;
        Ok(())
    }

    #[inline]
    fn close(&mut self) -> Token<'de> {
        self.at += 1;
        self.top = self.outer.pop().unwrap_or(Open::Document);
        self.fresh = false;
        Token::End
    }

    /// Opens a pair of parentheses around one value.
    pub(super) fn open_group(&mut self) -> Result<()> {
        self.open(Open::Group)
    }

    /// Closes a pair of parentheses around one value, if one ends here.
    pub(super) fn close_group(&mut self) -> bool {
        let closes = self.top == Open::Group;
        if closes {
            self.close();
        }
        closes
    }

    #[inline]
    fn value(&mut self, b: u8) -> Result<Token<'de>> {
        match b {
            b'\'' | b'"' => self.string(),
            b'0'..=b'9' | b'-' | b'+' | b'.' => self.number(),
            b'[' => self.open(Open::List).map(|()| Token::List(None)),
            b'(' => self.parenthesis(),
            b'{' => self.brace(),
            b's' => self.empty_set(),
            _ => self.word(),
        }
    }

    /// A tuple, or just parentheses: the first comma tells. This recurses, but no deeper than brackets may nest.
    fn parenthesis(&mut self) -> Result<Token<'de>> {
        let start = self.at;
        self.open(Open::Group)?;
        let level = self.outer.len();
        match self.peek() {
            b')' => self.top = Open::Tuple,
            b @ (b'(' | b'[' | b'{' | b's') => {
                if !self.look.is_separated(self.text.as_bytes(), start) {
                    return self.value(b);
                }
                self.top = Open::Tuple;
            }
            b => {
                let first = self.value(b)?;
                if self.outer.len() < level {
                    // A number, which has looked behind the parentheses for what may be added to it.
                    return Ok(first);
                }
                match self.peek() {
                    b',' => {
                        self.top = Open::Tuple;
                        self.fresh = false;
                        self.pending = Some(first);
                    }
                    b')' => {
                        self.close();
                        return Ok(first);
                    }
                    b => return Err(self.unexpected(b)),
                }
            }
        }
        Ok(Token::Tuple(None))
    }

    /// A dict or a set: what follows the first element tells.
    fn brace(&mut self) -> Result<Token<'de>> {
        let start = self.at;
        self.open(Open::Set)?;
        match self.peek() {
            b'}' => self.top = Open::Key,
            b'(' | b'[' | b'{' | b's' => {
                if !self.look.is_separated(self.text.as_bytes(), start) {
                    return Ok(Token::Set(None));
                }
                self.top = Open::Key;
            }
            b => {
                let first = self.value(b)?;
                self.fresh = false;
                let dict = self.peek() == b':';
                if dict {
                    if let Token::Str(key) = &first
                        && let Some(number) = self.special_float(key)?
                    {
                        self.close();
                        return Ok(Token::Float(number));
                    }
                    self.top = Open::Value;
                }
                self.pending = Some(first);
                return Ok(if dict { Token::Dict(None) } else { Token::Set(None) });
            }
        }
        Ok(Token::Dict(None))
    }

    /// Python's only way to write one that has no members.
    fn empty_set(&mut self) -> Result<Token<'de>> {
        let start = self.at;
        if self.name() != "set" {
            return Err(self.malformed_name(start));
        }
        if self.peek() != b'(' {
            return Err(self.malformed_name(start));
        }
        self.open(Open::Group)?;
        match self.peek() {
            b')' => self.close(),
            b => return Err(self.unexpected(b)),
        };
        self.pending = Some(Token::End);
        Ok(Token::Set(Some(0)))
    }

    fn word(&mut self) -> Result<Token<'de>> {
        let start = self.at;
        match self.name() {
            "None" => Ok(Token::None),
            "True" => Ok(Token::Bool(true)),
            "False" => Ok(Token::Bool(false)),
            "" => Err(self.unexpected(self.text.as_bytes().get(start).copied().unwrap_or_default())),
            _ if matches!(self.text.as_bytes().get(self.at), Some(b'\'' | b'"')) => {
                self.at = start;
                self.strings()
            }
            _ => Err(self.malformed_name(start)),
        }
    }

    /// Goes behind the name that begins here.
    fn name(&mut self) -> &'de str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80));
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at += name.len();
        name
    }

    #[cold]
    fn malformed_name(&mut self, start: usize) -> Error {
        self.at = start;
        let name = self.name();
        Error::malformed(format!("malformed node or string: {name:.40}")).at(start)
    }

    #[cold]
    pub(super) fn unexpected(&self, b: u8) -> Error {
        let opened = match self.top {
            Open::Document => None,
            Open::List => Some('['),
            Open::Tuple | Open::Arguments | Open::Group => Some('('),
            Open::Set | Open::Key | Open::Value => Some('{'),
        };
        match (b, opened) {
            (0, Some(bracket)) => self.syntax(&format!("'{bracket}' was never closed")),
            (0, None) => self.syntax("invalid syntax: the data ends"),
            _ => {
                let found = self.text.get(self.at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                self.syntax(&format!("invalid syntax: unexpected {found:?}"))
            }
        }
    }

    #[cold]
    pub(super) fn syntax(&self, message: &str) -> Error {
        Error::malformed(message).as_class("builtins.SyntaxError").at(self.at)
    }

    #[cold]
    fn too_deep(&self) -> Error {
        match self.limit {
            BRACKETS => Error::new(Kind::TooDeep, "too many nested parentheses").as_class("builtins.SyntaxError"),
            limit => Error::too_deep(limit),
        }
        .at(self.at)
    }
}

impl<'de> Reader<'de> for SerpentReader<'de> {
    #[inline(always)]
    fn next(&mut self) -> Result<Token<'de>> {
        if self.pending.is_none()
            && let Some(token) = self.next_plain()
        {
            return Ok(token);
        }
        self.next_any()
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        literal::share(self.bytes, bytes)
    }

    fn instance(&self, dict: Dict) -> Result<Value> {
        match dict.get("__class__") {
            Some(Value::Str(class)) if **class == *"float" => float_of(&dict).map(Value::Float),
            _ => self.classes.instance(Codec::Serpent, dict),
        }
    }
}

impl<'de> SerpentReader<'de> {
    /// A number or string behind a comma or colon, as the library writes it: most of what there is to read.
    #[inline(always)]
    fn next_plain(&mut self) -> Option<Token<'de>> {
        let (separator, next) = match self.top {
            Open::List | Open::Tuple | Open::Set if !self.fresh => (b',', self.top),
            Open::Key if !self.fresh => (b',', Open::Value),
            Open::Value => (b':', Open::Key),
            _ => return None,
        };
        let bytes = self.text.as_bytes();
        if *bytes.get(self.at)? != separator {
            return None;
        }
        let at = self.at + 1;
        let (token, end) = match bytes.get(at)? {
            b'0'..=b'9' | b'-' => self.plain_number(at)?,
            b'\'' | b'"' => {
                let (text, end) = self.plain_string(at)?;
                if !matches!(bytes.get(end)?, b',' | b':' | b']' | b'}' | b')') {
                    return None;
                }
                (Token::Str(Cow::Borrowed(text)), end)
            }
            _ => return None,
        };
        self.at = end;
        self.top = next;
        Some(token)
    }

    #[inline(never)]
    fn next_any(&mut self) -> Result<Token<'de>> {
        if let Some(token) = self.pending.take() {
            return Ok(token);
        }
        loop {
            let b = self.peek();
            let closes = match self.top {
                Open::Value => {
                    if b != b':' {
                        return Err(self.unexpected(b));
                    }
                    self.at += 1;
                    self.top = Open::Key;
                    let b = self.peek();
                    return self.value(b);
                }
                Open::Group => {
                    if b != b')' {
                        return Err(self.unexpected(b));
                    }
                    self.close();
                    continue;
                }
                Open::Document => {
                    if !self.fresh {
                        return Err(self.unexpected(b));
                    }
                    self.fresh = false;
                    self.start()?;
                    let b = self.peek();
                    return self.value(b);
                }
                Open::List => b']',
                Open::Tuple | Open::Arguments => b')',
                Open::Set | Open::Key => b'}',
            };
            let mut b = b;
            if !self.fresh && b != closes {
                if b != b',' {
                    return Err(self.unexpected(b));
                }
                self.at += 1;
                if self.top == Open::Arguments {
                    self.top = Open::Tuple;
                }
                b = self.peek();
            }
            if b == closes {
                if self.top == Open::Arguments && !self.fresh {
                    return Err(Error::malformed("the positional arguments are no tuple").at(self.at));
                }
                return Ok(self.close());
            }
            self.fresh = false;
            if self.top == Open::Key {
                self.top = Open::Value;
            }
            return self.value(b);
        }
    }
}

fn without_nul(text: &str) -> Result<&str> {
    match memchr(0, text.as_bytes()) {
        None => Ok(text),
        Some(at) => {
            let message = "the serpent data contains 0-bytes, so it cannot be parsed; has it been corrupted?";
            Err(Error::malformed(message).at(at))
        }
    }
}
