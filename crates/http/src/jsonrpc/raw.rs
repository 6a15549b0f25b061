//! JSON-RPC over plain connections: a message a line.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use salamander_net::{Client, Door, Recognised};
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{Decoder, Encoder, Framed};

use super::conversation::{Incoming, converse};
use super::dispatch::Caller;
use super::options::JsonRpc;
use super::response::{Fault, error};

/// With [`Builder::door`](salamander_net::Builder::door) a daemon answers those whose first byte is `{` or `[`. A message ends with a line
/// feed, and has no other in it; so does each answer.
impl Door for JsonRpc {
    fn name(&self) -> &'static str {
        "JSON-RPC"
    }

    fn recognise(&self, first: &[u8]) -> Recognised {
        match first.first() {
            Some(b'{' | b'[') => Recognised::Yes,
            _ => Recognised::No,
        }
    }

    fn serve(&self, mut client: Client) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let rpc = self.0.clone();
        Box::pin(async move {
            if client.is_refused() {
                let mut line = error(None, &Fault::busy(), &rpc.settings);
                line.push(b'\n');
                // It may have left.
                let _ = client.write_all(&line).await;
                let _ = client.shutdown().await;
                return;
            }
            let caller = Caller {
                daemon: client.daemon().clone(),
                session: client.session().clone(),
                ids: Arc::default(),
                subscribing: Some(Arc::default()),
                rpc,
            };
            let lines = Framed::new(client, Lines::new(caller.rpc.reading.most));
            if let Err(error) = converse(lines, caller).await {
                tracing::debug!("a JSON-RPC client: {error}");
            }
        })
    }
}

/// Messages as lines.
pub(super) struct Lines {
    most: usize,
    /// So much has been looked at.
    seen: usize,
    is_over: bool,
}

impl Lines {
    /// Lines of so many bytes at most.
    pub(super) fn new(most: usize) -> Self {
        Self { most, seen: 0, is_over: false }
    }
}

impl Decoder for Lines {
    type Item = Incoming;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Incoming>> {
        while !self.is_over {
            let end = memchr(b'\n', input.get(self.seen..).unwrap_or_default()).map(|at| self.seen + at);
            if end.unwrap_or(input.len()) > self.most {
                self.is_over = true;
                return Ok(Some(Incoming::TooLarge));
            }
            let Some(end) = end else {
                self.seen = input.len();
                return Ok(None);
            };
            self.seen = 0;
            let line = input.split_to(end + 1).freeze();
            if !is_blank(&line) {
                return Ok(Some(Incoming::Message(line)));
            }
        }
        input.clear();
        Ok(None)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> io::Result<Option<Incoming>> {
        if let Some(line) = self.decode(input)? {
            return Ok(Some(line));
        }
        // The last line need not end.
        self.seen = 0;
        let line = input.split().freeze();
        Ok((!is_blank(&line)).then_some(Incoming::Message(line)))
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

impl Encoder<Bytes> for Lines {
    type Error = io::Error;

    fn encode(&mut self, message: Bytes, out: &mut BytesMut) -> io::Result<()> {
        out.reserve(message.len() + 1);
        out.extend_from_slice(&message);
        out.extend_from_slice(b"\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_however_they_come() {
        let text = b"{\"a\":1}\r\n\n  \n[2]\n{}";
        for step in 1..=text.len() {
            let (mut lines, mut input, mut found) = (Lines::new(100), BytesMut::new(), Vec::new());
            let mut take = |incoming: Option<Incoming>| match incoming {
                Some(Incoming::Message(line)) => {
                    found.push(String::from_utf8(line.to_vec()).unwrap().trim().to_owned());
                    true
                }
                _ => false,
            };
            for chunk in text.chunks(step) {
                input.extend_from_slice(chunk);
                while take(lines.decode(&mut input).unwrap()) {}
            }
            while take(lines.decode_eof(&mut input).unwrap()) {}
            assert_eq!(found, ["{\"a\":1}", "[2]", "{}"], "{step}");
        }
    }

    #[test]
    fn a_line_has_its_limit() {
        for text in [&b"12345"[..], b"12345\n"] {
            let (mut lines, mut input) = (Lines::new(4), BytesMut::from(text));
            assert!(matches!(lines.decode(&mut input), Ok(Some(Incoming::TooLarge))));
            assert!(matches!(lines.decode(&mut input), Ok(None)));
        }
        let (mut lines, mut input) = (Lines::new(4), BytesMut::from(&b"1234\n"[..]));
        assert!(matches!(lines.decode(&mut input), Ok(Some(Incoming::Message(line))) if line == "1234\n"));
    }
}
