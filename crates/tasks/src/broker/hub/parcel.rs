//! [`Parcel`]: an encoded message, and what a queue has to know of it.

use std::time::Duration;

use bytes::Bytes;
use salamander_value::{Str, Value};
use salamander_wire::celery::Message;

use crate::call::new_id;
use crate::{Error, Kind, Result};

/// A message as it lies in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    /// kombu's envelope, as it comes and goes by other brokers too.
    pub(crate) envelope: Bytes,
    /// Greater ones come first.
    pub(crate) priority: u8,
    /// It is thrown away when it has waited for so long.
    pub(crate) ttl: Option<Duration>,
    /// It is to survive a restart.
    pub(crate) lasting: bool,
    /// The task that it is for.
    pub(crate) task: Option<Str>,
}

impl Parcel {
    /// A message, packed.
    ///
    /// # Errors
    /// Headers and properties that JSON cannot carry.
    pub(crate) fn pack(message: &Message) -> Result<Self> {
        let tagged;
        let message = match message.properties.delivery_tag {
            Some(_) => message,
            // Python's end of such a transport does without nearly everything, but not without this.
            None => {
                let mut own = message.clone();
                own.properties.delivery_tag = Some(new_id());
                tagged = own;
                &tagged
            }
        };
        let envelope = message.to_envelope().map_err(|error| {
            Error::with_source(Kind::Misuse, format!("a message cannot be encoded: {error}"), error)
        })?;
        Ok(Self { envelope, ..Self::about(message) })
    }

    /// What a queue has to know of a message whose envelope comes from elsewhere.
    pub(crate) fn about(message: &Message) -> Self {
        let properties = &message.properties;
        let ttl = properties.expiration.as_deref().and_then(|millis| millis.parse().ok());
        Self {
            envelope: Bytes::new(),
            priority: properties.priority.unwrap_or(0),
            ttl: ttl.map(Duration::from_millis),
            lasting: properties.delivery_mode != Some(1),
            task: task_of(message),
        }
    }

    /// The message in an envelope.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn unpack(envelope: &Bytes) -> Result<Message> {
        Message::from_envelope(envelope).map_err(|error| {
            Error::with_source(Kind::Message, format!("what lay in a queue is no message: {error}"), error)
        })
    }
}

/// The task that a message is for, if somebody may ask what became of it.
fn task_of(message: &Message) -> Option<Str> {
    let headers = &message.headers;
    let ignored = headers.get("ignore_result").is_some_and(Value::truth);
    headers.get("task").filter(|_| !ignored).and_then(|_| message.header("id")).map(Str::from)
}
