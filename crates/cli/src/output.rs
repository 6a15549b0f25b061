//! [`Output`]: what commands print, as text or as JSON.

use std::fmt;
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

    /// Prints a line of text, unless the user wants JSON.
    ///
    /// # Errors
    /// [`Failure::Closed`] where nobody reads it any more.
    pub(crate) fn line(self, line: impl fmt::Display) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print(line) }
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

/// Prints a line at once, also into a pipe.
fn print(line: impl fmt::Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
