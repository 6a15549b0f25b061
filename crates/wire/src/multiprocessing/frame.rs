//! Frames: out of bytes as they come in, and into bytes.

use bytes::{Buf, Bytes, BytesMut};
use salamander_codec::{Mark, Output};

use super::STEP;
use crate::WireError;

/// How many bytes a length has, and how many where it says that another one follows.
const SHORT: usize = 4;
const LONG: usize = 12;

/// The length that says that another one follows.
const EXTENDED: i32 = -1;

/// Cuts frames out of what is received, however that is split.
///
/// ```
/// use bytes::BytesMut;
/// use salamander_wire::multiprocessing::Decoder;
///
/// let mut decoder = Decoder::new(1 << 30);
/// let mut buffer = BytesMut::from(&b"\0\0\0\x05hel"[..]);
/// assert!(decoder.decode(&mut buffer)?.is_none());
/// assert_eq!(decoder.needed(&buffer), 2);
/// buffer.extend_from_slice(b"lo");
/// assert_eq!(decoder.decode(&mut buffer)?.unwrap(), "hello");
/// # Ok::<(), salamander_wire::WireError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    max: usize,
    /// How long the frame is whose rest has not come yet, its length included; all of its bytes are still in the buffer.
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    header: usize,
    total: usize,
}

impl Decoder {
    /// A decoder of frames that hold at most this many bytes.
    pub fn new(max: usize) -> Self {
        Self { max: max.min(usize::MAX - LONG), pending: None }
    }

    /// Changes the limit, for the frames whose length has not been read yet.
    pub fn set_max(&mut self, max: usize) {
        self.max = max.min(usize::MAX - LONG);
    }

    /// Takes what the next frame holds out of the buffer, if it is there as a whole.
    ///
    /// # Errors
    /// As soon as the length is there: where it is beyond the limit, or negative. The connection is of no further use then.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, WireError> {
        let pending = match self.pending {
            Some(pending) => pending,
            None => match self.length(buffer)? {
                Some(pending) => pending,
                None => return Ok(None),
            },
        };
        if buffer.len() < pending.total {
            self.pending = Some(pending);
            return Ok(None);
        }
        self.pending = None;
        let mut frame = buffer.split_to(pending.total).freeze();
        frame.advance(pending.header);
        Ok(Some(frame))
    }

    /// How many bytes are missing from the buffer, after [`Decoder::decode`] found no frame in it: of the length, or of the whole
    /// frame once its length is there.
    pub fn needed(&self, buffer: &BytesMut) -> usize {
        let known = || if buffer.first_chunk() == Some(&EXTENDED.to_be_bytes()) { LONG } else { SHORT };
        self.pending.map_or_else(known, |pending| pending.total).saturating_sub(buffer.len())
    }

    /// Makes room for what is missing, but never for more than has come already, or [`STEP`].
    pub fn reserve(&self, buffer: &mut BytesMut) {
        buffer.reserve(self.needed(buffer).min(buffer.len().max(STEP)));
    }

    fn length(&self, buffer: &[u8]) -> Result<Option<Pending>, WireError> {
        let Some((short, rest)) = buffer.split_first_chunk() else { return Ok(None) };
        let (header, len) = match i32::from_be_bytes(*short) {
            EXTENDED => match rest.first_chunk() {
                Some(long) => (LONG, u64::from_be_bytes(*long)),
                None => return Ok(None),
            },
            len => (SHORT, u64::try_from(len).map_err(|_| WireError::frame_length(len))?),
        };
        match usize::try_from(len) {
            Ok(size) if size <= self.max => Ok(Some(Pending { header, total: header + size })),
            _ => Err(WireError::frame_too_large(len, self.max as u64)),
        }
    }
}

/// A frame that has been begun in an [`Output`], and lacks what it holds.
#[derive(Clone, Copy, Debug)]
#[must_use = "the frame is not whole before it is finished"]
pub struct Started {
    start: Mark,
    /// Where the length stands in the output's buffer.
    at: usize,
    body: Mark,
}

impl Started {
    /// Takes back what has been written of the frame.
    pub fn abandon(self, out: &mut Output) {
        out.rewind(self.start);
    }
}

/// Begins a frame. What it holds is to be appended to `out` next, then the frame to be [finished](finish) or
/// [abandoned](Started::abandon).
pub fn begin(out: &mut Output) -> Started {
    let (start, at) = (out.mark(), out.len());
    out.extend_from_slice(&[0; SHORT]);
    Started { start, at, body: out.mark() }
}

/// Ends a frame, when all that it holds has been appended.
///
/// # Errors
/// Where that is more than `max` bytes. The whole frame is taken back then.
pub fn finish(out: &mut Output, started: Started, max: usize) -> Result<(), WireError> {
    let Started { start, at, body } = started;
    let len = out.len_since(body);
    if len > max {
        out.rewind(start);
        return Err(WireError::frame_too_large(len as u64, max as u64));
    }
    match i32::try_from(len) {
        Ok(short) => out[at..at + SHORT].copy_from_slice(&short.to_be_bytes()),
        // So rare that it may be copied: the longer length has no room before it.
        Err(_) => {
            let held = Bytes::from(out.copy_since(body));
            out.rewind(start);
            out.extend_from_slice(&header(len).1);
            out.attach(&held);
        }
    }
    Ok(())
}

/// Writes a frame that holds these bytes.
///
/// # Errors
/// Where they are more than `max`.
pub fn write_frame(out: &mut Output, bytes: &Bytes, max: usize) -> Result<(), WireError> {
    if bytes.len() > max {
        return Err(WireError::frame_too_large(bytes.len() as u64, max as u64));
    }
    let (short, long) = header(bytes.len());
    out.extend_from_slice(short.as_ref().map_or(&long[..], |short| &short[..]));
    out.attach(bytes);
    Ok(())
}

/// A length, as short as it can be and as long as it can be.
fn header(len: usize) -> (Option<[u8; SHORT]>, [u8; LONG]) {
    let mut long = [0; LONG];
    long[..SHORT].copy_from_slice(&EXTENDED.to_be_bytes());
    long[SHORT..].copy_from_slice(&(len as u64).to_be_bytes());
    (i32::try_from(len).ok().map(i32::to_be_bytes), long)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireErrorKind;

    fn decode(bytes: &[u8]) -> Result<Option<Bytes>, WireError> {
        Decoder::new(1000).decode(&mut bytes.into())
    }

    #[test]
    fn both_lengths_are_read() {
        for (frame, held) in [
            (&b"\0\0\0\0"[..], &b""[..]),
            (b"\0\0\0\x03abc", b"abc"),
            (b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x03abc", b"abc"),
            (b"\xff\xff\xff\xff\0\0\0\0\0\0\0\0", b""),
        ] {
            assert_eq!(decode(frame).unwrap().unwrap(), held);
        }
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        let mut decoder = Decoder::new(1000);
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for &byte in b"\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0\0\0\0\x01c\0\0\0\0" {
            assert_ne!(decoder.needed(&buffer), 0);
            buffer.extend_from_slice(&[byte]);
            frames.extend(decoder.decode(&mut buffer).unwrap());
        }
        assert_eq!(frames, ["ab", "c", ""]);
        assert_eq!((buffer.len(), decoder.needed(&buffer)), (0, SHORT));
        buffer.extend_from_slice(b"\xff\xff\xff\xff\0");
        assert!(decoder.decode(&mut buffer).unwrap().is_none());
        assert_eq!(decoder.needed(&buffer), 7);
    }

    #[test]
    fn lengths_that_are_wrong_or_too_large_are_refused_before_anything_follows() {
        for (frame, kind) in [
            (&b"\xff\xff\xff\xfe"[..], WireErrorKind::FrameLength(-2)),
            (b"\x80\0\0\0", WireErrorKind::FrameLength(i32::MIN)),
            (b"\0\0\x03\xe9", WireErrorKind::TooLarge { size: 1001, max: 1000 }),
            (b"\x7f\xff\xff\xff", WireErrorKind::TooLarge { size: 0x7fff_ffff, max: 1000 }),
            (
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                WireErrorKind::TooLarge { size: u64::MAX, max: 1000 },
            ),
            // An HTTP client.
            (b"GET / HTTP/1.1", WireErrorKind::TooLarge { size: 0x4745_5420, max: 1000 }),
        ] {
            let error = decode(frame).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(error.exception().class(), "builtins.OSError");
        }
        assert!(decode(b"\0\0\x03\xe8").unwrap().is_none());
    }

    #[test]
    fn room_is_made_for_what_is_missing_and_only_step_by_step() {
        let mut decoder = Decoder::new(usize::MAX);
        let mut buffer = BytesMut::from(&b"\x7f\xff\xff\xff"[..]);
        assert!(decoder.decode(&mut buffer).unwrap().is_none());
        assert_eq!(decoder.needed(&buffer), 0x7fff_ffff);
        decoder.reserve(&mut buffer);
        assert!(buffer.capacity() < 2 * STEP);
    }

    #[test]
    fn frames_are_written() {
        let mut out = Output::new();
        let started = begin(&mut out);
        out.extend_from_slice(b"abc");
        finish(&mut out, started, 3).unwrap();
        write_frame(&mut out, &Bytes::from_static(b"de"), 3).unwrap();
        let started = begin(&mut out);
        out.extend_from_slice(b"abcd");
        assert!(finish(&mut out, started, 3).is_err());
        assert!(write_frame(&mut out, &Bytes::from_static(b"abcd"), 3).is_err());
        begin(&mut out).abandon(&mut out);
        assert_eq!(out.into_vec(), b"\0\0\0\x03abc\0\0\0\x02de");
        // `struct.pack("!i", 0x7fffffff)`, and `struct.pack("!iQ", -1, 0x80000000)`.
        assert_eq!(header(0x7fff_ffff).0, Some(*b"\x7f\xff\xff\xff"));
        assert_eq!(header(0x8000_0000), (None, *b"\xff\xff\xff\xff\0\0\0\0\x80\0\0\0"));
    }
}
