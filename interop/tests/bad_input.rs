//! What no proper client sends. Our daemon answers as Pyro5's does, or closes the connection; and it stays up.
//!
//! Each case is played to a Python daemon first. What comes back has to be the same from ours, but for cases that say why not.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::str::FromStr;
use std::sync::Arc;

use interop::pyro5::ours::Ours;
use interop::pyro5::peer::Server;
use interop::pyro5::raw::{
    BATCH, COMPRESSED, CONNECT, EXCEPTION, INVOKE, KEEP_SERIALIZED, ONEWAY, PING, RESULT, Raw, Reply, Socket,
};
use interop::pyro5::until;
use salamander::{Codec, Proxy, Uri, Value};

/// What a daemon did: its replies in short, and whether it then closed the connection.
type Seen = Vec<String>;

fn in_short(reply: &Reply) -> String {
    let text = reply.text();
    // Of an exception in JSON, its class and message; tracebacks differ.
    let part = |key: &str| {
        let start = text.find(key).map(|at| at + key.len())?;
        text[start..].split('"').nth(1).map(str::to_owned)
    };
    let said = match (reply.flags & EXCEPTION != 0, part("\"__class__\":"), part("\"args\":")) {
        (true, Some(class), message) => format!("{class} {}", message.unwrap_or_default()),
        // Marshal says of a text whether it might be referred to again, which depends on how Python came by it.
        _ if reply.serializer == Codec::Marshal.id() => {
            String::from_utf8_lossy(reply.body.get(2..).unwrap_or(&[])).into()
        }
        _ => text.clone(),
    };
    format!("type {} serializer {} sequence {}: {said}", reply.kind, reply.serializer, reply.sequence)
}

/// Sends all of this after a proper handshake, and gives what the daemon did.
async fn after_handshake(address: &str, messages: &[Vec<u8>]) -> Seen {
    play(Socket::greeted(address).await, messages).await
}

/// Sends all of this as the first thing.
async fn at_once(address: &str, messages: &[Vec<u8>]) -> Seen {
    play(Socket::connect(address).await, messages).await
}

/// Behind what is sent stands a ping: where the connection is still good, it is answered.
async fn play(mut socket: Socket, messages: &[Vec<u8>]) -> Seen {
    for message in messages {
        socket.send(message).await;
    }
    socket.send(&Raw { sequence: 999, ..Raw::new(PING, 42, "") }.to_bytes()).await;
    let mut seen = Vec::new();
    loop {
        match socket.receive().await {
            Some(reply) if reply.kind == PING => {
                seen.push("alive".to_owned());
                return seen;
            }
            Some(reply) => seen.push(in_short(&reply)),
            None => {
                seen.push("closed".to_owned());
                return seen;
            }
        }
    }
}

fn address(uri: &Uri) -> String {
    uri.location().unwrap().to_string()
}

/// A good call still works.
async fn is_up(uri: &Uri) {
    let proxy = Proxy::with_config(uri.clone(), Arc::default()).unwrap().with_serializer(Codec::Marshal);
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

/// Plays a case to both daemons; gives what they did, theirs first.
async fn on_both(case: impl AsyncFn(&str) -> Seen) -> (Seen, Seen) {
    let ours = Ours::start().await;
    let theirs = Uri::from_str(&Server::shared().uri).unwrap();
    let from_theirs = case(&address(&theirs)).await;
    let from_ours = case(&address(&ours.uri)).await;
    is_up(&ours.uri).await;
    (from_theirs, from_ours)
}

/// Plays a case in which both have to do the same.
async fn alike(case: impl AsyncFn(&str) -> Seen) {
    let (theirs, ours) = on_both(case).await;
    assert_eq!(ours, theirs);
}

/// Plays a case in which ours has to do this, whatever theirs does.
async fn ours_does(expected: &[&str], case: impl AsyncFn(&str) -> Seen) {
    let (theirs, ours) = on_both(case).await;
    assert_eq!(ours, expected, "theirs: {theirs:?}");
}

/// Tests of which each plays a list of messages.
macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident: $play:ident $messages:expr;)*) => {$(
        $(#[$doc])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            alike(async |address| $play(address, &$messages).await).await;
        }
    )*};
}

fn call() -> Raw {
    Raw::call("add", "[1, 2]")
}

cases! {
    garbage_instead_of_a_handshake_closes: at_once [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), vec![0xFF; 100]];
    garbage_after_the_handshake_closes: after_handshake [vec![0xFF; 100]];
    zeros_close: at_once [vec![0; 200]];
    another_version_closes: at_once [Raw { version: 47, ..Raw::hello() }.to_bytes()];
    another_version_after_the_handshake_closes: after_handshake [Raw { version: 503, ..call() }.to_bytes()];
    a_wrong_magic_number_closes: after_handshake [Raw { magic: 0xBEEF, ..call() }.to_bytes()];
    a_message_larger_than_the_limit_closes: after_handshake [Raw { data_len: Some(u32::MAX), ..call() }.to_bytes()];
    annotations_larger_than_the_limit_close: after_handshake [Raw { annotations_len: Some(u32::MAX), ..call() }.to_bytes()];
    a_type_that_does_not_belong_there_closes: after_handshake [Raw { kind: RESULT, ..call() }.to_bytes()];
    a_type_that_there_is_not_closes: after_handshake [Raw { kind: 77, ..call() }.to_bytes()];
    a_second_handshake_closes: after_handshake [Raw::hello().to_bytes()];
    annotations_that_overrun_close: after_handshake [Raw { annotations: b"ABCD\0\0\0\xFFxy".to_vec(), ..call() }.to_bytes()];
    annotations_that_end_in_a_header_close: after_handshake [Raw { annotations: b"ABCD\0".to_vec(), ..call() }.to_bytes()];
    good_calls_are_answered: after_handshake [call().to_bytes(), Raw { sequence: 2, ..call() }.to_bytes()];
    an_unknown_object_is_an_error: after_handshake [
        Raw::new(INVOKE, 3, r#"{"object": "nobody", "method": "add", "params": [1, 2], "kwargs": {}}"#).to_bytes(),
    ];
    an_unknown_method_is_an_error: after_handshake [Raw::call("nonsense", "[]").to_bytes()];
    private_names_are_errors: after_handshake [
        Raw::call("__init__", "[]").to_bytes(),
        Raw::call("_private", "[]").to_bytes(),
        Raw::call("__class__", "[]").to_bytes(),
    ];
    failures_of_oneway_calls_are_not_answered: after_handshake [
        Raw { flags: ONEWAY, ..Raw::call("nonsense", "[]") }.to_bytes(),
        Raw { flags: ONEWAY, ..Raw::call("divide", "[1, 0]") }.to_bytes(),
    ];
    a_handshake_without_an_object_is_refused: at_once [Raw::new(CONNECT, 3, r#"{"handshake": "hello"}"#).to_bytes()];
    a_handshake_without_a_handshake_is_refused: at_once [Raw::new(CONNECT, 3, r#"{"object": "thing"}"#).to_bytes()];
    a_handshake_for_an_unknown_object_is_refused: at_once [
        Raw::new(CONNECT, 3, r#"{"handshake": "hello", "object": "nobody"}"#).to_bytes(),
    ];
    unknown_flags_are_passed_by: after_handshake [Raw { flags: 0xF000, ..call() }.to_bytes()];
    a_ping_before_the_handshake_closes: at_once [Raw::new(PING, 42, "ping").to_bytes()];
    an_invoke_before_the_handshake_closes: at_once [call().to_bytes()];
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncated_messages_are_no_calls() {
    let whole = Raw { annotations: b"ABCD\0\0\0\x02xy".to_vec(), ..call() }.to_bytes();
    for len in [1, 5, 6, 20, 39, 40, 45, 50, whole.len() - 1] {
        alike(async |address| {
            let mut socket = Socket::greeted(address).await;
            socket.send(&whole[..len]).await;
            socket.finish().await;
            socket.until_closed().await.iter().map(in_short).collect()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_may_come_byte_by_byte() {
    alike(async |address| {
        let mut socket = Socket::greeted(address).await;
        for byte in call().to_bytes() {
            socket.send(&[byte]).await;
        }
        vec![in_short(&socket.receive().await.unwrap())]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_no_json_are_errors() {
    for body in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "\u{7f}",
        r#"{"object": "thing"}"#,
        r#"{"object": 3, "method": 4, "params": 5}"#,
    ] {
        let (theirs, ours) =
            on_both(async |address| after_handshake(address, &[Raw::new(INVOKE, 3, body).to_bytes()]).await).await;
        // The words are each library's own; that there is an error, and that the connection lives, is not.
        assert_eq!(ours.len(), theirs.len(), "{body}: {ours:?} {theirs:?}");
        assert_eq!(ours.last(), theirs.last(), "{body}: {ours:?} {theirs:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_cut_off_are_errors_in_every_serializer() {
    let settings = salamander_codec::Settings::default();
    let args: Vec<Value> = vec!["text".into(), Value::List(vec![1.into(), 2.5.into()])];
    for codec in Codec::PYRO5 {
        let mut out = salamander_codec::Output::new();
        codec.write_call(&mut out, &settings, "thing", "collect", &args).unwrap();
        let whole = out.into_vec();
        let ours = Ours::start().await;
        for len in 0..whole.len() {
            let message = Raw::new(INVOKE, codec.id(), &whole[..len]).to_bytes();
            let seen = after_handshake(&address(&ours.uri), &[message]).await;
            let [reply, end] = &seen[..] else { panic!("{codec}, {len} bytes: {seen:?}") };
            assert!(
                reply.starts_with(&format!("type {RESULT} ")) && end == "alive",
                "{codec}, {len} bytes: {seen:?}"
            );
        }
        is_up(&ours.uri).await;
    }
}

/// Pyro5 answers in a serializer of its own choice, or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serializer_that_there_is_not_closes() {
    for serializer in [0, 5, 42, 255] {
        let message = Raw { serializer, ..call() }.to_bytes();
        ours_does(&["closed"], async |address| after_handshake(address, std::slice::from_ref(&message)).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_in_a_serializer_that_there_is_not_lets_nobody_in() {
    let message = Raw { serializer: 77, ..Raw::hello() }.to_bytes();
    let (theirs, ours) = on_both(async |address| at_once(address, std::slice::from_ref(&message)).await).await;
    assert_eq!((ours.last().unwrap().as_str(), theirs.last().unwrap().as_str()), ("closed", "closed"));
}

/// Zlib makes 1,000 bytes of zeros to one: what comes out is bounded as what comes in is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_does_not_go_off() {
    let ours = Ours::with(&[("PYRO_MAX_MESSAGE_SIZE", "1000000")], "127.0.0.1:0", |builder| builder).await;
    let bomb = bomb(50_000_000);
    assert!(bomb.len() < 400_000);
    let message = Raw { flags: COMPRESSED, ..Raw::new(INVOKE, 3, bomb) }.to_bytes();
    let seen = after_handshake(&address(&ours.uri), &[message]).await;
    assert_eq!(seen, ["closed"]);
    is_up(&ours.uri).await;
}

/// So many zeros, compressed; made by hand, from blocks of fixed codes that repeat one byte 258 times each.
fn bomb(zeros: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b011, 3);
    bits.code(0x30, 8);
    for _ in 0..zeros / 258 {
        // A length of 258 at the distance 1.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    // The checksum at the end is wrong: nobody should come that far.
    [&[0x78, 0x9C][..], &bits.bytes, &[0; 4]].concat()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if bits >> at & 1 == 1 {
                *self.bytes.last_mut().unwrap() |= 1 << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Huffman codes stand with their highest bit first.
    fn code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_compression_closes() {
    alike(async |address| {
        let message = Raw { flags: COMPRESSED, ..call() };
        after_handshake(address, &[message.to_bytes()]).await
    })
    .await;
}

/// A call of `echo` with a value nested so deep, in each serializer.
fn nested(codec: Codec, depth: usize) -> Vec<u8> {
    match codec {
        Codec::Serpent => {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!("# serpent utf-8 python3.2\n('thing','echo',({open}{close},),{{}})").into_bytes()
        }
        Codec::Json => {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"object": "thing", "method": "echo", "params": [{open}{close}], "kwargs": {{}}}}"#)
                .into_bytes()
        }
        Codec::Marshal => {
            let mut bytes = b"(\x04\0\0\0u\x05\0\0\0thingu\x04\0\0\0echo[\x01\0\0\0".to_vec();
            bytes.extend(b"[\x01\0\0\0".repeat(depth - 1));
            bytes.extend(b"[\0\0\0\0{0");
            bytes
        }
        _ => {
            let mut bytes = b"\x94\xa5thing\xa4echo\x91".to_vec();
            bytes.extend(b"\x91".repeat(depth - 1));
            bytes.extend(b"\x90\x80");
            bytes
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_without_end_is_an_error_in_every_serializer() {
    let ours = Ours::start().await;
    for codec in Codec::PYRO5 {
        for depth in [50, 5_000, 100_000, 1_000_000] {
            let message = Raw::new(INVOKE, codec.id(), nested(codec, depth)).to_bytes();
            let mut socket = Socket::greeted(&address(&ours.uri)).await;
            socket.send(&message).await;
            let reply = socket.receive().await.unwrap();
            assert_eq!(reply.flags & EXCEPTION != 0, depth > 50, "{codec}, {depth} deep: {}", reply.text());
        }
    }
    is_up(&ours.uri).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lengths_that_promise_much_allocate_nothing() {
    let ours = Ours::start().await;
    let lists: [(Codec, &[u8]); 4] = [
        (Codec::Marshal, b"(\x04\0\0\0u\x05\0\0\0thingu\x04\0\0\0echo[\xff\xff\xff\x7f"),
        (Codec::Marshal, b"(\x04\0\0\0u\x05\0\0\0thingu\x04\0\0\0echos\xff\xff\xff\x7f"),
        (Codec::Msgpack, b"\x94\xa5thing\xa4echo\xdd\xff\xff\xff\xff"),
        (Codec::Msgpack, b"\x94\xa5thing\xa4echo\x91\xc6\xff\xff\xff\xff"),
    ];
    for (codec, body) in lists {
        let seen = after_handshake(&address(&ours.uri), &[Raw::new(INVOKE, codec.id(), body).to_bytes()]).await;
        assert!(seen.len() == 2 && seen[1] == "alive", "{codec}: {seen:?}");
    }
    is_up(&ours.uri).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_are_none_are_errors() {
    let ours = Ours::start().await;
    for params in
        ["3", "[3]", "[[]]", r#"[["add"]]"#, r#"[["add", [1, 2]]]"#, r#"[[1, [], {}]]"#, r#"[["add", 1, {}]]"#]
    {
        let message = Raw { flags: BATCH, ..Raw::call("<batch>", params) }.to_bytes();
        let seen = after_handshake(&address(&ours.uri), &[message]).await;
        assert!(seen.len() == 2 && seen[1] == "alive", "{params}: {seen:?}");
    }
    is_up(&ours.uri).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_that_are_none_are_errors() {
    let ours = Ours::start().await;
    for annotations in [&b""[..], b"BLBI\0\0\0\x01\xff", b"BLBI\0\0\0\0"] {
        let raw = Raw { flags: KEEP_SERIALIZED, annotations: annotations.to_vec(), ..call() };
        let seen = after_handshake(&address(&ours.uri), &[raw.to_bytes()]).await;
        assert!(seen.len() == 2 && seen[1] == "alive", "{annotations:?}: {seen:?}");
    }
    is_up(&ours.uri).await;
}

/// Beside hundreds of clients that connect and say nothing, others are served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_say_nothing_keep_nobody_waiting() {
    let ours = Ours::start().await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(Socket::connect(&address(&ours.uri)).await);
    }
    for socket in silent.iter_mut().step_by(2) {
        // Half a handshake is no better than none.
        socket.send(&Raw::hello().to_bytes()[..30]).await;
    }
    is_up(&ours.uri).await;
    until("nobody is in who did not say hello", async || ours.handle.connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_says_nothing_is_let_go_after_the_timeout() {
    let ours = Ours::with(&[("PYRO_COMMTIMEOUT", "0.2")], "127.0.0.1:0", |builder| builder).await;
    let mut silent = Socket::connect(&address(&ours.uri)).await;
    assert!(silent.until_closed().await.is_empty());
    is_up(&ours.uri).await;
}

/// A client that sends and never reads: its connection waits, and nobody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_stops_nobody() {
    let ours = Ours::start().await;
    let text = "x".repeat(100_000);
    let message = Raw::call("echo", &format!("[\"{text}\"]")).to_bytes();
    let mut deaf = Socket::greeted(&address(&ours.uri)).await;
    let sending = tokio::spawn(async move {
        for _ in 0..200 {
            deaf.send(&message).await;
        }
        deaf
    });
    for _ in 0..20 {
        is_up(&ours.uri).await;
    }
    sending.abort();
    let _ = sending.await;
    until("the connection of the deaf client is closed", async || ours.handle.connections() == 0).await;
}

/// Noise of all lengths, at all stages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_does_no_harm() {
    let ours = Ours::start().await;
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..interop::cases(300) {
        let mut bytes = match round % 3 {
            0 => Raw::hello().to_bytes(),
            1 => call().to_bytes(),
            _ => Raw::new(INVOKE, 1 + (round % 4) as u8, nested(Codec::PYRO5[round % 4], 5)).to_bytes(),
        };
        for _ in 0..1 + random() % 4 {
            let at = random() as usize % bytes.len();
            bytes[at] = random() as u8;
        }
        // Lengths that became larger would have the daemon wait for the rest, as it should.
        let mut socket = if round % 2 == 0 {
            Socket::connect(&address(&ours.uri)).await
        } else {
            Socket::greeted(&address(&ours.uri)).await
        };
        socket.send(&bytes).await;
        socket.finish().await;
        socket.until_closed().await;
    }
    is_up(&ours.uri).await;
}
