//! [`Header`]: the 40 bytes that every message begins with.

use crate::flags::flags;
use crate::{MessageType, WireError, WireErrorKind};

/// The version of the protocol.
pub const VERSION: u16 = 502;

/// How many bytes a header has.
pub const HEADER_LEN: usize = 40;

/// The number that ends a header.
pub const MAGIC: u16 = 0x4dc5;

const TAG: [u8; 4] = *b"PYRO";

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the message is.
    pub message_type: MessageType,
    /// The number of the serializer that wrote the body; any number may come.
    pub serializer: u8,
    /// What is special about it.
    pub flags: Flags,
    /// A reply has the number of its request.
    pub sequence: u16,
    /// How many bytes the body has; the encoder fills it in, the decoder counts what was decompressed.
    pub data_len: u32,
    /// How many bytes the annotations have; the encoder fills it in.
    pub annotations_len: u32,
    /// Identifies a call and the calls made on its behalf; of meaning with [`Flags::CORRELATION_ID`] only.
    pub correlation_id: [u8; 16],
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
    /// The result is a stream of items, to be fetched one by one.
    ITEM_STREAM_RESULT = 4;
    /// The arguments are to be handed to the method as they are, still encoded.
    KEEP_SERIALIZED = 5;
    /// There is a correlation id.
    CORRELATION_ID = 6;
}

impl Header {
    /// The header of a message to be sent, without flags.
    pub fn new(message_type: MessageType, serializer: u8, sequence: u16) -> Self {
        Self {
            message_type,
            serializer,
            flags: Flags::NONE,
            sequence,
            data_len: 0,
            annotations_len: 0,
            correlation_id: [0; 16],
            reserved: 0,
        }
    }

    /// The same with these flags too.
    #[must_use]
    pub fn with_flags(mut self, flags: Flags) -> Self {
        self.flags.insert(flags);
        self
    }

    /// The same with this correlation id, or with none.
    #[must_use]
    pub fn with_correlation(mut self, id: Option<[u8; 16]>) -> Self {
        self.correlation_id = id.unwrap_or_default();
        if id.is_some() {
            self.flags.insert(Flags::CORRELATION_ID);
        } else {
            self.flags.remove(Flags::CORRELATION_ID);
        }
        self
    }

    /// The correlation id, where there is one.
    pub fn correlation(&self) -> Option<[u8; 16]> {
        self.flags.contains(Flags::CORRELATION_ID).then_some(self.correlation_id)
    }

    /// Reads a header.
    ///
    /// # Errors
    /// Where it is not one of this version of the protocol.
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self, WireError> {
        check_start(bytes)?;
        let u16_at = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if u16_at(38) != MAGIC {
            return Err(WireError::new(WireErrorKind::InvalidMagic, "invalid message or protocol version"));
        }
        let mut correlation_id = [0; 16];
        correlation_id.copy_from_slice(&bytes[20..36]);
        Ok(Self {
            message_type: MessageType::from(bytes[6]),
            serializer: bytes[7],
            flags: Flags::from_bits(u16_at(8)),
            sequence: u16_at(10),
            data_len: u32_at(12),
            annotations_len: u32_at(16),
            correlation_id,
            reserved: u16_at(36),
        })
    }

    /// The bytes of the header.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&TAG);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[6] = u16::from(self.message_type) as u8;
        bytes[7] = self.serializer;
        bytes[8..10].copy_from_slice(&self.flags.bits().to_be_bytes());
        bytes[10..12].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.data_len.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.annotations_len.to_be_bytes());
        bytes[20..36].copy_from_slice(&self.correlation_id);
        bytes[36..38].copy_from_slice(&self.reserved.to_be_bytes());
        bytes[38..].copy_from_slice(&MAGIC.to_be_bytes());
        bytes
    }
}

/// Refuses what cannot become a message, as soon as the bytes that have come show it.
pub(super) fn check_start(bytes: &[u8]) -> Result<(), WireError> {
    let tag = &bytes[..bytes.len().min(TAG.len())];
    if !TAG.starts_with(tag) {
        return Err(WireError::new(WireErrorKind::NotPyro, "invalid data"));
    }
    if let &[_, _, _, _, high, low, ..] = bytes {
        let version = u16::from_be_bytes([high, low]);
        if version != VERSION {
            let message = format!("invalid protocol version: {version}");
            return Err(WireError::new(WireErrorKind::WrongVersion(version), message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &[u8; HEADER_LEN] =
        b"PYRO\x01\xf6\x01\x04\x00\x60\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x12\x34\x56\x78\x12\x34\x56\x78\
          \x12\x34\x56\x78\x12\x34\x56\x78\x00\x00\x4d\xc5";

    #[test]
    fn a_header_of_pyro_is_read_and_written_alike() {
        let header = Header::parse(RECORDED).unwrap();
        assert_eq!((header.message_type, header.serializer, header.sequence), (MessageType::Connect, 4, 258));
        assert_eq!(header.flags, Flags::KEEP_SERIALIZED | Flags::CORRELATION_ID);
        assert_eq!(header.correlation().unwrap()[..4], [0x12, 0x34, 0x56, 0x78]);
        assert_eq!(header.to_bytes(), *RECORDED);
        let made = Header::new(MessageType::Connect, 4, 258)
            .with_flags(Flags::KEEP_SERIALIZED)
            .with_correlation(header.correlation());
        assert_eq!(made, header);
        assert_eq!(made.with_correlation(None).correlation(), None);
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let mut bytes = *RECORDED;
        (bytes[6], bytes[7], bytes[8], bytes[37]) = (77, 200, 0xF0, 3);
        let header = Header::parse(&bytes).unwrap();
        assert_eq!((header.message_type, header.serializer), (MessageType::Unknown(77), 200));
        assert_eq!((header.flags.bits(), header.reserved), (0xF060, 3));
        assert_eq!(header.to_bytes(), bytes);
        assert_eq!(format!("{:?}", header.flags), "Flags(KEEP_SERIALIZED CORRELATION_ID 0xf000)");
    }

    #[test]
    fn other_beginnings_are_refused_as_pyro_refuses_them() {
        let refused = |bytes: &[u8]| check_start(bytes).unwrap_err().to_string();
        assert_eq!(refused(b"GET / "), "invalid data");
        assert_eq!(refused(b"PYX"), "invalid data");
        assert_eq!(refused(b"PYRO\x00\x30"), "invalid protocol version: 48");
        assert!(check_start(b"PYRO\x00").is_ok() && check_start(b"").is_ok());
        let mut bytes = *RECORDED;
        bytes[39] = 0;
        let error = Header::parse(&bytes).unwrap_err();
        assert_eq!(error.kind(), WireErrorKind::InvalidMagic);
        assert_eq!(error.to_string(), "invalid message or protocol version");
    }
}
