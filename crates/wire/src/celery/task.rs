//! [`TaskMessage`]: a message that asks for a task to be run.

use bytes::Bytes;
use salamander_value::{Dict, Reader, Token, Value};

use super::{Decoding, Message, Properties, Serializer, TaskBody, TaskHeaders, protocol1};
use crate::{WireError, WireErrorKind};

/// A task that is to be run: its headers, its arguments as they came, and the properties of its message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskMessage {
    /// What is said of the task.
    pub headers: TaskHeaders,
    /// The arguments, and what is embedded.
    pub body: TaskBody,
    /// Where the result goes, and by which way the message came.
    pub properties: Properties,
    /// The times without a zone are in UTC. So it is in protocol 2; in protocol 1 whoever sent it may say otherwise.
    pub utc: bool,
}

/// Whether a message is a task's in protocol 2, by its headers alone; protocol 1 says it in the body.
pub fn is_task(message: &Message) -> bool {
    message.headers.contains_key("task")
}

impl TaskMessage {
    /// A task to be sent. The properties that are a task's are filled in: its id as the correlation id, and no place for the
    /// result.
    pub fn new(headers: TaskHeaders, body: TaskBody) -> Self {
        let properties = Properties {
            correlation_id: Some(headers.id.clone()),
            reply_to: Some("".into()),
            ..Properties::default()
        };
        Self { headers, body, properties, utc: true }
    }

    /// The task of a message.
    ///
    /// # Errors
    /// - [`WireErrorKind::UnknownMessage`]: it is no task's
    /// - [`WireErrorKind::ContentDisallowed`], [`WireErrorKind::Decode`], [`WireErrorKind::TooLarge`], [`WireErrorKind::Compression`]: its
    ///   body cannot be opened
    /// - [`WireErrorKind::InvalidTask`]: it has no id, or no arguments
    pub fn from_message(message: Message, decoding: &Decoding) -> Result<Self, WireError> {
        if !is_task(&message) && message.headers.contains_key("clock") {
            // Remote control, which has come to a queue of tasks.
            return Err(unknown());
        }
        let (serializer, bytes) = message.opened(decoding)?;
        let mut headers = message.headers;
        headers.remove("compression");
        if !headers.contains_key("task") || has_dict(serializer, &bytes, decoding) {
            let value = serializer.decode(&bytes, &decoding.settings)?;
            return protocol1::read(value, headers, serializer, message.properties, decoding);
        }
        let task = Self {
            headers: TaskHeaders::from(headers),
            body: TaskBody { serializer, bytes },
            properties: message.properties,
            utc: true,
        };
        task.checked()
    }

    pub(super) fn checked(self) -> Result<Self, WireError> {
        match (&*self.headers.task, &*self.headers.id) {
            ("", _) => Err(unknown()),
            (_, "") => Err(WireError::invalid_task("the message of a task has no id")),
            _ => Ok(self),
        }
    }

    /// The message of a task, not compressed.
    pub fn into_message(self) -> Message {
        let mut message = Message::new(self.body.bytes, self.body.serializer);
        message.headers = self.headers.into_dict();
        message.properties = self.properties;
        message
    }
}

#[cold]
fn unknown() -> WireError {
    let message = "Received and deleted unknown message. Wrong destination?!?";
    WireError::of_class(WireErrorKind::UnknownMessage, "celery.exceptions.InvalidTaskError", message)
}

/// Whether the body is that of protocol 1 although the headers are there as well. What is wrong with it is seen when it is read.
fn has_dict(serializer: Serializer, bytes: &Bytes, decoding: &Decoding) -> bool {
    match serializer {
        Serializer::Json => bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'),
        Serializer::Raw | Serializer::Text => false,
        _ => serializer
            .data_codec()
            .is_ok_and(|codec| matches!(codec.reader(bytes, &decoding.settings).next(), Ok(Token::Dict(_)))),
    }
}

/// The entries of a dict, also of one that says of what class it is.
pub(super) fn into_dict(value: Value) -> Option<Dict> {
    match value {
        Value::Dict(dict) => Some(*dict),
        Value::Object(object) => Some(object.into_fields()),
        _ => None,
    }
}

pub(super) fn unknown_message() -> WireError {
    unknown()
}
