//! Pyro5's protocol, version 502.
//!
//! A message is a header of 40 bytes, annotations, and a body that one of the serializers wrote:
//!
//! ```text
//! offset 0   "PYRO"             4 bytes      offset 12  length of the body         4
//!        4   version, 502       2                   16  length of the annotations  4
//!        6   type of message    1                   20  correlation id             16
//!        7   serializer         1                   36  reserved, 0                2
//!        8   flags              2                   38  magic number, 0x4dc5       2
//!        10  sequence number    2            all numbers have their high byte first
//! ```
//!
//! Each annotation is four ASCII characters, a length of four bytes, and that many bytes.

mod decode;
mod encode;
mod header;
mod message;

pub use crate::annotations::{AnnotationId, Annotations};
pub use crate::message_type::MessageType;
pub use crate::{PING_SERIALIZER, STEP};

pub use decode::Decoder;
pub use encode::{COMPRESS_OVER, Started, begin, finish, write_message};
pub use header::{Flags, HEADER_LEN, Header, MAGIC, VERSION};
pub use message::{Message, WireData};
