//! [`Compression`]: kombu's compressions of bodies, by name and by content type.

use std::fmt;
use std::io::{Read, Write};

use bytes::Bytes;

use crate::{WireError, WireErrorKind};

/// One of kombu's compressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// `application/x-gzip`, which for kombu is what Python's `zlib` makes
    Zlib,
    /// `application/x-bz2`
    Bzip2,
    /// `application/x-lzma`: a file of xz
    Lzma,
    /// `application/zstd`
    Zstd,
    /// `application/x-brotli`
    Brotli,
}

/// The dictionary that xz uses by itself. Nothing beyond this is read, but for what the body may have anyway.
const XZ_DICTIONARY: u32 = 8 << 20;

/// How a file of xz begins; those of the older format have no such mark.
const XZ: &[u8] = b"\xFD7zXZ\0";

/// The most frames of Zstandard in a body: each costs some time, also where there is nothing in it.
const FRAMES: usize = 10_000;

/// How large the pieces are that are read of what is compressed by brotli.
const BROTLI_PIECE: usize = 4096;

impl Compression {
    /// All of them.
    pub const ALL: [Compression; 5] = [Self::Zlib, Self::Bzip2, Self::Lzma, Self::Zstd, Self::Brotli];

    /// What the header `compression` names it by.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Zlib => "application/x-gzip",
            Self::Bzip2 => "application/x-bz2",
            Self::Lzma => "application/x-lzma",
            Self::Zstd => "application/zstd",
            Self::Brotli => "application/x-brotli",
        }
    }

    /// The names in settings, the usual one first.
    pub fn names(self) -> [&'static str; 2] {
        match self {
            Self::Zlib => ["zlib", "gzip"],
            Self::Bzip2 => ["bzip2", "bzip"],
            Self::Lzma => ["lzma", "xz"],
            Self::Zstd => ["zstd", "zstandard"],
            Self::Brotli => ["brotli", "brotli"],
        }
    }

    /// The compression of a name or content type.
    ///
    /// # Errors
    /// [`WireErrorKind::NotInstalled`], as a `KeyError`.
    pub fn from_name(name: &str) -> Result<Self, WireError> {
        let named = |one: &Self| one.content_type() == name || one.names().contains(&name);
        Self::ALL.into_iter().find(named).ok_or_else(|| {
            WireError::of_class(WireErrorKind::NotInstalled, "builtins.KeyError", format!("no compression {name:?}"))
        })
    }

    /// Compresses.
    ///
    /// # Errors
    /// None that a body could cause.
    pub fn compress(self, body: &[u8]) -> Result<Bytes, WireError> {
        let made = match self {
            Self::Zlib => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
            Self::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
            Self::Lzma => xz(body),
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                Ok(ruzstd::encoding::compress_to_vec(body, level))
            }
            Self::Brotli => {
                let mut encoder = brotli::CompressorWriter::new(Vec::new(), BROTLI_PIECE, 5, 22);
                encoder.write_all(body).map(|()| encoder.into_inner())
            }
        };
        made.map(Bytes::from).map_err(|error| self.damaged(&error.to_string()))
    }

    /// Decompresses, to at most `limit` bytes: all that stands in it, as Python does where there are several streams or frames one after the
    /// other. What is none behind the last of them is refused, which Python ignores for some.
    ///
    /// # Errors
    /// [`WireErrorKind::TooLarge`] where that is not enough, [`WireErrorKind::Compression`] where the data is damaged or ends early.
    pub fn decompress(self, body: &[u8], limit: usize) -> Result<Bytes, WireError> {
        match self {
            Self::Zlib => crate::compress::decompress(body, limit),
            Self::Bzip2 => self.read(bzip2::read::MultiBzDecoder::new(body), limit),
            Self::Lzma => {
                let memory = u32::try_from(limit).unwrap_or(u32::MAX).max(XZ_DICTIONARY) / 1024 + 4096;
                if body.starts_with(XZ) {
                    return self.read(lzma_rust2::XzReader::new_mem_limit(body, true, memory), limit);
                }
                let reader = lzma_rust2::LzmaReader::new_mem_limit(body, memory, None);
                self.read(reader.map_err(|error| self.damaged(&error.to_string()))?, limit)
            }
            Self::Brotli => self.read(brotli::Decompressor::new(body, BROTLI_PIECE), limit),
            Self::Zstd => {
                let mut rest = body;
                let mut whole = Vec::new();
                for _ in 0..FRAMES {
                    if let Some(behind) = self.skipped(rest)? {
                        rest = behind;
                        if rest.is_empty() {
                            return Ok(whole.into());
                        }
                        continue;
                    }
                    let decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest);
                    let mut decoder = decoder.map_err(|error| self.damaged(&error.to_string()))?;
                    let before = whole.len();
                    self.read_into(&mut decoder, limit, &mut whole)?;
                    let frame = decoder.into_frame_decoder();
                    // The reader does not look at what the frame says of itself.
                    if frame.content_size() > 0 && frame.content_size() != (whole.len() - before) as u64 {
                        return Err(self.damaged("another size than it says"));
                    }
                    if let Some(sum) = frame.get_checksum_from_data()
                        && frame.get_calculated_checksum() != Some(sum)
                    {
                        return Err(self.damaged("another checksum than it says"));
                    }
                    if rest.is_empty() {
                        return Ok(whole.into());
                    }
                }
                Err(self.damaged("too many frames"))
            }
        }
    }

    /// What comes behind a frame of Zstandard that is there to be skipped, if this is one.
    fn skipped(self, frame: &[u8]) -> Result<Option<&[u8]>, WireError> {
        let [0x50..=0x5F, 0x2A, 0x4D, 0x18, a, b, c, d, rest @ ..] = frame else { return Ok(None) };
        let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        rest.get(len..).map(Some).ok_or_else(|| self.damaged("the data ends in a frame to be skipped"))
    }

    fn read(self, mut from: impl Read, limit: usize) -> Result<Bytes, WireError> {
        let mut whole = Vec::new();
        self.read_into(&mut from, limit, &mut whole)?;
        Ok(whole.into())
    }

    /// One byte beyond the limit shows whether there is one.
    fn read_into(self, from: &mut impl Read, limit: usize, whole: &mut Vec<u8>) -> Result<(), WireError> {
        let room = limit.saturating_sub(whole.len()).saturating_add(1);
        let read = from.take(room as u64).read_to_end(whole);
        read.map_err(|error| self.damaged(&error.to_string()))?;
        if whole.len() > limit {
            return Err(WireError::too_large(whole.len() as u64, limit as u64));
        }
        Ok(())
    }

    #[cold]
    fn damaged(self, detail: &str) -> WireError {
        let message = format!("{self}: {detail}");
        WireError::of_class(WireErrorKind::Compression, "kombu.exceptions.DecodeError", message)
    }
}

/// A file of xz, with a dictionary no larger than the body.
fn xz(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut options = lzma_rust2::XzOptions::with_preset(6);
    options.lzma_options.dict_size = u32::try_from(body.len()).unwrap_or(u32::MAX).clamp(4096, XZ_DICTIONARY);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options)?;
    encoder.write_all(body)?;
    encoder.finish()
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names()[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_decompressed_up_to_the_limit() {
        let text = b"some text, some more text. ".repeat(4000);
        for compression in Compression::ALL {
            for len in [0, 1, 100, text.len()] {
                let body = &text[..len];
                let small = compression.compress(body).unwrap();
                assert_eq!(compression.decompress(&small, len).unwrap(), body, "{compression} {len}");
                if len > 0 {
                    let error = compression.decompress(&small, len - 1).unwrap_err();
                    let expected = WireErrorKind::TooLarge { size: len as u64, max: len as u64 - 1 };
                    assert_eq!(error.kind(), expected, "{compression}");
                }
            }
        }
    }

    #[test]
    fn damaged_data_is_refused() {
        let text = b"some text, some more text. ".repeat(40);
        for compression in Compression::ALL {
            let small = compression.compress(&text).unwrap();
            for len in 0..small.len() {
                let error = compression.decompress(&small[..len], 1 << 20).unwrap_err();
                assert_eq!(error.kind(), WireErrorKind::Compression, "{compression} {len}");
            }
            assert!(compression.decompress(b"garbage garbage garbage", 1 << 20).is_err(), "{compression}");
        }
    }

    #[test]
    fn bombs_are_stopped_at_the_limit() {
        let zeros = vec![0; 32 << 20];
        for compression in Compression::ALL {
            let bomb = compression.compress(&zeros).unwrap();
            assert!(bomb.len() < 1 << 17, "{compression} {}", bomb.len());
            let kind = compression.decompress(&bomb, 1 << 16).unwrap_err().kind();
            assert!(matches!(kind, WireErrorKind::TooLarge { .. }), "{compression} {kind:?}");
        }
    }

    #[test]
    fn names_are_kombus() {
        for compression in Compression::ALL {
            for name in compression.names().into_iter().chain([compression.content_type()]) {
                assert_eq!(Compression::from_name(name), Ok(compression));
            }
        }
        assert_eq!(Compression::from_name("snappy").unwrap_err().kind(), WireErrorKind::NotInstalled);
    }

    #[test]
    fn frames_of_zstandard_follow_one_another_and_may_be_skipped() {
        let text = b"some text, some more text. ".repeat(40);
        let frame = Compression::Zstd.compress(&text).unwrap();
        let skipped = b"\x5F\x2A\x4D\x18\x05\x00\x00\x00hello";
        let twice = text.repeat(2);
        for (parts, expected) in [
            (&[&frame[..], &frame][..], &twice[..]),
            (&[skipped, &frame], &text),
            (&[&frame, skipped, skipped, &frame, skipped], &twice),
            (&[skipped], b""),
        ] {
            let whole = parts.concat();
            assert_eq!(Compression::Zstd.decompress(&whole, expected.len()).unwrap(), expected);
            let cut = Compression::Zstd.decompress(&whole[..whole.len() - 1], 1 << 20).unwrap_err();
            assert_eq!(cut.kind(), WireErrorKind::Compression);
            if !expected.is_empty() {
                // The limit is that of all of them together.
                let kind = Compression::Zstd.decompress(&whole, expected.len() - 1).unwrap_err().kind();
                assert!(matches!(kind, WireErrorKind::TooLarge { .. }), "{kind:?}");
            }
        }
        // zstd.compress(b"some text, some more text.", options={CompressionParameter.checksum_flag: 1}), and with one letter changed.
        let mut checked = b"\x28\xb5\x2f\xfd\x24\x1a\xd1\x00\x00some text, some more text.\x26\xd5\x8b\xea".to_vec();
        assert_eq!(Compression::Zstd.decompress(&checked, 100).unwrap(), &checked[9..35]);
        checked[12] ^= 1;
        assert_eq!(Compression::Zstd.decompress(&checked, 100).unwrap_err().kind(), WireErrorKind::Compression);
        let many = skipped.repeat(FRAMES + 1);
        assert_eq!(Compression::Zstd.decompress(&many, 1).unwrap_err().kind(), WireErrorKind::Compression);
    }
}
