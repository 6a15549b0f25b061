//! Commands: what the ends say to each other beside messages.

use salamander_codec::Output;

use super::SocketType;
use super::frame::write_command;
use crate::WireError;

/// How long the context of a ping may be, which comes back with the pong.
const MAX_CONTEXT: usize = 16;

/// A command that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// The handshake's only one: of what type the other end's socket is.
    Ready { socket_type: &'a [u8] },
    /// The other end refuses the connection.
    Error { reason: &'a [u8] },
    /// The other end wants to know whether we are there.
    Ping { context: &'a [u8] },
    /// The other end is there.
    Pong,
}

impl<'a> Command<'a> {
    /// # Errors
    /// Where it is none that ends of these types send, or not well formed.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (name, body) = short(bytes).ok_or_else(|| malformed("a command without a name"))?;
        match name {
            b"READY" => Ok(Self::Ready { socket_type: socket_type(body)? }),
            b"ERROR" => match short(body) {
                Some((reason, [])) => Ok(Self::Error { reason }),
                _ => Err(malformed("an ERROR whose reason is cut off")),
            },
            b"PING" => match body.split_at_checked(2) {
                // For how long we may be silent then; nothing here asks for it.
                Some((_ttl, context)) if context.len() <= MAX_CONTEXT => Ok(Self::Ping { context }),
                _ => Err(malformed("a PING of another size")),
            },
            b"PONG" => Ok(Self::Pong),
            other => Err(malformed(&format!("the command '{}', which means nothing here", other.escape_ascii()))),
        }
    }
}

/// The value of `Socket-Type` among properties, whose names are the same in capital letters.
fn socket_type(mut properties: &[u8]) -> Result<&[u8], WireError> {
    let cut = || malformed("a READY whose properties are cut off");
    let mut found = None;
    while !properties.is_empty() {
        let (name, rest) = short(properties).ok_or_else(cut)?;
        let (len, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| cut())?;
        let (value, rest) = rest.split_at_checked(len).ok_or_else(cut)?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            found = Some(value);
        }
        properties = rest;
    }
    found.ok_or_else(|| malformed("a READY that does not say the socket's type"))
}

/// Bytes behind their length of one byte, and what follows them.
fn short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(len))
}

pub(super) fn write_ready(out: &mut Output, socket: SocketType) {
    let name = socket.name().as_bytes();
    let mut body = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
    body.push(name.len() as u8);
    body.extend_from_slice(name);
    body.extend_from_slice(b"\x08Identity\0\0\0\0");
    write_command(out, &body);
}

pub(super) fn write_error(out: &mut Output, reason: &str) {
    let reason = &reason.as_bytes()[..reason.len().min(255)];
    write_command(out, &[&b"\x05ERROR"[..], &[reason.len() as u8], reason].concat());
}

pub(super) fn write_pong(out: &mut Output, context: &[u8]) {
    write_command(out, &[&b"\x04PONG"[..], context].concat());
}

#[cold]
fn malformed(what: &str) -> WireError {
    WireError::zmtp(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        for (bytes, command) in [
            // What libzmq 4.3.5 sends of a REQ and of a REP.
            (
                &b"\x05READY\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0"[..],
                Command::Ready { socket_type: b"REQ" },
            ),
            (b"\x05READY\x0bSocket-Type\0\0\0\x03REP", Command::Ready { socket_type: b"REP" }),
            (b"\x05READY\x01X\0\0\0\0\x0bsocket-type\0\0\0\x06DEALER", Command::Ready { socket_type: b"DEALER" }),
            (b"\x05ERROR\x03bad", Command::Error { reason: b"bad" }),
            (b"\x04PING\0\0", Command::Ping { context: b"" }),
            (b"\x04PING\0\x0aabcdefghijklmnop", Command::Ping { context: b"abcdefghijklmnop" }),
            (b"\x04PONGabc", Command::Pong),
        ] {
            assert_eq!(Command::read(bytes).unwrap(), command);
        }
        for bytes in [
            &b""[..],
            b"\x06READY",
            b"\x05READY",
            b"\x05READY\x0b",
            b"\x05READY\x0bSocket-Type",
            b"\x05READY\x0bSocket-Type\0\0\0\x04REQ",
            b"\x05READY\x0bSocket-Type\xff\xff\xff\xffREQ",
            b"\x05READY\x08Identity\0\0\0\0",
            b"\x05ERROR",
            b"\x05ERROR\x04bad",
            b"\x05ERROR\x02bad",
            b"\x04PING\0",
            b"\x04PING\0\x0aabcdefghijklmnopq",
            b"\x09SUBSCRIBE",
            b"\x05HELLO\x05admin\x06secret",
        ] {
            assert!(Command::read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn commands_are_written() {
        let mut out = Output::new();
        write_ready(&mut out, SocketType::Req);
        write_error(&mut out, "bad");
        write_pong(&mut out, b"abc");
        let written =
            b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0\x04\x0a\x05ERROR\x03bad\x04\x08\x04PONGabc";
        assert_eq!(out.into_vec(), written);
    }
}
