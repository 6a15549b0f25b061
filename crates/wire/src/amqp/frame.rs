//! [`Frame`]: what everything travels in.

use bytes::{Buf, Bytes, BytesMut};

use super::AROUND;
use crate::{WireError, WireErrorKind};

/// What a client begins a connection with.
pub const HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// The byte that ends each frame.
const END: u8 = 0xCE;

/// A frame as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What is in it.
    pub kind: FrameKind,
    /// The channel; 0 for the connection itself.
    pub channel: u16,
    /// What is in it, encoded.
    pub payload: Bytes,
}

/// What can be in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// A [`Method`](super::Method).
    Method,
    /// A [`Content`](super::Content).
    Header,
    /// A part of a body.
    Body,
    /// A sign of life.
    Heartbeat,
}

impl FrameKind {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Method => 1,
            Self::Header => 2,
            Self::Body => 3,
            Self::Heartbeat => 8,
        }
    }
}

/// Takes a frame out of what has come, if all of it is there.
///
/// # Errors
/// A frame that is longer than was agreed upon, or of a kind that there is not, or that does not end as frames do; and a server that
/// speaks another version.
pub fn next_frame(buffer: &mut BytesMut, frame_max: usize) -> Result<Option<Frame>, WireError> {
    let Some(&[kind, c1, c2, l1, l2, l3, l4]) = buffer.first_chunk::<7>() else { return Ok(None) };
    let kind = match kind {
        1 => FrameKind::Method,
        2 => FrameKind::Header,
        3 => FrameKind::Body,
        8 => FrameKind::Heartbeat,
        b'A' if buffer.starts_with(b"AMQP") => {
            return Err(WireError::amqp("the server speaks another version of AMQP than 0-9-1"));
        }
        other => return Err(WireError::amqp(format!("no frame of AMQP begins with {other}"))),
    };
    let size = u32::from_be_bytes([l1, l2, l3, l4]) as usize;
    if size > frame_max.saturating_sub(AROUND) {
        let (size, max) = ((size + AROUND) as u64, frame_max as u64);
        let message = format!("a frame of {size} bytes, where {max} were agreed upon");
        return Err(WireError::new(WireErrorKind::TooLarge { size, max }, message));
    }
    if buffer.len() < size + AROUND {
        return Ok(None);
    }
    buffer.advance(7);
    let payload = buffer.split_to(size).freeze();
    if buffer.get_u8() != END {
        return Err(WireError::amqp("a frame does not end where it should"));
    }
    Ok(Some(Frame { kind, channel: u16::from_be_bytes([c1, c2]), payload }))
}

/// Appends a frame whose payload somebody else appends.
///
/// # Errors
/// What that has for errors; then nothing is appended.
pub(super) fn frame<E>(
    out: &mut Vec<u8>,
    kind: FrameKind,
    channel: u16,
    payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.push(kind.number());
    out.extend(channel.to_be_bytes());
    out.extend([0; 4]);
    if let Err(error) = payload(out) {
        out.truncate(start);
        return Err(error);
    }
    let size = (out.len() - start - 7) as u32;
    out[start + 3..start + 7].copy_from_slice(&size.to_be_bytes());
    out.push(END);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_when_they_are_whole() {
        let bytes = b"\x08\x00\x00\x00\x00\x00\x00\xce\x03\x00\x07\x00\x00\x00\x02hi\xce\x01";
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for byte in bytes {
            buffer.extend_from_slice(&[*byte]);
            while let Some(frame) = next_frame(&mut buffer, 4096).unwrap() {
                frames.push(frame);
            }
        }
        assert_eq!(buffer, &b"\x01"[..]);
        let body = Frame { kind: FrameKind::Body, channel: 7, payload: Bytes::from_static(b"hi") };
        assert_eq!(frames, [Frame { kind: FrameKind::Heartbeat, channel: 0, payload: Bytes::new() }, body]);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for wrong in [
            &b"AMQP\x00\x00\x09\x00"[..],
            b"HTTP/1.1",
            b"\x01\x00\x00\x00\x00\x10\x00",
            b"\x01\x00\x00\xff\xff\xff\xff",
            b"\x08\x00\x00\x00\x00\x00\x00\xcf",
        ] {
            assert!(next_frame(&mut BytesMut::from(wrong), 4096).is_err(), "{wrong:?}");
        }
        assert_eq!(next_frame(&mut BytesMut::from(&b"\x01\x00\x00\x00\x00\x0f\xf8"[..]), 4096).unwrap(), None);
    }
}
