//! Compressed bodies: gzip, as Python's `xmlrpc` has it.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// How much of a body is decompressed before it is looked at again whether it is too large.
const STEP: usize = 64 * 1024;

/// Decompresses a body, of which no more than `most` bytes may come.
///
/// # Errors
/// Where it is not gzip, or more comes out of it.
pub(super) fn gunzip(body: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut decoder = MultiGzDecoder::new(body);
    let mut out = Vec::with_capacity(STEP.min(most));
    let mut step = vec![0; STEP];
    loop {
        match decoder.read(&mut step)? {
            0 => return Ok(out),
            count if out.len() + count > most => {
                return Err(io::Error::other("max gzipped payload length exceeded"));
            }
            count => out.extend_from_slice(step.get(..count).unwrap_or_default()),
        }
    }
}

/// Compresses a body, fast rather than well.
pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::fast());
    // A vector takes whatever is written.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// Whether an `Accept-Encoding` header takes gzip, by Python's rules.
pub(super) fn takes_gzip(accepts: &str) -> bool {
    accepts.split(',').any(|coding| {
        let mut parts = coding.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let weight = parts.find_map(|part| part.trim().strip_prefix("q")?.trim_start().strip_prefix('='));
        name == "gzip" && weight.is_none_or(|weight| weight.trim().parse::<f64>().is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_within_its_limit() {
        let body = b"abc".repeat(100_000);
        let small = gzip(&body);
        assert!(small.len() < body.len() / 100);
        assert_eq!(gunzip(&small, body.len()).ok(), Some(body.clone()));
        assert!(gunzip(&small, body.len() - 1).is_err());
        assert!(gunzip(&small[..small.len() - 9], body.len()).is_err());
        assert!(gunzip(b"no gzip", 100).is_err());
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for (accepts, takes) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("gzip; q = 1.0", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(accepts), takes, "{accepts}");
        }
    }
}
