//! [`Decoder`]: bytes as they come in, to messages.

use bytes::Bytes;

use super::header::check_start;
use super::{Annotations, Flags, HEADER_LEN, Header, Message};
use crate::WireError;
use crate::annotations::Lengths;
use crate::frames::{self, Frame, Framed};

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
pub type Decoder = frames::Decoder<Message>;

impl Framed for Message {
    type Header = Header;
    type Check = ();

    const HEADER_LEN: usize = HEADER_LEN;
    const LENGTHS: Lengths = Lengths::Four;

    fn check_start(bytes: &[u8]) -> Result<(), WireError> {
        check_start(bytes)
    }

    fn header(bytes: &[u8]) -> Result<Option<Header>, WireError> {
        bytes.first_chunk().map(Header::parse).transpose()
    }

    fn frame(header: &Header) -> Frame {
        Frame {
            message_type: header.message_type,
            annotations_len: header.annotations_len,
            data_len: header.data_len,
            compressed: header.flags.contains(Flags::COMPRESSED),
        }
    }

    fn check((): &(), _annotations: &mut Annotations, _body: &Bytes) -> Result<(), WireError> {
        Ok(())
    }

    fn of_parts(mut header: Header, annotations: Annotations, body: Bytes) -> Self {
        header.flags.remove(Flags::COMPRESSED);
        header.data_len = body.len() as u32;
        Self { header, annotations, body }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::pyro5::{AnnotationId, MessageType};
    use crate::{STEP, WireErrorKind};

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
