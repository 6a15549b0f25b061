//! Messages into bytes: the header is written, the caller's codec appends the body, and the lengths are filled in.

use salamander_codec::{Mark, Output};

use super::{Annotations, Flags, HEADER_LEN, Header};
use crate::WireError;
use crate::annotations::Lengths;
use crate::compress::compress_since;

/// Bodies of up to this many bytes are not compressed.
pub const COMPRESS_OVER: usize = 100;

/// A message that has been begun in an [`Output`], and lacks its body.
#[derive(Clone, Copy, Debug)]
#[must_use = "the message is not whole before it is finished"]
pub struct Started {
    /// Before the header, to go back to.
    start: Mark,
    /// Where the header stands in the output's buffer.
    at: usize,
    flags: Flags,
    annotations_len: u32,
    /// Where the body begins, in the buffer and counting what is attached.
    body: Mark,
    body_at: usize,
}

impl Started {
    /// Takes back what has been written of the message.
    pub fn abandon(self, out: &mut Output) {
        out.rewind(self.start);
    }
}

/// Begins a message: writes its header and annotations. The body is to be appended to `out` next, then the message to be
/// [finished](finish) or [abandoned](Started::abandon).
///
/// The header's lengths and [`Flags::COMPRESSED`] are not looked at.
///
/// # Errors
/// Where the annotations alone are larger than any message can be; nothing is written then.
pub fn begin(out: &mut Output, header: &Header, annotations: &Annotations) -> Result<Started, WireError> {
    let annotations_len = if annotations.is_empty() { 0 } else { annotations.wire_len(Lengths::Four) };
    let annotations_len =
        u32::try_from(annotations_len).map_err(|_| WireError::too_large(annotations_len, u32::MAX.into()))?;
    let mut header = Header { annotations_len, ..*header };
    header.flags.remove(Flags::COMPRESSED);
    let (start, at) = (out.mark(), out.len());
    out.extend_from_slice(&header.to_bytes());
    annotations.write(out, Lengths::Four);
    let (body, body_at) = (out.mark(), out.total_len());
    Ok(Started { start, at, flags: header.flags, annotations_len, body, body_at })
}

/// Ends a message, when its body has been appended: compresses that where it is asked for and of use, and fills in the
/// lengths.
///
/// # Errors
/// Where annotations and body, compressed perhaps, have more than `max_message_size` bytes. The whole message is taken back
/// then.
pub fn finish(
    out: &mut Output,
    started: Started,
    max_message_size: usize,
    compressed: bool,
) -> Result<(), WireError> {
    let mut flags = started.flags;
    let mut data_len = out.len_since(started.body);
    if compressed
        && data_len > COMPRESS_OVER
        && let Some(small) = compress_since(out, started.body_at, data_len)
    {
        out.rewind(started.body);
        out.extend_from_slice(&small);
        flags.insert(Flags::COMPRESSED);
        data_len = small.len();
    }
    let size = data_len as u64 + u64::from(started.annotations_len);
    let max = (max_message_size as u64).min(u32::MAX.into());
    if size > max {
        out.rewind(started.start);
        return Err(WireError::too_large(size, max));
    }
    let header = &mut out[started.at..started.at + HEADER_LEN];
    header[8..10].copy_from_slice(&flags.bits().to_be_bytes());
    header[12..16].copy_from_slice(&(data_len as u32).to_be_bytes());
    Ok(())
}

/// Writes a message whose body is there already.
///
/// # Errors
/// As [`finish`].
pub fn write_message(
    out: &mut Output,
    header: &Header,
    annotations: &Annotations,
    body: &[u8],
    max_message_size: usize,
) -> Result<(), WireError> {
    let started = begin(out, header, annotations)?;
    out.extend_from_slice(body);
    finish(out, started, max_message_size, false)
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use salamander_codec::ATTACH_FROM;

    use super::*;
    use crate::pyro5::{AnnotationId, Decoder, MessageType};

    fn annotation(id: &str, data: &'static [u8]) -> (AnnotationId, Bytes) {
        (id.try_into().unwrap(), Bytes::from_static(data))
    }

    #[test]
    fn messages_are_written_as_pyro_writes_them() {
        let mut out = Output::new();
        let header = Header::new(MessageType::Invoke, 1, 1);
        write_message(&mut out, &header, &Annotations::new(), b"abc", 3).unwrap();
        assert_eq!(
            out.into_vec(),
            b"PYRO\x01\xf6\x04\x01\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x4d\xc5abc"
        );
        let mut out = Output::new();
        out.extend_from_slice(b"before");
        let header = Header::new(MessageType::Result, 3, 65535)
            .with_flags(Flags::EXCEPTION | Flags::ONEWAY | Flags::COMPRESSED);
        let annotations = [annotation("TEST", b"abcde"), annotation("ABCD", b""), annotation("WXYZ", b"\0\x01")];
        write_message(&mut out, &header, &annotations.into_iter().collect(), b"payload", 100).unwrap();
        assert_eq!(
            out.into_vec(),
            b"beforePYRO\x01\xf6\x05\x03\0\x05\xff\xff\0\0\0\x07\0\0\0\x1f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x4d\xc5\
              TEST\0\0\0\x05abcdeABCD\0\0\0\0WXYZ\0\0\0\x02\0\x01payload"
        );
    }

    #[test]
    fn what_is_attached_counts_and_is_compressed_too() {
        let large = Bytes::from(b"0123456789".repeat(ATTACH_FROM / 5));
        for compressed in [false, true] {
            let mut out = Output::new();
            out.attach(&large);
            let before = out.total_len();
            let annotations = [(AnnotationId::STREAM, large.clone())].into_iter().collect();
            let started = begin(&mut out, &Header::new(MessageType::Invoke, 2, 7), &annotations).unwrap();
            out.extend_from_slice(b"<");
            out.attach(&large);
            out.extend_from_slice(b">");
            finish(&mut out, started, 1 << 20, compressed).unwrap();
            assert_eq!(out.total_len() - before < large.len() + 10_000, compressed);
            let mut buffer = BytesMut::from(&out.into_vec()[before..]);
            let message = Decoder::new(1 << 20).decode(&mut buffer).unwrap().unwrap();
            assert!(buffer.is_empty());
            assert_eq!(message.body, [b"<", &large[..], b">"].concat());
            assert_eq!(message.annotations, annotations);
            assert_eq!(message.flags(), Flags::NONE);
        }
    }

    #[test]
    fn only_bodies_over_100_bytes_are_compressed() {
        for (len, compressed) in [(100, false), (101, true)] {
            let mut out = Output::new();
            let started = begin(&mut out, &Header::new(MessageType::Invoke, 1, 9), &Annotations::new()).unwrap();
            out.extend_from_slice(&vec![b'a'; len]);
            finish(&mut out, started, 1000, true).unwrap();
            assert_eq!(out[9] == 2, compressed);
            assert_eq!(out.len() < 140, compressed);
        }
    }

    #[test]
    fn too_large_a_message_is_taken_back() {
        let mut out = Output::new();
        out.extend_from_slice(b"before");
        let annotations = [annotation("abcd", b"")].into_iter().collect();
        let header = Header::new(MessageType::Invoke, 1, 1);
        let error = write_message(&mut out, &header, &annotations, b"123", 10).unwrap_err();
        assert_eq!(error.to_string(), "message too large (11, max=10)");
        assert_eq!(&out[..], b"before");
        let started = begin(&mut out, &header, &annotations).unwrap();
        out.extend_from_slice(b"half a bo");
        started.abandon(&mut out);
        assert_eq!(&out[..], b"before");
    }
}
