//! Ends that are silent, or send what nobody should: they cost others nothing.

use std::sync::Arc;
use std::time::Duration;

use salamander::zeromq::{Form, Options};
use salamander::{Kind, Value, expose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::Ours;

/// A greeting, and that of a socket of type `REQ` that is ready.
const GREETING: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL";
const READY: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REQ";
const CALL: &[u8] = b"\x01\0\0\x13[\"add\", [2, 3], {}]";

fn greeting() -> Vec<u8> {
    [GREETING, &[0; 48]].concat()
}

fn handshake(rest: &[u8]) -> Vec<u8> {
    [&greeting(), READY, rest].concat()
}

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
    let ours = Ours::zeromq(Options::new().handshake_timeout(Duration::from_secs(1)), "127.0.0.1:0").await;
    let mut silent = Vec::new();
    for send in [&b""[..], b"\xff", &GREETING[..11], &greeting(), &[&greeting(), &READY[..20]].concat()].repeat(20) {
        silent.push(connect(&ours, send).await);
    }
    let proxy = Options::new().proxy(&ours.location);
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
    for stream in silent {
        let said = said(stream).await;
        assert!(said.starts_with(GREETING), "{said:?}");
    }
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_protocol_or_too_large_is_closed_at_once() {
    let ours = Ours::zeromq(Options::new().max_message_size(1000), "127.0.0.1:0").await;
    for send in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"PYRO\x01\xf6".to_vec(),
        b"\x16\x03\x01\x02\0".to_vec(),
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01".to_vec(),
        // More than memory holds, before the handshake and after it.
        [&greeting(), &b"\x06\x7f\xff\xff\xff\xff\xff\xff\xff"[..]].concat(),
        handshake(b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff"),
        handshake(b"\x02\0\0\0\0\0\0\x03\xe9"),
        handshake(&b"\x01\0".repeat(300)),
        handshake(b"\x08"),
        handshake(b"\x04\x0a\x05ERROR\x03bad"),
        // Whole messages, which are neither pickles nor JSON.
        handshake(b"\x01\0\0\x05hello"),
        handshake(b"\0\0"),
    ] {
        let said = said(connect(&ours, &send).await).await;
        assert!(said.starts_with(GREETING), "{send:?}: {said:?}");
    }
    let proxy = Options::new().proxy(&ours.location);
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
    let error = proxy.call::<Value>("add", ("x".repeat(490), "y".repeat(490))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connection, "{error}");
    // A reply that would be too large is an exception instead.
    let error = proxy.call::<Value>("long", (2000,)).await.unwrap_err();
    assert!(error.is("OSError") && error.to_string().contains("bad message length"), "{error}");
    assert_eq!(proxy.call::<Value>("long", (3,)).await.unwrap(), "xxx".into());
}

/// Byte by byte, in one piece with the handshake, and with a ping behind a call that takes its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_may_be_in_a_hurry_or_slow() {
    let ours = Ours::zeromq(Options::new(), "127.0.0.1:0").await;
    let gate = Gate::default();
    let (entered, open) = (gate.entered.clone(), gate.open.clone());
    ours.daemon.register("gate", gate).unwrap();
    let mut stream = connect(&ours, &handshake(CALL)).await;
    let mut got = vec![0; 64 + 40 + 5];
    stream.read_exact(&mut got).await.unwrap();
    assert!(got.ends_with(b"\x01\0\0\x015"), "{got:?}");
    for byte in CALL {
        stream.write_all(&[*byte]).await.unwrap();
    }
    let mut got = vec![0; 5];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(got, b"\x01\0\0\x015");
    stream.write_all(b"\x01\0\0\x15[\"gate.pass\", [], {}]\x04\x0a\x04PING\0\0abc").await.unwrap();
    entered.notified().await;
    let mut got = vec![0; 10];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(got, b"\x04\x08\x04PONGabc");
    open.notify_one();
    let mut got = vec![0; 12];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(got, b"\x01\0\0\x08\"passed\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_clients_there_may_be_and_others_wait() {
    let ours = Ours::zeromq(Options::new().max_connections(2), "127.0.0.1:0").await;
    let first = Options::new().proxy(&ours.location);
    let second = first.with_form(Form::PickleInPickle);
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
#[derive(Default)]
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
    let ours = Ours::zeromq(Options::new(), "127.0.0.1:0").await;
    let gate = Gate::default();
    let (entered, open) = (gate.entered.clone(), gate.open.clone());
    ours.daemon.register("gate", gate).unwrap();
    let proxy = Options::new().proxy(&ours.location);
    let idle = proxy.with_form(Form::Json);
    assert_eq!(idle.call::<i64>("add", (1, 1)).await.unwrap(), 2);
    let silent = connect(&ours, b"").await;
    let slow = tokio::spawn(async move { proxy.call::<String>("gate.pass", ()).await });
    entered.notified().await;
    ours.daemon.shutdown();
    open.notify_one();
    ours.daemon.stopped().await;
    assert_eq!(slow.await.unwrap().unwrap(), "passed");
    assert_eq!(idle.call::<i64>("add", (1, 1)).await.unwrap_err().kind(), Kind::Connection);
    drop(silent);
}

/// A server that is none, or says what no server should.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_ours_is_told_what_is_wrong_with_a_server() {
    let rep = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REP";
    for (says, kind, words) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Kind::Protocol, "does not speak ZeroMQ's protocol"),
        (
            [&b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01PLAIN"[..], &[0; 47]].concat(),
            Kind::Protocol,
            "wants the mechanism 'PLAIN'",
        ),
        (
            [&greeting(), &b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB"[..]].concat(),
            Kind::Protocol,
            "a socket of type PUB cannot be connected to one of type REQ",
        ),
        (
            [&greeting(), &b"\x04\x0e\x05ERROR\x07no more"[..]].concat(),
            Kind::Protocol,
            "refuses the connection: no more",
        ),
        ([&greeting(), &rep[..], b"\0\x01N"].concat(), Kind::Protocol, "not one part behind an empty one"),
        ([&greeting(), &rep[..], b"\x01\0\0\x05hello"].concat(), Kind::Protocol, ""),
        ([&greeting(), &rep[..]].concat(), Kind::Connection, "closed the connection"),
        (Vec::new(), Kind::Refused, "before the handshake was done"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&says).await.unwrap();
            stream.shutdown().await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let error = Options::new().proxy(&address).call::<Value>("add", (2, 3)).await.unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(words), "{words}: {:?} {error}", error.kind());
        server.await.unwrap();
    }
    // One that says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let options = Options::new().handshake_timeout(Duration::from_millis(50));
    let error = options.proxy(&address).call::<Value>("add", (2, 3)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline, "{error}");
}
