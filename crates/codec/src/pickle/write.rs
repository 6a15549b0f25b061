//! Values into pickle, protocol 5.

use bytes::Bytes;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, FixedOffset, Kind, Result, SurrogateStr, Time, TimeDelta, Uuid,
    ValueWriter, Writer,
};

use super::classes::Class;
use super::{PROTOCOL, op};
use crate::call::Arguments;
use crate::{Output, Settings};

/// How deep values may nest. Python's reader has no limit, but whoever compares or shows such a value has.
const MAX_DEPTH: usize = 1000;

/// Writes pickle. Instances are those of the classes that are read too; every other is refused, because a name that came from
/// elsewhere would have the reader import what it names.
pub(crate) struct PickleWriter<'o> {
    pub(super) out: &'o mut Output,
    open: Vec<Open>,
    /// The instance that is being put together, and how many containers are open in it.
    instance: Option<(ValueWriter, usize)>,
    /// How many instances are written around this place.
    pub(super) nested: usize,
    /// Pyro's classes are refused.
    pub(super) without_pyro: bool,
    /// Celery's classes are not refused.
    pub(super) kombu: bool,
}

/// An open container: the opcode that ends it, and how many objects it has so far.
struct Open {
    end: u8,
    written: usize,
}

impl<'o> PickleWriter<'o> {
    pub(crate) fn new(out: &'o mut Output, settings: &'o Settings) -> Self {
        out.extend_from_slice(&[op::PROTO, PROTOCOL]);
        Self {
            out,
            open: Vec::new(),
            instance: None,
            nested: 0,
            without_pyro: settings.without_pyro,
            kombu: settings.kombu,
        }
    }

    pub(crate) fn call(mut self, object: &str, method: &str, arguments: &dyn Arguments) -> Result<()> {
        self.begin_tuple(Some(4))?;
        self.str(object)?;
        self.str(method)?;
        self.begin_tuple(Some(arguments.positional()))?;
        arguments.write_positional(&mut self)?;
        self.end()?;
        self.begin_dict(Some(arguments.keywords()))?;
        arguments.write_keywords(&mut self)?;
        self.end()?;
        self.end()?;
        self.finish();
        Ok(())
    }

    /// Ends the pickle, behind its one value.
    pub(crate) fn finish(self) {
        self.out.push(op::STOP);
    }

    fn count(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.written += 1;
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.count();
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn begin(&mut self, start: &[u8], end: u8, unhashable: Option<&str>) -> Result<()> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Error::too_deep(MAX_DEPTH));
        }
        if let (Some(kind), Some(open)) = (unhashable, self.open.last()) {
            let hashed = match open.end {
                op::SETITEMS => open.written.is_multiple_of(2),
                op::ADDITEMS | op::FROZENSET => true,
                _ => false,
            };
            if hashed {
                return Err(Error::new(Kind::Unhashable, format!("unhashable type: '{kind}'")));
            }
        }
        self.put(start)?;
        self.open.push(Open { end, written: 0 });
        Ok(())
    }

    /// A length in one, four or eight bytes, each behind an opcode of its own.
    fn sized(&mut self, len: usize, short: u8, middle: u8, long: u8) -> Result<()> {
        match (u8::try_from(len), u32::try_from(len)) {
            (Ok(len), _) => self.put(&[short, len]),
            (_, Ok(len)) => {
                self.put(&[middle])?;
                self.out.extend_from_slice(&len.to_le_bytes());
                Ok(())
            }
            _ => {
                self.put(&[long])?;
                self.out.extend_from_slice(&(len as u64).to_le_bytes());
                Ok(())
            }
        }
    }

    fn text(&mut self, utf8: &[u8]) -> Result<()> {
        self.sized(utf8.len(), op::SHORT_BINUNICODE, op::BINUNICODE, op::BINUNICODE8)?;
        self.out.extend_from_slice(utf8);
        Ok(())
    }

    fn class(&mut self, class: Class<'_>) -> Result<()> {
        let (module, name) = class.name();
        for part in [module, name] {
            // Names are short.
            self.out.extend_from_slice(&[op::SHORT_BINUNICODE, part.len() as u8]);
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.push(op::STACK_GLOBAL);
        Ok(())
    }

    /// A value that Python makes by calling its class with these arguments. It counts as one, whatever it is made of.
    pub(super) fn called(&mut self, class: Class<'_>, args: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.aside(|writer| {
            writer.class(class)?;
            writer.out.push(op::MARK);
            args(writer)?;
            writer.out.extend_from_slice(&[op::TUPLE, op::REDUCE]);
            Ok(())
        })
    }

    /// A value that Python makes by giving an instance of a class this state.
    pub(super) fn built(&mut self, class: Class<'_>, state: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.aside(|writer| {
            writer.class(class)?;
            writer.out.extend_from_slice(&[op::EMPTY_TUPLE, op::NEWOBJ]);
            state(writer)?;
            writer.out.push(op::BUILD);
            Ok(())
        })
    }

    /// Writes the parts of one value, among which no container of the outside is open.
    pub(super) fn aside(&mut self, parts: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.count();
        if self.open.len() >= MAX_DEPTH {
            return Err(Error::too_deep(MAX_DEPTH));
        }
        self.open.push(Open { end: op::TUPLE, written: 0 });
        parts(self)?;
        self.open.pop();
        Ok(())
    }

    fn zone(&mut self, offset: Option<FixedOffset>) -> Result<()> {
        let Some(offset) = offset else { return Ok(()) };
        let delta = TimeDelta::from_micros(offset.microseconds.into()).unwrap_or_default();
        self.called(Class::TimeZone, |writer| writer.time_delta(&delta))
    }
}

/// Hands a value to the instance that is being put together, if there is one.
macro_rules! aside {
    ($self:ident, $name:ident($($value:expr)?)) => {
        if let Some((writer, _)) = &mut $self.instance {
            return writer.$name($($value)?);
        }
    };
}

/// Begins a container in the instance that is being put together, if there is one.
macro_rules! begin_aside {
    ($self:ident, $name:ident($len:expr)) => {
        if let Some((writer, depth)) = &mut $self.instance {
            *depth += 1;
            return writer.$name($len);
        }
    };
}

impl Writer for PickleWriter<'_> {
    fn none(&mut self) -> Result<()> {
        aside!(self, none());
        self.put(&[op::NONE])
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        aside!(self, bool(value));
        self.put(&[if value { op::NEWTRUE } else { op::NEWFALSE }])
    }

    fn int(&mut self, value: i64) -> Result<()> {
        aside!(self, int(value));
        if let Ok(small) = u8::try_from(value) {
            return self.put(&[op::BININT1, small]);
        }
        if let Ok(number) = i32::try_from(value) {
            let [a, b, c, d] = number.to_le_bytes();
            return self.put(&[op::BININT, a, b, c, d]);
        }
        self.put(&[op::LONG1, 8])?;
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        aside!(self, big_int(value));
        let bytes = value.to_signed_bytes_le();
        match (u8::try_from(bytes.len()), i32::try_from(bytes.len())) {
            (Ok(len), _) => self.put(&[op::LONG1, len])?,
            (_, Ok(len)) => {
                self.put(&[op::LONG4])?;
                self.out.extend_from_slice(&len.to_le_bytes());
            }
            _ => return Err(Error::new(Kind::TooLarge, "int too large to pickle")),
        }
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        aside!(self, float(value));
        self.put(&[op::BINFLOAT])?;
        self.out.extend_from_slice(&value.to_be_bytes());
        Ok(())
    }

    fn complex(&mut self, value: Complex) -> Result<()> {
        aside!(self, complex(value));
        self.called(Class::Complex, |writer| {
            writer.float(value.re)?;
            writer.float(value.im)
        })
    }

    fn str(&mut self, value: &str) -> Result<()> {
        aside!(self, str(value));
        self.text(value.as_bytes())
    }

    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()> {
        aside!(self, surrogates(value));
        self.text(&value.to_wtf8())
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        aside!(self, bytes(value));
        self.sized(value.len(), op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8)?;
        self.out.extend_from_slice(value);
        Ok(())
    }

    fn byte_array(&mut self, value: &[u8]) -> Result<()> {
        aside!(self, byte_array(value));
        self.put(&[op::BYTEARRAY8])?;
        self.out.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.out.extend_from_slice(value);
        Ok(())
    }

    fn shared_bytes(&mut self, value: &Bytes) -> Result<()> {
        aside!(self, shared_bytes(value));
        self.sized(value.len(), op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8)?;
        self.out.attach(value);
        Ok(())
    }

    fn decimal(&mut self, value: &Decimal) -> Result<()> {
        aside!(self, decimal(value));
        self.called(Class::Decimal, |writer| writer.str(&value.to_string()))
    }

    fn date_time(&mut self, value: &DateTime) -> Result<()> {
        aside!(self, date_time(value));
        let state = [&date_state(&value.date)[..], &time_state(&value.time)].concat();
        self.called(Class::DateTime, |writer| {
            writer.bytes(&state)?;
            writer.zone(value.time.offset)
        })
    }

    fn date(&mut self, value: &Date) -> Result<()> {
        aside!(self, date(value));
        self.called(Class::Date, |writer| writer.bytes(&date_state(value)))
    }

    fn time(&mut self, value: &Time) -> Result<()> {
        aside!(self, time(value));
        self.called(Class::Time, |writer| {
            writer.bytes(&time_state(value))?;
            writer.zone(value.offset)
        })
    }

    fn time_delta(&mut self, value: &TimeDelta) -> Result<()> {
        aside!(self, time_delta(value));
        self.called(Class::TimeDelta, |writer| {
            writer.int(value.days.into())?;
            writer.int(value.seconds.into())?;
            writer.int(value.microseconds.into())
        })
    }

    fn uuid(&mut self, value: &Uuid) -> Result<()> {
        aside!(self, uuid(value));
        self.built(Class::Uuid, |writer| {
            writer.begin_dict(Some(1))?;
            writer.str("int")?;
            writer.big_int(&value.as_u128().into())?;
            writer.end()
        })
    }

    fn begin_list(&mut self, len: Option<usize>) -> Result<()> {
        begin_aside!(self, begin_list(len));
        self.begin(&[op::EMPTY_LIST, op::MARK], op::APPENDS, Some("list"))
    }

    fn begin_tuple(&mut self, len: Option<usize>) -> Result<()> {
        begin_aside!(self, begin_tuple(len));
        self.begin(&[op::MARK], op::TUPLE, None)
    }

    fn begin_set(&mut self, len: Option<usize>) -> Result<()> {
        begin_aside!(self, begin_set(len));
        self.begin(&[op::EMPTY_SET, op::MARK], op::ADDITEMS, Some("set"))
    }

    fn begin_frozen_set(&mut self, len: Option<usize>) -> Result<()> {
        begin_aside!(self, begin_frozen_set(len));
        self.begin(&[op::MARK], op::FROZENSET, None)
    }

    fn begin_dict(&mut self, len: Option<usize>) -> Result<()> {
        begin_aside!(self, begin_dict(len));
        self.begin(&[op::EMPTY_DICT, op::MARK], op::SETITEMS, Some("dict"))
    }

    fn begin_object(&mut self, len: Option<usize>) -> Result<()> {
        begin_aside!(self, begin_object(len));
        let mut writer = ValueWriter::of_instances();
        writer.begin_object(len)?;
        self.instance = Some((writer, 1));
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some((writer, depth)) = &mut self.instance {
            writer.end()?;
            *depth -= 1;
            if *depth > 0 {
                return Ok(());
            }
            return match self.instance.take() {
                Some((writer, _)) => self.instance(&writer.into_value()?),
                None => Ok(()),
            };
        }
        match self.open.pop() {
            Some(Open { end: op::SETITEMS, written }) if written % 2 == 1 => {
                Err(Error::new(Kind::Custom, "a dict ends after a key"))
            }
            Some(open) => {
                self.out.push(open.end);
                Ok(())
            }
            None => Err(Error::malformed("a container ends that never began")),
        }
    }
}

fn date_state(date: &Date) -> [u8; 4] {
    let [high, low] = date.year.to_be_bytes();
    [high, low, date.month, date.day]
}

fn time_state(time: &Time) -> [u8; 6] {
    let [_, high, middle, low] = time.microsecond.to_be_bytes();
    [time.hour, time.minute, time.second, high, middle, low]
}
