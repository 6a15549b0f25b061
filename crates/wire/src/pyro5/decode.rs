//! [`Decoder`]: bytes as they come in, to messages.

use bytes::{Buf, Bytes, BytesMut};

use super::header::check_start;
use super::{Annotations, Flags, HEADER_LEN, Header, Message, MessageType, STEP};
use crate::WireError;
use crate::annotations::Lengths;
use crate::compress::decompress;
use crate::message_type::check_type;

/// Cuts messages out of what is received, however that is split.
///
/// ```
/// use bytes::BytesMut;
/// use salamander_wire::pyro5::{Decoder, MessageType};
///
/// let mut decoder = Decoder::new(1 << 30);
/// let mut buffer = BytesMut::from(&b"PYRO\x01\xf6\x06\x2a\0\0\0\x07\0\0\0\x04\0\0\0\0"[..]);
/// assert!(decoder.decode(&mut buffer)?.is_none());
/// buffer.extend_from_slice(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x4d\xc5pi");
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
    accepted: &'static [MessageType],
    /// The header of a message whose rest has not come yet; its bytes are still in the buffer.
    pending: Option<Header>,
}

impl Decoder {
    /// A decoder of messages whose annotations and body, compressed and decompressed, have at most this many bytes.
    pub fn new(max_message_size: usize) -> Self {
        let most = usize::MAX - HEADER_LEN;
        Self { max_message_size: max_message_size.min(most), accepted: &[], pending: None }
    }

    /// Refuses messages of any other type from now on, before their body has come; all are accepted where none is named.
    ///
    /// As in Pyro, a server accepts `Connect` alone at first, then `Invoke` and `Ping`; a client accepts `ConnectOk` and
    /// `ConnectFail`, then `Result`.
    pub fn accept(&mut self, types: &'static [MessageType]) {
        self.accepted = types;
    }

    /// Takes the next message out of the buffer, if it is there as a whole.
    ///
    /// # Errors
    /// As soon as the bytes show it: what is not Pyro's at the first bytes, what is too large or of the wrong type at
    /// the header. The connection is of no further use then.
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
        let annotations = match header.annotations_len {
            0 => Annotations::new(),
            len => Annotations::parse(&frame.split_to(len as usize), Lengths::Four)?,
        };
        let mut body = frame;
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
    HEADER_LEN + header.data_len as usize + header.annotations_len as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireErrorKind;
    use crate::pyro5::AnnotationId;

    /// `SendingMessage(5, 1 | 4, 65535, 3, b"payload", {"TEST": b"abcde", "ABCD": b"", "WXYZ": b"\0\1"})`
    const ANNOTATED: &[u8] =
        b"PYRO\x01\xf6\x05\x03\x00\x05\xff\xff\x00\x00\x00\x07\x00\x00\x00\x1f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
          \x4d\xc5TEST\0\0\0\x05abcdeABCD\0\0\0\0WXYZ\0\0\0\x02\0\x01payload";
    /// `SendingMessage(4, 16, 9, 1, b"abc" * 40, {"ABCD": b"zz"})` with `COMPRESSION` on
    const COMPRESSED: &[u8] =
        b"PYRO\x01\xf6\x04\x01\x00\x12\x00\x09\x00\x00\x00\x0e\x00\x00\x00\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
          \x4d\xc5ABCD\0\0\0\x02zz\x78\x5e\x4b\x4c\x4a\x4e\x1c\x08\x04\x00\xdb\xf6\x2d\xf1";

    fn decode(bytes: &[u8]) -> Result<Option<Message>, WireError> {
        Decoder::new(1000).decode(&mut bytes.into())
    }

    fn header(change: impl FnOnce(&mut Header)) -> [u8; HEADER_LEN] {
        let mut header = Header::new(MessageType::Invoke, 1, 1);
        change(&mut header);
        header.to_bytes()
    }

    #[test]
    fn messages_of_pyro_are_read() {
        let message = decode(ANNOTATED).unwrap().unwrap();
        assert_eq!(message.header.sequence, 65535);
        assert_eq!(message.flags(), Flags::EXCEPTION | Flags::ONEWAY);
        assert_eq!(format!("{:?}", message.annotations), r#"{"TEST": b"abcde", "ABCD": b"", "WXYZ": b"\0\x01"}"#);
        assert_eq!(message.body, "payload");
        let message = decode(COMPRESSED).unwrap().unwrap();
        assert_eq!(message.flags(), Flags::ITEM_STREAM_RESULT);
        assert_eq!((message.header.data_len, message.body), (120, b"abc".repeat(40).into()));
        assert_eq!(message.annotations.get(AnnotationId::try_from("ABCD").unwrap()).unwrap(), "zz");
    }

    #[test]
    fn nothing_is_copied() {
        let mut buffer = BytesMut::from(ANNOTATED);
        let start = buffer.as_ptr() as usize;
        let message = Decoder::new(1000).decode(&mut buffer).unwrap().unwrap();
        assert_eq!(message.body.as_ptr() as usize - start, ANNOTATED.len() - 7);
        let (_, annotation) = message.annotations.iter().next().unwrap();
        assert_eq!(annotation.as_ptr() as usize - start, 48);
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        let mut decoder = Decoder::new(1000);
        let mut buffer = BytesMut::new();
        let mut messages = Vec::new();
        for &byte in ANNOTATED.iter().chain(COMPRESSED) {
            buffer.extend_from_slice(&[byte]);
            messages.extend(decoder.decode(&mut buffer).unwrap());
        }
        assert!(buffer.is_empty() && decoder.needed(&buffer) == HEADER_LEN);
        assert_eq!(messages, [decode(ANNOTATED).unwrap().unwrap(), decode(COMPRESSED).unwrap().unwrap()]);
    }

    #[test]
    fn room_is_made_for_what_is_missing_and_only_step_by_step() {
        let mut decoder = Decoder::new(1 << 31);
        let mut buffer = BytesMut::from(&header(|header| header.data_len = 1 << 30)[..]);
        assert!(decoder.decode(&mut buffer).unwrap().is_none());
        assert_eq!(decoder.needed(&buffer), 1 << 30);
        assert_eq!(decoder.pending().unwrap().data_len, 1 << 30);
        decoder.reserve(&mut buffer);
        assert!(buffer.capacity() < 2 * STEP);
        let mut buffer = BytesMut::from(&header(|header| header.data_len = 1000)[..]);
        decoder = Decoder::new(1 << 31);
        assert!(decoder.decode(&mut buffer).unwrap().is_none());
        decoder.reserve(&mut buffer);
        assert!((1040..1100).contains(&buffer.capacity()));
    }

    #[test]
    fn bad_messages_are_refused_before_their_body_comes() {
        let refused = |bytes: &[u8]| decode(bytes).unwrap_err();
        assert_eq!(refused(b"GET /").kind(), WireErrorKind::NotPyro);
        assert_eq!(refused(b"PYRO\0\x30").kind(), WireErrorKind::WrongVersion(48));
        let error = refused(&header(|header| (header.data_len, header.annotations_len) = (u32::MAX, u32::MAX)));
        assert_eq!(error.to_string(), "message too large (8589934590, max=1000)");
        assert!(decode(&header(|header| (header.data_len, header.annotations_len) = (500, 500))).unwrap().is_none());
        let mut decoder = Decoder::new(1000);
        decoder.accept(&[MessageType::Connect]);
        let error = decoder.decode(&mut header(|header| header.data_len = 5)[..].into()).unwrap_err();
        assert_eq!(error.to_string(), "invalid msg type 4 received (expected: 1)");
    }

    #[test]
    fn annotations_do_not_reach_into_the_body() {
        let mut bytes = header(|header| (header.annotations_len, header.data_len) = (4, 8)).to_vec();
        bytes.extend(b"ABCD\0\0\0\0wxyz");
        assert_eq!(decode(&bytes).unwrap_err().kind(), WireErrorKind::Annotation);
    }
}
