//! [`XmlRpcWriter`]: values as XML-RPC, byte for byte as Python's marshaller writes them.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use salamander_value::repr::float_repr;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, Kind, Result, SurrogateStr, Time, TimeDelta, Uuid, Writer,
};

use super::Options;
use crate::levels::Levels;
use crate::literal::big_int_text;
use crate::{Output, Settings};

/// How many bytes a line of base 64 stands for.
const LINE: usize = 57;

/// Writes `<value>` elements, and refuses what Python refuses.
pub(crate) struct XmlRpcWriter<'o> {
    out: &'o mut Output,
    options: Options,
    depth: usize,
    top: Open,
    outer: Levels<Open>,
}

/// A container, and what comes next in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Document,
    Params,
    Array,
    Name,
    Member,
}

impl<'o> XmlRpcWriter<'o> {
    pub(crate) fn new(out: &'o mut Output, settings: &Settings) -> Self {
        let (options, depth) = (settings.xmlrpc, settings.limits.depth);
        Self { out, options, depth, top: Open::Document, outer: Levels::new(Open::Document) }
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// From here on each value is a parameter.
    pub(super) fn begin_params(&mut self) {
        self.top = Open::Params;
    }

    /// What is before a value that can be no name.
    #[inline]
    fn place(&mut self) -> Result<()> {
        match self.top {
            Open::Name => return Err(not_a_name()),
            Open::Params => self.raw("<param>\n"),
            Open::Document | Open::Array | Open::Member => {}
        }
        Ok(())
    }

    /// What is behind a value.
    #[inline]
    fn done(&mut self) -> Result<()> {
        match self.top {
            Open::Member => {
                self.raw("</member>\n");
                self.top = Open::Name;
            }
            Open::Params => self.raw("</param>\n"),
            Open::Document | Open::Array | Open::Name => {}
        }
        Ok(())
    }

    /// A value between two tags.
    fn scalar(&mut self, start: &str, end: &str, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.place()?;
        self.raw(start);
        write(self.out);
        self.raw(end);
        self.done()
    }

    fn begin(&mut self, start: &str, top: Open) -> Result<()> {
        self.place()?;
        if self.outer.len() >= self.depth {
            return Err(Error::too_deep(self.depth));
        }
        self.raw(start);
        let outer = std::mem::replace(&mut self.top, top);
        self.outer.push(outer);
        Ok(())
    }

    #[cold]
    fn refuse(&mut self, class: &str) -> Result<()> {
        self.place()?;
        Err(Error::new(Kind::Type, format!("cannot marshal <class '{class}'> objects")))
    }

    /// A string as a name or a value.
    fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        if self.top == Open::Name {
            self.raw("<member>\n<name>");
            write(self.out);
            self.raw("</name>\n");
            self.top = Open::Member;
            return Ok(());
        }
        self.scalar("<value><string>", "</string></value>\n", write)
    }

    /// A number, for which there is a place already.
    fn number(&mut self, tag: &str, digits: &str) -> Result<()> {
        for part in ["<value><", tag, ">", digits, "</", tag, "></value>\n"] {
            self.raw(part);
        }
        self.done()
    }
}

#[cold]
fn not_a_name() -> Error {
    Error::new(Kind::Type, "dictionary key must be string")
}

#[cold]
fn too_long() -> Error {
    Error::new(Kind::Overflow, "int exceeds XML-RPC limits")
}

impl Writer for XmlRpcWriter<'_> {
    fn none(&mut self) -> Result<()> {
        self.place()?;
        if !self.options.allow_none {
            return Err(Error::new(Kind::Type, "cannot marshal None unless allow_none is enabled"));
        }
        self.raw("<value><nil/></value>");
        self.done()
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        let digit = if value { b'1' } else { b'0' };
        self.scalar("<value><boolean>", "</boolean></value>\n", |out| out.push(digit))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.place()?;
        let tag = match i32::try_from(value) {
            Ok(_) => "int",
            Err(_) if self.options.long_integers => "i8",
            Err(_) => return Err(too_long()),
        };
        self.number(tag, itoa::Buffer::new().format(value))
    }

    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        self.place()?;
        if !self.options.long_integers {
            return Err(too_long());
        }
        let digits = big_int_text(value)?;
        self.number("biginteger", &digits)
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.scalar("<value><double>", "</double></value>\n", |out| match () {
            () if value.is_finite() => float_repr(out, value),
            () if value.is_nan() => out.extend_from_slice(b"nan"),
            () if value > 0.0 => out.extend_from_slice(b"inf"),
            () => out.extend_from_slice(b"-inf"),
        })
    }

    fn complex(&mut self, _value: Complex) -> Result<()> {
        self.refuse("complex")
    }

    fn str(&mut self, value: &str) -> Result<()> {
        self.text(|out| escape(out, value))
    }

    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()> {
        // As Python's `xmlcharrefreplace`; nobody reads it.
        self.text(|out| {
            for &point in value.code_points() {
                match char::from_u32(point) {
                    Some(c) => escape(out, c.encode_utf8(&mut [0; 4])),
                    None => _ = write!(out, "&#{point};"),
                }
            }
        })
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.scalar("<value><base64>\n", "</base64></value>\n", |out| {
            out.reserve(value.len() / LINE * 77 + 80);
            for line in value.chunks(LINE) {
                let start = out.len();
                out.resize(start + line.len().div_ceil(3) * 4, 0);
                // There is room for all of it.
                let _ = STANDARD.encode_slice(line, &mut out[start..]);
                out.push(b'\n');
            }
        })
    }

    fn byte_array(&mut self, value: &[u8]) -> Result<()> {
        self.bytes(value)
    }

    fn decimal(&mut self, _value: &Decimal) -> Result<()> {
        self.refuse("decimal.Decimal")
    }

    fn date_time(&mut self, value: &DateTime) -> Result<()> {
        let (date, time) = (value.date, value.time);
        self.scalar("<value><dateTime.iso8601>", "</dateTime.iso8601></value>\n", |out| {
            // A vector takes whatever is written.
            let _ = write!(
                out,
                "{:04}{:02}{:02}T{:02}:{:02}:{:02}",
                date.year, date.month, date.day, time.hour, time.minute, time.second
            );
        })
    }

    fn date(&mut self, _value: &Date) -> Result<()> {
        self.refuse("datetime.date")
    }

    fn time(&mut self, _value: &Time) -> Result<()> {
        self.refuse("datetime.time")
    }

    fn time_delta(&mut self, _value: &TimeDelta) -> Result<()> {
        self.refuse("datetime.timedelta")
    }

    fn uuid(&mut self, _value: &Uuid) -> Result<()> {
        self.refuse("uuid.UUID")
    }

    fn begin_list(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin("<value><array><data>\n", Open::Array)
    }

    fn begin_tuple(&mut self, len: Option<usize>) -> Result<()> {
        self.begin_list(len)
    }

    fn begin_set(&mut self, _len: Option<usize>) -> Result<()> {
        self.refuse("set")
    }

    fn begin_frozen_set(&mut self, _len: Option<usize>) -> Result<()> {
        self.refuse("frozenset")
    }

    fn begin_dict(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin("<value><struct>\n", Open::Name)
    }

    fn end(&mut self) -> Result<()> {
        match self.top {
            Open::Array => self.raw("</data></array></value>\n"),
            Open::Name => self.raw("</struct></value>\n"),
            Open::Member => return Err(Error::new(Kind::Type, "a dict ends after a key")),
            Open::Document | Open::Params => {
                return Err(Error::new(Kind::Type, "a container ends that never began"));
            }
        }
        self.top = self.outer.pop().unwrap_or(Open::Document);
        self.done()
    }
}

/// Appends text with the three characters escaped that Python escapes.
pub(super) fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr3(b'&', b'<', b'>', rest) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        out.extend_from_slice(match special.first() {
            Some(b'&') => b"&amp;",
            Some(b'<') => b"&lt;",
            _ => b"&gt;",
        });
        rest = special.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}
