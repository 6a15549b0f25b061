//! [`RawReply`]: what came back, still encoded.

use bytes::Bytes;
use salamander_codec::Codec;
use salamander_object::Annotations as Pieces;
use salamander_value::Value;
use salamander_wire::pyro5::Flags;

use super::items::ItemStream;
use super::reply::Reply;

/// A reply as it came, for those who pass it on or look at it; Pyro's raw wire response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawReply {
    /// The bits of Pyro's message flags; 1 is an exception.
    pub flags: u16,
    /// The serializer of the body.
    pub serializer: Codec,
    /// The number of the call on its connection.
    pub sequence: u16,
    /// The annotations that came with it.
    pub annotations: Pieces,
    /// The body, decompressed and not decoded.
    pub body: Bytes,
}

/// What came back of a call that is made for somebody else.
#[derive(Debug)]
pub enum RawAnswer {
    /// A result or an exception.
    Reply(RawReply),
    /// Items, to be asked for, and the reply that said so: an exception, for those who know no streams.
    Items(ItemStream<Value>, RawReply),
    /// The method is one-way.
    Nothing,
}

impl RawReply {
    pub(crate) fn of(reply: Reply) -> Self {
        let (message, serializer) = reply.into_parts();
        let annotations = message.annotations.iter().map(|(id, data)| (id.bytes(), data.clone())).collect();
        let (flags, sequence) = (message.flags().bits(), message.header.sequence);
        Self { flags, serializer, sequence, annotations, body: message.body }
    }

    /// Whether it is an exception.
    pub fn is_exception(&self) -> bool {
        self.flags & Flags::EXCEPTION.bits() != 0
    }
}
