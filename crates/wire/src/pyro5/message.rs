//! [`Message`]: what has been received; [`WireData`]: what the log says of a message.

use std::fmt;

use bytes::Bytes;
use salamander_value::repr::bytes_repr;
use uuid::Uuid;

use super::{Annotations, Flags, HEADER_LEN, Header, MessageType};

/// A message that was received. Annotations and body are slices of the buffer it was received in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The header, as if the body had not been compressed.
    pub header: Header,
    /// The annotations.
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
}

/// What Pyro's `LOGWIRE` setting logs of a message, shown as Pyro shows it.
pub struct WireData<'a> {
    header: Header,
    annotations: usize,
    data: &'a [u8],
}

impl<'a> WireData<'a> {
    /// Of a message that was received: its body.
    pub fn received(message: &'a Message) -> Self {
        Self { header: message.header, annotations: message.annotations.len(), data: &message.body }
    }

    /// Of a message as it is sent, all of it; Pyro then counts no annotations. None where that is no message.
    pub fn sent(bytes: &'a [u8]) -> Option<Self> {
        let header = Header::parse(bytes.first_chunk::<HEADER_LEN>()?).ok()?;
        Some(Self { header, annotations: 0, data: bytes })
    }
}

impl fmt::Display for WireData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header, annotations, data } = self;
        write!(
            f,
            "msgtype={} flags={:#x} ser={} seq={} num_annotations={annotations} corr_id={}",
            u16::from(header.message_type),
            header.flags.bits(),
            header.serializer,
            header.sequence,
            Uuid::from_bytes(header.correlation_id),
        )?;
        let mut shown = Vec::new();
        bytes_repr(&mut shown, data);
        write!(f, "\ndata={}", String::from_utf8_lossy(&shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyro5::AnnotationId;

    #[test]
    fn the_log_is_pyros() {
        let id = 0x12345678_1234_5678_1234_567812345678u128.to_be_bytes();
        let message = Message {
            header: Header::new(MessageType::Invoke, 1, 3).with_correlation(Some(id)),
            annotations: [(AnnotationId::STREAM, Bytes::new())].into_iter().collect(),
            body: Bytes::from_static(b"it's\0"),
        };
        assert_eq!(
            WireData::received(&message).to_string(),
            "msgtype=4 flags=0x40 ser=1 seq=3 num_annotations=1 corr_id=12345678-1234-5678-1234-567812345678\n\
             data=b\"it's\\x00\""
        );
        let mut sent = Header { data_len: 2, ..Header::new(MessageType::Invoke, 1, 3) }.to_bytes().to_vec();
        sent.extend(b"xy");
        assert_eq!(
            WireData::sent(&sent).unwrap().to_string(),
            "msgtype=4 flags=0x0 ser=1 seq=3 num_annotations=0 corr_id=00000000-0000-0000-0000-000000000000\n\
             data=b'PYRO\\x01\\xf6\\x04\\x01\\x00\\x00\\x00\\x03\\x00\\x00\\x00\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\
             \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00M\\xc5xy'"
        );
        assert!(WireData::sent(b"PYRO").is_none());
    }
}
