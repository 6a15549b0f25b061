//! Messages into bytes: the header is written, the caller's codec appends the body, and lengths and digest are filled in.

use salamander_codec::{Mark, Output};

use super::key::DIGEST_LEN;
use super::{AnnotationId, Annotations, Flags, HEADER_LEN, Header, Key, MAX_DATA_LEN};
use crate::WireError;
use crate::annotations::Lengths;
use crate::compress::compress_since;

/// Bodies of fewer bytes are not compressed.
pub const COMPRESS_FROM: usize = 200;

/// A message that has been begun in an [`Output`], and lacks its body.
#[derive(Clone, Debug)]
#[must_use = "the message is not whole before it is finished"]
pub struct Started {
    /// Before the header, to go back to.
    start: Mark,
    /// Where the header stands in the output's buffer.
    at: usize,
    header: Header,
    /// The key to sign with, what is signed beside the body, and where the digest stands in the buffer.
    signed: Option<(Key, Annotations, usize)>,
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

/// Begins a message: writes its header and annotations, with room for the digest where there is a key. The body is to be appended
/// to `out` next, then the message to be [finished](finish) or [abandoned](Started::abandon).
///
/// The header's lengths and [`Flags::COMPRESSED`] are not looked at, nor is an annotation `HMAC`.
///
/// # Errors
/// Where the annotations have more than 65,535 bytes; nothing is written then.
pub fn begin(
    out: &mut Output,
    header: &Header,
    annotations: &Annotations,
    key: Option<&Key>,
) -> Result<Started, WireError> {
    let (start, at) = (out.mark(), out.len());
    let digest = if key.is_some() { (6 + DIGEST_LEN) as u64 } else { 0 };
    let len = annotations.wire_len(Lengths::Two) + digest;
    let annotations_len = u16::try_from(len).map_err(|_| WireError::too_large(len, u16::MAX.into()))?;
    let mut header = Header { annotations_len, data_len: 0, ..*header };
    header.flags.remove(Flags::COMPRESSED);
    out.extend_from_slice(&header.to_bytes());
    annotations.write(out, Lengths::Two);
    let signed = key.map(|key| {
        out.extend_from_slice(&AnnotationId::HMAC.bytes());
        out.extend_from_slice(&(DIGEST_LEN as u16).to_be_bytes());
        let digest_at = out.len();
        out.extend_from_slice(&[0; DIGEST_LEN]);
        (key.clone(), annotations.clone(), digest_at)
    });
    let (body, body_at) = (out.mark(), out.total_len());
    Ok(Started { start, at, header, signed, body, body_at })
}

/// Ends a message, when its body has been appended: compresses that where it is asked for and of use, and fills in the
/// lengths and the digest.
///
/// # Errors
/// Where annotations and body, compressed perhaps, have more than `max_message_size` bytes, or the body has more than
/// [`MAX_DATA_LEN`]. The whole message is taken back then.
pub fn finish(
    out: &mut Output,
    started: Started,
    max_message_size: usize,
    compressed: bool,
) -> Result<(), WireError> {
    let Started { start, at, mut header, signed, body, body_at } = started;
    let mut data_len = out.len_since(body);
    if compressed
        && data_len >= COMPRESS_FROM
        && let Some(small) = compress_since(out, body_at, data_len)
    {
        out.rewind(body);
        out.extend_from_slice(&small);
        header.flags.insert(Flags::COMPRESSED);
        data_len = small.len();
    }
    let size = data_len as u64 + u64::from(header.annotations_len);
    let max = (max_message_size as u64).min(MAX_DATA_LEN.into());
    if size > max {
        out.rewind(start);
        return Err(WireError::too_large(size, max));
    }
    header.data_len = data_len as u32;
    out[at..at + HEADER_LEN].copy_from_slice(&header.to_bytes());
    if let Some((key, annotations, digest_at)) = signed {
        let digest = key.digest(out.slices_from(body_at), &annotations);
        out[digest_at..digest_at + DIGEST_LEN].copy_from_slice(&digest);
    }
    Ok(())
}

/// Writes a message whose body is there already.
///
/// # Errors
/// As [`begin`] and [`finish`].
pub fn write_message(
    out: &mut Output,
    header: &Header,
    annotations: &Annotations,
    key: Option<&Key>,
    body: &[u8],
    max_message_size: usize,
) -> Result<(), WireError> {
    let started = begin(out, header, annotations, key)?;
    out.extend_from_slice(body);
    finish(out, started, max_message_size, false)
}
