//! [`TaskBody`]: a task's arguments, encoded, and what is embedded beside them.

use std::borrow::Cow;

use bytes::Bytes;
use salamander_codec::{Args, Arguments, Decoder, Settings};
use salamander_value::{Dict, Reader, Token, Value, Writer, read_value, skip_value, write_value};

use super::{Rest, Serializer};
use crate::WireError;

/// The body of a task's message, in protocol 2: `[args, kwargs, embed]`, encoded and not compressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskBody {
    /// By which it is encoded.
    pub serializer: Serializer,
    /// The encoded body.
    pub bytes: Bytes,
}

/// What a task leads to. Signatures are carried through as they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embed {
    /// Signatures of tasks to be called with the result: a list, or none.
    pub callbacks: Value,
    /// Signatures of tasks to be called when it fails: a list, or none.
    pub errbacks: Value,
    /// The signatures of the tasks that follow, the next one last: a list, or none.
    pub chain: Value,
    /// What stands before those, as it came; see [`TaskBody::checked_embed`].
    pub rest: Option<Rest>,
    /// The signature that waits for the whole group, or none.
    pub chord: Value,
    /// Everything else.
    pub other: Dict,
}

/// How most bodies in JSON end.
const NOTHING_EMBEDDED: &[u8] = br#"{"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#;

impl TaskBody {
    /// Encodes arguments and what is embedded.
    ///
    /// # Errors
    /// What the serializer refuses, as Python's does.
    pub fn encode(
        serializer: Serializer,
        arguments: &dyn Arguments,
        embed: &Embed,
        settings: &Settings,
    ) -> Result<Self, WireError> {
        let joined;
        let mut embed = embed;
        if embed.rest.is_some() && !embed.leaves_rest_its_place(serializer) {
            let chain = Value::List(embed.whole_chain(settings)?.into_owned());
            joined = Embed { chain, rest: None, ..embed.clone() };
            embed = &joined;
        }
        let mut bytes = serializer.encode_with(settings, |writer| {
            writer.begin_tuple(Some(3))?;
            writer.begin_tuple(Some(arguments.positional()))?;
            arguments.write_positional(writer)?;
            writer.end()?;
            writer.begin_dict(Some(arguments.keywords()))?;
            arguments.write_keywords(writer)?;
            writer.end()?;
            embed.write(writer)?;
            writer.end()
        })?;
        if let Some(rest) = &embed.rest {
            let without = || WireError::unencodable("there is no place for the rest of a chain");
            bytes = rest.attach(&bytes).ok_or_else(without)?;
        }
        Ok(Self { serializer, bytes })
    }

    /// A reader that stands before the arguments: it gives the container of the positional ones (a list or tuple), and then the dict of
    /// the keyword arguments (or `None`), as [`Codec::call_reader`](salamander_codec::Codec::call_reader) does for calls.
    ///
    /// # Errors
    /// What does not begin as a body does.
    pub fn arguments<'de>(&'de self, settings: &'de Settings) -> Result<Decoder<'de>, WireError> {
        let mut reader = self.serializer.data_codec()?.reader(&self.bytes, settings);
        match reader.next().map_err(|error| WireError::decode(&error))? {
            Token::List(_) | Token::Tuple(_) => Ok(reader),
            other => Err(wrong(other.type_name())),
        }
    }

    /// The arguments as values.
    ///
    /// # Errors
    /// Whatever can be wrong with the body; `InvalidTaskError` where the arguments are no list or the keywords no dict.
    pub fn decode(&self, settings: &Settings) -> Result<Args, WireError> {
        let mut reader = self.arguments(settings)?;
        let mut next = || read_value(&mut reader).map_err(|error| WireError::decode(&error));
        let (positional, keywords) = (next()?, next()?);
        let positional = match positional {
            Value::List(items) | Value::Tuple(items) => items,
            _ => return Err(WireError::invalid_task("Task arguments must be a list")),
        };
        let keywords = match keywords {
            Value::Dict(dict) => *dict,
            Value::None => Dict::new(),
            _ => return Err(WireError::invalid_task("Task keyword arguments must be a mapping")),
        };
        Ok(Args { positional, keywords })
    }

    /// What is embedded, once all of the body has been read and found to be well formed. Of a long chain in JSON only the next task has been
    /// read as well; the others are in [`Embed::rest`].
    ///
    /// # Errors
    /// Whatever can be wrong with the body.
    pub fn checked_embed(&self, settings: &Settings) -> Result<Embed, WireError> {
        if self.serializer == Serializer::Json && self.bytes.ends_with(NOTHING_EMBEDDED) {
            let mut reader = self.arguments(settings)?;
            let mut skip = || {
                for _ in 0..3 {
                    let first = reader.next()?;
                    skip_value(&mut reader, &first)?;
                }
                match reader.next()? {
                    Token::End => reader.finish(),
                    other => Err(salamander_value::Error::expected("a body of three parts", other.type_name())),
                }
            };
            return skip().map(|()| Embed::default()).map_err(|error| WireError::decode(&error));
        }
        if self.serializer == Serializer::Json
            && let Some((rest, bytes)) = Rest::detach(&self.bytes)
        {
            let embed = Self { serializer: self.serializer, bytes }.embed(settings)?;
            return Ok(Embed { rest: Some(rest), ..embed });
        }
        self.embed(settings)
    }

    /// What is embedded.
    ///
    /// # Errors
    /// Whatever can be wrong with the body, all of which is read.
    pub fn embed(&self, settings: &Settings) -> Result<Embed, WireError> {
        if self.serializer == Serializer::Json && self.bytes.ends_with(NOTHING_EMBEDDED) {
            return Ok(Embed::default());
        }
        let mut reader = self.arguments(settings)?;
        let mut read = || {
            for _ in 0..2 {
                let first = reader.next()?;
                skip_value(&mut reader, &first)?;
            }
            let embed = read_value(&mut reader)?;
            match reader.next()? {
                Token::End => reader.finish().map(|()| embed),
                other => Err(salamander_value::Error::expected("a body of three parts", other.type_name())),
            }
        };
        match read().map_err(|error| WireError::decode(&error))? {
            Value::Dict(dict) => Ok(Embed::from(*dict)),
            Value::None => Ok(Embed::default()),
            other => Err(wrong(other.type_name())),
        }
    }
}

#[cold]
fn wrong(got: &str) -> WireError {
    WireError::invalid_task(&format!("the body of a task should be [args, kwargs, embed], not {got}"))
}

impl Embed {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        let Self { callbacks, errbacks, chain, rest, chord, .. } = self;
        rest.is_none() && [callbacks, errbacks, chain, chord].iter().all(|part| !part.truth())
    }

    /// The signatures of the tasks that follow, the next one last, with those that were not read yet.
    ///
    /// # Errors
    /// What of these is no JSON.
    pub fn whole_chain(&self, settings: &Settings) -> Result<Cow<'_, [Value]>, WireError> {
        let known = self.chain.as_slice().unwrap_or_default();
        let Some(rest) = &self.rest else { return Ok(Cow::Borrowed(known)) };
        let mut whole = rest.decode(settings)?;
        whole.extend_from_slice(known);
        Ok(Cow::Owned(whole))
    }

    /// Whether the rest of a chain can be put where it belongs without being read.
    fn leaves_rest_its_place(&self, serializer: Serializer) -> bool {
        let empty = self.chain.as_slice().is_none_or(<[Value]>::is_empty);
        serializer == Serializer::Json && empty && self.chord.is_none() && self.other.is_empty()
    }

    fn write(&self, writer: &mut dyn Writer) -> salamander_value::Result<()> {
        writer.begin_dict(Some(4 + self.other.len()))?;
        // The rest has its place in a list.
        let empty = Value::List(Vec::new());
        let chain = if self.rest.is_some() { &empty } else { &self.chain };
        for (name, value) in
            [("callbacks", &self.callbacks), ("errbacks", &self.errbacks), ("chain", chain), ("chord", &self.chord)]
        {
            writer.str(name)?;
            write_value(value, writer)?;
        }
        super::properties::write_entries(&self.other, writer)?;
        writer.end()
    }
}

impl From<Dict> for Embed {
    fn from(dict: Dict) -> Self {
        let mut embed = Self::default();
        for (name, value) in dict {
            match name.as_str() {
                Some("callbacks") => embed.callbacks = value,
                Some("errbacks") => embed.errbacks = value,
                Some("chain") => embed.chain = value,
                Some("chord") => embed.chord = value,
                _ => _ = embed.other.insert_value(name, value),
            }
        }
        embed
    }
}
