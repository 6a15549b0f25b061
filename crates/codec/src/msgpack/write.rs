//! Values into msgpack.

use bytes::Bytes;
use num_traits::ToPrimitive;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, Kind, MAX_INT_DIGITS, Result, SurrogateStr, Time, TimeDelta,
    Uuid, Writer,
};

use super::{MAX_DEPTH, ext};
use crate::binary::Stack;
use crate::call::{Arguments, write_parts};
use crate::{Output, Settings};

/// Writes msgpack, byte for byte what the Python library packs, and converts and refuses what Pyro's msgpack serializer
/// does.
pub(crate) struct MsgpackWriter<'o> {
    out: &'o mut Output,
    settings: &'o Settings,
    open: Frame,
    outer: Stack<Frame, 8>,
}

/// An open container; at the bottom one that holds the one value.
#[derive(Clone, Copy, Default)]
struct Frame {
    is_map: bool,
    /// How many objects there should be; `UNKNOWN` where that shows only at the end.
    expected: usize,
    written: usize,
    /// Where the length stands, if it is unknown.
    length_at: usize,
}

const UNKNOWN: usize = usize::MAX;

/// The first bytes of what has a length: in the first byte itself, in one, in two, and in four bytes.
struct Header {
    tiny: u8,
    tiny_max: usize,
    short: Option<u8>,
    medium: u8,
    long: u8,
}

const STR: Header = Header { tiny: 0xA0, tiny_max: 31, short: Some(0xD9), medium: 0xDA, long: 0xDB };
const BIN: Header = Header { tiny: 0, tiny_max: 0, short: Some(0xC4), medium: 0xC5, long: 0xC6 };
const ARRAY: Header = Header { tiny: 0x90, tiny_max: 15, short: None, medium: 0xDC, long: 0xDD };
const MAP: Header = Header { tiny: 0x80, tiny_max: 15, short: None, medium: 0xDE, long: 0xDF };
const EXT: Header = Header { tiny: 0, tiny_max: 0, short: Some(0xC7), medium: 0xC8, long: 0xC9 };

impl<'o> MsgpackWriter<'o> {
    pub(crate) fn new(out: &'o mut Output, settings: &'o Settings) -> Self {
        Self { out, settings, open: Frame { expected: UNKNOWN, ..Frame::default() }, outer: Stack::new() }
    }

    pub(crate) fn call(mut self, object: &str, method: &str, arguments: &dyn Arguments) -> Result<()> {
        self.begin_tuple(Some(4))?;
        write_parts(&mut self, object, method, arguments)
    }

    /// Counts one object.
    #[inline]
    fn object(&mut self) -> Result<()> {
        if self.outer.len() > MAX_DEPTH {
            return Err(too_deep());
        }
        self.open.written += 1;
        Ok(())
    }

    /// A whole object of fixed size, in one go.
    #[inline]
    fn fixed<const N: usize>(&mut self, bytes: [u8; N]) -> Result<()> {
        self.object()?;
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    /// What an object with a length begins with.
    #[inline]
    fn header(&mut self, header: &Header, len: usize) -> Result<()> {
        if len <= header.tiny_max && header.tiny != 0 {
            return self.fixed([header.tiny | len as u8]);
        }
        match (header.short, u8::try_from(len), u16::try_from(len), u32::try_from(len)) {
            (Some(code), Ok(len), ..) => self.fixed([code, len]),
            (_, _, Ok(len), _) => {
                let [a, b] = len.to_be_bytes();
                self.fixed([header.medium, a, b])
            }
            (_, _, _, Ok(len)) => {
                let [a, b, c, d] = len.to_be_bytes();
                self.fixed([header.long, a, b, c, d])
            }
            _ => Err(too_large()),
        }
    }

    #[inline]
    fn begin(&mut self, is_map: bool, len: Option<usize>) -> Result<()> {
        let header = if is_map { &MAP } else { &ARRAY };
        let expected = match len {
            Some(len) => {
                self.header(header, len)?;
                if is_map { len.saturating_mul(2) } else { len }
            }
            None => {
                self.fixed([header.long, 0, 0, 0, 0])?;
                UNKNOWN
            }
        };
        let frame =
            Frame { is_map, expected, written: 0, length_at: self.out.len() - 4 * usize::from(len.is_none()) };
        self.outer.push(std::mem::replace(&mut self.open, frame));
        Ok(())
    }

    #[cold]
    fn refuse(&self, kind: &str) -> Result<()> {
        if self.settings.kombu {
            return Err(Error::new(Kind::Type, format!("can not serialize '{kind}' object")));
        }
        Err(Error::new(Kind::Unsupported, format!("msgpack cannot carry a value of type {kind}")))
    }

    /// What msgpack itself has no place for, and only Pyro finds one.
    fn only_for_pyro(&self, kind: &str) -> Result<()> {
        if self.settings.kombu { self.refuse(kind) } else { Ok(()) }
    }
}

impl Writer for MsgpackWriter<'_> {
    fn none(&mut self) -> Result<()> {
        self.fixed([0xC0])
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.fixed([0xC2 | u8::from(value)])
    }

    fn int(&mut self, value: i64) -> Result<()> {
        match value {
            0x80.. => self.uint(value as u64),
            -0x20..=0x7F => self.fixed([value as u8]),
            -0x80..=-0x21 => self.fixed([0xD0, value as u8]),
            -0x8000..=-0x81 => {
                let [a, b] = (value as i16).to_be_bytes();
                self.fixed([0xD1, a, b])
            }
            -0x8000_0000..=-0x8001 => {
                let [a, b, c, d] = (value as i32).to_be_bytes();
                self.fixed([0xD2, a, b, c, d])
            }
            _ => {
                let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
                self.fixed([0xD3, a, b, c, d, e, f, g, h])
            }
        }
    }

    fn uint(&mut self, value: u64) -> Result<()> {
        match value {
            0..=0x7F => self.fixed([value as u8]),
            0x80..=0xFF => self.fixed([0xCC, value as u8]),
            0x100..=0xFFFF => {
                let [a, b] = (value as u16).to_be_bytes();
                self.fixed([0xCD, a, b])
            }
            0x1_0000..=0xFFFF_FFFF => {
                let [a, b, c, d] = (value as u32).to_be_bytes();
                self.fixed([0xCE, a, b, c, d])
            }
            _ => {
                let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
                self.fixed([0xCF, a, b, c, d, e, f, g, h])
            }
        }
    }

    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        if let Some(value) = value.to_i64() {
            return self.int(value);
        }
        if let Some(value) = value.to_u64() {
            return self.uint(value);
        }
        if self.settings.kombu {
            return Err(Error::new(Kind::Overflow, "Integer value out of range"));
        }
        // 3.33 bits a digit; the text of a longer one is not even tried for.
        if value.bits() > MAX_INT_DIGITS as u64 * 10 / 3 {
            return Err(ext::too_many_digits());
        }
        let text = value.to_string();
        if text.trim_start_matches('-').len() > MAX_INT_DIGITS {
            return Err(ext::too_many_digits());
        }
        // Its 20 characters or more are more than any length that has a code of its own.
        self.header(&EXT, text.len())?;
        self.out.push(ext::INT);
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
        self.fixed([0xCB, a, b, c, d, e, f, g, h])
    }

    fn complex(&mut self, value: Complex) -> Result<()> {
        self.only_for_pyro("complex")?;
        self.fixed([0xD8, ext::COMPLEX])?;
        self.out.extend_from_slice(&value.re.to_le_bytes());
        self.out.extend_from_slice(&value.im.to_le_bytes());
        Ok(())
    }

    fn str(&mut self, value: &str) -> Result<()> {
        self.header(&STR, value.len())?;
        self.out.extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn surrogates(&mut self, _value: &SurrogateStr) -> Result<()> {
        Err(Error::new(Kind::Unicode, "surrogates not allowed in msgpack"))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.header(&BIN, value.len())?;
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// Msgpack knows none; Python gets `bytes`.
    fn byte_array(&mut self, value: &[u8]) -> Result<()> {
        self.bytes(value)
    }

    fn shared_bytes(&mut self, value: &Bytes) -> Result<()> {
        self.header(&BIN, value.len())?;
        self.out.attach(value);
        Ok(())
    }

    fn decimal(&mut self, value: &Decimal) -> Result<()> {
        self.only_for_pyro("decimal.Decimal")?;
        self.str(&value.to_string())
    }

    fn date_time(&mut self, value: &DateTime) -> Result<()> {
        self.only_for_pyro("datetime.datetime")?;
        if value.time.offset.is_some() {
            return Err(Error::new(Kind::Unsupported, "msgpack cannot carry a datetime with a time zone"));
        }
        let seconds = ext::seconds_of(value, &self.settings.zone)?;
        self.fixed([0xD7, ext::DATE_TIME])?;
        self.out.extend_from_slice(&seconds.to_le_bytes());
        Ok(())
    }

    fn date(&mut self, value: &Date) -> Result<()> {
        self.only_for_pyro("datetime.date")?;
        self.fixed([0xD7, ext::DATE])?;
        self.out.extend_from_slice(&value.to_ordinal().to_le_bytes());
        Ok(())
    }

    fn time(&mut self, _value: &Time) -> Result<()> {
        self.refuse("datetime.time")
    }

    fn time_delta(&mut self, _value: &TimeDelta) -> Result<()> {
        self.refuse("datetime.timedelta")
    }

    fn uuid(&mut self, value: &Uuid) -> Result<()> {
        self.only_for_pyro("UUID")?;
        self.str(value.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }

    fn begin_list(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(false, len)
    }

    fn begin_tuple(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(false, len)
    }

    fn begin_set(&mut self, len: Option<usize>) -> Result<()> {
        self.only_for_pyro("set")?;
        self.begin(false, len)
    }

    fn begin_frozen_set(&mut self, _len: Option<usize>) -> Result<()> {
        self.refuse("frozenset")
    }

    fn begin_dict(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(true, len)
    }

    fn end(&mut self) -> Result<()> {
        let Frame { is_map, expected, written, length_at } = self.open;
        if is_map && written % 2 == 1 {
            return Err(Error::new(Kind::Custom, "a dict ends after a key"));
        }
        if expected == UNKNOWN {
            let len = if is_map { written / 2 } else { written };
            let len = u32::try_from(len).map_err(|_| too_large())?;
            self.out[length_at..length_at + 4].copy_from_slice(&len.to_be_bytes());
        } else if expected != written {
            return Err(Error::new(Kind::Custom, format!("a container of {expected} objects got {written}")));
        }
        self.open = self.outer.pop().ok_or_else(|| Error::malformed("a container ends that never began"))?;
        Ok(())
    }
}

#[cold]
fn too_large() -> Error {
    Error::new(Kind::TooLarge, "longer than msgpack can tell")
}

#[cold]
fn too_deep() -> Error {
    Error::new(Kind::TooDeep, "recursion limit exceeded").as_class("builtins.ValueError")
}
