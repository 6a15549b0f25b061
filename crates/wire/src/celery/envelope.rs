//! The envelope: a message as one document, as kombu's transports without AMQP carry it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use salamander_codec::{Codec, Output, base64_as_python};
use salamander_value::{
    Error, Reader, Result, Str, Token, Value, ValueReader, ValueWriter, Writer, read_rest, skip_value,
};

use super::options::plain;
use super::properties::write_entries;
use super::{Message, Properties};
use crate::WireError;

const BASE64: &str = "base64";

impl Message {
    /// The envelope, in JSON: what stands in a list of Redis.
    ///
    /// # Errors
    /// Headers and properties that JSON cannot carry.
    ///
    /// # Wire
    /// kombu's `virtual` transport; the body is in base 64.
    pub fn to_envelope(&self) -> std::result::Result<Bytes, WireError> {
        let mut out = Output::new();
        out.reserve(1024 + self.body.len() * 4 / 3);
        self.write_envelope(&mut out)?;
        Ok(out.into_vec().into())
    }

    /// The same, appended to what is there; after an error `out` is as it was before.
    ///
    /// # Errors
    /// As [`Message::to_envelope`].
    pub fn write_envelope(&self, out: &mut Output) -> std::result::Result<(), WireError> {
        Codec::Json.write(out, plain(), |writer| self.write(writer)).map_err(|error| WireError::encode(&error))
    }

    /// The message of an envelope in JSON.
    ///
    /// # Errors
    /// Where it is none.
    pub fn from_envelope(bytes: &Bytes) -> std::result::Result<Self, WireError> {
        let mut reader = Codec::Json.reader(bytes, plain());
        let read = Self::read(&mut reader).and_then(|message| reader.finish().map(|()| message));
        read.map_err(|error| WireError::decode(&error))
    }

    /// The envelope as a value: what kombu's Pyro transport hands over.
    pub fn to_value(&self) -> Value {
        let mut writer = ValueWriter::default();
        // Nothing that a value could not hold.
        self.write(&mut writer).and_then(|()| writer.into_value()).unwrap_or_default()
    }

    /// The message of an envelope that is a value.
    ///
    /// # Errors
    /// Where it is none.
    pub fn from_value(value: &Value) -> std::result::Result<Self, WireError> {
        Self::read(&mut ValueReader::new(value)).map_err(|error| WireError::decode(&error))
    }

    /// Writes the envelope.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write<W: Writer + ?Sized>(&self, writer: &mut W) -> Result<()> {
        writer.begin_dict(Some(5))?;
        writer.str("body")?;
        writer.str(&STANDARD.encode(&self.body))?;
        for (name, text) in [("content-encoding", &self.content_encoding), ("content-type", &self.content_type)] {
            writer.str(name)?;
            if text.is_empty() { writer.none()? } else { writer.str(text)? }
        }
        writer.str("headers")?;
        writer.begin_dict(Some(self.headers.len()))?;
        write_entries(&self.headers, writer)?;
        writer.end()?;
        writer.str("properties")?;
        self.properties.write(writer, Some(BASE64))?;
        writer.end()
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// Those of the reader, and what is no envelope.
    pub fn read<'de, R: Reader<'de> + ?Sized>(reader: &mut R) -> Result<Self> {
        match reader.next()? {
            Token::Dict(_) => {}
            other => return Err(Error::expected("an envelope", other.type_name())),
        }
        let mut message = Self::default();
        let mut body = Token::None;
        let mut encoding = None;
        let mut properties = false;
        loop {
            let name = match reader.next()? {
                Token::End => break,
                Token::Str(name) => name,
                other => return Err(Error::expected("a name in an envelope", other.type_name())),
            };
            let value = reader.next()?;
            match (&*name, value) {
                ("body", value @ (Token::Str(_) | Token::Bytes(_) | Token::ByteArray(_) | Token::None)) => {
                    body = value
                }
                ("content-type", value) => message.content_type = text(value)?,
                ("content-encoding", value) => message.content_encoding = text(value)?,
                ("headers", Token::None) => {}
                ("headers", value @ Token::Dict(_)) => {
                    if let Value::Dict(headers) = plain_dict(read_rest(reader, value)?) {
                        message.headers = *headers;
                    }
                }
                ("properties", Token::Dict(_)) => {
                    (message.properties, encoding) = read_properties(reader)?;
                    properties = true;
                }
                ("body" | "headers" | "properties", other) => {
                    return Err(Error::expected("an envelope", &format!("a {name} that is {}", other.type_name())));
                }
                // What kombu drops as well.
                (_, value) => skip_value(reader, &value)?,
            }
        }
        if !properties {
            return Err(Error::malformed("an envelope without properties").as_class("builtins.KeyError"));
        }
        message.body = decoded(body, encoding.as_deref())?;
        Ok(message)
    }
}

fn text(token: Token<'_>) -> Result<Str> {
    match token {
        Token::Str(text) => Ok(text.into()),
        Token::None => Ok(Str::default()),
        other => Err(Error::expected("text", other.type_name())),
    }
}

/// A dict that names a class is a dict of headers all the same.
fn plain_dict(value: Value) -> Value {
    match value {
        Value::Object(object) => object.into_fields().into(),
        Value::Exception(exception) => exception.to_dict().into(),
        value => value,
    }
}

fn read_properties<'de, R: Reader<'de> + ?Sized>(reader: &mut R) -> Result<(Properties, Option<Cow<'de, str>>)> {
    let mut properties = Properties::default();
    let mut encoding = None;
    loop {
        let name = match reader.next()? {
            Token::End => return Ok((properties, encoding)),
            Token::Str(name) => name,
            other => return Err(Error::expected("the name of a property", other.type_name())),
        };
        match (&*name, reader.next()?) {
            ("body_encoding", Token::Str(name)) => encoding = Some(name),
            (_, value) => properties.put(&name, plain_dict(read_rest(reader, value)?)),
        }
    }
}

fn decoded(body: Token<'_>, encoding: Option<&str>) -> Result<Bytes> {
    match (body, encoding) {
        (Token::Str(text), Some(BASE64)) => base64_as_python(&text).map(Bytes::from),
        (Token::Bytes(text) | Token::ByteArray(text), Some(BASE64)) => {
            base64_as_python(&String::from_utf8_lossy(&text)).map(Bytes::from)
        }
        (Token::Str(text), None | Some("")) => Ok(text.into_owned().into_bytes().into()),
        (Token::Bytes(bytes) | Token::ByteArray(bytes), None | Some("")) => Ok(bytes.into_owned().into()),
        (Token::Str(_) | Token::Bytes(_) | Token::ByteArray(_), Some(other)) => {
            Err(Error::malformed(format!("unknown encoding of a body: {other}")))
        }
        _ => Ok(Bytes::new()),
    }
}
