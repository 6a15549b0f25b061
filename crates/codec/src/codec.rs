//! [`Codec`]: the formats by name and number, and the way into each.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use salamander_value::{
    Error, Kind, Reader, Result, Token, Value, Writer, from_reader, read_value, to_writer, write_value,
};
use serde::{Deserialize, Serialize};

use crate::{Output, json, marshal, msgpack, serpent};

/// One of the serialization formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Python literals as text; Pyro's default.
    #[default]
    Serpent,
    /// Python's own binary format for code objects, as far as it carries data.
    Marshal,
    /// JSON
    Json,
    /// MessagePack
    Msgpack,
}

/// What a codec is told, because it reads no environment itself.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// Serpent writes `bytes` as a literal instead of as base 64 (Pyro's `SERPENT_BYTES_REPR`). Both are always read.
    pub serpent_bytes_repr: bool,
    /// The time zone of this machine, by which msgpack's naive times are counted.
    pub zone: Zone,
    /// What is accepted from a peer.
    pub limits: Limits,
}

/// What is accepted from a peer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How deep containers may nest; a format that Python itself limits more strictly keeps to Python's limit.
    pub depth: usize,
    /// How many values one message may hold, shared ones counted each time, for each byte that it has.
    pub expansion: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 1000, expansion: 64 }
    }
}

/// The offset from UTC at a moment, in both directions, of the time zone of this machine.
#[derive(Clone, Default)]
pub struct Zone(Option<Arc<dyn ZoneRules>>);

/// What a [`Zone`] is made of.
pub trait ZoneRules: Send + Sync {
    /// Seconds east of UTC at this many seconds after 1970 began in UTC.
    fn offset_at_utc(&self, seconds: i64) -> i32;
    /// Seconds east of UTC where clocks show this many seconds after 1970 began; the earlier of two where the clock shows
    /// it twice.
    fn offset_at_civil(&self, seconds: i64) -> i32;
}

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone(None);

    /// A zone with these rules.
    pub fn new(rules: impl ZoneRules + 'static) -> Self {
        Self(Some(Arc::new(rules)))
    }

    /// Seconds east of UTC at a moment of UTC, counted from 1970.
    pub fn offset_at_utc(&self, seconds: i64) -> i32 {
        self.0.as_ref().map_or(0, |rules| rules.offset_at_utc(seconds))
    }

    /// Seconds east of UTC at a moment of local clocks, counted from 1970.
    pub fn offset_at_civil(&self, seconds: i64) -> i32 {
        self.0.as_ref().map_or(0, |rules| rules.offset_at_civil(seconds))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Zone(local)" } else { "Zone(UTC)" })
    }
}

impl Codec {
    /// All of them, in the order of their numbers.
    pub const ALL: [Codec; 4] = [Codec::Serpent, Codec::Marshal, Codec::Json, Codec::Msgpack];

    /// The number that Pyro's messages name it by.
    pub fn id(self) -> u8 {
        match self {
            Codec::Serpent => 1,
            Codec::Marshal => 2,
            Codec::Json => 3,
            Codec::Msgpack => 4,
        }
    }

    /// The codec of a number.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.id() == id)
    }

    /// The name in Pyro's `SERIALIZER` setting.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Serpent => "serpent",
            Codec::Marshal => "marshal",
            Codec::Json => "json",
            Codec::Msgpack => "msgpack",
        }
    }

    /// Reads the tokens of one encoded value.
    pub fn reader<'de>(self, bytes: &'de Bytes, settings: &'de Settings) -> Decoder<'de> {
        match self {
            Codec::Serpent => Decoder::Serpent(serpent::SerpentReader::new(bytes, settings)),
            Codec::Marshal => Decoder::Marshal(marshal::MarshalReader::new(bytes, settings)),
            Codec::Json => Decoder::Json(json::JsonReader::new(bytes, settings)),
            Codec::Msgpack => Decoder::Msgpack(msgpack::MsgpackReader::new(bytes, settings)),
        }
    }

    /// Lets `write` append one encoded value to `out`. After an error `out` is as it was before.
    ///
    /// # Errors
    /// Those of `write`, and what the format cannot carry.
    pub fn write(
        self,
        out: &mut Output,
        settings: &Settings,
        write: impl FnOnce(&mut dyn Writer) -> Result<()>,
    ) -> Result<()> {
        let mark = out.mark();
        let done = match self {
            Codec::Serpent => write(&mut serpent::SerpentWriter::document(out, settings)),
            Codec::Marshal => write(&mut marshal::MarshalWriter::new(out, settings)),
            Codec::Json => write(&mut json::JsonWriter::new(out, settings)),
            Codec::Msgpack => write(&mut msgpack::MsgpackWriter::new(out, settings)),
        };
        if done.is_err() {
            out.rewind(mark);
        }
        done
    }

    /// Encodes any serializable value.
    ///
    /// # Errors
    /// What the format cannot carry, as Python's serializer refuses it.
    pub fn encode<T: Serialize + ?Sized>(self, value: &T, settings: &Settings) -> Result<Vec<u8>> {
        let mut out = Output::new();
        self.write(&mut out, settings, |writer| to_writer(value, writer))?;
        Ok(out.into_vec())
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// What the format cannot carry, as Python's serializer refuses it.
    pub fn encode_value(self, value: &Value, settings: &Settings) -> Result<Vec<u8>> {
        let mut out = Output::new();
        self.write(&mut out, settings, |writer| write_value(value, writer))?;
        Ok(out.into_vec())
    }

    /// Decodes a value; nothing may follow it that the Python library refuses.
    ///
    /// # Errors
    /// Whatever can be wrong with bytes from a peer.
    pub fn decode_value(self, bytes: &Bytes, settings: &Settings) -> Result<Value> {
        // Each reader by its own type, not behind the trait: this is the inner loop.
        match self.reader(bytes, settings) {
            Decoder::Serpent(mut reader) => read_value(&mut reader).and_then(|value| reader.finish().map(|()| value)),
            Decoder::Marshal(mut reader) => read_value(&mut reader),
            Decoder::Json(mut reader) => read_value(&mut reader).and_then(|value| reader.finish().map(|()| value)),
            Decoder::Msgpack(mut reader) => read_value(&mut reader).and_then(|value| reader.finish().map(|()| value)),
        }
    }

    /// Decodes a value as a type of the user's own, which may borrow from `bytes`.
    ///
    /// # Errors
    /// As [`Codec::decode_value`], and where the value is of another type.
    pub fn decode<'de, T: Deserialize<'de>>(self, bytes: &'de Bytes, settings: &'de Settings) -> Result<T> {
        let mut reader = self.reader(bytes, settings);
        let value = from_reader(&mut reader)?;
        reader.finish().map(|()| value)
    }
}

/// The reader of one of the formats.
#[non_exhaustive]
pub enum Decoder<'de> {
    /// Reads serpent.
    #[doc(hidden)]
    Serpent(serpent::SerpentReader<'de>),
    /// Reads marshal.
    #[doc(hidden)]
    Marshal(marshal::MarshalReader<'de>),
    /// Reads JSON.
    #[doc(hidden)]
    Json(json::JsonReader<'de>),
    /// Reads msgpack.
    #[doc(hidden)]
    Msgpack(msgpack::MsgpackReader<'de>),
}

impl<'de> Decoder<'de> {
    /// Checks that nothing follows the value, where the Python library checks it.
    ///
    /// # Errors
    /// Where something follows.
    pub fn finish(&mut self) -> Result<()> {
        match self {
            Decoder::Serpent(reader) => reader.finish(),
            Decoder::Marshal(_) => Ok(()),
            Decoder::Json(reader) => reader.finish(),
            Decoder::Msgpack(reader) => reader.finish(),
        }
    }
}

impl<'de> Reader<'de> for Decoder<'de> {
    fn next(&mut self) -> Result<Token<'de>> {
        match self {
            Decoder::Serpent(reader) => reader.next(),
            Decoder::Marshal(reader) => reader.next(),
            Decoder::Json(reader) => reader.next(),
            Decoder::Msgpack(reader) => reader.next(),
        }
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        match self {
            Decoder::Serpent(reader) => reader.share(bytes),
            Decoder::Marshal(reader) => reader.share(bytes),
            Decoder::Json(reader) => reader.share(bytes),
            Decoder::Msgpack(reader) => reader.share(bytes),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Codec {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Codec::name).join(", ");
            Error::new(Kind::Unsupported, format!("unknown serializer '{name}'; known are {known}"))
        })
    }
}
