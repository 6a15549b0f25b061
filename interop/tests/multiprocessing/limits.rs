//! Clients that are silent, or send what nobody should: they cost others nothing.

use std::sync::Arc;
use std::time::Duration;

use salamander::multiprocessing::{Form, Options};
use salamander::{Kind, Value, expose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::{KEY, Ours};

/// What a server says to a client until it closes the connection.
async fn said(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut said)).await;
    // It may be closed in the middle of what the client sends.
    let _ = closed.expect("the connection is closed");
    said
}

async fn connect(ours: &Ours, send: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(&ours.location).await.unwrap();
    stream.write_all(send).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_are_closed_and_keep_nobody_waiting() {
    let options = Options::new().authkey(KEY).key_timeout(Duration::from_secs(1));
    let ours = Ours::with(options, "127.0.0.1:0").await;
    let mut silent = Vec::new();
    for send in [&b""[..], b"\0", b"\0\0\0\x10", b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x10digest"].repeat(25) {
        silent.push(connect(&ours, send).await);
    }
    let proxy = Options::new().authkey(KEY).proxy(&ours.location);
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
    for stream in silent {
        let said = said(stream).await;
        assert!(said.starts_with(b"\0\0\0\x3b#CHALLENGE#{sha256}"), "{said:?}");
    }
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_frame_or_too_large_is_closed_at_once() {
    let keyed = Ours::start().await;
    for send in [&b"\0\0\x01\x01"[..], b"\x80\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
        let said = said(connect(&keyed, send).await).await;
        assert!(said.len() == 63 && said.starts_with(b"\0\0\0\x3b#CHALLENGE#"), "{said:?}");
    }
    let open = Ours::with(Options::new().max_message_size(1000), "127.0.0.1:0").await;
    for send in [
        &b"\0\0\x03\xe9"[..],
        b"\xff\xff\xff\xfe",
        b"GET / HTTP/1.1\r\n\r\n",
        b"PYRO\x01\xf6",
        b"\x16\x03\x01\x02\0",
        // Whole messages, which are neither pickles nor JSON.
        b"\0\0\0\x05hello",
        b"\0\0\0\0",
        b"\0\0\0\x02\x80\x05",
    ] {
        assert_eq!(said(connect(&open, send).await).await, b"", "{send:?}");
    }
    let proxy = Options::new().proxy(&open.location);
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
    let error = proxy.call::<Value>("add", ("x".repeat(490), "y".repeat(490))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connection, "{error}");
    // A reply that would be too large is an exception instead.
    let error = proxy.call::<Value>("long", (2000,)).await.unwrap_err();
    assert!(error.is("OSError") && error.to_string().contains("bad message length"), "{error}");
    assert_eq!(proxy.call::<Value>("long", (3,)).await.unwrap(), "xxx".into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_clients_there_may_be_and_others_wait() {
    let ours = Ours::with(Options::new().authkey(KEY).max_connections(2), "127.0.0.1:0").await;
    let options = Options::new().authkey(KEY);
    let first = options.clone().proxy(&ours.location);
    let second = first.with_form(Form::Pickle);
    assert_eq!(first.call::<i64>("add", (1, 1)).await.unwrap(), 2);
    assert_eq!(second.call::<i64>("add", (1, 1)).await.unwrap(), 2);
    let third = tokio::spawn({
        let third = first.with_form(Form::Json);
        async move { third.call::<i64>("add", (1, 1)).await }
    });
    interop::pyro5::until("two are connected", async || ours.daemon.connections() == 2).await;
    assert_eq!(second.call::<i64>("add", (1, 1)).await.unwrap(), 2);
    assert!(!third.is_finished());
    drop(second);
    assert_eq!(third.await.unwrap().unwrap(), 2);
}

/// A method that says when it has begun, and waits to be let go.
struct Gate {
    entered: Arc<Notify>,
    open: Arc<Notify>,
}

#[expose]
impl Gate {
    async fn pass(&self) -> &'static str {
        self.entered.notify_one();
        self.open.notified().await;
        "passed"
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_stops_answers_what_is_under_way() {
    let ours = Ours::start().await;
    let (entered, open) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    ours.daemon.register("gate", Gate { entered: entered.clone(), open: open.clone() }).unwrap();
    let proxy = Options::new().authkey(KEY).proxy(&ours.location);
    let idle = proxy.with_form(Form::Json);
    assert_eq!(idle.call::<i64>("add", (1, 1)).await.unwrap(), 2);
    let slow = tokio::spawn(async move { proxy.call::<String>("gate.pass", ()).await });
    entered.notified().await;
    ours.daemon.shutdown();
    open.notify_one();
    ours.daemon.stopped().await;
    assert_eq!(slow.await.unwrap().unwrap(), "passed");
    assert_eq!(idle.call::<i64>("add", (1, 1)).await.unwrap_err().kind(), Kind::Connection);
}
