//! What clients of Pyro4 may send our daemon that no proper one would, and both generations on one port.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use interop::pyro5::ours::Ours;
use salamander::{Codec, Generation, Proxy, Uri, Value};
use salamander_codec::{Output, Settings};
use salamander_wire::pyro4::{Annotations, Decoder, HEADER_LEN, Header, Key, Message, MessageType, write_message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const KEY: &[u8] = b"a key";
const PICKLE: u16 = 4;
const SERPENT: u16 = 1;

/// How long a daemon may take to answer or to close.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that sends whatever it is told.
struct Raw {
    stream: TcpStream,
    decoder: Decoder,
    input: BytesMut,
    key: Option<Key>,
}

fn message(kind: MessageType, serializer: u16, body: &[u8], key: Option<&Key>) -> Vec<u8> {
    let mut out = Output::new();
    write_message(&mut out, &Header::new(kind, serializer, 1), &Annotations::new(), key, body, 1 << 30).unwrap();
    out.into_vec()
}

/// A call of `thing`, as pickle.
fn pickled(method: &str, args: &[Value]) -> Vec<u8> {
    let mut out = Output::new();
    Codec::Pickle.write_call(&mut out, &settings(), "thing", method, &args).unwrap();
    out.into_vec()
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.generation = Generation::Pyro4;
    settings
}

impl Raw {
    async fn connect(uri: &Uri, key: Option<&[u8]>) -> Self {
        let stream = TcpStream::connect((uri.host().unwrap(), uri.port().unwrap())).await.unwrap();
        let key = key.and_then(Key::new);
        Self { stream, decoder: Decoder::new(1 << 20).with_key(key.clone()), input: BytesMut::new(), key }
    }

    /// The same, let in.
    async fn greeted(uri: &Uri, key: Option<&[u8]>) -> Self {
        let mut raw = Self::connect(uri, key).await;
        raw.send(&raw.hello()).await;
        assert_eq!(raw.answer().await.unwrap().message_type(), MessageType::ConnectOk);
        raw
    }

    fn hello(&self) -> Vec<u8> {
        message(MessageType::Connect, SERPENT, b"{'handshake': 'hello', 'object': 'thing'}", self.key.as_ref())
    }

    async fn send(&mut self, bytes: &[u8]) {
        // The daemon may have closed already.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next message; nothing where the daemon closes the connection.
    async fn answer(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.decoder.decode(&mut self.input).unwrap() {
                return Some(message);
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.input));
            match read.await.expect("the daemon answers or closes") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The exception that a call of these bytes gives.
    async fn refusal(&mut self, body: &[u8]) -> String {
        self.send(&message(MessageType::Invoke, PICKLE, body, self.key.as_ref())).await;
        let answer = self.answer().await.expect("an answer");
        assert_eq!(answer.header.serializer, PICKLE);
        match Codec::Pickle.decode_value(&answer.body, &settings()).unwrap() {
            Value::Exception(exception) => exception.to_string(),
            other => panic!("{other} is no exception"),
        }
    }

    async fn is_served(&mut self) {
        self.send(&message(MessageType::Invoke, PICKLE, &pickled("add", &[1.into(), 2.into()]), self.key.as_ref()))
            .await;
        let answer = self.answer().await.expect("an answer");
        assert_eq!(Codec::Pickle.decode_value(&answer.body, &settings()).unwrap(), 3.into());
    }
}

async fn start() -> Ours {
    interop::pyro4::ours(&[], "127.0.0.1:0", |builder| builder).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_may_come_one_by_one() {
    let ours = start().await;
    let mut raw = Raw::connect(&ours.uri, None).await;
    raw.stream.set_nodelay(true).unwrap();
    for byte in raw.hello() {
        raw.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(raw.answer().await.unwrap().message_type(), MessageType::ConnectOk);
    raw.is_served().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_generations_come_by_one_port_at_once() {
    let ours = start().await;
    let proxy = Proxy::with_config(ours.uri.clone(), std::sync::Arc::default()).unwrap();
    let calls = (0..40i64).map(|number| {
        let generation = if number % 2 == 0 { Generation::Pyro4 } else { Generation::Pyro5 };
        let proxy = proxy.with_generation(generation);
        async move { proxy.call::<i64>("add", (number, 1)).await.unwrap() }
    });
    assert_eq!(futures_util::future::join_all(calls).await, (1..=40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_closes_the_connection() {
    let ours = start().await;
    let call = message(MessageType::Invoke, PICKLE, &pickled("add", &[1.into(), 2.into()]), None);
    let changed = |at: usize, byte: u8| {
        let mut bytes = call.clone();
        bytes[at] = byte;
        bytes
    };
    let large = Header { data_len: i32::MAX as u32, ..Header::new(MessageType::Invoke, PICKLE, 1) };
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        changed(0, b'X'),
        changed(5, 49),
        changed(11, 7),
        changed(23, 0),
        message(MessageType::Connect, PICKLE, b"N.", None),
        message(MessageType::Unknown(770), PICKLE, b"N.", None),
        // Dill and cloudpickle.
        message(MessageType::Invoke, 5, b"N.", None),
        message(MessageType::Invoke, 7, b"N.", None),
        message(MessageType::Invoke, 1000, b"N.", None),
        large.to_bytes().to_vec(),
    ] {
        let mut raw = Raw::greeted(&ours.uri, None).await;
        raw.send(&bytes).await;
        assert!(raw.answer().await.is_none(), "{bytes:?}");
    }
    Raw::greeted(&ours.uri, None).await.is_served().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pickles_that_are_cut_off_or_harmful_are_errors_and_the_connection_lives() {
    let ours = start().await;
    let mut raw = Raw::greeted(&ours.uri, None).await;
    let whole = pickled("echo", &["some text".into()]);
    for len in 0..whole.len() {
        raw.refusal(&whole[..len]).await;
    }
    let evil = b"(\x8c\x05thing\x8c\x04echocos\nsystem\n\x8c\x04true\x85R\x85}t.";
    assert!(raw.refusal(evil).await.contains("the class os.system, which is not accepted"));
    // 2^30 leaves, each of which is named and not there twice.
    let mut bomb = b"(\x8c\x05thing\x8c\x04echo]q\x00".to_vec();
    for level in 0..30 {
        bomb.extend([b']', b'q', level + 1, b'(', b'h', level, b'h', level, b'e', b'h', level + 1]);
    }
    bomb.extend(b"\x85}t.");
    assert!(bomb.len() < 400);
    raw.refusal(&bomb).await;
    let deep = [&b"(\x8c\x05thing\x8c\x04echo"[..], &[b']'; 100_000], &[b'a'; 99_999], b"\x85}t."].concat();
    raw.refusal(&deep).await;
    raw.is_served().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_changed_message_is_obeyed_where_there_is_a_key() {
    let ours = interop::pyro4::ours(&[], "127.0.0.1:0", |builder| builder.hmac_key(KEY)).await;
    let key = Key::new(KEY);
    let body = pickled("write_note", &["changed messages".into(), "x".into()]);
    let signed = message(MessageType::Invoke, PICKLE, &body, key.as_ref());
    for at in HEADER_LEN..signed.len() {
        let mut changed = signed.clone();
        changed[at] ^= 0x20;
        let mut raw = Raw::greeted(&ours.uri, Some(KEY)).await;
        raw.send(&changed).await;
        assert!(raw.answer().await.is_none(), "byte {at}");
    }
    // Nothing has been noted but this.
    let mut raw = Raw::greeted(&ours.uri, Some(KEY)).await;
    raw.send(&signed).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!(Codec::Pickle.decode_value(&Bytes::from(answer.body.to_vec()), &settings()).unwrap(), 1.into());
}
