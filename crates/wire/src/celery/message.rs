//! [`Message`]: what every broker carries.

use bytes::Bytes;
use salamander_value::{Dict, Str, Value};

use super::{Compression, Decoding, Properties, Serializer};
use crate::WireError;

/// The header that names the compression.
pub(super) const COMPRESSION: &str = "compression";

/// A message: a body, and what is said of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The body, encoded, and compressed where the header `compression` says so.
    pub body: Bytes,
    /// What the body is, as `application/json`; empty where nothing was said.
    pub content_type: Str,
    /// Its character set, or `binary`.
    pub content_encoding: Str,
    /// The headers.
    pub headers: Dict,
    /// The properties.
    pub properties: Properties,
}

impl Message {
    /// A message of a body that this serializer made.
    pub fn new(body: impl Into<Bytes>, serializer: Serializer) -> Self {
        Self {
            body: body.into(),
            content_type: serializer.content_type().into(),
            content_encoding: serializer.content_encoding().into(),
            headers: Dict::new(),
            properties: Properties::default(),
        }
    }

    /// A text header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(Value::as_str)
    }

    /// The body as a value.
    ///
    /// # Errors
    /// A content type that is not taken, and a body that is too large or cannot be decoded.
    pub fn decode(&self, decoding: &Decoding) -> Result<Value, WireError> {
        let (serializer, body) = self.opened(decoding)?;
        serializer.decode(&body, &decoding.settings)
    }

    /// The body, decompressed, and what it is encoded by.
    ///
    /// # Errors
    /// A content type that is not taken, and a body that is too large or does not decompress.
    pub fn opened(&self, decoding: &Decoding) -> Result<(Serializer, Bytes), WireError> {
        let serializer = decoding.accept.check(&self.content_type)?;
        let (size, max) = (self.body.len(), decoding.max_size);
        if size > max {
            return Err(WireError::too_large(size as u64, max as u64));
        }
        match self.header(COMPRESSION) {
            None | Some("") => Ok((serializer, self.body.clone())),
            Some(name) => Compression::from_name(name)?.decompress(&self.body, max).map(|body| (serializer, body)),
        }
    }

    /// Compresses the body, and says so in the header `compression`.
    ///
    /// # Errors
    /// None that a body could cause.
    pub fn compress(&mut self, compression: Compression) -> Result<(), WireError> {
        self.body = compression.compress(&self.body)?;
        self.headers.insert(COMPRESSION, compression.content_type());
        Ok(())
    }
}
