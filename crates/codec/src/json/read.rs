//! [`JsonReader`]: JSON as tokens.

use std::borrow::Cow;

use bytes::Bytes;
use salamander_value::{Dict, Error, Reader, Result, Token, Value};

use super::DEPTH;
use super::call::Call;
use crate::levels::Levels;
use crate::{Codec, Settings, literal};

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
    /// Whether dicts may stand for other values; see [`Settings::kombu`].
    extended: bool,
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
            extended: settings.kombu,
            problem,
            call: Call::None,
        }
    }

    /// Reads on from here as if a document began, all dicts as dicts.
    pub(super) fn probe(&self) -> Self {
        Self {
            bytes: self.bytes,
            settings: self.settings,
            text: self.text,
            at: self.at,
            next: Next::Start,
            top: Open::Document,
            outer: Levels::new(Open::Document),
            limit: self.limit,
            extended: false,
            problem: None,
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
            b'{' if self.extended && self.may_be_extended() => match self.read_extended()? {
                Some(token) => token,
                None => return self.open(Open::Dict, Next::Key).map(|()| Token::Dict(None)),
            },
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

    fn instance(&self, dict: Dict) -> Result<Value> {
        if self.settings.kombu {
            return Ok(dict.into());
        }
        self.settings.classes.instance(Codec::Json, dict)
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

#[cfg(test)]
mod tests {
    use salamander_value::{BigInt, Kind, SurrogateStr, Value};

    use super::*;
    use crate::Codec;

    fn read(text: &str) -> Result<Value> {
        Codec::Json.decode_value(&Bytes::from(text.to_owned()), &Settings::default())
    }

    #[test]
    fn values_are_read_however_they_are_spaced() {
        for (text, shown) in [
            ("null", "None"),
            (" true ", "True"),
            ("\t\r\n false", "False"),
            ("[]", "[]"),
            ("[ ]", "[]"),
            ("[1, 2,3 ,\n4]", "[1, 2, 3, 4]"),
            ("[[], [[]], {}]", "[[], [[]], {}]"),
            ("{}", "{}"),
            ("{\"a\": 1, \"b\" :[2],\"c\":{\"d\":null}}", "{'a': 1, 'b': [2], 'c': {'d': None}}"),
            ("{\"a\":1,\"a\":2}", "{'a': 2}"),
            ("{\"\": \"\"}", "{'': ''}"),
        ] {
            assert_eq!(read(text).map(|value| value.to_string()).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn numbers_are_ints_or_floats() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("-12", -12),
            ("123456789012345678", 123_456_789_012_345_678),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(read(text), Ok(Value::Int(number)), "{text}");
            assert_eq!(read(&format!("[1, {text}]")), Ok(Value::List(vec![1.into(), number.into()])), "{text}");
        }
        assert_eq!(read("9223372036854775808"), Ok(BigInt::from(1u64 << 63).into()));
        assert!(read(&"9".repeat(4300)).is_ok());
        assert_eq!(read(&"9".repeat(4301)).map_err(|error| error.kind()), Err(Kind::TooLarge));
        for (text, number) in [
            ("1.5", 1.5),
            ("-0.0", -0.0),
            ("1e5", 1e5),
            ("1E-5", 1e-5),
            ("1.25e+2", 125.0),
            ("1e999", f64::INFINITY),
            ("-1e999", f64::NEG_INFINITY),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0.1234567890123456789012345", 0.12345678901234568),
        ] {
            let Ok(Value::Float(read)) = read(text) else { panic!("{text}") };
            assert_eq!(read.to_bits(), number.to_bits(), "{text}");
        }
        assert!(
            matches!(read("[NaN]"), Ok(Value::List(items)) if matches!(items[0], Value::Float(nan) if nan.is_nan()))
        );
    }

    #[test]
    fn strings_are_read_with_their_escapes() {
        for (text, value) in [
            (r#""""#, ""),
            (r#""é€😀""#, "é€😀"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\x08\x0c\n\r\t"),
            (r#""\u0041\u00e9\u20AC\ud83d\ude00""#, "Aé€😀"),
            ("\"\x7f\u{2028}\"", "\x7f\u{2028}"),
        ] {
            assert_eq!(read(text), Ok(Value::from(value)), "{text}");
        }
        for (text, points) in [
            (r#""\ud83d""#, &[0xD83D][..]),
            (r#""\ude00\ud83d""#, &[0xDE00, 0xD83D]),
            (r#""\ud83d\u0041""#, &[0xD83D, 0x41]),
            (r#""\ud83d\ud83d\ude00""#, &[0xD83D, 0x1F600]),
        ] {
            let surrogates = SurrogateStr::new(points.to_vec()).unwrap();
            assert_eq!(read(text), Ok(Value::Surrogates(Box::new(surrogates))), "{text}");
        }
        let Ok(Value::Dict(dict)) = read(r#"{"\ud800": 1}"#) else { panic!() };
        assert!(matches!(dict.keys().next(), Some(Value::Surrogates(_))));
    }

    #[test]
    fn what_python_refuses_is_refused_where_it_is_wrong() {
        for (text, message, offset) in [
            ("", "Expecting value", 0),
            ("  ", "Expecting value", 2),
            ("01", "Extra data", 1),
            ("-", "Expecting value", 0),
            ("-NaN", "Expecting value", 0),
            ("1.", "Extra data", 1),
            ("1e", "Extra data", 1),
            (".5", "Expecting value", 0),
            ("nan", "Expecting value", 0),
            ("tru", "Expecting value", 0),
            ("nullx", "Extra data", 4),
            ("[1,]", "Expecting value", 3),
            ("[,]", "Expecting value", 1),
            ("[1 2]", "Expecting ',' delimiter", 3),
            ("[1", "Expecting ',' delimiter", 2),
            ("{", "Expecting property name enclosed in double quotes", 1),
            ("{1:2}", "Expecting property name enclosed in double quotes", 1),
            ("{\"a\":1,}", "Expecting property name enclosed in double quotes", 7),
            ("{\"a\" 1}", "Expecting ':' delimiter", 5),
            ("{\"a\":}", "Expecting value", 5),
            ("{\"a\":1]", "Expecting ',' delimiter", 6),
            ("[1] x", "Extra data", 4),
            ("1\0", "Extra data", 1),
            ("\u{feff}1", "Unexpected UTF-8 BOM (decode using utf-8-sig)", 0),
            ("\x0c1", "Expecting value", 0),
            ("[\"a", "Unterminated string", 1),
            ("\"a\\", "Unterminated string", 0),
            ("\"a\nb\"", "Invalid control character", 2),
            ("\"a\\x\"", "Invalid \\escape", 2),
            ("\"\\u12\"", "Invalid \\uXXXX escape", 2),
            ("\"\\u+123\"", "Invalid \\uXXXX escape", 2),
            ("\"\\ud83d\\u12\"", "Invalid \\uXXXX escape", 8),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.message(), error.offset()), (message, Some(offset)), "{text:?}");
            assert_eq!(error.class(), "builtins.ValueError");
        }
        let error = Codec::Json.decode_value(&Bytes::from_static(b"[\"\xff\"]"), &Settings::default()).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (Kind::Unicode, Some(2)));
    }

    #[test]
    fn containers_nest_as_deep_as_the_limits() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read(&nested(DEPTH)).is_ok());
        let error = read(&nested(DEPTH + 1)).unwrap_err();
        assert_eq!((error.kind(), error.class()), (Kind::TooDeep, "builtins.RecursionError"));
        let mut settings = Settings::default();
        settings.limits.depth = 2;
        let bytes = Bytes::from_static(b"[{\"a\":[]}]");
        let error = Codec::Json.decode_value(&bytes, &settings).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (Kind::TooDeep, Some(6)));
    }

    #[test]
    fn strings_are_borrowed() {
        let (bytes, settings) = (Bytes::from_static(b"[\"text\", \"a\\n\"]"), Settings::default());
        let mut reader = JsonReader::new(&bytes, &settings);
        assert_eq!(reader.next(), Ok(Token::List(None)));
        assert!(matches!(reader.next(), Ok(Token::Str(Cow::Borrowed("text")))));
        assert!(matches!(reader.next(), Ok(Token::Str(Cow::Owned(_)))));
        assert_eq!(reader.next(), Ok(Token::End));
        assert_eq!(reader.finish(), Ok(()));
    }
}
