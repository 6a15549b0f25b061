//! [`Serializer`]: kombu's serializers by name and by content type.

use std::fmt;

use bytes::Bytes;
use salamander_codec::{Codec, Output, Settings};
use salamander_value::{Value, Writer, write_value};

use crate::{WireError, WireErrorKind};

/// One of kombu's serializers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Serializer {
    /// `application/json`, with kombu's types beyond JSON's; the default
    #[default]
    Json,
    /// `application/x-msgpack`
    Msgpack,
    /// `application/x-yaml`
    Yaml,
    /// `application/x-python-serialize`, read as data
    Pickle,
    /// `application/data`: bytes as they are
    Raw,
    /// `text/plain`: text as it is
    Text,
}

impl Serializer {
    /// All of them.
    pub const ALL: [Serializer; 6] = [Self::Json, Self::Msgpack, Self::Yaml, Self::Pickle, Self::Raw, Self::Text];

    /// The name in Celery's settings, as `task_serializer`; of text, which has none there, the content type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Msgpack => "msgpack",
            Self::Yaml => "yaml",
            Self::Pickle => "pickle",
            Self::Raw => "raw",
            Self::Text => "text/plain",
        }
    }

    /// What messages name it by.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Msgpack => "application/x-msgpack",
            Self::Yaml => "application/x-yaml",
            Self::Pickle => "application/x-python-serialize",
            Self::Raw => "application/data",
            Self::Text => "text/plain",
        }
    }

    /// The encoding that messages name beside it.
    pub fn content_encoding(self) -> &'static str {
        match self {
            Self::Json | Self::Yaml | Self::Text => "utf-8",
            Self::Msgpack | Self::Pickle | Self::Raw => "binary",
        }
    }

    /// The serializer of a name.
    ///
    /// # Errors
    /// [`WireErrorKind::NotInstalled`]: kombu's `SerializerNotInstalled`.
    pub fn from_name(name: &str) -> Result<Self, WireError> {
        Self::ALL.into_iter().find(|serializer| serializer.name() == name).ok_or_else(|| {
            let message = format!("No encoder installed for {name}");
            WireError::of_class(WireErrorKind::NotInstalled, "kombu.exceptions.SerializerNotInstalled", message)
        })
    }

    /// The serializer of a content type; none of one that kombu hands on as bytes or text.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        match content_type {
            "" => Some(Self::Raw),
            _ => Self::ALL.into_iter().find(|serializer| serializer.content_type() == content_type),
        }
    }

    /// The codec of those that carry data.
    pub fn codec(self) -> Option<Codec> {
        match self {
            Self::Json => Some(Codec::Json),
            Self::Msgpack => Some(Codec::Msgpack),
            Self::Yaml => Some(Codec::Yaml),
            Self::Pickle => Some(Codec::Pickle),
            Self::Raw | Self::Text => None,
        }
    }

    /// The codec, where data is to be read or written.
    ///
    /// # Errors
    /// Those that carry no data.
    pub(crate) fn data_codec(self) -> Result<Codec, WireError> {
        self.codec().ok_or_else(|| WireError::undecodable(&format!("{self} carries no data")))
    }

    /// Encodes a value; bytes and text as themselves where that is what there is to carry.
    ///
    /// # Errors
    /// [`WireErrorKind::Encode`]: what the serializer refuses, as Python's does.
    pub fn encode(self, value: &Value, settings: &Settings) -> Result<Bytes, WireError> {
        match (self, value) {
            (Self::Raw | Self::Text, Value::Str(text)) => Ok(Bytes::copy_from_slice(text.as_bytes())),
            (Self::Raw, Value::Bytes(bytes) | Value::ByteArray(bytes)) => Ok(bytes.clone().into_bytes()),
            (Self::Raw | Self::Text, _) => {
                Err(WireError::unencodable(&format!("{self} cannot carry {}", value.type_name())))
            }
            _ => self.encode_with(settings, |writer| write_value(value, writer)),
        }
    }

    /// Encodes what `write` writes.
    ///
    /// # Errors
    /// [`WireErrorKind::Encode`]: what the serializer refuses, as Python's does.
    pub fn encode_with(
        self,
        settings: &Settings,
        write: impl FnOnce(&mut dyn Writer) -> salamander_value::Result<()>,
    ) -> Result<Bytes, WireError> {
        let codec = self.codec().ok_or_else(|| WireError::unencodable(&format!("{self} carries no data")))?;
        let mut out = Output::new();
        codec.write(&mut out, settings, write).map_err(|error| WireError::encode(&error))?;
        Ok(out.into_vec().into())
    }

    /// Decodes a value, as kombu's `loads`: nothing at all is an empty value of the type.
    ///
    /// # Errors
    /// [`WireErrorKind::Decode`]
    pub fn decode(self, bytes: &Bytes, settings: &Settings) -> Result<Value, WireError> {
        match self {
            Self::Raw => Ok(bytes.clone().into()),
            Self::Text => match str::from_utf8(bytes) {
                Ok(text) => Ok(text.into()),
                Err(_) => Err(WireError::undecodable("text that is not UTF-8")),
            },
            _ => self.data_codec()?.decode_value(bytes, settings).map_err(|error| WireError::decode(&error)),
        }
    }
}

impl fmt::Display for Serializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
