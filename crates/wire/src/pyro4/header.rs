//! [`Header`]: the 24 bytes that every message begins with.

use crate::flags::flags;
use crate::{MessageType, WireError, WireErrorKind};

/// The version of the protocol.
pub const VERSION: u16 = 48;

/// How many bytes a header has.
pub const HEADER_LEN: usize = 24;

/// How many bytes a body can have at most.
pub const MAX_DATA_LEN: u32 = i32::MAX as u32;

/// What is added to the sum of the header.
const CHECKSUM: u16 = 0x34e9;

const TAG: [u8; 4] = *b"PYRO";

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the message is.
    pub message_type: MessageType,
    /// What is special about it.
    pub flags: Flags,
    /// A reply has the number of its request.
    pub sequence: u16,
    /// How many bytes the body has, [`MAX_DATA_LEN`] at most; the encoder fills it in, the decoder counts what was decompressed.
    pub data_len: u32,
    /// The number of the serializer that wrote the body; any number may come.
    pub serializer: u16,
    /// How many bytes the annotations have; the encoder fills it in.
    pub annotations_len: u16,
    /// Zero so far.
    pub reserved: u16,
}

flags! {
    /// The result is an exception.
    EXCEPTION = 0;
    /// The body is compressed. Encoder and decoder see to it: a received message never has it.
    COMPRESSED = 1;
    /// No reply is wanted.
    ONEWAY = 2;
    /// The call is a batch of calls.
    BATCH = 3;
    /// The metadata of the object is to come, or comes, with the answer to the handshake.
    META_ON_CONNECT = 4;
    /// The result is a stream of items, to be fetched one by one.
    ITEM_STREAM_RESULT = 5;
    /// The arguments are to be handed to the method as they are, still encoded.
    KEEP_SERIALIZED = 6;
}

impl Header {
    /// The header of a message to be sent, without flags.
    pub fn new(message_type: MessageType, serializer: u16, sequence: u16) -> Self {
        Self { message_type, flags: Flags::NONE, sequence, data_len: 0, serializer, annotations_len: 0, reserved: 0 }
    }

    /// The same with these flags too.
    #[must_use]
    pub fn with_flags(mut self, flags: Flags) -> Self {
        self.flags.insert(flags);
        self
    }

    /// Reads a header.
    ///
    /// # Errors
    /// Where it is not one of this version of the protocol, or its numbers do not add up.
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self, WireError> {
        check_start(bytes)?;
        let u16_at = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let header = Self {
            message_type: MessageType::from(u16_at(6)),
            flags: Flags::from_bits(u16_at(8)),
            sequence: u16_at(10),
            data_len: u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]),
            serializer: u16_at(16),
            annotations_len: u16_at(18),
            reserved: u16_at(20),
        };
        if header.checksum() != u16_at(22) {
            return Err(WireError::new(WireErrorKind::Checksum, "header checksum mismatch"));
        }
        if header.data_len > MAX_DATA_LEN {
            return Err(WireError::too_large(header.data_len.into(), MAX_DATA_LEN.into()));
        }
        Ok(header)
    }

    /// The bytes of the header.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&TAG);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[6..8].copy_from_slice(&u16::from(self.message_type).to_be_bytes());
        bytes[8..10].copy_from_slice(&self.flags.bits().to_be_bytes());
        bytes[10..12].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.data_len.to_be_bytes());
        bytes[16..18].copy_from_slice(&self.serializer.to_be_bytes());
        bytes[18..20].copy_from_slice(&self.annotations_len.to_be_bytes());
        bytes[20..22].copy_from_slice(&self.reserved.to_be_bytes());
        bytes[22..].copy_from_slice(&self.checksum().to_be_bytes());
        bytes
    }

    fn checksum(&self) -> u16 {
        [
            u16::from(self.message_type),
            VERSION,
            // What does not fit is left out of the sum anyway.
            self.data_len as u16,
            self.annotations_len,
            self.serializer,
            self.flags.bits(),
            self.sequence,
            CHECKSUM,
        ]
        .into_iter()
        .fold(0, u16::wrapping_add)
    }
}

/// Refuses what cannot become a message, as soon as the bytes that have come show it.
pub(super) fn check_start(bytes: &[u8]) -> Result<(), WireError> {
    let tag = &bytes[..bytes.len().min(TAG.len())];
    if !TAG.starts_with(tag) {
        return Err(WireError::new(WireErrorKind::NotPyro, "invalid data or unsupported protocol version"));
    }
    if let &[_, _, _, _, high, low, ..] = bytes {
        let version = u16::from_be_bytes([high, low]);
        if version != VERSION {
            let message = "invalid data or unsupported protocol version";
            return Err(WireError::new(WireErrorKind::WrongVersion(version), message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Message(1, b"", 4, 16, 258).to_bytes()`
    const RECORDED: &[u8; HEADER_LEN] =
        b"PYRO\x00\x30\x00\x01\x00\x10\x01\x02\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x36\x30";

    #[test]
    fn a_header_of_pyro_is_read_and_written_alike() {
        let header = Header::parse(RECORDED).unwrap();
        assert_eq!((header.message_type, header.serializer, header.sequence), (MessageType::Connect, 4, 258));
        assert_eq!(header.flags, Flags::META_ON_CONNECT);
        assert_eq!(header.to_bytes(), *RECORDED);
        assert_eq!(Header::new(MessageType::Connect, 4, 258).with_flags(Flags::META_ON_CONNECT), header);
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let mut header = Header::new(MessageType::Unknown(770), 60_000, 65_535);
        (header.flags, header.reserved, header.data_len) = (Flags::from_bits(0xF040), 3, MAX_DATA_LEN);
        assert_eq!(Header::parse(&header.to_bytes()).unwrap(), header);
        assert_eq!(format!("{:?}", header.flags), "Flags(KEEP_SERIALIZED 0xf000)");
    }

    #[test]
    fn other_beginnings_are_refused_as_pyro_refuses_them() {
        for (bytes, kind) in [
            (&b"GET / "[..], WireErrorKind::NotPyro),
            (b"PYX", WireErrorKind::NotPyro),
            (b"PYRO\x01\xf6", WireErrorKind::WrongVersion(502)),
        ] {
            let error = check_start(bytes).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(error.to_string(), "invalid data or unsupported protocol version");
        }
        assert!(check_start(b"PYRO\x00").is_ok() && check_start(b"").is_ok());
        for at in [7, 9, 11, 15, 17, 19, 23] {
            let mut bytes = *RECORDED;
            bytes[at] ^= 0x40;
            let error = Header::parse(&bytes).unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string()),
                (WireErrorKind::Checksum, "header checksum mismatch".into())
            );
        }
        let negative = Header { data_len: u32::MAX, ..Header::new(MessageType::Ping, 1, 1) }.to_bytes();
        assert!(matches!(Header::parse(&negative).unwrap_err().kind(), WireErrorKind::TooLarge { .. }));
    }
}
