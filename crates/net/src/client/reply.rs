//! From a reply message to the result, the exception or the stream that it carries.

use salamander_codec::Codec;
use salamander_value::{Exception, Reader, Token, Value, from_value, read_into, read_rest};
use salamander_wire::pyro5::{AnnotationId, Annotations, Flags, Message};
use serde::de::DeserializeOwned;

use super::connection::Connection;
use crate::error::{Error, Result};

/// A reply that has come.
pub(crate) struct Reply {
    message: Message,
    codec: Codec,
}

impl Reply {
    /// Checks that the reply is in the codec of the request.
    pub(crate) fn new(message: Message, codec: Codec, connection: &Connection) -> Result<Self> {
        if connection.settings.dialect.codec(message.header.serializer) != Some(codec) {
            let id = message.header.serializer;
            return Err(Error::protocol(format!("invalid serializer in response: {id}")));
        }
        Ok(Self { message, codec })
    }

    /// The message as it came, and its codec.
    pub(crate) fn into_parts(self) -> (Message, Codec) {
        (self.message, self.codec)
    }

    pub(crate) fn annotations(&self) -> &Annotations {
        &self.message.annotations
    }

    /// The result as the type that is asked for.
    pub(crate) fn result<T: DeserializeOwned>(&self, connection: &Connection) -> Result<T> {
        let flags = self.message.flags();
        if flags.contains(Flags::ITEM_STREAM_RESULT) {
            return Err(Error::misuse("the result is a stream of items: call the method with `stream`"));
        }
        if flags.contains(Flags::EXCEPTION) {
            return Err(self.exception(connection));
        }
        let settings = &connection.settings.dialect.codec_settings;
        self.codec.decode(&self.message.body, settings).map_err(unreadable)
    }

    /// Whether the result is a stream of items.
    pub(crate) fn is_stream(&self) -> bool {
        self.message.flags().contains(Flags::ITEM_STREAM_RESULT)
    }

    /// The id of the stream that the result is.
    pub(crate) fn stream_id(&self, connection: &Connection) -> Result<String> {
        let flags = self.message.flags();
        if !flags.contains(Flags::ITEM_STREAM_RESULT) {
            if flags.contains(Flags::EXCEPTION) {
                return Err(self.exception(connection));
            }
            return Err(Error::misuse("the result is no stream of items: call the method with `call`"));
        }
        match self.message.annotations.get(AnnotationId::STREAM) {
            Some(id) if !id.is_empty() => {
                String::from_utf8(id.to_vec()).map_err(|_| Error::protocol("the id of the item stream is no text"))
            }
            _ => Err(Error::protocol(
                "result of call is an iterator, but the server is not configured to allow streaming",
            )),
        }
    }

    /// Whether this is an exception.
    pub(crate) fn is_exception(&self) -> bool {
        self.message.flags().contains(Flags::EXCEPTION)
    }

    /// The results of a batch, or the items of a stream: each a value or an exception that stands among them.
    pub(crate) fn each<T: DeserializeOwned>(&self, connection: &Connection) -> Result<Vec<Result<T>>> {
        if self.is_exception() {
            return Err(self.exception(connection));
        }
        let settings = &connection.settings.dialect.codec_settings;
        let mut reader = self.codec.reader(&self.message.body, settings);
        match reader.next().map_err(unreadable)? {
            Token::List(_) | Token::Tuple(_) => {}
            other => return Err(Error::protocol(format!("a list of results is a {}", other.type_name()))),
        }
        let mut results = Vec::new();
        loop {
            match reader.next().map_err(unreadable)? {
                Token::End => return Ok(results),
                // A dict may stand for an exception among the results.
                token @ Token::Dict(_) => {
                    let value = read_rest(&mut reader, token).map_err(unreadable)?;
                    results.push(match wrapped_exception(&value) {
                        Some(exception) => Err(exception.into()),
                        None => from_value(&value).map_err(Error::from),
                    });
                }
                token => results.push(read_into(&mut reader, token).map_err(Error::from)),
            }
        }
    }

    fn exception(&self, connection: &Connection) -> Error {
        let settings = &connection.settings.dialect.codec_settings;
        exception(self.codec, self.codec.decode_value(&self.message.body, settings))
    }
}

#[cold]
fn unreadable(error: salamander_value::Error) -> Error {
    error.into()
}

fn exception(codec: Codec, value: Result<Value, salamander_value::Error>) -> Error {
    match value {
        Ok(Value::Exception(exception)) => (*exception).into(),
        Ok(Value::Object(object)) => Error::protocol(format!("unsupported serialized class: {}", object.class())),
        Ok(other) => Error::protocol(format!("an exception that is a {}: {other}", other.type_name())),
        Err(error) => Error::protocol(format!("an exception that cannot be read as {codec}: {error}")),
    }
}

/// The exception that stands among the results of a batch.
fn wrapped_exception(value: &Value) -> Option<Exception> {
    let Value::Object(object) = value else { return None };
    if object.class() != "Pyro5.core._ExceptionWrapper" {
        return None;
    }
    match object.fields().get("exception") {
        Some(Value::Exception(exception)) => Some((**exception).clone()),
        other => Some(Exception::pyro("PyroError", format!("an exception that is none: {other:?}"))),
    }
}
