//! Calls: an object, a method, positional and keyword arguments, in the form that Pyro gives them in each format.

use std::borrow::Cow;

use bytes::Bytes;
use salamander_value::{Dict, Reader, Result, Token, Value, Writer, to_writer, write_value};
use serde::Serialize;

use crate::codec::Decoder;
use crate::generation::TranslatedArguments;
use crate::{Codec, Generation, Output, Settings};

/// What is called: the first two parts of an encoded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallHead<'de> {
    /// The id of the object.
    pub object: Cow<'de, str>,
    /// The name of the method.
    pub method: Cow<'de, str>,
}

/// The arguments of a call, to be written.
pub trait Arguments {
    /// How many positional arguments there are.
    fn positional(&self) -> usize;
    /// Writes just that many values.
    ///
    /// # Errors
    /// What the format cannot carry.
    fn write_positional(&self, writer: &mut dyn Writer) -> Result<()>;
    /// How many keyword arguments there are.
    fn keywords(&self) -> usize {
        0
    }
    /// Writes just that many pairs of a name and a value.
    ///
    /// # Errors
    /// What the format cannot carry.
    fn write_keywords(&self, _writer: &mut dyn Writer) -> Result<()> {
        Ok(())
    }
}

impl Codec {
    /// Opens an encoded call: what is called, and a reader that goes on to give the container of the positional arguments
    /// (a list or tuple), then the dict of the keyword arguments (or `None`).
    ///
    /// # Errors
    /// Whatever can be wrong with bytes from a peer.
    pub fn call_reader<'de>(
        self,
        body: &'de Bytes,
        settings: &'de Settings,
    ) -> Result<(CallHead<'de>, Decoder<'de>)> {
        let mut reader = self.plain_reader(body, settings);
        let head = match &mut reader {
            Decoder::Serpent(reader) => reader.open_call()?,
            Decoder::Marshal(reader) => reader.open_call()?,
            Decoder::Json(reader) => reader.open_call()?,
            Decoder::Msgpack(reader) => reader.open_call()?,
            Decoder::Pickle(reader) => reader.open_call()?,
            Decoder::XmlRpc(reader) => reader.open_call()?,
            Decoder::Yaml(reader) => reader.open_call()?,
            // Which no plain reader is.
            Decoder::Translated(_) => return Err(salamander_value::Error::malformed("a call inside of a call")),
        };
        Ok((head, reader.translated(settings)))
    }

    /// Appends an encoded call. After an error `out` is as it was before.
    ///
    /// # Errors
    /// What the format cannot carry, as Python's serializer refuses it.
    pub fn write_call(
        self,
        out: &mut Output,
        settings: &Settings,
        object: &str,
        method: &str,
        arguments: &dyn Arguments,
    ) -> Result<()> {
        let mark = out.mark();
        let translated = TranslatedArguments(arguments);
        let arguments: &dyn Arguments = match settings.generation {
            Generation::Pyro4 if !matches!(self, Codec::Pickle | Codec::XmlRpc | Codec::Yaml) => &translated,
            _ => arguments,
        };
        let done = match self {
            Codec::Serpent => crate::serpent::SerpentWriter::new(out, settings).call(object, method, arguments),
            Codec::Marshal => crate::marshal::MarshalWriter::new(out, settings).call(object, method, arguments),
            Codec::Json => crate::json::JsonWriter::new(out, settings).call(object, method, arguments),
            Codec::Msgpack => crate::msgpack::MsgpackWriter::new(out, settings).call(object, method, arguments),
            Codec::Pickle => crate::pickle::PickleWriter::new(out, settings).call(object, method, arguments),
            Codec::Yaml => crate::yaml::YamlWriter::new(out).call(object, method, arguments),
            Codec::XmlRpc => crate::xmlrpc::write_call_of(out, settings, object, method, arguments),
        };
        if done.is_err() {
            out.rewind(mark);
        }
        done
    }
}

/// The first two parts of a call that is a plain sequence: `(object, method, ...`. The sequence itself has been opened.
pub(crate) fn read_head<'de>(reader: &mut impl Reader<'de>) -> Result<CallHead<'de>> {
    let mut text = |what: &str| match reader.next()? {
        Token::Str(text) => Ok(text),
        other => Err(salamander_value::Error::malformed(format!(
            "a call's {what} should be a string, not {}",
            other.type_name()
        ))),
    };
    Ok(CallHead { object: text("object")?, method: text("method")? })
}

/// The parts of a call that is a plain sequence, which has been opened, and its end.
pub(crate) fn write_parts(
    writer: &mut impl Writer,
    object: &str,
    method: &str,
    arguments: &dyn Arguments,
) -> Result<()> {
    writer.str(object)?;
    writer.str(method)?;
    writer.begin_list(Some(arguments.positional()))?;
    arguments.write_positional(writer)?;
    writer.end()?;
    writer.begin_dict(Some(arguments.keywords()))?;
    arguments.write_keywords(writer)?;
    writer.end()?;
    writer.end()
}

macro_rules! tuples {
    ($($len:literal: $($name:ident $at:tt)*;)*) => {$(
        impl<$($name: Serialize),*> Arguments for ($($name,)*) {
            fn positional(&self) -> usize {
                $len
            }

            fn write_positional(&self, _writer: &mut dyn Writer) -> Result<()> {
                $(to_writer(&self.$at, _writer)?;)*
                Ok(())
            }
        }
    )*};
}
tuples! {
    0: ;
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 F 5;
    7: A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    8: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}

impl Arguments for [Value] {
    fn positional(&self) -> usize {
        self.len()
    }

    fn write_positional(&self, writer: &mut dyn Writer) -> Result<()> {
        self.iter().try_for_each(|value| write_value(value, writer))
    }
}

impl Arguments for Vec<Value> {
    fn positional(&self) -> usize {
        self.len()
    }

    fn write_positional(&self, writer: &mut dyn Writer) -> Result<()> {
        self[..].write_positional(writer)
    }
}

/// Positional and keyword arguments as values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    /// The positional arguments.
    pub positional: Vec<Value>,
    /// The keyword arguments by name.
    pub keywords: Dict,
}

impl Arguments for Args {
    fn positional(&self) -> usize {
        self.positional.len()
    }

    fn write_positional(&self, writer: &mut dyn Writer) -> Result<()> {
        self.positional[..].write_positional(writer)
    }

    fn keywords(&self) -> usize {
        self.keywords.len()
    }

    fn write_keywords(&self, writer: &mut dyn Writer) -> Result<()> {
        for (name, value) in self.keywords.iter() {
            write_value(name, writer)?;
            write_value(value, writer)?;
        }
        Ok(())
    }
}

impl<T: Arguments + ?Sized> Arguments for &T {
    fn positional(&self) -> usize {
        (**self).positional()
    }

    fn write_positional(&self, writer: &mut dyn Writer) -> Result<()> {
        (**self).write_positional(writer)
    }

    fn keywords(&self) -> usize {
        (**self).keywords()
    }

    fn write_keywords(&self, writer: &mut dyn Writer) -> Result<()> {
        (**self).write_keywords(writer)
    }
}
