//! [`Decoder`]: bytes as they come in, to messages.

use bytes::Bytes;

use super::header::check_start;
use super::{AnnotationId, Annotations, Flags, HEADER_LEN, Header, Key, Message};
use crate::WireError;
use crate::annotations::Lengths;
use crate::frames::{self, Frame, Framed};

/// Cuts messages out of what is received, however that is split.
///
/// ```
/// use bytes::BytesMut;
/// use salamander_wire::pyro4::{Decoder, MessageType};
///
/// let mut decoder = Decoder::new(1 << 30);
/// let mut buffer = BytesMut::from(&b"PYRO\0\x30\0\x06\0\0\0\x07\0\0\0\x04\0\x2a\0\0\0\0\x35\x54pi"[..]);
/// assert!(decoder.decode(&mut buffer)?.is_none());
/// assert_eq!(decoder.needed(&buffer), 2);
/// buffer.extend_from_slice(b"ng");
/// let message = decoder.decode(&mut buffer)?.unwrap();
/// assert_eq!((message.message_type(), &message.body[..]), (MessageType::Ping, &b"ping"[..]));
/// # Ok::<(), salamander_wire::WireError>(())
/// ```
pub type Decoder = frames::Decoder<Message>;

impl Decoder {
    /// The same for messages that must have a digest by this key, or none where there is no key.
    #[must_use]
    pub fn with_key(mut self, key: Option<Key>) -> Self {
        self.check = key;
        self
    }
}

impl Framed for Message {
    type Header = Header;
    type Check = Option<Key>;

    const HEADER_LEN: usize = HEADER_LEN;
    const LENGTHS: Lengths = Lengths::Two;

    fn check_start(bytes: &[u8]) -> Result<(), WireError> {
        check_start(bytes)
    }

    fn header(bytes: &[u8]) -> Result<Option<Header>, WireError> {
        bytes.first_chunk().map(Header::parse).transpose()
    }

    fn frame(header: &Header) -> Frame {
        Frame {
            message_type: header.message_type,
            annotations_len: header.annotations_len.into(),
            data_len: header.data_len,
            compressed: header.flags.contains(Flags::COMPRESSED),
        }
    }

    /// A digest stands in the annotations exactly where there is a key, and is right.
    fn check(key: &Option<Key>, annotations: &mut Annotations, body: &Bytes) -> Result<(), WireError> {
        match (annotations.remove(AnnotationId::HMAC), key) {
            (None, None) => Ok(()),
            (Some(digest), Some(key)) if key.verify(&digest, [&body[..]].into_iter(), annotations) => Ok(()),
            (Some(_), Some(_)) => Err(WireError::insecure("message hmac mismatch")),
            _ => Err(WireError::insecure("hmac key config not symmetric")),
        }
    }

    fn of_parts(mut header: Header, annotations: Annotations, body: Bytes) -> Self {
        header.flags.remove(Flags::COMPRESSED);
        header.data_len = body.len() as u32;
        Self { header, annotations, body }
    }
}
