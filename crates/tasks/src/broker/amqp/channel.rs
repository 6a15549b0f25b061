//! [`Channel`]: what is outstanding on a channel of a connection, and what comes in on it.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use salamander_value::Str;
use salamander_wire::WireError;
use salamander_wire::amqp::{Closed, Content};
use salamander_wire::celery::Message;
use tokio::sync::oneshot;

/// The channel that everything is published on.
pub(super) const PUBLISHING: u16 = 1;
/// The channel of everything that is done to queues and exchanges.
pub(super) const CONTROL: u16 = 2;
/// The first of the channels that consumers have.
pub(super) const CONSUMERS: u16 = 3;

/// Bodies of no more than this are copied out of the receive buffer, so that a small message does not keep all of it.
const COPIED: usize = 16 * 1024;

/// The size of a body beyond which nobody can have meant it: RabbitMQ's own limit.
pub(super) const MAX_BODY: u64 = 512 * 1024 * 1024;

/// A channel that is open.
#[derive(Default)]
pub(super) struct Channel {
    /// Who waits for replies, in the order of the requests.
    pub(super) slots: VecDeque<Slot>,
    /// The content that is coming in.
    pub(super) incoming: Option<Incoming>,
    /// We have closed it, and whatever still comes is of no interest.
    pub(super) closing: bool,
    /// The consumer that it is for.
    pub(super) consumer: Option<u64>,
}

/// Who waits for a reply.
pub(super) enum Slot {
    /// Nobody; where it is refused, the channel's own ways are enough.
    Ignore,
    /// Nobody; it is a queue or an exchange of this name that is made again.
    Made(Str),
    /// Somebody.
    Reply(oneshot::Sender<Reply>),
}

/// The reply to a request.
pub(super) type Reply = Result<Answer, Failure>;

/// What a request has led to.
#[derive(Debug)]
pub(super) enum Answer {
    /// It is done.
    Done,
    /// How many messages there are, or were.
    Count(u32),
    /// The message that was asked for, if there is one.
    Message(Result<Option<Box<Message>>, WireError>),
}

/// Why a request has led to nothing.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The connection or the channel is gone, for another reason than this request.
    Lost,
    /// The broker does not do that.
    Refused(Closed),
}

/// A message of which not all is there.
pub(super) struct Incoming {
    pub(super) what: Coming,
    content: Option<Result<Content, WireError>>,
    remaining: u64,
    parts: BytesMut,
    whole: Option<Bytes>,
}

/// What comes in.
pub(super) enum Coming {
    /// A delivery for a consumer.
    Delivery { consumer: Str, tag: u64, redelivered: bool, exchange: Bytes, routing_key: Bytes },
    /// What was asked for.
    Got { redelivered: bool, exchange: Bytes, routing_key: Bytes },
    /// Something that nobody has asked for.
    Other,
}

impl Incoming {
    pub(super) fn new(what: Coming) -> Self {
        Self { what, content: None, remaining: 0, parts: BytesMut::new(), whole: None }
    }

    /// Takes the header; true where nothing more comes.
    pub(super) fn header(&mut self, payload: &[u8]) -> Result<bool, WireError> {
        self.remaining = Content::size(payload)?;
        self.content = Some(Content::read(payload));
        Ok(self.remaining == 0)
    }

    /// Whether the body is larger than any can be.
    pub(super) fn too_large(&self) -> bool {
        self.remaining > MAX_BODY
    }

    /// Takes a part of the body; true where nothing more comes, none where more comes than was said.
    pub(super) fn body(&mut self, payload: Bytes) -> Option<bool> {
        self.content.as_ref()?;
        self.remaining = self.remaining.checked_sub(payload.len() as u64)?;
        if self.remaining == 0 && self.parts.is_empty() {
            self.whole = Some(if payload.len() <= COPIED { Bytes::copy_from_slice(&payload) } else { payload });
        } else {
            self.parts.extend_from_slice(&payload);
        }
        Some(self.remaining == 0)
    }

    /// All of it.
    pub(super) fn finish(self) -> (Coming, Option<Result<Content, WireError>>, Bytes) {
        (self.what, self.content, self.whole.unwrap_or_else(|| self.parts.freeze()))
    }
}

impl Channel {
    /// Tells all who wait that nothing comes of it; the first one, why.
    pub(super) fn fail(self, reason: Option<&Closed>) {
        let mut reason = reason;
        for slot in self.slots {
            // What is refused is the first that has no reply; where nobody waits for that, nobody is to blame.
            let failure = reason.take().map_or(Failure::Lost, |closed| Failure::Refused(closed.clone()));
            if let Slot::Reply(reply) = slot {
                let _ = reply.send(Err(failure));
            }
        }
    }
}
