//! [`YamlWriter`]: values as YAML that PyYAML's safe loader reads.

use std::io::Write;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use salamander_value::repr::float_repr;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, Kind, Result, SurrogateStr, Time, TimeDelta, Uuid, Writer,
};

use super::WRITE_DEPTH;
use crate::Output;
use crate::call::{Arguments, write_parts};
use crate::literal::big_int_text;

/// Writes the flow style, and refuses what `safe_dump` refuses.
pub(crate) struct YamlWriter<'o> {
    out: &'o mut Output,
    top: Open,
    outer: Vec<Open>,
}

/// A container, and what comes next in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Document,
    List { first: bool },
    Set { first: bool },
    Key { first: bool },
    Value,
}

/// A key that is longer than PyYAML looks ahead has to be announced.
const LONG_KEY: usize = 1000;

impl<'o> YamlWriter<'o> {
    pub(crate) fn new(out: &'o mut Output) -> Self {
        Self { out, top: Open::Document, outer: Vec::new() }
    }

    pub(crate) fn call(mut self, object: &str, method: &str, arguments: &dyn Arguments) -> Result<()> {
        self.begin_list(Some(4))?;
        write_parts(&mut self, object, method, arguments)
    }

    /// What stands before the next value.
    fn place(&mut self) {
        match &mut self.top {
            Open::List { first } | Open::Set { first } | Open::Key { first } => {
                if !std::mem::take(first) {
                    self.out.extend_from_slice(b", ");
                }
            }
            // PyYAML takes a colon for one where a space follows, whatever stands before it.
            Open::Value => self.out.extend_from_slice(b": "),
            Open::Document => {}
        }
    }

    /// What stands behind a value.
    fn done(&mut self) {
        match self.top {
            Open::Set { .. } => self.out.extend_from_slice(b": null"),
            Open::Key { .. } => self.top = Open::Value,
            Open::Value => self.top = Open::Key { first: false },
            Open::List { .. } | Open::Document => {}
        }
    }

    fn scalar(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.place();
        let start = self.out.len();
        write(self.out);
        if matches!(self.top, Open::Key { .. } | Open::Set { .. }) && self.out.len() - start > LONG_KEY {
            self.out.splice(start..start, *b"? ");
        }
        self.done();
        Ok(())
    }

    #[cold]
    fn refuse(&self, class: &str) -> Result<()> {
        Err(Error::new(Kind::Unsupported, format!("cannot represent an object of the type {class}"))
            .as_class("yaml.YAMLError"))
    }

    fn begin(&mut self, bracket: &[u8], top: Open) -> Result<()> {
        if matches!(self.top, Open::Key { .. } | Open::Set { .. }) {
            return Err(Error::new(Kind::Unhashable, "found unhashable key").as_class("yaml.YAMLError"));
        }
        if self.outer.len() >= WRITE_DEPTH {
            return Err(Error::too_deep(WRITE_DEPTH));
        }
        self.place();
        self.out.extend_from_slice(bracket);
        self.outer.push(std::mem::replace(&mut self.top, top));
        Ok(())
    }
}

impl Writer for YamlWriter<'_> {
    fn none(&mut self) -> Result<()> {
        self.scalar(|out| out.extend_from_slice(b"null"))
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.scalar(|out| out.extend_from_slice(if value { b"true" } else { b"false" }))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.scalar(|out| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()))
    }

    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        let text = big_int_text(value)?;
        self.scalar(|out| out.extend_from_slice(text.as_bytes()))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.scalar(|out| match () {
            () if value.is_nan() => out.extend_from_slice(b".nan"),
            () if value.is_infinite() => out.extend_from_slice(if value > 0.0 { b".inf" } else { b"-.inf" }),
            () => {
                let start = out.len();
                float_repr(out, value);
                // Without a point it would be text.
                let written = &out[start..];
                if let Some(at) = written.iter().position(|byte| *byte == b'e').filter(|_| !written.contains(&b'.')) {
                    out.splice(start + at..start + at, *b".0");
                }
            }
        })
    }

    fn complex(&mut self, _value: Complex) -> Result<()> {
        self.refuse("complex")
    }

    fn str(&mut self, value: &str) -> Result<()> {
        self.scalar(|out| quote(out, value.chars().map(u32::from)))
    }

    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()> {
        self.scalar(|out| quote(out, value.code_points().iter().copied()))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        // A vector takes whatever is written.
        self.scalar(|out| _ = write!(out, "!!binary \"{}\"", Base64Display::new(value, &STANDARD)))
    }

    fn byte_array(&mut self, _value: &[u8]) -> Result<()> {
        self.refuse("bytearray")
    }

    fn decimal(&mut self, _value: &Decimal) -> Result<()> {
        self.refuse("Decimal")
    }

    fn date_time(&mut self, value: &DateTime) -> Result<()> {
        self.scalar(|out| _ = write!(out, "{} {}", value.date, value.time))
    }

    fn date(&mut self, value: &Date) -> Result<()> {
        self.scalar(|out| _ = write!(out, "{value}"))
    }

    fn time(&mut self, _value: &Time) -> Result<()> {
        self.refuse("time")
    }

    fn time_delta(&mut self, _value: &TimeDelta) -> Result<()> {
        self.refuse("timedelta")
    }

    fn uuid(&mut self, _value: &Uuid) -> Result<()> {
        self.refuse("UUID")
    }

    fn begin_list(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin(b"[", Open::List { first: true })
    }

    fn begin_tuple(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin(b"[", Open::List { first: true })
    }

    fn begin_set(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin(b"!!set {", Open::Set { first: true })
    }

    fn begin_frozen_set(&mut self, _len: Option<usize>) -> Result<()> {
        self.refuse("frozenset")
    }

    fn begin_dict(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin(b"{", Open::Key { first: true })
    }

    fn end(&mut self) -> Result<()> {
        match self.top {
            Open::List { .. } => self.out.push(b']'),
            Open::Key { .. } | Open::Set { .. } => self.out.push(b'}'),
            Open::Value => return Err(Error::new(Kind::Type, "a dict ends after a key")),
            Open::Document => return Err(Error::new(Kind::Type, "a container ends that never began")),
        }
        self.top = self.outer.pop().unwrap_or(Open::Document);
        self.done();
        Ok(())
    }
}

/// Appends code points in double quotes, in ASCII.
fn quote(out: &mut Vec<u8>, points: impl Iterator<Item = u32>) {
    out.push(b'"');
    for point in points {
        match point {
            0x22 | 0x5C => out.extend([b'\\', point as u8]),
            0x20..=0x7E => out.push(point as u8),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0D => out.extend_from_slice(b"\\r"),
            0x09 => out.extend_from_slice(b"\\t"),
            // A vector takes whatever is written.
            0..=0xFF => _ = write!(out, "\\x{point:02x}"),
            0x100..=0xFFFF => _ = write!(out, "\\u{point:04x}"),
            _ => _ = write!(out, "\\U{point:08x}"),
        }
    }
    out.push(b'"');
}
