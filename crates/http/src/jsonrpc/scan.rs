//! [`Scan`]: where values of JSON begin and end, and that they are JSON, without reading what they say.

use std::ops::Range;

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is no JSON.
    Syntax,
    /// It nests deeper than is allowed.
    TooDeep,
}

type Result<T, E = Wrong> = std::result::Result<T, E>;

/// Goes through a text, strictly by RFC 8259, with the stack of open containers on the heap.
pub(super) struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    /// The brackets that are to come, innermost last.
    open: Vec<u8>,
    depth: usize,
}

impl<'t> Scan<'t> {
    /// Begins at the beginning; containers may nest so deep.
    pub(super) fn new(text: &'t str, depth: usize) -> Self {
        Self { text: text.as_bytes(), at: 0, open: Vec::new(), depth }
    }

    /// The next byte that is no white space; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&mut self) -> bool {
        self.peek();
        self.at == self.text.len()
    }

    /// Takes this byte, if it is next.
    pub(super) fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte && self.at < self.text.len();
        self.at += usize::from(found);
        found
    }

    /// Takes this byte, which has to be next.
    pub(super) fn must_be(&mut self, byte: u8) -> Result<()> {
        self.takes(byte).then_some(()).ok_or(Wrong::Syntax)
    }

    /// Opens a container, to be left with [`Scan::leave`].
    pub(super) fn enter(&mut self, opening: u8) -> Result<()> {
        self.must_be(opening)?;
        self.depth = self.depth.checked_sub(1).ok_or(Wrong::TooDeep)?;
        Ok(())
    }

    /// Closes a container.
    pub(super) fn leave(&mut self, closing: u8) -> Result<()> {
        self.depth += 1;
        self.must_be(closing)
    }

    /// A string, with its quotes.
    pub(super) fn text(&mut self) -> Result<Range<usize>> {
        self.peek();
        let start = self.at;
        self.string()?;
        Ok(start..self.at)
    }

    /// A whole value.
    pub(super) fn value(&mut self) -> Result<Range<usize>> {
        let first = self.peek();
        let start = self.at;
        self.open.clear();
        self.begin(first)?;
        while let Some(&closing) = self.open.last() {
            // Behind a value.
            match self.peek() {
                b',' => {
                    self.at += 1;
                    if closing == b'}' {
                        self.key()?;
                    }
                    let first = self.peek();
                    self.begin(first)?;
                }
                byte if byte == closing => {
                    self.at += 1;
                    self.open.pop();
                }
                _ => return Err(Wrong::Syntax),
            }
        }
        Ok(start..self.at)
    }

    /// A scalar, an empty container, or containers up to the first value that is one of these.
    fn begin(&mut self, mut first: u8) -> Result<()> {
        loop {
            let closing = match first {
                b'"' => return self.string(),
                b'-' | b'0'..=b'9' => return self.number(),
                b't' => return self.word(b"true"),
                b'f' => return self.word(b"false"),
                b'n' => return self.word(b"null"),
                b'[' => b']',
                b'{' => b'}',
                _ => return Err(Wrong::Syntax),
            };
            self.at += 1;
            if self.open.len() >= self.depth {
                return Err(Wrong::TooDeep);
            }
            if self.takes(closing) {
                return Ok(());
            }
            self.open.push(closing);
            if closing == b'}' {
                self.key()?;
            }
            first = self.peek();
        }
    }

    fn key(&mut self) -> Result<()> {
        self.text()?;
        self.must_be(b':')
    }

    fn word(&mut self, word: &[u8]) -> Result<()> {
        let fits = self.text.get(self.at..).unwrap_or_default().starts_with(word);
        self.at += word.len();
        fits.then_some(()).ok_or(Wrong::Syntax)
    }

    fn string(&mut self) -> Result<()> {
        let mut rest = self.text.get(self.at..).unwrap_or_default().iter();
        if rest.next() != Some(&b'"') {
            return Err(Wrong::Syntax);
        }
        loop {
            match rest.next() {
                Some(b'"') => break,
                Some(b'\\') => match rest.next() {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                    Some(b'u') if rest.by_ref().take(4).filter(|byte| byte.is_ascii_hexdigit()).count() == 4 => {}
                    _ => return Err(Wrong::Syntax),
                },
                Some(0x20..) => {}
                _ => return Err(Wrong::Syntax),
            }
        }
        self.at = self.text.len() - rest.len();
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        self.at += usize::from(self.text.get(self.at) == Some(&b'-'));
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        (count > 0).then_some(()).ok_or(Wrong::Syntax)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &str) -> Result<()> {
        let mut scan = Scan::new(text, 3);
        scan.value()?;
        scan.is_done().then_some(()).ok_or(Wrong::Syntax)
    }

    #[test]
    fn json_is_json_and_nothing_else_is() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "-1.5e+7",
            "1E-5",
            "\"\"",
            r#""\u00e9\n\"é""#,
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1, 2 ,3]",
            r#"{"a":1 , "b" : [ {} ]}"#,
            "[[[]]]",
        ] {
            assert_eq!(whole(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "nul",
            "True",
            "01",
            "1.",
            ".5",
            "-",
            "1e",
            "+1",
            "NaN",
            "Infinity",
            "\"",
            "\"\n\"",
            r#""\x""#,
            r#""\u12g4""#,
            "[1,]",
            "[,1]",
            "[1 2]",
            "{1:2}",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "[",
            "]",
            "{\"a\":1]",
            "1 2",
            "\u{feff}1",
            "'a'",
            "[1]]",
            "\0",
        ] {
            assert_eq!(whole(text), Err(Wrong::Syntax), "{text}");
        }
        assert_eq!(whole("[[[[]]]]"), Err(Wrong::TooDeep));
    }

    proptest! {
        #[test]
        fn it_takes_what_another_parser_takes(text in r#"[\[\]{}",:0-2.eE+\- \\untrfalsé]{0,20}"#) {
            let other = serde_json::from_str::<serde_json::Value>(&text);
            let mut scan = Scan::new(&text, 100);
            let taken = scan.value().is_ok() && scan.is_done();
            // Numbers and surrogates that the other cannot hold are not wrong.
            let beyond = other.as_ref().err().map(ToString::to_string).unwrap_or_default();
            if !beyond.contains("out of range") && !beyond.contains("surrogate") && !beyond.contains("hex escape") {
                prop_assert_eq!(taken, other.is_ok(), "{}: {}", text, beyond);
            }
        }
    }
}
