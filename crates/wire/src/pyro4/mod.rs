//! Pyro4's protocol, version 48.
//!
//! A message is a header of 24 bytes, annotations, and a body that one of the serializers wrote:
//!
//! ```text
//! offset 0   "PYRO"             4 bytes      offset 12  length of the body, signed   4
//!        4   version, 48        2                   16  serializer                   2
//!        6   type of message    2                   18  length of the annotations    2
//!        8   flags              2                   20  reserved, 0                  2
//!        10  sequence number    2                   22  checksum                     2
//!                                    all numbers have their high byte first
//! ```
//!
//! The checksum is the sum of all the numbers before it, but for the reserved one, and of 0x34e9, as far as that fits.
//!
//! Each annotation is four ASCII characters, a length of two bytes, and that many bytes. `CORR` is the correlation id, and
//! `HMAC` the digest of those who share a [`Key`].

mod decode;
mod encode;
mod header;
mod key;
mod message;

pub use crate::annotations::{AnnotationId, Annotations};
pub use crate::message_type::MessageType;
pub use crate::{PING_SERIALIZER, STEP};

pub use decode::Decoder;
pub use encode::{COMPRESS_FROM, Started, begin, finish, write_message};
pub use header::{Flags, HEADER_LEN, Header, MAX_DATA_LEN, VERSION};
pub use key::Key;
pub use message::{Message, WireData};
