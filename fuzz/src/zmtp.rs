//! The target of ZeroMQ's connections.

use bytes::{Bytes, BytesMut};
use salamander_codec::Output;
use salamander_wire::WireErrorKind;
use salamander_wire::zmtp::{MAX_PARTS, STEP, Session, SocketType, write_part};

use super::MAX_MESSAGE_SIZE;

/// What an end of a ZeroMQ connection is sent from its beginning on, after the sizes of reads as in `wire`. However the
/// stream is split, the same messages come out of it and the same is answered; no buffer grows ahead of it; messages are within the limits,
/// and come back as they were when they are written.
pub fn zmtp(data: &[u8]) {
    let Some((&count, data)) = data.split_first() else { return };
    let Some((sizes, stream)) = data.split_at_checked(usize::from(count % 8)) else { return };
    for socket in [SocketType::Rep, SocketType::Req, SocketType::Router] {
        let whole = received(socket, stream, &[]);
        let split = received(socket, stream, sizes);
        assert!(whole == split, "something else where it comes in pieces: {whole:?}, {split:?}");
        for message in &whole.messages {
            let size: usize = message.iter().map(Bytes::len).sum();
            assert!((1..=MAX_PARTS).contains(&message.len()) && size <= MAX_MESSAGE_SIZE);
        }
        written_and_read(&whole.messages);
    }
}

#[derive(Debug, Default, PartialEq)]
struct Received {
    messages: Vec<Vec<Bytes>>,
    answered: Vec<u8>,
    ended: Option<WireErrorKind>,
}

/// What becomes of a stream that comes in reads of these sizes.
fn received(socket: SocketType, stream: &[u8], sizes: &[u8]) -> Received {
    let mut session = Session::new(socket, MAX_MESSAGE_SIZE);
    let (mut buffer, mut out, mut received) = (BytesMut::new(), Output::new(), Received::default());
    'reads: for read in super::reads(stream, sizes) {
        buffer.extend_from_slice(read);
        loop {
            match session.receive(&mut buffer, &mut out) {
                Ok(Some(message)) => received.messages.push(message),
                Ok(None) => break,
                Err(error) => {
                    received.ended = Some(error.kind());
                    break 'reads;
                }
            }
        }
        assert!(session.needed(&buffer) > 0, "a whole message was not seen");
        let before = buffer.capacity();
        session.reserve(&mut buffer);
        assert!(buffer.capacity() <= 2 * before.max(buffer.len()) + STEP, "a buffer grows ahead of what has come");
    }
    received.answered = out.into_vec();
    received
}

/// Messages are written so that they are read as what they were.
fn written_and_read(messages: &[Vec<Bytes>]) {
    let (mut ours, mut theirs) = (Session::new(SocketType::Dealer, MAX_MESSAGE_SIZE), Output::new());
    Session::new(SocketType::Dealer, MAX_MESSAGE_SIZE).greet(&mut theirs);
    theirs.extend_from_slice(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER");
    for message in messages {
        for (at, part) in message.iter().enumerate() {
            write_part(&mut theirs, part, at + 1 < message.len());
        }
    }
    let mut buffer = BytesMut::from(&theirs.into_vec()[..]);
    for message in messages {
        let read = ours.receive(&mut buffer, &mut Output::new()).expect("what was written can be read");
        assert_eq!(read.as_ref(), Some(message));
    }
}
