//! [`Output`]: what commands print, as text or as JSON.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use salamander::Value;

use crate::failure::Failure;
use crate::json;

/// The standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether the user wants JSON.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints a line of text, unless the user wants JSON. It stays one line, whatever names of elsewhere it holds ([`Shown`]).
    ///
    /// # Errors
    /// [`Failure::Closed`] where nobody reads it any more.
    pub(crate) fn line(self, line: impl fmt::Display) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print(Shown(&line.to_string(), Lines::One)) }
    }

    /// Prints the one document that a user of JSON gets, for which others get lines.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn document(self, value: impl Into<Value>) -> Result<(), Failure> {
        if self.json { print(json::text(&value.into())) } else { Ok(()) }
    }

    /// Prints a value: as JSON, or as Python's `repr()`.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn value(self, value: &Value) -> Result<(), Failure> {
        if self.json { print(json::text(value)) } else { print(value) }
    }

    /// Begins a list of values, which are printed as they come.
    pub(crate) fn list(self) -> List {
        List { output: self, begun: false }
    }
}

/// Values that are printed one a line; for JSON, with what makes a document of them.
pub(crate) struct List {
    output: Output,
    begun: bool,
}

impl List {
    /// Prints the next value.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn item(&mut self, value: &Value) -> Result<(), Failure> {
        if !self.output.json {
            return print(value);
        }
        let before = if self.begun { "," } else { "[" };
        self.begun = true;
        print(format_args!("{before}{}", json::text(value)))
    }

    /// Ends the list, also where its items were cut short.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn end(self) -> Result<(), Failure> {
        match (self.output.json, self.begun) {
            (false, _) => Ok(()),
            (true, true) => print("]"),
            (true, false) => print("[]"),
        }
    }
}

/// Text that may come from elsewhere, as it is shown: what could speak to the terminal, or turn around what stands beside it, is
/// written as Python's `repr()` does.
pub(crate) struct Shown<'a>(pub(crate) &'a str, pub(crate) Lines);

/// Whether a text may have several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    One,
    Many,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(text, lines) = self;
        for char in text.chars() {
            match char {
                '\t' => f.write_str("\t")?,
                '\n' if *lines == Lines::Many => f.write_str("\n")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                char if char.is_control() => write!(f, "\\x{:02x}", char as u32)?,
                '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => write!(f, "\\u{:04x}", char as u32)?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// Prints a line at once, also into a pipe.
fn print(line: impl fmt::Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_speaks_to_the_terminal() {
        let text = "a\tb\u{1b}[2J\u{7}\r\n\u{9b}\u{7f}\u{202e}é\u{1f600}";
        assert_eq!(Shown(text, Lines::One).to_string(), "a\tb\\x1b[2J\\x07\\r\\n\\x9b\\x7f\\u202eé\u{1f600}");
        assert_eq!(Shown("a\nb\0", Lines::Many).to_string(), "a\nb\\x00");
    }
}
