//! What is written for a Pyro 4 peer, with the names of Pyro 4.

use bytes::Bytes;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Result, SurrogateStr, Time, TimeDelta, Uuid, Writer,
};

use super::{DICT, Frame, ONLY_IN_PYRO4, Place, name_in_pyro4, note_class, note_key, place};
use crate::call::Arguments;

/// Gives what is written for a Pyro 4 peer the names of Pyro 4.
pub(crate) struct Translating<'w> {
    inner: &'w mut dyn Writer,
    open: Vec<Frame>,
}

impl<'w> Translating<'w> {
    pub(crate) fn new(inner: &'w mut dyn Writer) -> Self {
        Self { inner, open: Vec::new() }
    }

    /// Counts a value that is no text; a key that is none is none that matters.
    fn value(&mut self) -> Result<Place> {
        let place = place(&mut self.open);
        match place {
            Place::Key => note_key(&mut self.open, None),
            Place::OfState(4) => {
                self.inner.float(0.0)?;
                self.inner.none()?;
            }
            Place::OfState(5) => self.inner.int(0)?,
            _ => {}
        }
        Ok(place)
    }

    fn begin(
        &mut self,
        frame: Frame,
        len: Option<usize>,
        begin: impl FnOnce(&mut dyn Writer, Option<usize>) -> Result<()>,
    ) -> Result<()> {
        match self.value()? {
            Place::ProxyState if matches!(frame, Frame::Other) => {
                self.open.push(Frame::State(0));
                begin(self.inner, len.map(|len| len + ONLY_IN_PYRO4.len()))
            }
            _ => {
                self.open.push(frame);
                begin(self.inner, len)
            }
        }
    }
}

macro_rules! pass {
    ($($name:ident($($value:ident: $type:ty)?);)*) => {$(
        fn $name(&mut self $(, $value: $type)?) -> Result<()> {
            self.value()?;
            self.inner.$name($($value)?)
        }
    )*};
}

impl Writer for Translating<'_> {
    fn str(&mut self, value: &str) -> Result<()> {
        match self.value()? {
            Place::Key => note_key(&mut self.open, Some(value)),
            Place::Class => {
                note_class(&mut self.open, value);
                if let Some(name) = name_in_pyro4(value) {
                    return self.inner.str(&name);
                }
            }
            _ => {}
        }
        self.inner.str(value)
    }

    pass! {
        none();
        bool(value: bool);
        int(value: i64);
        uint(value: u64);
        big_int(value: &BigInt);
        float(value: f64);
        complex(value: Complex);
        surrogates(value: &SurrogateStr);
        bytes(value: &[u8]);
        byte_array(value: &[u8]);
        shared_bytes(value: &Bytes);
        decimal(value: &Decimal);
        date_time(value: &DateTime);
        date(value: &Date);
        time(value: &Time);
        time_delta(value: &TimeDelta);
        uuid(value: &Uuid);
    }

    fn begin_list(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(Frame::Other, len, |writer, len| writer.begin_list(len))
    }

    fn begin_tuple(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(Frame::Other, len, |writer, len| writer.begin_tuple(len))
    }

    fn begin_set(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(Frame::Other, len, |writer, len| writer.begin_set(len))
    }

    fn begin_frozen_set(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(Frame::Other, len, |writer, len| writer.begin_frozen_set(len))
    }

    fn begin_dict(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(DICT, len, |writer, len| writer.begin_dict(len))
    }

    fn begin_object(&mut self, len: Option<usize>) -> Result<()> {
        self.begin(DICT, len, |writer, len| writer.begin_object(len))
    }

    fn end(&mut self) -> Result<()> {
        self.open.pop();
        self.inner.end()
    }
}

/// Arguments for a Pyro 4 peer.
pub(crate) struct TranslatedArguments<'a>(pub(crate) &'a dyn Arguments);

impl Arguments for TranslatedArguments<'_> {
    fn positional(&self) -> usize {
        self.0.positional()
    }

    fn write_positional(&self, writer: &mut dyn Writer) -> Result<()> {
        self.0.write_positional(&mut Translating::new(writer))
    }

    fn keywords(&self) -> usize {
        self.0.keywords()
    }

    fn write_keywords(&self, writer: &mut dyn Writer) -> Result<()> {
        // The names of keywords stand where values would.
        self.0.write_keywords(&mut Translating::new(writer))
    }
}
