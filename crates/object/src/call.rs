//! [`Call`] and [`Outcome`]: a call as a thing of its own, for layers and for places that are not here.

use bytes::Bytes;
use salamander_codec::{Args, Codec, Settings};
use salamander_value::{Exception, Result, Str, Value};

use crate::{CallContext, Format, Items};

/// A call: an envelope that names an object and a method, with arguments that may still be encoded.
#[derive(Clone, Debug)]
pub struct Call {
    /// The id of the object.
    pub object: Str,
    /// The name of the method.
    pub method: Str,
    /// The arguments.
    pub arguments: Payload,
    /// What travels with it.
    pub context: CallContext,
    /// How the result is to be encoded.
    pub format: Format,
}

/// Arguments, as they came or as values.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The whole encoded call; its head is skipped.
    Encoded(Encoded),
    /// Positional and keyword arguments.
    Values(Args),
}

/// Encoded data and the codec that it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The codec.
    pub codec: Codec,
    /// The data.
    pub bytes: Bytes,
}

impl Encoded {
    /// The value.
    ///
    /// # Errors
    /// Whatever can be wrong with the bytes.
    pub fn decode(&self, settings: &Settings) -> Result<Value> {
        self.codec.decode_value(&self.bytes, settings)
    }
}

/// What a call gave.
#[derive(Debug)]
pub enum Outcome {
    /// A result.
    Value(Encoded),
    /// An exception.
    Exception(Exception),
    /// A stream of items.
    Stream(Items),
}
