//! [`SerializedBlob`]: an argument that stays encoded on its way, for those who only pass it on.

use bytes::Bytes;
use salamander_codec::{Codec, Settings};
use salamander_object::Encoded;
use salamander_value::{Dict, Exception, Object, Value, from_value, to_value};
use salamander_wire::pyro5::{AnnotationId, Annotations};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::zone;

/// Data that is decoded only by who wants to; as the only argument of a call ([`Proxy::call_blob`](crate::Proxy::call_blob)), and as
/// the parameter of a method.
///
/// Beside it stands a small `info`, by which a dispatcher knows where to send it. A blob that was received is passed on as it
/// came.
///
/// # Wire
/// Pyro 502: the flag `KEEPSERIALIZED`, and info, object and method in the annotation `BLBI`. A blob is passed on in the serializer in which it
/// came, whatever that of the proxy is; its data is encoded anew only for a daemon whose generation of Pyro has no such serializer.
#[derive(Clone, Debug)]
pub struct SerializedBlob {
    info: Value,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Value(Value),
    /// The whole encoded call as it came.
    Encoded(Encoded),
}

/// The class by which a blob is known on its way from a message to a method.
const CLASS: &str = "Pyro5.core.SerializedBlob";

/// The annotation that says what a blob is for.
const ANNOTATION: AnnotationId = AnnotationId::BLOB_INFO;

impl SerializedBlob {
    /// A blob of this data.
    ///
    /// # Errors
    /// For data that serde cannot express.
    pub fn new(info: impl Into<Value>, data: impl Serialize) -> Result<Self> {
        Ok(Self { info: info.into(), content: Content::Value(to_value(&data)?) })
    }

    /// What stands beside the data.
    pub fn info(&self) -> &Value {
        &self.info
    }

    /// The data.
    ///
    /// # Errors
    /// Where it cannot be decoded, or is of another type.
    pub fn deserialized<T: DeserializeOwned>(&self) -> Result<T> {
        let encoded = match &self.content {
            Content::Value(value) => return Ok(from_value(value)?),
            Content::Encoded(encoded) => encoded,
        };
        let call = encoded.codec.decode_value(&encoded.bytes, &zone::here())?;
        let data = match call.as_slice() {
            Some([_, _, data, ..]) => Some(data),
            _ => call.get("params"),
        };
        Ok(from_value(data.ok_or_else(|| Error::protocol("a blob that holds no call"))?)?)
    }

    /// The codec in which it has to be sent, if it is encoded already.
    pub(crate) fn codec(&self) -> Option<Codec> {
        match &self.content {
            Content::Value(_) => None,
            Content::Encoded(encoded) => Some(encoded.codec),
        }
    }

    /// The body of a call with this blob.
    pub(crate) fn body(&self, codec: Codec, settings: &Settings, object: &str, method: &str) -> Result<Bytes> {
        let data = match &self.content {
            Content::Encoded(encoded) if encoded.codec == codec => return Ok(encoded.bytes.clone()),
            Content::Encoded(_) => self.deserialized()?,
            Content::Value(data) => data.clone(),
        };
        let (object, method, keywords) = (Value::from(object), Value::from(method), Value::from(Dict::new()));
        let call = match codec {
            Codec::Json => Value::from(Dict::from_iter([
                ("object", object),
                ("method", method),
                ("params", data),
                ("kwargs", keywords),
            ])),
            _ => Value::Tuple(vec![object, method, data, keywords]),
        };
        Ok(codec.encode_value(&call, settings)?.into())
    }

    /// The annotation that goes with the body.
    pub(crate) fn annotate(&self, annotations: &mut Annotations, object: &str, method: &str) -> Result<()> {
        let called = Value::Tuple(vec![self.info.clone(), object.into(), method.into()]);
        annotations.insert(ANNOTATION, Codec::Marshal.encode_value(&called, &Settings::default())?);
        Ok(())
    }

    /// The blob of a message, with the object and method that it is for.
    pub(crate) fn of_message(annotations: &Annotations, encoded: Encoded) -> Result<(Self, Value, Value), Exception> {
        let called = annotations.get(ANNOTATION).ok_or_else(|| Exception::key_error("BLBI"))?;
        let called = Codec::Marshal.decode_value(called, &Settings::default())?;
        let Some([info, object, method]) = called.as_slice() else {
            return Err(Exception::value_error("a blob's annotation should have three parts"));
        };
        let blob = Self { info: info.clone(), content: Content::Encoded(encoded) };
        Ok((blob, object.clone(), method.clone()))
    }
}

/// As the argument of a method; only inside this process.
impl From<SerializedBlob> for Value {
    fn from(blob: SerializedBlob) -> Self {
        let (data, codec) = match blob.content {
            Content::Value(value) => (value, Value::None),
            Content::Encoded(Encoded { codec, bytes }) => (Value::Bytes(bytes.into()), codec.name().into()),
        };
        Object::new(CLASS, Dict::from_iter([("info", blob.info), ("data", data), ("serializer", codec)])).into()
    }
}

impl Serialize for SerializedBlob {
    /// For layers and places of this process. On the wire it goes by [`Proxy::call_blob`](crate::Proxy::call_blob).
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Value::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SerializedBlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let Value::Object(object) = &value else {
            return Err(de::Error::custom(format!("expected a serialized blob, got {}", value.type_name())));
        };
        let wrong = || de::Error::custom(format!("expected a serialized blob, got a {}", object.class()));
        if object.class() != CLASS {
            return Err(wrong());
        }
        let fields = object.fields();
        let info = fields.get("info").cloned().ok_or_else(wrong)?;
        let data = fields.get("data").ok_or_else(wrong)?;
        let content = match (fields.get("serializer").and_then(Value::as_str), data) {
            (Some(codec), Value::Bytes(bytes)) => {
                let codec = codec.parse().map_err(de::Error::custom)?;
                Content::Encoded(Encoded { codec, bytes: bytes.clone().into_bytes() })
            }
            _ => Content::Value(data.clone()),
        };
        Ok(Self { info, content })
    }
}
