//! [`Decoder`]: bytes as they come in, to messages. Both of Pyro's protocols are framed alike: a header that says how much follows,
//! annotations, a body.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::annotations::{Annotations, Lengths};
use crate::compress::decompress;
use crate::message_type::check_type;
use crate::{MessageType, STEP, WireError};

/// A message of a protocol, and how its frames are read.
pub trait Framed: Sized {
    /// What a frame begins with.
    type Header: Copy + fmt::Debug;

    /// By what messages are checked.
    type Check: fmt::Debug + Default;

    /// How many bytes a header has.
    const HEADER_LEN: usize;

    /// How many bytes the length of an annotation has.
    const LENGTHS: Lengths;

    /// Refuses what cannot become a header, as soon as the bytes that have come show it.
    fn check_start(bytes: &[u8]) -> Result<(), WireError>;

    /// The header with which the bytes begin, if it is there as a whole.
    fn header(bytes: &[u8]) -> Result<Option<Self::Header>, WireError>;

    /// What the header says of the frame.
    fn frame(header: &Self::Header) -> Frame;

    /// Whether the message is from one who may send it. What stands in the annotations for this alone is taken out.
    fn check(check: &Self::Check, annotations: &mut Annotations, body: &Bytes) -> Result<(), WireError>;

    /// The message of a frame. The header becomes that of a message whose body was never compressed.
    fn of_parts(header: Self::Header, annotations: Annotations, body: Bytes) -> Self;
}

/// What a header says of its frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub message_type: MessageType,
    pub annotations_len: u32,
    pub data_len: u32,
    pub compressed: bool,
}

/// Cuts messages out of what is received, however that is split.
pub struct Decoder<M: Framed> {
    max_message_size: usize,
    accepted: &'static [MessageType],
    /// The header of a message whose rest has not come yet; its bytes are still in the buffer.
    pending: Option<M::Header>,
    pub(crate) check: M::Check,
}

impl<M: Framed> Decoder<M> {
    /// A decoder of messages whose annotations and body, compressed and decompressed, have at most this many bytes.
    pub fn new(max_message_size: usize) -> Self {
        let most = usize::MAX - M::HEADER_LEN;
        Self {
            max_message_size: max_message_size.min(most),
            accepted: &[],
            pending: None,
            check: M::Check::default(),
        }
    }

    /// Refuses messages of any other type from now on, before their body has come; all are accepted where none is named.
    ///
    /// As in Pyro, a server accepts `Connect` alone at first, then `Invoke` and `Ping`; a client accepts `ConnectOk` and
    /// `ConnectFail`, then `Result`.
    pub fn accept(&mut self, types: &'static [MessageType]) {
        self.accepted = types;
    }

    /// Takes the next message out of the buffer, if it is there as a whole.
    ///
    /// # Errors
    /// As soon as the bytes show it: what is not Pyro's at the first bytes, what is too large or of the wrong type at
    /// the header, what is not from one who may send it when all of it has come. The connection is of no further use then.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<M>, WireError> {
        let header = match self.pending {
            Some(header) => header,
            None => match M::header(buffer)? {
                Some(header) => {
                    self.check_header(&header)?;
                    header
                }
                None => {
                    M::check_start(buffer)?;
                    return Ok(None);
                }
            },
        };
        let total = total_len::<M>(&header);
        if buffer.len() < total {
            self.pending = Some(header);
            return Ok(None);
        }
        self.pending = None;
        self.message(header, buffer.split_to(total).freeze()).map(Some)
    }

    /// The header of the message that is coming in, once that is there.
    pub fn pending(&self) -> Option<&M::Header> {
        self.pending.as_ref()
    }

    /// How many bytes are missing from the buffer, after [`Decoder::decode`] found no message in it: of the header, or
    /// of the whole message once its header is there.
    pub fn needed(&self, buffer: &BytesMut) -> usize {
        self.pending.as_ref().map_or(M::HEADER_LEN, total_len::<M>).saturating_sub(buffer.len())
    }

    /// Makes room for what is missing, but never for more than has come already, or [`STEP`].
    pub fn reserve(&self, buffer: &mut BytesMut) {
        buffer.reserve(self.needed(buffer).min(buffer.len().max(STEP)));
    }

    fn check_header(&self, header: &M::Header) -> Result<(), WireError> {
        let frame = M::frame(header);
        let (size, max) =
            (u64::from(frame.data_len) + u64::from(frame.annotations_len), self.max_message_size as u64);
        if size > max {
            return Err(WireError::too_large(size, max));
        }
        check_type(frame.message_type, self.accepted)
    }

    /// The message that this frame is, which has the length that its header says.
    fn message(&self, header: M::Header, mut bytes: Bytes) -> Result<M, WireError> {
        let frame = M::frame(&header);
        bytes.advance(M::HEADER_LEN);
        let mut annotations = match frame.annotations_len {
            0 => Annotations::new(),
            len => Annotations::parse(&bytes.split_to(len as usize), M::LENGTHS)?,
        };
        // Before anything else is done with what somebody sent.
        M::check(&self.check, &mut annotations, &bytes)?;
        if frame.compressed {
            bytes = decompress(&bytes, self.max_message_size.min(u32::MAX as usize))?;
        }
        Ok(M::of_parts(header, annotations, bytes))
    }
}

fn total_len<M: Framed>(header: &M::Header) -> usize {
    // Found to be within the limit before.
    let frame = M::frame(header);
    M::HEADER_LEN + frame.data_len as usize + frame.annotations_len as usize
}

impl<M: Framed> fmt::Debug for Decoder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("max_message_size", &self.max_message_size)
            .field("accepted", &self.accepted)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}
