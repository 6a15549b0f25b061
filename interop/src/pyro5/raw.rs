//! Messages of Pyro 5 put together and taken apart by hand, as no proper client or server would send them.
// The parts of a message have the protocol's own names.
#![allow(missing_docs)]

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The types of messages.
pub const CONNECT: u8 = 1;
pub const CONNECT_OK: u8 = 2;
pub const CONNECT_FAIL: u8 = 3;
pub const INVOKE: u8 = 4;
pub const RESULT: u8 = 5;
pub const PING: u8 = 6;

/// Flags of messages.
pub const EXCEPTION: u16 = 1;
pub const COMPRESSED: u16 = 2;
pub const ONEWAY: u16 = 4;
pub const BATCH: u16 = 8;
pub const KEEP_SERIALIZED: u16 = 32;

/// How long a daemon may take to answer or to close.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message, part by part; each can be wrong.
#[derive(Clone, Debug)]
pub struct Raw {
    pub tag: [u8; 4],
    pub version: u16,
    pub kind: u8,
    pub serializer: u8,
    pub flags: u16,
    pub sequence: u16,
    /// In the place of the true lengths of body and annotations.
    pub data_len: Option<u32>,
    pub annotations_len: Option<u32>,
    pub magic: u16,
    pub annotations: Vec<u8>,
    pub body: Vec<u8>,
}

impl Raw {
    /// A message in which all is right.
    pub fn new(kind: u8, serializer: u8, body: impl Into<Vec<u8>>) -> Self {
        Self {
            tag: *b"PYRO",
            version: 502,
            kind,
            serializer,
            flags: 0,
            sequence: 1,
            data_len: None,
            annotations_len: None,
            magic: 0x4dc5,
            annotations: Vec::new(),
            body: body.into(),
        }
    }

    /// What a client sends first, in JSON.
    pub fn hello() -> Self {
        Self::new(CONNECT, 3, &br#"{"handshake": "hello", "object": "thing"}"#[..])
    }

    /// A call of `thing`, in JSON.
    pub fn call(method: &str, params: &str) -> Self {
        let body = format!(r#"{{"object": "thing", "method": "{method}", "params": {params}, "kwargs": {{}}}}"#);
        Self::new(INVOKE, 3, body)
    }

    /// The bytes of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.tag.to_vec();
        bytes.extend(self.version.to_be_bytes());
        bytes.extend([self.kind, self.serializer]);
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.data_len.unwrap_or(self.body.len() as u32).to_be_bytes());
        bytes.extend(self.annotations_len.unwrap_or(self.annotations.len() as u32).to_be_bytes());
        bytes.extend([0; 18]);
        bytes.extend(self.magic.to_be_bytes());
        bytes.extend(&self.annotations);
        bytes.extend(&self.body);
        bytes
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub kind: u8,
    pub serializer: u8,
    pub flags: u16,
    pub sequence: u16,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text, for messages to look into.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection on which anything can be sent.
pub struct Socket(TcpStream);

impl Socket {
    /// Connects, and says nothing yet.
    ///
    /// # Panics
    /// Where nobody listens.
    pub async fn connect(address: &str) -> Self {
        Self(TcpStream::connect(address).await.expect("the daemon listens"))
    }

    /// Connects and is let in.
    ///
    /// # Panics
    /// Where it is not.
    pub async fn greeted(address: &str) -> Self {
        let mut socket = Self::connect(address).await;
        socket.send(&Raw::hello().to_bytes()).await;
        let reply = socket.receive().await.expect("an answer to the handshake");
        assert_eq!(reply.kind, CONNECT_OK, "{}", reply.text());
        socket
    }

    /// Sends bytes. The daemon may have closed the connection already.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Ends what is sent; the daemon may still answer.
    pub async fn finish(&mut self) {
        let _ = self.0.shutdown().await;
    }

    /// The next message; none where the connection is closed.
    ///
    /// # Panics
    /// Where nothing at all happens.
    pub async fn receive(&mut self) -> Option<Reply> {
        let received = tokio::time::timeout(PATIENCE, self.read()).await.expect("an answer, or the end");
        received.ok()
    }

    /// Waits for the end of the connection; gives what came before it.
    pub async fn until_closed(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(reply) = self.receive().await {
            replies.push(reply);
        }
        replies
    }

    async fn read(&mut self) -> io::Result<Reply> {
        let mut header = [0; 40];
        self.0.read_exact(&mut header).await?;
        let u16_at = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let u32_at = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let mut annotations = vec![0; u32_at(16) as usize];
        self.0.read_exact(&mut annotations).await?;
        let mut body = vec![0; u32_at(12) as usize];
        self.0.read_exact(&mut body).await?;
        Ok(Reply { kind: header[6], serializer: header[7], flags: u16_at(8), sequence: u16_at(10), body })
    }
}
