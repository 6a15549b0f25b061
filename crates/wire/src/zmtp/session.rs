//! [`Session`]: one end of a connection.

use bytes::{Buf, Bytes, BytesMut};
use salamander_codec::Output;

use super::command::{Command, write_error, write_pong, write_ready};
use super::frame::Header;
use super::greeting::{self, GREETING_LEN};
use super::{STEP, SocketType};
use crate::WireError;

/// How large a command may be.
pub const MAX_COMMAND: usize = 16 * 1024;

/// How many parts a message may have.
pub const MAX_PARTS: usize = 256;

/// One end of a connection: greets, shakes hands, and cuts messages out of what comes, however that is split.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use salamander_codec::Output;
/// use salamander_wire::zmtp::{Session, SocketType, write_part};
///
/// let (mut asks, mut answers) = (Session::new(SocketType::Req, 1000), Session::new(SocketType::Rep, 1000));
/// let (mut there, mut back) = (Output::new(), Output::new());
/// asks.greet(&mut there);
/// answers.greet(&mut back);
/// let (mut to_them, mut to_us) = (BytesMut::from(&there.into_vec()[..]), BytesMut::from(&back.into_vec()[..]));
/// let (mut there, mut back) = (Output::new(), Output::new());
/// assert!(answers.receive(&mut to_them, &mut back)?.is_none());
/// to_us.extend_from_slice(&back.into_vec());
/// assert!(asks.receive(&mut to_us, &mut there)?.is_none() && asks.is_open());
/// write_part(&mut there, &Bytes::new(), true);
/// write_part(&mut there, &Bytes::from_static(b"a question"), false);
/// let mut received = BytesMut::from(&there.into_vec()[..]);
/// assert_eq!(answers.receive(&mut received, &mut Output::new())?.unwrap(), ["", "a question"]);
/// # Ok::<(), salamander_wire::WireError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    socket: SocketType,
    max: usize,
    state: State,
    /// The frame whose rest has not come yet; all of its bytes are still in the buffer.
    pending: Option<Header>,
    /// The parts of a message that goes on, and how many bytes they have.
    parts: Vec<Bytes>,
    size: usize,
}

/// What comes next from the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Ready,
    Messages,
}

impl Session {
    /// An end of this type that takes messages of at most so many bytes, all of their parts together.
    pub fn new(socket: SocketType, max_message_size: usize) -> Self {
        let max = max_message_size.min(usize::MAX / 2);
        Self { socket, max, state: State::Greeting, pending: None, parts: Vec::new(), size: 0 }
    }

    /// Writes the greeting, with which both ends begin.
    pub fn greet(&self, out: &mut Output) {
        out.extend_from_slice(&greeting::ours());
    }

    /// Whether hands have been shaken, so that messages may come and go.
    pub fn is_open(&self) -> bool {
        self.state == State::Messages
    }

    /// Takes the next message out of the buffer, if it is there as a whole. What is to be sent for that to come is written to `out`: our
    /// part of the handshake, and answers to pings.
    ///
    /// # Errors
    /// As soon as the bytes show it: where the other end does not keep to the protocol, speaks another version or mechanism, is a socket of a
    /// type that ours does not talk to, or says that it refuses; where a message is too large. The connection is of no further use
    /// when what `out` has been given has been sent.
    pub fn receive(&mut self, input: &mut BytesMut, out: &mut Output) -> Result<Option<Vec<Bytes>>, WireError> {
        if self.state == State::Greeting {
            greeting::check(&input[..input.len().min(GREETING_LEN)])?;
            if input.len() < GREETING_LEN {
                return Ok(None);
            }
            input.advance(GREETING_LEN);
            write_ready(out, self.socket);
            self.state = State::Ready;
        }
        while let Some((header, body)) = self.frame(input)? {
            if header.is_command {
                self.command(&body, out)?;
                continue;
            }
            self.size += body.len();
            self.parts.push(body);
            if !header.more {
                self.size = 0;
                return Ok(Some(std::mem::take(&mut self.parts)));
            }
        }
        Ok(None)
    }

    /// How many bytes are missing from the buffer, after [`Session::receive`] found no message in it, as far as that is known.
    pub fn needed(&self, buffer: &BytesMut) -> usize {
        let total = match (self.state, self.pending) {
            (State::Greeting, _) => GREETING_LEN,
            (_, Some(header)) => header.len + header.body as usize,
            (_, None) => Header::expected(buffer),
        };
        total.saturating_sub(buffer.len())
    }

    /// Makes room for what is missing, but never for more than has come already, or [`STEP`].
    pub fn reserve(&self, buffer: &mut BytesMut) {
        buffer.reserve(self.needed(buffer).min(buffer.len().max(STEP)));
    }

    /// The next frame, if it is there as a whole.
    fn frame(&mut self, input: &mut BytesMut) -> Result<Option<(Header, Bytes)>, WireError> {
        let header = match self.pending {
            Some(header) => header,
            None => match Header::read(input)? {
                Some(header) => {
                    self.check(header)?;
                    header
                }
                None => return Ok(None),
            },
        };
        // Found to be within the limits before.
        let body = header.body as usize;
        if input.len() < header.len + body {
            self.pending = Some(header);
            return Ok(None);
        }
        self.pending = None;
        input.advance(header.len);
        Ok(Some((header, input.split_to(body).freeze())))
    }

    fn check(&self, header: Header) -> Result<(), WireError> {
        if !header.is_command && self.state != State::Messages {
            return Err(WireError::zmtp("a message before the handshake"));
        }
        if !header.is_command && self.parts.len() >= MAX_PARTS {
            return Err(WireError::zmtp(format!("a message of more than {MAX_PARTS} parts")));
        }
        let (size, max) = match header.is_command {
            true => (header.body, MAX_COMMAND),
            false => (header.body.saturating_add(self.size as u64), self.max),
        };
        if size > max as u64 {
            return Err(WireError::frame_too_large(size, max as u64));
        }
        Ok(())
    }

    fn command(&mut self, body: &[u8], out: &mut Output) -> Result<(), WireError> {
        match (Command::read(body)?, self.state) {
            (Command::Ready { socket_type }, State::Ready) => {
                if !self.socket.talks_to(socket_type) {
                    let theirs = socket_type[..socket_type.len().min(32)].escape_ascii();
                    let reason =
                        format!("a socket of type {theirs} cannot be connected to one of type {}", self.socket);
                    write_error(out, &reason);
                    return Err(WireError::zmtp(reason));
                }
                self.state = State::Messages;
                Ok(())
            }
            (Command::Error { reason }, _) => {
                Err(WireError::zmtp(format!("the other end refuses the connection: {}", reason.escape_ascii())))
            }
            (Command::Ping { context }, State::Messages) => {
                write_pong(out, context);
                Ok(())
            }
            (Command::Pong, State::Messages) => Ok(()),
            (command, _) => Err(WireError::zmtp(format!("a command out of its place: {command:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireErrorKind;

    /// What libzmq 4.3.5 sends of a REQ that asks `[1, 2]`.
    const REQ: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
        \x04\x26\x05READY\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0\
        \x01\0\0\x06[1, 2]";

    fn received(bytes: &[u8], read: usize) -> (Vec<Vec<Bytes>>, Vec<u8>, Result<(), WireError>) {
        let mut session = Session::new(SocketType::Rep, 1000);
        let (mut input, mut out, mut found) = (BytesMut::new(), Output::new(), Vec::new());
        let mut done = Ok(());
        'all: for piece in bytes.chunks(read) {
            input.extend_from_slice(piece);
            loop {
                match session.receive(&mut input, &mut out) {
                    Ok(Some(message)) => found.push(message),
                    Ok(None) => break,
                    Err(error) => {
                        done = Err(error);
                        break 'all;
                    }
                }
            }
            assert!(session.needed(&input) > 0);
        }
        (found, out.into_vec(), done)
    }

    #[test]
    fn it_understands_libzmq_however_that_comes() {
        for read in [1, 2, 7, 64, 1000] {
            let (messages, sent, done) = received(REQ, read);
            done.unwrap();
            assert_eq!(messages, [["", "[1, 2]"]]);
            assert_eq!(sent, b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x03REP\x08Identity\0\0\0\0");
        }
    }

    #[test]
    fn pings_are_answered() {
        let (messages, sent, done) =
            received(&[REQ, b"\x04\x0a\x04PING\0\x05abc\x04\x05\x04PONG\0\0"].concat(), 1000);
        assert!(done.is_ok() && messages.len() == 2);
        assert!(sent.ends_with(b"\x04\x08\x04PONGabc"), "{sent:?}");
    }

    #[test]
    fn what_does_not_keep_to_it_is_refused() {
        let greeting = &REQ[..GREETING_LEN];
        let with = |rest: &[u8]| [greeting, rest].concat();
        let ready = |socket: &[u8]| {
            [
                greeting,
                b"\x04",
                &[22 + socket.len() as u8],
                b"\x05READY\x0bSocket-Type\0\0\0",
                &[socket.len() as u8],
                socket,
            ]
            .concat()
        };
        for (bytes, words) in [
            (b"GET / HTTP/1.1\r\n".to_vec(), "does not speak"),
            (with(b"\x01\0"), "before the handshake"),
            (with(b"\x04\x06\x04PING\0"), "another size"),
            (with(b"\x04\x07\x04PING\0\0"), "out of its place"),
            (with(b"\x04\x0a\x05ERROR\x03bad"), "refuses the connection: bad"),
            (with(b"\x08\0"), "the flags 0x08"),
            (with(b"\x06\0\0\0\0\0\0\x40\x01"), "16385"),
            (ready(b"SUB"), "a socket of type SUB cannot"),
            (ready(b"ROUTER"), "a socket of type ROUTER cannot"),
            ([REQ, b"\x02\xff\xff\xff\xff\xff\xff\xff\xff"].concat(), "max=1000"),
            ([REQ, b"\x03\0\0\0\0\0\0\x03\xe8", &[0; 1000], b"\0\x01"].concat(), "1001"),
            ([REQ, &b"\x01\0".repeat(MAX_PARTS), b"\0\0"].concat(), "parts"),
            ([REQ, &REQ[GREETING_LEN..]].concat(), "out of its place"),
        ] {
            for read in [1, 5000] {
                let error = received(&bytes, read).2.unwrap_err();
                assert!(error.to_string().contains(words), "{error}");
                assert!(matches!(error.kind(), WireErrorKind::Zmtp | WireErrorKind::TooLarge { .. }));
            }
        }
        let (_, sent, _) = received(&ready(b"SUB"), 1000);
        assert!(sent.ends_with(b"a socket of type SUB cannot be connected to one of type REP"), "{sent:?}");
        assert!(received(&[REQ, &b"\x01\0".repeat(MAX_PARTS - 1), b"\0\0"].concat(), 1000).2.is_ok());
    }

    #[test]
    fn room_is_made_for_what_is_missing_and_only_step_by_step() {
        let mut session = Session::new(SocketType::Rep, usize::MAX);
        let mut buffer = BytesMut::from(&[REQ, b"\x02\0\xff\xff\xff\xff\xff\xff\xff"].concat()[..]);
        let mut out = Output::new();
        assert!(session.receive(&mut buffer, &mut out).unwrap().is_some());
        assert!(session.receive(&mut buffer, &mut out).unwrap().is_none());
        session.reserve(&mut buffer);
        assert!(session.needed(&buffer) > 1 << 40 && buffer.capacity() < 2 * STEP);
    }
}
