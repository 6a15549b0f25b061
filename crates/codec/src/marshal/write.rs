//! Values into marshal.

use bytes::Bytes;
use num_bigint::Sign;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, Kind, Result, SurrogateStr, Time, TimeDelta, Uuid, Writer,
};

use super::{MAX_DEPTH, long};
use crate::binary::Stack;
use crate::call::{Arguments, write_parts};
use crate::{Output, Settings};

/// Writes marshal, and converts and refuses what Pyro's marshal serializer does: only a value by itself, or an argument
/// of a call, can be the instance of a class, not what stands inside of it.
pub(crate) struct MarshalWriter<'o> {
    out: &'o mut Output,
    open: Frame,
    outer: Stack<Frame, 8>,
    /// How many containers are open around a value that Pyro converts.
    converting: usize,
}

/// An open container; at the bottom one that holds the one value.
#[derive(Clone, Copy, Default)]
struct Frame {
    shape: Shape,
    /// How many objects there should be; `UNKNOWN` where that shows only at the end.
    expected: usize,
    written: usize,
    /// Where the length stands.
    length_at: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Shape {
    #[default]
    Counted,
    Dict,
}

const UNKNOWN: usize = usize::MAX;

impl<'o> MarshalWriter<'o> {
    pub(crate) fn new(out: &'o mut Output, _settings: &'o Settings) -> Self {
        Self { out, open: Frame { expected: UNKNOWN, ..Frame::default() }, outer: Stack::new(), converting: 0 }
    }

    pub(crate) fn call(mut self, object: &str, method: &str, arguments: &dyn Arguments) -> Result<()> {
        self.converting = 2;
        self.begin_tuple(Some(4))?;
        write_parts(&mut self, object, method, arguments)
    }

    /// Counts one object.
    #[inline]
    fn object(&mut self) -> Result<()> {
        if self.outer.len() >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.open.written += 1;
        Ok(())
    }

    /// A code and a value of fixed size behind it, in one go.
    #[inline]
    fn fixed<const N: usize>(&mut self, bytes: [u8; N]) -> Result<()> {
        self.object()?;
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    /// A code, a length of four bytes, and that many bytes.
    #[inline]
    fn sized(&mut self, code: u8, bytes: &[u8]) -> Result<()> {
        self.sized_header(code, bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn sized_header(&mut self, code: u8, len: usize) -> Result<()> {
        let [a, b, c, d] = size(len)?;
        self.fixed([code, a, b, c, d])
    }

    #[inline]
    fn begin(&mut self, shape: Shape, expected: Option<usize>, length_at: usize) {
        let frame = Frame { shape, expected: expected.unwrap_or(UNKNOWN), written: 0, length_at };
        self.outer.push(std::mem::replace(&mut self.open, frame));
    }

    fn begin_counted(&mut self, code: u8, len: Option<usize>) -> Result<()> {
        self.sized_header(code, len.unwrap_or(0))?;
        self.begin(Shape::Counted, len, self.out.len() - 4);
        Ok(())
    }

    /// A list, set or dict where Python would not accept one.
    fn check_hashable(&self, kind: &str) -> Result<()> {
        if self.open.shape == Shape::Dict && self.open.written.is_multiple_of(2) {
            return Err(Error::new(Kind::Unhashable, format!("unhashable type: '{kind}'")));
        }
        Ok(())
    }

    /// What Pyro does not convert, and marshal does not know.
    #[cold]
    fn refuse(&self, kind: &str) -> Result<()> {
        Err(if self.outer.len() == self.converting {
            Error::new(Kind::Unsupported, format!("marshal cannot carry a value of type {kind}"))
        } else {
            unmarshallable(kind)
        })
    }
}

impl Writer for MarshalWriter<'_> {
    fn none(&mut self) -> Result<()> {
        self.fixed(*b"N")
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.fixed(if value { *b"T" } else { *b"F" })
    }

    fn int(&mut self, value: i64) -> Result<()> {
        match i32::try_from(value) {
            Ok(value) => {
                let [a, b, c, d] = value.to_le_bytes();
                self.fixed([b'i', a, b, c, d])
            }
            Err(_) => {
                self.fixed(*b"l")?;
                let magnitude = value.unsigned_abs();
                long::write(self.out, value < 0, [magnitude as u32, (magnitude >> 32) as u32].into_iter())
            }
        }
    }

    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        if let Ok(value) = i64::try_from(value) {
            return self.int(value);
        }
        self.fixed(*b"l")?;
        long::write(self.out, value.sign() == Sign::Minus, value.magnitude().iter_u32_digits())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        let mut bytes = [b'g'; 9];
        bytes[1..].copy_from_slice(&value.to_le_bytes());
        self.fixed(bytes)
    }

    fn complex(&mut self, value: Complex) -> Result<()> {
        let mut bytes = [b'y'; 17];
        bytes[1..9].copy_from_slice(&value.re.to_le_bytes());
        bytes[9..].copy_from_slice(&value.im.to_le_bytes());
        self.fixed(bytes)
    }

    fn str(&mut self, value: &str) -> Result<()> {
        match (value.is_ascii(), u8::try_from(value.len())) {
            (true, Ok(len)) => {
                self.fixed([b'z', len])?;
                self.out.extend_from_slice(value.as_bytes());
                Ok(())
            }
            (true, Err(_)) => self.sized(b'a', value.as_bytes()),
            (false, _) => self.sized(b'u', value.as_bytes()),
        }
    }

    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()> {
        self.sized(b'u', &value.to_wtf8())
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.sized(b's', value)
    }

    /// Marshal knows none; Python gets `bytes`.
    fn byte_array(&mut self, value: &[u8]) -> Result<()> {
        self.sized(b's', value)
    }

    fn shared_bytes(&mut self, value: &Bytes) -> Result<()> {
        self.sized_header(b's', value.len())?;
        self.out.attach(value);
        Ok(())
    }

    fn decimal(&mut self, _value: &Decimal) -> Result<()> {
        self.refuse("decimal.Decimal")
    }

    fn date_time(&mut self, _value: &DateTime) -> Result<()> {
        self.refuse("datetime.datetime")
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

    /// Its text, where Pyro converts.
    fn uuid(&mut self, value: &Uuid) -> Result<()> {
        if self.outer.len() != self.converting {
            return Err(unmarshallable("uuid.UUID"));
        }
        self.str(value.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }

    fn begin_list(&mut self, len: Option<usize>) -> Result<()> {
        self.check_hashable("list")?;
        self.begin_counted(b'[', len)
    }

    fn begin_tuple(&mut self, len: Option<usize>) -> Result<()> {
        match len.map(u8::try_from) {
            Some(Ok(short)) => {
                self.fixed([b')', short])?;
                self.begin(Shape::Counted, len, 0);
                Ok(())
            }
            _ => self.begin_counted(b'(', len),
        }
    }

    fn begin_set(&mut self, len: Option<usize>) -> Result<()> {
        self.check_hashable("set")?;
        self.begin_counted(b'<', len)
    }

    fn begin_frozen_set(&mut self, len: Option<usize>) -> Result<()> {
        self.begin_counted(b'>', len)
    }

    fn begin_dict(&mut self, len: Option<usize>) -> Result<()> {
        self.check_hashable("dict")?;
        self.fixed(*b"{")?;
        self.begin(Shape::Dict, len.map(|len| len.saturating_mul(2)), 0);
        Ok(())
    }

    /// The dict that stands for the instance, where Pyro converts.
    fn begin_object(&mut self, len: Option<usize>) -> Result<()> {
        if self.outer.len() != self.converting {
            return Err(unmarshallable("class instance"));
        }
        self.begin_dict(len)
    }

    fn end(&mut self) -> Result<()> {
        let Frame { shape, expected, written, length_at } = self.open;
        if shape == Shape::Dict && written % 2 == 1 {
            return Err(Error::new(Kind::Custom, "a dict ends after a key"));
        }
        if expected != UNKNOWN && expected != written {
            return Err(Error::new(Kind::Custom, format!("a container of {expected} objects got {written}")));
        }
        if shape == Shape::Dict {
            // Its end is an object too, to the limit of depth.
            self.fixed(*b"0")?;
        } else if expected == UNKNOWN {
            self.out[length_at..length_at + 4].copy_from_slice(&size(written)?);
        }
        self.open = self.outer.pop().ok_or_else(|| Error::malformed("a container ends that never began"))?;
        Ok(())
    }
}

fn size(len: usize) -> Result<[u8; 4]> {
    i32::try_from(len).map(i32::to_le_bytes).map_err(|_| too_large())
}

#[cold]
pub(super) fn too_large() -> Error {
    Error::new(Kind::TooLarge, "unmarshallable object: longer than 2147483647")
}

#[cold]
fn unmarshallable(kind: &str) -> Error {
    Error::new(Kind::Unsupported, format!("unmarshallable object: {kind} inside of another value"))
        .as_class("builtins.ValueError")
}

#[cold]
fn too_deep() -> Error {
    Error::new(Kind::TooDeep, "object too deeply nested to marshal").as_class("builtins.ValueError")
}
