//! Frames: flags, a length of one byte or of eight, and that many bytes.

use bytes::Bytes;
use salamander_codec::{Mark, Output};

use crate::WireError;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// How many bytes stand before what a frame holds.
const SHORT_HEADER: usize = 2;
const LONG_HEADER: usize = 9;

/// What is known of a frame before all of it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) is_command: bool,
    /// Whether the message goes on in another frame.
    pub(super) more: bool,
    /// How many bytes the header itself has.
    pub(super) len: usize,
    /// How many bytes follow it.
    pub(super) body: u64,
}

impl Header {
    /// The header that these bytes begin with, if it is there as a whole.
    ///
    /// # Errors
    /// Where the first byte says what means nothing.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, WireError> {
        let Some((&flags, rest)) = bytes.split_first() else { return Ok(None) };
        let (is_command, more) = (flags & COMMAND != 0, flags & MORE != 0);
        if flags & !(MORE | LONG | COMMAND) != 0 || (is_command && more) {
            return Err(WireError::zmtp(format!("a frame with the flags {flags:#04x}")));
        }
        let (len, body) = if flags & LONG == 0 {
            let Some(&body) = rest.first() else { return Ok(None) };
            (SHORT_HEADER, u64::from(body))
        } else {
            let Some(body) = rest.first_chunk() else { return Ok(None) };
            (LONG_HEADER, u64::from_be_bytes(*body))
        };
        Ok(Some(Self { is_command, more, len, body }))
    }

    /// How long the header is that begins with these bytes, as far as they show.
    pub(super) fn expected(bytes: &[u8]) -> usize {
        if bytes.first().is_some_and(|flags| flags & LONG != 0) { LONG_HEADER } else { SHORT_HEADER }
    }
}

/// The last part of a message that has been begun in an [`Output`], and lacks what it holds.
#[derive(Clone, Copy, Debug)]
#[must_use = "the part is not whole before it is finished"]
pub struct Started {
    start: Mark,
    /// Where the header stands in the output's buffer.
    at: usize,
    body: Mark,
}

impl Started {
    /// Takes back what has been written of it.
    pub fn abandon(self, out: &mut Output) {
        out.rewind(self.start);
    }
}

/// Begins the last part of a message. What it holds is to be appended to `out` next, then the part to be [finished](finish) or
/// [abandoned](Started::abandon).
pub fn begin(out: &mut Output) -> Started {
    let (start, at) = (out.mark(), out.len());
    out.extend_from_slice(&[0; LONG_HEADER]);
    Started { start, at, body: out.mark() }
}

/// Ends the last part of a message, when all that it holds has been appended.
///
/// # Errors
/// Where that is more than `max` bytes. The whole part is taken back then.
pub fn finish(out: &mut Output, started: Started, max: usize) -> Result<(), WireError> {
    let Started { start, at, body } = started;
    let len = out.len_since(body);
    if len > max {
        out.rewind(start);
        return Err(WireError::frame_too_large(len as u64, max as u64));
    }
    if u8::try_from(len).is_ok() {
        // It is short enough to be moved.
        let held = out.copy_since(body);
        out.rewind(start);
        header(out, 0, len);
        out.extend_from_slice(&held);
        return Ok(());
    }
    out[at] = LONG;
    out[at + 1..at + LONG_HEADER].copy_from_slice(&(len as u64).to_be_bytes());
    Ok(())
}

/// Writes a part of a message; `more` says whether another follows.
pub fn write_part(out: &mut Output, bytes: &Bytes, more: bool) {
    header(out, if more { MORE } else { 0 }, bytes.len());
    out.attach(bytes);
}

/// Writes a frame that is a command.
pub(super) fn write_command(out: &mut Output, body: &[u8]) {
    header(out, COMMAND, body.len());
    out.extend_from_slice(body);
}

fn header(out: &mut Output, flags: u8, len: usize) {
    match u8::try_from(len) {
        Ok(len) => out.extend_from_slice(&[flags, len]),
        Err(_) => {
            out.extend_from_slice(&[flags | LONG]);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_when_they_are_whole() {
        let header = |is_command, more, len, body| Some(Header { is_command, more, len, body });
        for (bytes, read) in [
            (&b"\0\x05"[..], header(false, false, 2, 5)),
            (b"\x01\0", header(false, true, 2, 0)),
            (b"\x04\xff", header(true, false, 2, 255)),
            (b"\x03\0\0\0\0\0\0\x01\0", header(false, true, 9, 256)),
            (b"\x02\xff\xff\xff\xff\xff\xff\xff\xff", header(false, false, 9, u64::MAX)),
        ] {
            assert_eq!(Header::read(bytes).unwrap(), read);
            for end in 0..bytes.len() {
                assert_eq!(Header::read(&bytes[..end]).unwrap(), None);
            }
        }
        for flags in (0..=u8::MAX).filter(|flags| !matches!(flags, 0..=4 | 6)) {
            assert!(Header::read(&[flags]).is_err(), "{flags}");
        }
    }

    #[test]
    fn parts_are_written() {
        let mut out = Output::new();
        write_part(&mut out, &Bytes::new(), true);
        let started = begin(&mut out);
        out.extend_from_slice(b"abc");
        finish(&mut out, started, 3).unwrap();
        let started = begin(&mut out);
        out.extend_from_slice(b"abcd");
        assert!(finish(&mut out, started, 3).is_err());
        begin(&mut out).abandon(&mut out);
        assert_eq!(out.into_vec(), b"\x01\0\0\x03abc");
        for len in [255, 256, 70_000] {
            let (mut whole, mut begun) = (Output::new(), Output::new());
            let bytes = Bytes::from(vec![7; len]);
            write_part(&mut whole, &bytes, false);
            let started = begin(&mut begun);
            begun.attach(&bytes);
            finish(&mut begun, started, len).unwrap();
            assert_eq!(whole.into_vec(), begun.into_vec());
        }
    }
}
