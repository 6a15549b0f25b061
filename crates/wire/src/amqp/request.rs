//! [`Request`]: what a client says.

use salamander_value::Dict;

use super::fields::{long, short};
use super::frame::{FrameKind, frame};
use super::table;
use crate::WireError;

/// What a client says, but for `basic.publish`, which is [`publish`](super::publish).
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Request<'a> {
    /// `connection.start-ok`
    StartOk { properties: &'a Dict, mechanism: &'a str, response: &'a [u8] },
    /// `connection.tune-ok`
    TuneOk { channel_max: u16, frame_max: u32, heartbeat: u16 },
    /// `connection.open`
    Open { vhost: &'a str },
    /// `connection.close`
    Close,
    /// `connection.close-ok`
    CloseOk,
    /// `channel.open`
    ChannelOpen,
    /// `channel.close`
    ChannelClose,
    /// `channel.close-ok`
    ChannelCloseOk,
    /// `channel.flow-ok`
    FlowOk(bool),
    /// `exchange.declare`
    ExchangeDeclare { name: &'a str, kind: &'a str, durable: bool, auto_delete: bool },
    /// `queue.declare`
    QueueDeclare {
        name: &'a str,
        passive: bool,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: &'a Dict,
    },
    /// `queue.bind`
    QueueBind { queue: &'a str, exchange: &'a str, routing_key: &'a str },
    /// `queue.purge`
    QueuePurge { queue: &'a str },
    /// `queue.delete`
    QueueDelete { queue: &'a str },
    /// `basic.qos`
    Qos { prefetch: u16, global: bool },
    /// `basic.consume`
    Consume { queue: &'a str, consumer: &'a str, no_ack: bool },
    /// `basic.cancel`
    Cancel { consumer: &'a str },
    /// `basic.get`, as acknowledged
    Get { queue: &'a str },
    /// `basic.ack`
    Ack { tag: u64, multiple: bool },
    /// `basic.reject`
    Reject { tag: u64, requeue: bool },
    /// `confirm.select`
    ConfirmSelect,
}

impl Request<'_> {
    /// Appends it as a frame.
    ///
    /// # Errors
    /// A name that is too long, or arguments that cannot be encoded; nothing is appended then.
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) -> Result<(), WireError> {
        frame(out, FrameKind::Method, channel, |out| {
            let (class, method) = self.id();
            out.extend(class.to_be_bytes());
            out.extend(method.to_be_bytes());
            self.arguments(out)
        })
    }

    const fn id(&self) -> (u16, u16) {
        match self {
            Self::StartOk { .. } => (10, 11),
            Self::TuneOk { .. } => (10, 31),
            Self::Open { .. } => (10, 40),
            Self::Close => (10, 50),
            Self::CloseOk => (10, 51),
            Self::ChannelOpen => (20, 10),
            Self::FlowOk(_) => (20, 21),
            Self::ChannelClose => (20, 40),
            Self::ChannelCloseOk => (20, 41),
            Self::ExchangeDeclare { .. } => (40, 10),
            Self::QueueDeclare { .. } => (50, 10),
            Self::QueueBind { .. } => (50, 20),
            Self::QueuePurge { .. } => (50, 30),
            Self::QueueDelete { .. } => (50, 40),
            Self::Qos { .. } => (60, 10),
            Self::Consume { .. } => (60, 20),
            Self::Cancel { .. } => (60, 30),
            Self::Get { .. } => (60, 70),
            Self::Ack { .. } => (60, 80),
            Self::Reject { .. } => (60, 90),
            Self::ConfirmSelect => (85, 10),
        }
    }

    fn arguments(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        // Where the specification has a number that nobody uses any more.
        const RESERVED: [u8; 2] = [0; 2];
        match *self {
            Self::StartOk { properties, mechanism, response } => {
                table::write(out, properties)?;
                short(out, "the mechanism", mechanism.as_bytes())?;
                long(out, response);
                short(out, "the locale", b"en_US")?;
            }
            Self::TuneOk { channel_max, frame_max, heartbeat } => {
                out.extend(channel_max.to_be_bytes());
                out.extend(frame_max.to_be_bytes());
                out.extend(heartbeat.to_be_bytes());
            }
            Self::Open { vhost } => {
                short(out, "the virtual host", vhost.as_bytes())?;
                out.extend([0, 0]);
            }
            Self::Close | Self::ChannelClose => {
                out.extend(200_u16.to_be_bytes());
                short(out, "the reason", b"bye")?;
                out.extend([0; 4]);
            }
            Self::CloseOk | Self::ChannelCloseOk => {}
            Self::ChannelOpen => out.push(0),
            Self::FlowOk(active) => out.push(active.into()),
            Self::ExchangeDeclare { name, kind, durable, auto_delete } => {
                out.extend(RESERVED);
                short(out, "the name of an exchange", name.as_bytes())?;
                short(out, "the kind of an exchange", kind.as_bytes())?;
                out.push(bits(&[false, durable, auto_delete]));
                out.extend([0; 4]);
            }
            Self::QueueDeclare { name, passive, durable, exclusive, auto_delete, arguments } => {
                out.extend(RESERVED);
                short(out, "the name of a queue", name.as_bytes())?;
                out.push(bits(&[passive, durable, exclusive, auto_delete]));
                table::write(out, arguments)?;
            }
            Self::QueueBind { queue, exchange, routing_key } => {
                out.extend(RESERVED);
                short(out, "the name of a queue", queue.as_bytes())?;
                short(out, "the name of an exchange", exchange.as_bytes())?;
                short(out, "a routing key", routing_key.as_bytes())?;
                out.push(0);
                out.extend([0; 4]);
            }
            Self::QueuePurge { queue } | Self::QueueDelete { queue } => {
                out.extend(RESERVED);
                short(out, "the name of a queue", queue.as_bytes())?;
                out.push(0);
            }
            Self::Qos { prefetch, global } => {
                out.extend([0; 4]);
                out.extend(prefetch.to_be_bytes());
                out.push(global.into());
            }
            Self::Consume { queue, consumer, no_ack } => {
                out.extend(RESERVED);
                short(out, "the name of a queue", queue.as_bytes())?;
                short(out, "the tag of a consumer", consumer.as_bytes())?;
                out.push(bits(&[false, no_ack]));
                out.extend([0; 4]);
            }
            Self::Cancel { consumer } => {
                short(out, "the tag of a consumer", consumer.as_bytes())?;
                out.push(0);
            }
            Self::Get { queue } => {
                out.extend(RESERVED);
                short(out, "the name of a queue", queue.as_bytes())?;
                out.push(1);
            }
            Self::Ack { tag, multiple: flag } | Self::Reject { tag, requeue: flag } => {
                out.extend(tag.to_be_bytes());
                out.push(flag.into());
            }
            Self::ConfirmSelect => out.push(0),
        }
        Ok(())
    }
}

/// Flags in one byte, the first one lowest.
fn bits(flags: &[bool]) -> u8 {
    flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written() {
        let mut out = Vec::new();
        Request::Consume { queue: "q", consumer: "c", no_ack: true }.write(3, &mut out).unwrap();
        assert_eq!(out, b"\x01\x00\x03\x00\x00\x00\x0f\x00\x3c\x00\x14\x00\x00\x01q\x01c\x02\x00\x00\x00\x00\xce");
        out.clear();
        Request::Ack { tag: 258, multiple: true }.write(1, &mut out).unwrap();
        assert_eq!(out, b"\x01\x00\x01\x00\x00\x00\x0d\x00\x3c\x00\x50\x00\x00\x00\x00\x00\x00\x01\x02\x01\xce");
        let long = "x".repeat(256);
        assert!(Request::QueuePurge { queue: &long }.write(1, &mut out).is_err());
        assert_eq!(out.len(), 21, "nothing is left of what cannot be written");
    }
}
