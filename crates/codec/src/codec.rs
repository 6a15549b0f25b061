//! [`Codec`]: the formats by name and number, and the way into each.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use salamander_value::{
    Dict, Error, Kind, Reader, Result, Token, Value, Writer, from_reader, read_value, to_writer, write_value,
};
use serde::{Deserialize, Serialize};

use crate::generation::{Translated, Translating};
use crate::{Classes, Generation, Output, json, marshal, msgpack, pickle, serpent, xmlrpc, yaml};

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
    /// Python's own format for objects, read as data; Pyro 4 alone has it
    Pickle,
    /// XML-RPC, which is no serializer of Pyro's
    XmlRpc,
    /// YAML, which is none either
    Yaml,
}

/// What a codec is told, because it reads no environment itself.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// Serpent writes `bytes` as a literal instead of as base 64 (Pyro's `SERPENT_BYTES_REPR`). Both are always read.
    pub serpent_bytes_repr: bool,
    /// JSON is written for those who do not know Pyro: nothing is refused that can be said in plain JSON, and nothing is written
    /// that is not. Bytes become base 64, times text in the form of ISO 8601, time deltas seconds, tuples and sets arrays, NaN and
    /// infinities `null`; keys of dicts become text where they are numbers, dates or the like.
    pub plain_json: bool,
    /// JSON and msgpack are what kombu's serializers write and read: JSON in ASCII, in which dicts of `__type__` and `__value__` stand for
    /// dates, times, decimals, UUIDs and bytes; what Python's `json` and `msgpack` refuse by themselves is refused. Dicts with
    /// `__class__` are dicts.
    pub kombu: bool,
    /// The time zone of this machine, by which msgpack's naive times are counted.
    pub zone: Zone,
    /// The generation of Pyro that the peer is of, which has its own names for Pyro's classes.
    pub generation: Generation,
    /// The peer knows nothing of Pyro: pickle refuses instances of Pyro's classes, both ways.
    pub without_pyro: bool,
    /// What is accepted from a peer.
    pub limits: Limits,
    /// What becomes of instances of classes.
    pub classes: Classes,
    /// What XML-RPC writes beyond its specification.
    pub xmlrpc: xmlrpc::Options,
}

/// What is accepted from a peer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How deep containers may nest; a format that Python itself limits more strictly keeps to Python's limit.
    pub depth: usize,
    /// How many values one message may hold, shared ones counted each time, for each byte that it has.
    pub expansion: usize,
    /// How many values one message may hold beyond one for each byte, which only what is shared can come to.
    pub shared: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 1000, expansion: 64, shared: 4 << 20 }
    }
}

impl Limits {
    /// However short a message is, it may hold so many values.
    const LEAST: usize = 4096;

    /// How many values a message of so many bytes may hold, what is shared counted each time.
    pub(crate) fn values(&self, bytes: usize) -> usize {
        bytes.saturating_mul(self.expansion).max(Self::LEAST).min(bytes.saturating_add(self.shared))
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
    /// Those that Pyro 5 has, in the order of their numbers there.
    pub const PYRO5: [Codec; 4] = [Codec::Serpent, Codec::Marshal, Codec::Json, Codec::Msgpack];

    /// All of Pyro's, which are those that Pyro 4 has.
    pub const ALL: [Codec; 5] = [Codec::Serpent, Codec::Marshal, Codec::Json, Codec::Msgpack, Codec::Pickle];

    /// The number that messages of Pyro 5 name it by; 0 for those that it does not have.
    pub fn id(self) -> u8 {
        self.id_in(Generation::Pyro5).unwrap_or(0)
    }

    /// The codec of a number of Pyro 5.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::from_id_in(Generation::Pyro5, id)
    }

    /// The number that messages of a generation name it by, if it has it.
    pub fn id_in(self, generation: Generation) -> Option<u8> {
        match (generation, self) {
            (_, Codec::Serpent) => Some(1),
            (Generation::Pyro5, Codec::Marshal) => Some(2),
            (Generation::Pyro5, Codec::Json) => Some(3),
            (Generation::Pyro5, Codec::Msgpack) => Some(4),
            (Generation::Pyro5, Codec::Pickle) => None,
            (Generation::Pyro4, Codec::Json) => Some(2),
            (Generation::Pyro4, Codec::Marshal) => Some(3),
            (Generation::Pyro4, Codec::Pickle) => Some(4),
            (Generation::Pyro4, Codec::Msgpack) => Some(6),
            (_, Codec::XmlRpc | Codec::Yaml) => None,
        }
    }

    /// The codec of a number of this generation.
    pub fn from_id_in(generation: Generation, id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.id_in(generation) == Some(id))
    }

    /// The name in Pyro's `SERIALIZER` setting.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Serpent => "serpent",
            Codec::Marshal => "marshal",
            Codec::Json => "json",
            Codec::Msgpack => "msgpack",
            Codec::Pickle => "pickle",
            Codec::XmlRpc => "xmlrpc",
            Codec::Yaml => "yaml",
        }
    }

    /// Reads the tokens of one encoded value.
    pub fn reader<'de>(self, bytes: &'de Bytes, settings: &'de Settings) -> Decoder<'de> {
        self.plain_reader(bytes, settings).translated(settings)
    }

    /// The same with the names of Pyro's classes as they come.
    pub(crate) fn plain_reader<'de>(self, bytes: &'de Bytes, settings: &'de Settings) -> Decoder<'de> {
        match self {
            Codec::Serpent => Decoder::Serpent(serpent::SerpentReader::new(bytes, settings)),
            Codec::Marshal => Decoder::Marshal(marshal::MarshalReader::new(bytes, settings)),
            Codec::Json => Decoder::Json(json::JsonReader::new(bytes, settings)),
            Codec::Msgpack => Decoder::Msgpack(msgpack::MsgpackReader::new(bytes, settings)),
            Codec::Pickle => Decoder::Pickle(pickle::PickleReader::new(bytes, settings)),
            Codec::XmlRpc => Decoder::XmlRpc(xmlrpc::XmlRpcReader::new(bytes, settings)),
            Codec::Yaml => Decoder::Yaml(yaml::YamlReader::new(bytes, settings)),
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
        let write = |writer: &mut dyn Writer| match settings.generation {
            // Pickle has its own names, and those that are not Pyro's have none.
            Generation::Pyro4 if !matches!(self, Codec::Pickle | Codec::XmlRpc | Codec::Yaml) => {
                write(&mut Translating::new(writer))
            }
            _ => write(writer),
        };
        let done = match self {
            Codec::Serpent => write(&mut serpent::SerpentWriter::document(out, settings)),
            Codec::Marshal => write(&mut marshal::MarshalWriter::new(out, settings)),
            Codec::Json => write(&mut json::JsonWriter::new(out, settings)),
            Codec::Msgpack => write(&mut msgpack::MsgpackWriter::new(out, settings)),
            Codec::Pickle => {
                let mut writer = pickle::PickleWriter::new(out, settings);
                write(&mut writer).map(|()| writer.finish())
            }
            Codec::XmlRpc => write(&mut xmlrpc::XmlRpcWriter::new(out, settings)),
            Codec::Yaml => write(&mut yaml::YamlWriter::new(out)),
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
            Decoder::Pickle(mut reader) => read_value(&mut reader),
            Decoder::XmlRpc(mut reader) => read_value(&mut reader).and_then(|value| reader.finish().map(|()| value)),
            Decoder::Yaml(mut reader) => read_value(&mut reader),
            Decoder::Translated(mut reader) => {
                read_value(&mut reader).and_then(|value| reader.finish().map(|()| value))
            }
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
    /// Reads pickle.
    #[doc(hidden)]
    Pickle(pickle::PickleReader<'de>),
    /// Reads XML-RPC.
    #[doc(hidden)]
    XmlRpc(xmlrpc::XmlRpcReader<'de>),
    /// Reads YAML.
    #[doc(hidden)]
    Yaml(yaml::YamlReader<'de>),
    /// Reads any of them from a peer that has other names for Pyro's classes.
    #[doc(hidden)]
    Translated(Translated<'de>),
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
            Decoder::Pickle(_) => Ok(()),
            Decoder::XmlRpc(reader) => reader.finish(),
            Decoder::Yaml(_) => Ok(()),
            Decoder::Translated(reader) => reader.finish(),
        }
    }

    /// With our names for Pyro's classes.
    pub(crate) fn translated(self, settings: &Settings) -> Self {
        match (&self, settings.generation) {
            // Pickle has its own table of classes.
            (Decoder::Pickle(_) | Decoder::XmlRpc(_) | Decoder::Yaml(_), _) | (_, Generation::Pyro5) => self,
            (_, Generation::Pyro4) => Decoder::Translated(Translated::new(self)),
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
            Decoder::Pickle(reader) => reader.next(),
            Decoder::XmlRpc(reader) => reader.next(),
            Decoder::Yaml(reader) => reader.next(),
            Decoder::Translated(reader) => reader.next(),
        }
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        match self {
            Decoder::Serpent(reader) => reader.share(bytes),
            Decoder::Marshal(reader) => reader.share(bytes),
            Decoder::Json(reader) => reader.share(bytes),
            Decoder::Msgpack(reader) => reader.share(bytes),
            Decoder::Pickle(reader) => reader.share(bytes),
            Decoder::XmlRpc(reader) => reader.share(bytes),
            Decoder::Yaml(reader) => reader.share(bytes),
            Decoder::Translated(reader) => reader.share(bytes),
        }
    }

    fn instance(&self, dict: Dict) -> Result<Value> {
        match self {
            Decoder::Serpent(reader) => reader.instance(dict),
            Decoder::Marshal(reader) => reader.instance(dict),
            Decoder::Json(reader) => reader.instance(dict),
            Decoder::Msgpack(reader) => reader.instance(dict),
            Decoder::Pickle(reader) => reader.instance(dict),
            Decoder::XmlRpc(reader) => reader.instance(dict),
            Decoder::Yaml(reader) => reader.instance(dict),
            Decoder::Translated(reader) => reader.instance(dict),
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
