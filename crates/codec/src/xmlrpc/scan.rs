//! XML as a series of elements and text, as strict as expat, which is Python's parser.

use std::borrow::Cow;

use salamander_value::{Error, Result};

/// A document that is text already.
pub(super) struct Text<'t> {
    pub(super) text: Cow<'t, str>,
    /// Where it begins, behind the XML declaration.
    pub(super) start: usize,
    /// What is behind its end.
    pub(super) broken: Option<Broken>,
}

/// Bytes that are no text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    Invalid,
    /// The first part of a character.
    Partial,
}

/// A step of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'t> {
    Start(&'t str),
    End(&'t str),
    Text(&'t str),
    /// Text in which lines may end in any way.
    Section(&'t str),
    /// A character that is written as a reference.
    Char(char),
    /// The end of a whole document.
    Eof,
}

/// Gives the elements and the text of a document in turn.
pub(super) struct Scanner<'t> {
    text: &'t str,
    broken: Option<Broken>,
    at: usize,
    open: Vec<&'t str>,
    max_open: usize,
    /// The element that began and ends at once.
    empty: Option<&'t str>,
    begun: bool,
}

const INVALID: &str = "not well-formed (invalid token)";

impl<'t> Scanner<'t> {
    /// Reads a text from `start` on, of which `broken` is what comes behind it.
    pub(super) fn new(text: &'t str, start: usize, broken: Option<Broken>, max_open: usize) -> Self {
        Self { text, broken, at: start, open: Vec::new(), max_open, empty: None, begun: false }
    }

    /// Goes on to the next step.
    pub(super) fn next(&mut self) -> Result<Event<'t>> {
        if let Some(name) = self.empty.take() {
            return Ok(Event::End(name));
        }
        loop {
            if self.open.is_empty() {
                match self.outside()? {
                    Some(event) => return Ok(event),
                    None => continue,
                }
            }
            let Some(b) = self.peek(0) else { return Err(self.ended("no element found", self.at)) };
            match b {
                b'<' => {
                    if let Some(event) = self.markup()? {
                        return Ok(event);
                    }
                }
                b'&' => return self.reference(self.at, None).map(Event::Char),
                b'\r' => {
                    self.at += if self.peek(1) == Some(b'\n') { 2 } else { 1 };
                    return Ok(Event::Text("\n"));
                }
                _ => return self.run().map(Event::Text),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Before or behind the document element.
    fn outside(&mut self) -> Result<Option<Event<'t>>> {
        while self.peek(0).is_some_and(is_space) {
            self.at += 1;
        }
        match (self.peek(0), self.peek(1)) {
            (None, _) if self.begun => match self.broken {
                None => Ok(Some(Event::Eof)),
                Some(_) => Err(self.ended("no element found", self.at)),
            },
            (None, _) => Err(self.ended("no element found", self.at)),
            (Some(b'<'), Some(b'!')) if self.peek(2) == Some(b'-') => self.markup(),
            (Some(b'<'), Some(b'!')) => Err(self.declaration()),
            (Some(b'<'), Some(b'/')) => Err(self.error(INVALID, self.at + 1)),
            (Some(b'<'), Some(b'?'))
                if !(self.begun && self.slice(self.at, self.text.len()).starts_with("<?xml ")) =>
            {
                self.markup()
            }
            (Some(b'<'), Some(b'?')) => Err(self.junk()),
            (Some(b'<'), _) if !self.begun => self.markup(),
            (Some(b'<'), next) => match next {
                None => Err(self.ended("unclosed token", self.at)),
                Some(_) if self.name_len(self.at + 1) > 0 => Err(self.junk()),
                Some(_) => Err(self.error(INVALID, self.at + 1)),
            },
            (Some(b), _) => {
                let plain = !matches!(b, b'&' | 0..0x20 | b';' | b'=') && !self.is_wrong_char(self.at);
                match (plain, self.begun) {
                    (true, true) => Err(self.junk()),
                    (true, false) => {
                        let end = self.at + self.name_len(self.at);
                        match self.text.as_bytes().get(end) {
                            Some(b'<' | b'&') => Err(self.error(INVALID, end)),
                            _ => Err(self.error("syntax error", self.at)),
                        }
                    }
                    (false, _) => Err(self.error(INVALID, self.at)),
                }
            }
        }
    }

    #[cold]
    fn junk(&self) -> Error {
        self.error("junk after document element", self.at)
    }

    /// What begins with `<!` outside of the document element and is no comment.
    #[cold]
    fn declaration(&self) -> Error {
        if self.slice(self.at, self.text.len()).starts_with("<!DOCTYPE") && !self.begun {
            return self.error("a document type is not accepted", self.at);
        }
        match self.peek(2) {
            None => self.ended("unclosed token", self.at),
            Some(b'[') if self.begun => self.junk(),
            Some(b'[') => self.error("syntax error", self.at),
            Some(b) if b.is_ascii_alphabetic() || matches!(b, b':' | b'_') => {
                let bytes = self.text.as_bytes().iter().skip(self.at + 2);
                let letters = bytes.take_while(|b| b.is_ascii_alphabetic() || matches!(b, b':' | b'_')).count();
                match self.peek(2 + letters) {
                    None => self.ended("unclosed token", self.at),
                    Some(b) if is_space(b) && self.begun => self.junk(),
                    Some(b) if is_space(b) => self.error("syntax error", self.at),
                    Some(_) => self.error(INVALID, self.at + 2 + letters),
                }
            }
            Some(_) => self.error(INVALID, self.at + 2),
        }
    }

    /// What begins with `<`; nothing where it is a comment or an instruction.
    fn markup(&mut self) -> Result<Option<Event<'t>>> {
        let start = self.at;
        match self.peek(1) {
            None => Err(self.ended("unclosed token", start)),
            Some(b'/') => self.end_tag(start).map(Some),
            Some(b'?') => self.instruction(start).map(|()| None),
            Some(b'!') => match self.peek(2) {
                None => Err(self.ended("unclosed token", start)),
                Some(b'-') => self.comment(start).map(|()| None),
                Some(b'[') => self.cdata(start).map(Some),
                Some(_) => Err(self.error(INVALID, start + 2)),
            },
            Some(_) => self.start_tag(start).map(Some),
        }
    }

    fn start_tag(&mut self, start: usize) -> Result<Event<'t>> {
        let name = self.name(start + 1, start)?;
        // What expat finds once the whole tag has been read.
        let mut later = None;
        let mut attributes: Vec<&str> = Vec::new();
        loop {
            let spaced = self.skip_space();
            match self.peek(0) {
                None => return Err(self.ended("unclosed token", start)),
                Some(b'>') => {
                    self.at += 1;
                    break;
                }
                Some(b'/') => {
                    match self.peek(1) {
                        None => return Err(self.ended("unclosed token", start)),
                        Some(b'>') => {}
                        Some(_) => return Err(self.error(INVALID, self.at + 1)),
                    }
                    self.at += 2;
                    self.empty = Some(name);
                    break;
                }
                Some(_) if !spaced => return Err(self.error(INVALID, self.at)),
                Some(_) => {
                    let at = self.at;
                    let attribute = self.name(at, start)?;
                    // Each is compared with those before it, so there may be few.
                    if attributes.len() >= 64 {
                        return Err(Error::malformed(format!("<{name}> has too many attributes")));
                    }
                    if attributes.contains(&attribute) {
                        later.get_or_insert_with(|| self.error("duplicate attribute", at));
                    }
                    attributes.push(attribute);
                    self.attribute_value(start, &mut later)?;
                }
            }
        }
        if let Some(error) = later {
            return Err(error);
        }
        self.begun = true;
        if self.empty.is_none() {
            if self.open.len() >= self.max_open {
                return Err(Error::too_deep(self.max_open));
            }
            self.open.push(name);
        }
        Ok(Event::Start(name))
    }

    fn attribute_value(&mut self, start: usize, later: &mut Option<Error>) -> Result<()> {
        self.skip_space();
        match self.peek(0) {
            None => return Err(self.ended("unclosed token", start)),
            Some(b'=') => self.at += 1,
            Some(_) => return Err(self.error(INVALID, self.at)),
        }
        self.skip_space();
        let quote = match self.peek(0) {
            None => return Err(self.ended("unclosed token", start)),
            Some(quote @ (b'"' | b'\'')) => quote,
            Some(_) => return Err(self.error(INVALID, self.at)),
        };
        self.at += 1;
        loop {
            match self.peek(0) {
                None => return Err(self.ended("unclosed token", start)),
                Some(b) if b == quote => break,
                Some(b'<') => return Err(self.error(INVALID, self.at)),
                Some(b'&') => _ = self.reference(start, Some(&mut *later))?,
                Some(_) if self.is_wrong_char(self.at) => return Err(self.error(INVALID, self.at)),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn end_tag(&mut self, start: usize) -> Result<Event<'t>> {
        let name = self.name(start + 2, start)?;
        self.skip_space();
        match self.peek(0) {
            None => return Err(self.ended("unclosed token", start)),
            Some(b'>') => self.at += 1,
            Some(_) => return Err(self.error(INVALID, self.at)),
        }
        if self.open.pop() != Some(name) {
            return Err(self.error("mismatched tag", start + 2));
        }
        Ok(Event::End(name))
    }

    fn instruction(&mut self, start: usize) -> Result<()> {
        let target = self.name(start + 2, start)?;
        if target == "xml" && self.peek(0).is_none_or(|b| is_space(b) || b == b'?') {
            self.skip_to("?>", start, "unclosed token")?;
            return Err(self.error("XML or text declaration not at start of entity", start));
        }
        if target.eq_ignore_ascii_case("xml") {
            return Err(self.error(INVALID, self.at));
        }
        if !self.skip_space() {
            return match (self.peek(0), self.peek(1)) {
                (None, _) | (Some(b'?'), None) => Err(self.ended("unclosed token", start)),
                (Some(b'?'), Some(b'>')) => {
                    self.at += 2;
                    Ok(())
                }
                (Some(b'?'), Some(_)) => Err(self.error(INVALID, self.at + 1)),
                (Some(_), _) => Err(self.error(INVALID, self.at)),
            };
        }
        self.skip_to("?>", start, "unclosed token").map(|_| ())
    }

    fn comment(&mut self, start: usize) -> Result<()> {
        match self.peek(3) {
            None => return Err(self.ended("unclosed token", start)),
            Some(b'-') => self.at += 4,
            Some(_) => return Err(self.error(INVALID, start + 3)),
        }
        self.skip_to("--", start, "unclosed token")?;
        match self.peek(0) {
            None => Err(self.ended("unclosed token", start)),
            Some(b'>') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.error(INVALID, self.at)),
        }
    }

    fn cdata(&mut self, start: usize) -> Result<Event<'t>> {
        for (ahead, wanted) in "<![CDATA[".bytes().enumerate() {
            match self.peek(ahead) {
                None => return Err(self.ended("unclosed token", start)),
                Some(b) if b == wanted => {}
                Some(_) => return Err(self.error(INVALID, start + ahead)),
            }
        }
        self.at = start + 9;
        self.skip_to("]]>", start, "unclosed CDATA section").map(Event::Section)
    }

    /// Goes behind the next `end`, and gives what is before it.
    fn skip_to(&mut self, end: &str, start: usize, unclosed: &str) -> Result<&'t str> {
        let from = self.at;
        let found = self.slice(from, self.text.len()).find(end).map(|len| from + len);
        let until = found.unwrap_or(self.text.len());
        while self.at < until {
            if self.is_wrong_char(self.at) {
                return Err(self.error(INVALID, self.at));
            }
            self.at += 1;
        }
        match found {
            Some(found) => {
                self.at = found + end.len();
                Ok(self.slice(from, found))
            }
            // Of a section, expat has taken what there is; any other token it has not.
            None if unclosed == "unclosed token" => Err(self.ended(unclosed, start)),
            None => Err(self.ended(unclosed, self.at)),
        }
    }

    /// Text up to what is something else.
    fn run(&mut self) -> Result<&'t str> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while let Some(&b) = bytes.get(self.at) {
            if PLAIN[usize::from(b)] {
                self.at += 1;
                continue;
            }
            match b {
                b'<' | b'&' | b'\r' => break,
                b']' if bytes[self.at..].starts_with(b"]]>") => return Err(self.error(INVALID, self.at + 2)),
                _ if self.is_wrong_char(self.at) => return Err(self.error(INVALID, self.at)),
                _ => self.at += 1,
            }
        }
        Ok(self.slice(start, self.at))
    }

    /// A reference to a character or an entity. In an attribute the error of one that is not there waits.
    fn reference(&mut self, start: usize, later: Option<&mut Option<Error>>) -> Result<char> {
        let at = self.at;
        self.at += 1;
        let what = if self.peek(0) == Some(b'#') {
            self.at += 1;
            let radix = if self.peek(0) == Some(b'x') { 16 } else { 10 };
            self.at += usize::from(radix == 16);
            let digits = self.at;
            while self.peek(0).is_some_and(|b| char::from(b).is_digit(radix)) {
                self.at += 1;
            }
            match self.peek(0) {
                None => return Err(self.ended("unclosed token", start)),
                Some(b';') if self.at > digits => {}
                Some(_) => return Err(self.error(INVALID, self.at)),
            }
            let number = u32::from_str_radix(self.slice(digits, self.at), radix).ok();
            number.and_then(char::from_u32).filter(|&c| is_xml(c)).ok_or("reference to invalid character number")
        } else {
            let name = self.name(self.at, start)?;
            match self.peek(0) {
                None => return Err(self.ended("unclosed token", start)),
                Some(b';') => {}
                Some(_) => return Err(self.error(INVALID, self.at)),
            }
            match name {
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "amp" => Ok('&'),
                "quot" => Ok('"'),
                "apos" => Ok('\''),
                _ => Err("undefined entity"),
            }
        };
        self.at += 1;
        match (what, later) {
            (Ok(c), _) => Ok(c),
            (Err(message), None) => Err(self.error(message, at)),
            (Err(message), Some(later)) => {
                later.get_or_insert_with(|| self.error(message, start));
                Ok(' ')
            }
        }
    }

    /// The name that stands here, as part of the token that began at `start`.
    fn name(&mut self, at: usize, start: usize) -> Result<&'t str> {
        let len = self.name_len(at);
        self.at = at + len;
        match (len, self.peek(0)) {
            (_, None) => Err(self.ended("unclosed token", start)),
            (0, Some(_)) => Err(self.error(INVALID, self.at)),
            _ => Ok(self.slice(at, self.at)),
        }
    }

    /// How many bytes the name has that stands there.
    fn name_len(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes().get(at..).unwrap_or_default();
        let plain = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.' | b'-'));
        let len = plain.count();
        let len = if bytes.get(len).is_some_and(|b| !b.is_ascii()) {
            let other =
                |c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '-' | '\u{b7}')) || c > '\u{ffff}';
            let rest = self.slice(at, self.text.len());
            rest.find(other).unwrap_or(rest.len())
        } else {
            len
        };
        if bytes.first().is_some_and(|&b| b.is_ascii_digit() || matches!(b, b'.' | b'-')) { 0 } else { len }
    }

    fn skip_space(&mut self) -> bool {
        let start = self.at;
        while self.peek(0).is_some_and(is_space) {
            self.at += 1;
        }
        self.at > start
    }

    /// Whether a character begins here that XML does not have.
    fn is_wrong_char(&self, at: usize) -> bool {
        match self.text.as_bytes().get(at) {
            Some(b'\t' | b'\n' | b'\r') => false,
            Some(0..0x20) => true,
            Some(0xEF) => matches!(self.text.as_bytes().get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF])),
            _ => false,
        }
    }

    #[cold]
    fn error(&self, what: &str, at: usize) -> Error {
        expat_error(self.text, what, at)
    }

    /// The text ends in the middle of something.
    #[cold]
    fn ended(&self, what: &str, at: usize) -> Error {
        match self.broken {
            Some(Broken::Invalid) => self.error(INVALID, self.text.len()),
            Some(Broken::Partial) => self.error("partial character", at),
            None => self.error(what, at),
        }
    }
}

pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Characters of text that need no look.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut b = 0;
    while b < 0x20 {
        plain[b] = matches!(b as u8, b'\t' | b'\n');
        b += 1;
    }
    plain[b'<' as usize] = false;
    plain[b'&' as usize] = false;
    plain[b']' as usize] = false;
    plain[0xEF] = false;
    plain
};

/// Python's `ExpatError`, with the place as expat counts it: lines from 1, characters in them from 0.
#[cold]
pub(super) fn expat_error(text: &str, what: &str, at: usize) -> Error {
    let before = text.get(..at).unwrap_or_default();
    // A line feed might have followed: at its end, expat has not taken it yet.
    let before = before.strip_suffix('\r').filter(|_| at == text.len()).unwrap_or(before);
    let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let ends = before.bytes().filter(|b| matches!(b, b'\n' | b'\r')).count() - before.matches("\r\n").count();
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    Error::malformed(format!("{what}: line {}, column {column}", ends + 1)).as_class("xml.parsers.expat.ExpatError")
}
