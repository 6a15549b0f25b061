//! [`Method`]: what a server says.

use bytes::Bytes;
use salamander_value::{Dict, Str};

use super::fields::Fields;
use super::table;
use crate::WireError;

/// What a server says, as far as clients have to know it.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// `connection.start`
    Start {
        /// What the server says of itself.
        properties: Dict,
        /// How one can log in, by names with spaces between.
        mechanisms: String,
    },
    /// `connection.tune`; 0 for no limit.
    Tune {
        /// The greatest number of a channel.
        channel_max: u16,
        /// The greatest size of a frame.
        frame_max: u32,
        /// After how many seconds of silence the other end counts as gone.
        heartbeat: u16,
    },
    /// `connection.open-ok`
    OpenOk,
    /// `connection.close`
    Close(Closed),
    /// `connection.close-ok`
    CloseOk,
    /// `connection.blocked`, with the reason
    Blocked(String),
    /// `connection.unblocked`
    Unblocked,
    /// `channel.close`
    ChannelClose(Closed),
    /// `channel.close-ok`
    ChannelCloseOk,
    /// `channel.flow`
    Flow(bool),
    /// What answers a request and says nothing more: `channel.open-ok`, `queue.bind-ok` and the like.
    Done,
    /// `queue.declare-ok`, `queue.purge-ok`, `queue.delete-ok`: how many messages there are or were.
    Count(u32),
    /// `basic.consume-ok` or `basic.cancel-ok`
    Consumer(Str),
    /// `basic.cancel`: the queue is gone.
    Cancelled(Str),
    /// `basic.deliver`; content follows.
    Deliver {
        /// Which consumer it is for.
        consumer: Str,
        /// What it is acknowledged by.
        tag: u64,
        /// It was delivered before.
        redelivered: bool,
        /// The exchange, which should be text.
        exchange: Bytes,
        /// The routing key, which should be text.
        routing_key: Bytes,
    },
    /// `basic.get-ok`; content follows.
    Got {
        /// It was delivered before.
        redelivered: bool,
        /// The exchange, which should be text.
        exchange: Bytes,
        /// The routing key, which should be text.
        routing_key: Bytes,
    },
    /// `basic.get-empty`
    Empty,
    /// `basic.return`; content follows.
    Returned,
    /// `basic.ack` of what was published.
    Ack {
        /// Which publication, counted from 1.
        tag: u64,
        /// All up to it.
        multiple: bool,
    },
    /// `basic.nack` of what was published.
    Nack {
        /// Which publication, counted from 1.
        tag: u64,
        /// All up to it.
        multiple: bool,
    },
}

/// Why a channel or a connection was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The number of the reason, such as 404.
    pub code: u16,
    /// The reason in words.
    pub text: String,
}

impl Method {
    /// Reads the payload of a frame.
    ///
    /// # Errors
    /// What is none, or one that only clients say.
    pub fn read(payload: &[u8]) -> Result<Self, WireError> {
        let mut fields = Fields(payload);
        let id = (fields.u16()?, fields.u16()?);
        Ok(match id {
            (10, 10) => {
                fields.bytes(2)?;
                let properties = table::read(&mut fields)?;
                Self::Start { properties, mechanisms: String::from_utf8_lossy(fields.long()?).into_owned() }
            }
            (10, 30) => Self::Tune { channel_max: fields.u16()?, frame_max: fields.u32()?, heartbeat: fields.u16()? },
            (10, 41) => Self::OpenOk,
            (10, 50) => Self::Close(closed(&mut fields)?),
            (10, 51) => Self::CloseOk,
            (10, 60) => Self::Blocked(fields.shown()?),
            (10, 61) => Self::Unblocked,
            (20, 20) => Self::Flow(fields.u8()? & 1 != 0),
            (20, 40) => Self::ChannelClose(closed(&mut fields)?),
            (20, 41) => Self::ChannelCloseOk,
            // channel.open-ok, exchange.declare-ok, queue.bind-ok, queue.unbind-ok, basic.qos-ok, confirm.select-ok
            (20 | 40 | 60 | 85, 11) | (50, 21 | 51) => Self::Done,
            (50, 11) => {
                fields.short()?;
                Self::Count(fields.u32()?)
            }
            (50, 31 | 41) => Self::Count(fields.u32()?),
            (60, 21 | 31) => Self::Consumer(fields.text()?),
            (60, 30) => Self::Cancelled(fields.text()?),
            (60, 50) => Self::Returned,
            (60, 60) => Self::Deliver {
                consumer: fields.text()?,
                tag: fields.u64()?,
                redelivered: fields.u8()? & 1 != 0,
                exchange: fields.opaque()?,
                routing_key: fields.opaque()?,
            },
            (60, 71) => {
                fields.u64()?;
                let redelivered = fields.u8()? & 1 != 0;
                Self::Got { redelivered, exchange: fields.opaque()?, routing_key: fields.opaque()? }
            }
            (60, 72) => Self::Empty,
            (60, 80) => Self::Ack { tag: fields.u64()?, multiple: fields.u8()? & 1 != 0 },
            (60, 120) => Self::Nack { tag: fields.u64()?, multiple: fields.u8()? & 1 != 0 },
            (class, method) => {
                return Err(WireError::amqp(format!("a method that servers do not call: {class}.{method}")));
            }
        })
    }
}

fn closed(fields: &mut Fields<'_>) -> Result<Closed, WireError> {
    Ok(Closed { code: fields.u16()?, text: fields.shown()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read() {
        let deliver = b"\x00\x3c\x00\x3c\x01c\x00\x00\x00\x00\x00\x00\x00\x07\x01\x00\x02\xff\xfe";
        let expected = Method::Deliver {
            consumer: "c".into(),
            tag: 7,
            redelivered: true,
            exchange: Bytes::new(),
            routing_key: Bytes::from_static(b"\xff\xfe"),
        };
        assert_eq!(Method::read(deliver).unwrap(), expected);
        let close = b"\x00\x14\x00\x28\x01\x94\x09NOT_FOUND\x00\x3c\x00\x28";
        let closed = Closed { code: 404, text: "NOT_FOUND".into() };
        assert_eq!(Method::read(close).unwrap(), Method::ChannelClose(closed));
        assert_eq!(Method::read(b"\x00\x32\x00\x0b\x01q\x00\x00\x00\x05\x00\x00\x00\x00").unwrap(), Method::Count(5));
        for end in 0..deliver.len() {
            assert!(Method::read(&deliver[..end]).is_err());
        }
        assert!(Method::read(b"\x00\x3c\x00\x28").is_err(), "only clients publish");
    }
}
