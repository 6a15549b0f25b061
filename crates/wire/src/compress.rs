//! Compression of bodies by zlib.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use salamander_codec::Output;

use crate::{WireError, WireErrorKind};

/// Decompresses a body, to at most `limit` bytes.
///
/// # Errors
/// Where that is not enough, and where the data is damaged, ends early or has something behind it. (Python ignores
/// what follows; no peer sends it.)
pub(crate) fn decompress(input: &[u8], limit: usize) -> Result<Bytes, WireError> {
    let mut inflate = Decompress::new(true);
    let mut output = Vec::with_capacity(input.len().saturating_mul(4).min(limit));
    loop {
        let rest = input.get(inflate.total_in() as usize..).unwrap_or_default();
        let status = inflate
            .decompress_vec(rest, &mut output, FlushDecompress::None)
            .map_err(|error| damaged(-3, error.message().unwrap_or("invalid stored data")))?;
        if output.len() > limit {
            return Err(WireError::too_large(output.len() as u64, limit as u64));
        }
        let used = inflate.total_in() as usize;
        match status {
            Status::StreamEnd if used < input.len() => {
                return Err(damaged(-3, "data behind the end of the stream"));
            }
            Status::StreamEnd => return Ok(output.into()),
            // Room for one byte beyond the limit shows whether there is one; what is made so far bounds the rest.
            Status::Ok | Status::BufError if output.len() == output.capacity() => {
                output.reserve_exact((limit - output.len()).saturating_add(1).min(output.len().max(1024)));
            }
            Status::Ok if used < input.len() => {}
            Status::Ok | Status::BufError => return Err(damaged(-5, "incomplete or truncated stream")),
        }
    }
}

/// Compresses the last `len` bytes of a message, what is attached too, which begin at `start`; none where that makes them no
/// smaller.
pub(crate) fn compress_since(out: &Output, start: usize, len: usize) -> Option<Vec<u8>> {
    compress(out.slices_from(start), len)
}

/// Compresses a body that comes in pieces and has `len` bytes; none where that makes it no smaller.
fn compress<'a>(pieces: impl Iterator<Item = &'a [u8]>, len: usize) -> Option<Vec<u8>> {
    let mut deflate = Compress::new(Compression::new(4), true);
    let mut output = Vec::with_capacity(len / 2);
    for piece in pieces {
        let before = deflate.total_in();
        loop {
            let rest = piece.get((deflate.total_in() - before) as usize..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            make_room(&mut output, len)?;
            deflate.compress_vec(rest, &mut output, FlushCompress::None).ok()?;
        }
    }
    loop {
        make_room(&mut output, len)?;
        if deflate.compress_vec(&[], &mut output, FlushCompress::Finish).ok()? == Status::StreamEnd {
            return (output.len() < len).then_some(output);
        }
    }
}

/// Room for more output, unless that is as long as the input already.
fn make_room(output: &mut Vec<u8>, len: usize) -> Option<()> {
    if output.len() >= len {
        return None;
    }
    if output.len() == output.capacity() {
        output.reserve_exact(len - output.len());
    }
    Some(())
}

fn damaged(number: i32, detail: &str) -> WireError {
    WireError::new(WireErrorKind::Compression, format!("Error {number} while decompressing data: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `zlib.compress(b"abc" * 40, 4)`
    const RECORDED: &[u8] = b"\x78\x5e\x4b\x4c\x4a\x4e\x1c\x08\x04\x00\xdb\xf6\x2d\xf1";

    fn refused(input: &[u8], limit: usize) -> String {
        let error = decompress(input, limit).unwrap_err();
        assert_eq!(error.kind(), WireErrorKind::Compression);
        error.to_string()
    }

    #[test]
    fn what_python_compressed_is_read() {
        assert_eq!(decompress(RECORDED, 120).unwrap(), b"abc".repeat(40));
        assert_eq!(decompress(RECORDED, 10_000).unwrap(), b"abc".repeat(40));
        let error = decompress(RECORDED, 119).unwrap_err();
        assert_eq!(error.kind(), WireErrorKind::TooLarge { size: 120, max: 119 });
        assert_eq!(error.to_string(), "message too large (120, max=119)");
    }

    #[test]
    fn damaged_data_is_refused() {
        let truncated = "Error -5 while decompressing data: incomplete or truncated stream";
        for len in 0..RECORDED.len() {
            assert_eq!(refused(&RECORDED[..len], 1000), truncated, "{len}");
        }
        assert!(refused(b"garbage garbage", 1000).starts_with("Error -3 while decompressing data: "));
        let mut damaged = RECORDED.to_vec();
        damaged[13] = 0;
        assert!(refused(&damaged, 1000).starts_with("Error -3"), "a wrong checksum");
        damaged[13] = RECORDED[13];
        damaged.extend(b"xyz");
        assert!(refused(&damaged, 1000).ends_with("data behind the end of the stream"));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![0u8; 1 << 20];
        let bomb = compress(std::iter::repeat_n(&zeros[..], 64), 64 << 20).unwrap();
        assert!(bomb.len() < 1 << 18);
        let limit = 1 << 19;
        let error = decompress(&bomb, limit).unwrap_err();
        assert_eq!(error.kind(), WireErrorKind::TooLarge { size: limit as u64 + 1, max: limit as u64 });
    }

    #[test]
    fn what_does_not_shrink_is_left_alone() {
        let mut state = 1u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(4000)
        .collect();
        assert_eq!(compress([&noise[..]].into_iter(), noise.len()), None);
        let text = b"some text, some text, some text".repeat(10);
        let small = compress([&text[..100], &text[100..]].into_iter(), text.len()).unwrap();
        assert_eq!(decompress(&small, text.len()).unwrap(), text);
    }
}
