//! [`Message`]: what has been received; [`WireData`]: what the log says of a message.

use std::fmt;

use bytes::Bytes;
use salamander_value::repr::bytes_repr;
use uuid::Uuid;

use super::{AnnotationId, Annotations, Flags, HEADER_LEN, Header, MessageType};

/// A message that was received. Annotations and body are slices of the buffer it was received in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The header, as if the body had not been compressed.
    pub header: Header,
    /// The annotations, but for the digest, which has been looked at.
    pub annotations: Annotations,
    /// What the serializer wrote.
    pub body: Bytes,
}

impl Message {
    /// What the message is.
    pub fn message_type(&self) -> MessageType {
        self.header.message_type
    }

    /// What is special about it.
    pub fn flags(&self) -> Flags {
        self.header.flags
    }

    /// The correlation id, where there is one.
    pub fn correlation(&self) -> Option<[u8; 16]> {
        self.annotations.get(AnnotationId::CORRELATION).and_then(|id| <[u8; 16]>::try_from(&id[..]).ok())
    }
}

/// What Pyro's `LOGWIRE` setting logs of a message, nearly as Pyro shows it.
pub struct WireData<'a> {
    header: Header,
    correlation: Option<[u8; 16]>,
    annotations: usize,
    data: &'a [u8],
}

impl<'a> WireData<'a> {
    /// Of a message that was received: its body.
    pub fn received(message: &'a Message) -> Self {
        let annotations = message.annotations.len();
        Self { header: message.header, correlation: message.correlation(), annotations, data: &message.body }
    }

    /// Of a message as it is sent, all of it. None where that is no message.
    pub fn sent(bytes: &'a [u8]) -> Option<Self> {
        let header = Header::parse(bytes.first_chunk::<HEADER_LEN>()?).ok()?;
        Some(Self { header, correlation: None, annotations: 0, data: bytes })
    }
}

impl fmt::Display for WireData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header, correlation, annotations, data } = self;
        let correlation = correlation.map_or("?".to_owned(), |id| Uuid::from_bytes(id).to_string());
        write!(
            f,
            "msgtype={} flags={:#x} ser={} seq={} num_annotations={annotations} corr={correlation}",
            u16::from(header.message_type),
            header.flags.bits(),
            header.serializer,
            header.sequence,
        )?;
        let mut shown = Vec::new();
        bytes_repr(&mut shown, data);
        write!(f, "\ndata={}", String::from_utf8_lossy(&shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_id_is_an_annotation() {
        let id = 0x12345678_1234_5678_1234_567812345678u128.to_be_bytes();
        let mut message = Message {
            header: Header::new(MessageType::Invoke, 1, 3),
            annotations: [(AnnotationId::CORRELATION, Bytes::copy_from_slice(&id))].into_iter().collect(),
            body: Bytes::from_static(b"it's\0"),
        };
        assert_eq!(message.correlation(), Some(id));
        assert_eq!(
            WireData::received(&message).to_string(),
            "msgtype=4 flags=0x0 ser=1 seq=3 num_annotations=1 corr=12345678-1234-5678-1234-567812345678\n\
             data=b\"it's\\x00\""
        );
        message.annotations.insert(AnnotationId::CORRELATION, &b"short"[..]);
        assert_eq!(message.correlation(), None);
        assert!(WireData::sent(b"PYRO").is_none());
    }
}
