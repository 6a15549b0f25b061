//! [`Decoder`]: bytes as they come in, to messages.

use bytes::{Buf, Bytes, BytesMut};

use super::header::check_start;
use super::{AnnotationId, Annotations, Flags, HEADER_LEN, Header, Key, Message, MessageType, STEP};
use crate::WireError;
use crate::annotations::Lengths;
use crate::compress::decompress;
use crate::message_type::check_type;

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
#[derive(Debug)]
pub struct Decoder {
    max_message_size: usize,
    key: Option<Key>,
    accepted: &'static [MessageType],
    /// The header of a message whose rest has not come yet; its bytes are still in the buffer.
    pending: Option<Header>,
}

impl Decoder {
    /// A decoder of messages whose annotations and body, compressed and decompressed, have at most this many bytes.
    pub fn new(max_message_size: usize) -> Self {
        let most = usize::MAX - HEADER_LEN;
        Self { max_message_size: max_message_size.min(most), key: None, accepted: &[], pending: None }
    }

    /// The same for messages that must have a digest by this key, or none where there is no key.
    #[must_use]
    pub fn with_key(mut self, key: Option<Key>) -> Self {
        self.key = key;
        self
    }

    /// Refuses messages of any other type from now on, before their body has come; all are accepted where none is named.
    pub fn accept(&mut self, types: &'static [MessageType]) {
        self.accepted = types;
    }

    /// Takes the next message out of the buffer, if it is there as a whole.
    ///
    /// # Errors
    /// As soon as the bytes show it: what is not Pyro's at the first bytes, what is too large or of the wrong type at
    /// the header, what is not from one who shares the key when all of it has come. The connection is of no further use then.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, WireError> {
        let header = match self.pending {
            Some(header) => header,
            None => match buffer.first_chunk() {
                Some(bytes) => self.header(bytes)?,
                None => {
                    check_start(buffer)?;
                    return Ok(None);
                }
            },
        };
        let total = total_len(&header);
        if buffer.len() < total {
            self.pending = Some(header);
            return Ok(None);
        }
        self.pending = None;
        self.message(header, buffer.split_to(total).freeze()).map(Some)
    }

    /// The header of the message that is coming in, once that is there.
    pub fn pending(&self) -> Option<&Header> {
        self.pending.as_ref()
    }

    /// How many bytes are missing from the buffer, after [`Decoder::decode`] found no message in it: of the header, or
    /// of the whole message once its header is there.
    pub fn needed(&self, buffer: &BytesMut) -> usize {
        self.pending.as_ref().map_or(HEADER_LEN, total_len).saturating_sub(buffer.len())
    }

    /// Makes room for what is missing, but never for more than has come already, or [`STEP`].
    pub fn reserve(&self, buffer: &mut BytesMut) {
        buffer.reserve(self.needed(buffer).min(buffer.len().max(STEP)));
    }

    fn header(&self, bytes: &[u8; HEADER_LEN]) -> Result<Header, WireError> {
        let header = Header::parse(bytes)?;
        let (size, max) =
            (u64::from(header.data_len) + u64::from(header.annotations_len), self.max_message_size as u64);
        if size > max {
            return Err(WireError::too_large(size, max));
        }
        check_type(header.message_type, self.accepted)?;
        Ok(header)
    }

    /// The message that this frame is, which has the length that its header says.
    fn message(&self, mut header: Header, mut frame: Bytes) -> Result<Message, WireError> {
        frame.advance(HEADER_LEN);
        let mut annotations = match header.annotations_len {
            0 => Annotations::new(),
            len => Annotations::parse(&frame.split_to(len.into()), Lengths::Two)?,
        };
        let mut body = frame;
        // Before anything else is done with what somebody sent.
        match (annotations.remove(AnnotationId::HMAC), &self.key) {
            (None, None) => {}
            (Some(digest), Some(key)) => {
                if !key.verify(&digest, [&body[..]].into_iter(), &annotations) {
                    return Err(WireError::insecure("message hmac mismatch"));
                }
            }
            _ => return Err(WireError::insecure("hmac key config not symmetric")),
        }
        if header.flags.contains(Flags::COMPRESSED) {
            body = decompress(&body, self.max_message_size.min(u32::MAX as usize))?;
            header.flags.remove(Flags::COMPRESSED);
            header.data_len = body.len() as u32;
        }
        Ok(Message { header, annotations, body })
    }
}

fn total_len(header: &Header) -> usize {
    // Found to be within the limit before.
    HEADER_LEN + header.data_len as usize + usize::from(header.annotations_len)
}
