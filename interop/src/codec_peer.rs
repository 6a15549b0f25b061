//! The process of `python/codec_peer.py`, which knows what Python's serializers make of values.

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use bytes::Bytes;
use salamander_codec::Codec;

use crate::python;

/// The running process. What it is asked and what it tells is trusted: anything else than expected is a panic.
pub struct CodecPeer {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// A random value or call, and what Python makes of it.
pub struct Told {
    /// Whether it is a call: four values one after the other, its object, method, tuple of arguments and dict of keywords.
    pub is_call: bool,
    /// Its description.
    pub description: Bytes,
    /// What each of the codecs that were asked for gives.
    pub encoded: Vec<Result<Encoded, Refusal>>,
}

/// A value as the library encoded it.
pub struct Encoded {
    /// The encoded value.
    pub bytes: Bytes,
    /// The description of what the library decodes from that.
    pub decoded: Result<Bytes, Refusal>,
    /// The same value, or one like it, in other forms, and what the library decodes from those.
    pub others: Vec<(Bytes, Result<Bytes, Refusal>)>,
}

/// The exception with which the library refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The class with its module.
    pub class: String,
    /// What it says.
    pub message: String,
}

impl CodecPeer {
    /// Starts it in a time zone, given as the variable `TZ` has it.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(zone: &str) -> Self {
        Self::start_with(zone, &[])
    }

    /// Starts it with kombu's serializers in the place of Pyro's.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start_kombu(zone: &str) -> Self {
        Self::start_with(zone, &["kombu"])
    }

    fn start_with(zone: &str, arguments: &[&str]) -> Self {
        let mut command = python::script("codec_peer.py");
        command.args(arguments);
        command.env("TZ", zone).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        Self { child, stdin, stdout: BufReader::new(stdout.expect("a pipe")) }
    }

    /// Random values: `count` of them from the one of this number on.
    ///
    /// # Panics
    /// Where the process has died or does not keep to the protocol.
    pub fn values(&mut self, seed: u32, first: u32, count: u32, codecs: &[Codec]) -> Vec<Told> {
        let names = codecs.iter().map(|codec| codec.name()).collect::<Vec<_>>().join(" ");
        let mut reply = self.ask(format!("values {seed} {first} {count} {names}\n").as_bytes());
        let values = (0..count).map(|_| reply.told(codecs.len())).collect();
        assert!(reply.rest.is_empty(), "the reply is too long");
        values
    }

    /// What the library decodes from these values, or calls.
    ///
    /// # Panics
    /// As [`CodecPeer::values`].
    pub fn decode(&mut self, encoded: &[(Codec, bool, &[u8])]) -> Vec<Result<Bytes, Refusal>> {
        let mut request = format!("decode {}\n", encoded.len()).into_bytes();
        for (codec, is_call, bytes) in encoded {
            for field in [codec.name().as_bytes(), if *is_call { b"call" } else { &b""[..] }, bytes] {
                request.extend(u32::try_from(field.len()).expect("a field of less than 4 GiB").to_le_bytes());
                request.extend_from_slice(field);
            }
        }
        let mut reply = self.ask(&request);
        encoded.iter().map(|_| reply.outcome()).collect()
    }

    fn ask(&mut self, request: &[u8]) -> Reply {
        let stdin = self.stdin.as_mut().expect("the pipe is open");
        stdin.write_all(request).and_then(|()| stdin.flush()).expect("the Python process has died");
        let mut len = [0; 4];
        self.stdout.read_exact(&mut len).expect("the Python process has died");
        let mut reply = vec![0; u32::from_le_bytes(len) as usize];
        self.stdout.read_exact(&mut reply).expect("the Python process has died");
        Reply { rest: reply.into() }
    }
}

impl Drop for CodecPeer {
    fn drop(&mut self) {
        // At the end of its input it ends by itself.
        self.stdin = None;
        let _ = self.child.wait();
    }
}

struct Reply {
    rest: Bytes,
}

impl Reply {
    fn field(&mut self) -> Bytes {
        let len = self.rest.split_to(4);
        self.rest.split_to(u32::from_le_bytes(len[..].try_into().expect("four bytes")) as usize)
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.field()).into_owned()
    }

    fn outcome(&mut self) -> Result<Bytes, Refusal> {
        match &self.field()[..] {
            b"done" => Ok(self.field()),
            _ => Err(Refusal { class: self.text(), message: self.text() }),
        }
    }

    fn told(&mut self, codecs: usize) -> Told {
        Told {
            is_call: self.field() == "call",
            description: self.field(),
            encoded: (0..codecs).map(|_| self.outcome().map(|bytes| self.encoded(bytes))).collect(),
        }
    }

    fn encoded(&mut self, bytes: Bytes) -> Encoded {
        let decoded = self.outcome();
        let others = self.text().parse().expect("a count");
        Encoded { bytes, decoded, others: (0..others).map(|_| (self.field(), self.outcome())).collect() }
    }
}
