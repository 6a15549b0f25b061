//! Our client: against our server over every transport, and against two independent Python servers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use interop::jsonrpc::Ours;
use interop::python;
use salamander::http::jsonrpc::Client;
use salamander::{Args, Config, Dict, Int, Kind, Value};

fn at(url: &str) -> Client {
    Client::with_config(url, Arc::new(Config::default())).unwrap().timeout(Some(Duration::from_secs(60)))
}

fn everywhere(port: u16) -> [Client; 3] {
    ["http", "ws", "tcp"].map(|scheme| at(&format!("{scheme}://127.0.0.1:{port}")))
}

fn named(names: &[(&str, i64)]) -> Args {
    Args { positional: Vec::new(), keywords: Dict::from_iter(names.iter().copied()) }
}

#[tokio::test]
async fn calls_over_every_transport() {
    let ours = Ours::start().await;
    for client in everywhere(ours.port) {
        assert_eq!(client.call::<i64>("subtract", (42, 23)).await.unwrap(), 19, "{client:?}");
        assert_eq!(client.call::<i64>("subtract", named(&[("subtrahend", 23), ("minuend", 42)])).await.unwrap(), 19);
        assert_eq!(client.call::<(String, u8)>("get_data", ()).await.unwrap(), ("hello".to_owned(), 5));
        assert_eq!(client.call::<String>("some.thing.twice", ("é",)).await.unwrap(), "éé");
        assert_eq!(client.call::<Int>("factorial", (30,)).await.unwrap(), (1..=30u64).product());
        client.notify("notify_hello", (1,)).await.unwrap();
        let both = Args { positional: vec![1.into()], ..named(&[("subtrahend", 1)]) };
        assert_eq!(client.call::<i64>("subtract", both).await.unwrap_err().kind(), Kind::Misuse);
        assert!(client.call::<String>("get_data", ()).await.is_err());
    }
}

#[tokio::test]
async fn errors_can_be_matched() {
    let ours = Ours::start().await;
    for client in everywhere(ours.port) {
        let error = client.call::<Value>("fail", ("no",)).await.unwrap_err();
        assert!(error.kind() == Kind::Remote && error.is("ValueError") && !error.is("jsonrpc.Error"), "{error:?}");
        let exception = error.exception().unwrap();
        assert_eq!(exception.args(), ["no".into(), Value::from(7)]);
        assert!(exception.traceback().concat().contains("in fail"), "{error:?}");
        for (method, code) in [("nothing", -32601), ("subtract", -32602)] {
            let error = client.call::<Value>(method, ()).await.unwrap_err();
            assert_eq!(error.exception().unwrap().attributes().get("code"), Some(&Value::Int(code)), "{error:?}");
        }
    }
}

#[tokio::test]
async fn batches_and_calls_side_by_side() {
    let ours = Ours::start().await;
    for client in everywhere(ours.port) {
        let mut batch = client.batch();
        batch.call("sum", (1, 2)).unwrap().notify("sum", ()).unwrap();
        batch.call("nothing", ()).unwrap().call("get_data", ()).unwrap();
        let results = batch.send().await.unwrap();
        assert_eq!(results.len(), 3);
        assert_eq!(results[0].as_ref().unwrap(), &Value::Int(3));
        assert_eq!(results[1].as_ref().unwrap_err().kind(), Kind::Remote);
        assert!(client.batch().send().await.unwrap().is_empty());
        let calls = (0..100u64).map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<u64>("slow", (n % 3,)).await.unwrap() == n % 3 })
        });
        for call in calls.collect::<Vec<_>>() {
            assert!(call.await.unwrap());
        }
    }
}

#[tokio::test]
async fn items_are_asked_for_one_by_one() {
    let ours = Ours::start().await;
    let [http, others @ ..] = everywhere(ours.port);
    assert_eq!(http.call::<Vec<u32>>("count", (3,)).await.unwrap(), [0, 1, 2]);
    assert_eq!(http.subscribe::<u32>("count", (3,)).await.unwrap_err().kind(), Kind::Misuse);
    for client in others {
        let items = client.subscribe::<u32>("count", (1000,)).await.unwrap().into_stream();
        assert_eq!(items.try_collect::<Vec<_>>().await.unwrap(), (0..1000).collect::<Vec<_>>());
        let mut broken = client.subscribe::<u32>("breaks", ()).await.unwrap();
        assert_eq!(broken.next().await.unwrap().unwrap(), 1);
        assert!(broken.next().await.unwrap().unwrap_err().is("ValueError"));
        assert!(broken.next().await.is_none());
        let mut endless = client.subscribe::<String>("endless", ("x".repeat(10_000),)).await.unwrap();
        // Calls go on beside a stream that is not read.
        for _ in 0..10 {
            assert_eq!(endless.next().await.unwrap().unwrap().len(), 10_000);
            assert_eq!(client.call::<i64>("sum", (1,)).await.unwrap(), 1);
        }
        assert!(client.subscribe::<u32>("fail", ("x",)).await.unwrap_err().is("ValueError"));
    }
}

#[tokio::test]
async fn deadlines_and_ends_are_told_and_clients_connect_again() {
    let ours = Ours::start().await;
    for client in everywhere(ours.port) {
        let hasty = client.clone().timeout(Some(Duration::from_millis(20)));
        assert_eq!(hasty.call::<u64>("slow", (60_000,)).await.unwrap_err().kind(), Kind::Deadline);
        assert_eq!(client.call::<i64>("sum", (1,)).await.unwrap(), 1);
        let small = client.clone().max_message(50);
        let error = small.call::<String>("echo", ("x".repeat(100),)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{error}");
        assert_eq!(small.call::<String>("echo", ("x",)).await.unwrap(), "x");
    }
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    for client in everywhere(port) {
        assert_eq!(client.call::<i64>("sum", ()).await.unwrap_err().kind(), Kind::Connection);
    }
}

#[tokio::test]
async fn a_stopping_server_answers_what_is_under_way() {
    let ours = Ours::start().await;
    let [_, socket, lines] = everywhere(ours.port);
    let mut stream = socket.subscribe::<String>("endless", ("x",)).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    for client in [&socket, &lines] {
        assert_eq!(client.call::<i64>("sum", (1,)).await.unwrap(), 1);
    }
    let calls =
        [socket, lines].map(|client| tokio::spawn(async move { client.call::<u64>("gate.pass", (300,)).await }));
    ours.gate.reached(2).await;
    ours.handle.shutdown();
    ours.gate.open(2);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 300);
    }
    while stream.next().await.is_some_and(|item| item.is_ok()) {}
    tokio::time::timeout(Duration::from_secs(60), ours.handle.stopped()).await.expect("the daemon stops");
}

/// A Python server, which runs until this is dropped.
struct Theirs(Child, u16);

impl Theirs {
    fn start(kind: &str) -> Self {
        let mut command = python::script("jsonrpc_server.py");
        let mut child = command.arg(kind).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("no port, but {line:?}"));
        Self(child, port)
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn python_servers_are_called() {
    for (kind, scheme) in [("http", "http"), ("ws", "ws"), ("tcp", "tcp"), ("pelix", "http")] {
        let theirs = Theirs::start(kind);
        // One of them knows another path.
        let path = if kind == "pelix" { "/" } else { "" };
        let client = at(&format!("{scheme}://127.0.0.1:{}{path}", theirs.1));
        for _ in 0..3 {
            assert_eq!(client.call::<i64>("subtract", (42, 23)).await.unwrap(), 19, "{kind}");
        }
        assert_eq!(client.call::<i64>("subtract", named(&[("subtrahend", 23), ("minuend", 42)])).await.unwrap(), 19);
        client.notify("echo", ("x",)).await.unwrap();
        let value = Value::List(vec![Value::None, 1.5.into(), "é\n".into(), Value::from(Int::from(u128::MAX))]);
        assert_eq!(client.call::<Value>("echo", (&value,)).await.unwrap(), value, "{kind}");
        let error = client.call::<Value>("nothing", ()).await.unwrap_err();
        assert_eq!(
            error.exception().unwrap().attributes().get("code"),
            Some(&Value::Int(-32601)),
            "{kind}: {error:?}"
        );
        assert_eq!(client.call::<Value>("fail", ("no",)).await.unwrap_err().kind(), Kind::Remote);
        let mut batch = client.batch();
        batch.call("subtract", (5, 3)).unwrap().notify("echo", (1,)).unwrap().call("nothing", ()).unwrap();
        let results = batch.send().await.unwrap();
        assert_eq!(results[0].as_ref().unwrap(), &Value::Int(2), "{kind}");
        assert!(results.len() == 2 && results[1].is_err(), "{kind}");
    }
}

/// The twin without `async`: over HTTP to an independent server, and to ours over the other transports.
#[test]
fn threads_call_too() {
    use salamander::blocking::wait;
    use salamander::http::blocking::jsonrpc::Client;

    let ours = wait(Ours::start()).unwrap();
    for scheme in ["http", "ws", "tcp"] {
        let client = Client::new(&format!("{scheme}://127.0.0.1:{}", ours.port)).unwrap();
        let client = client.timeout(Some(Duration::from_secs(60)));
        assert_eq!(client.call::<i64>("subtract", (42, 23)).unwrap(), 19);
        client.notify("notify_hello", (1,)).unwrap();
        let mut batch = client.batch();
        batch.call("sum", (1, 2)).unwrap().notify("sum", ()).unwrap().call("nothing", ()).unwrap();
        let results = batch.send().unwrap();
        assert!(results.len() == 2 && results[0].as_ref().unwrap() == &3.into() && results[1].is_err());
        let subscribed = client.subscribe::<u32>("count", (3,));
        match scheme {
            "http" => assert_eq!(subscribed.unwrap_err().kind(), Kind::Misuse),
            _ => assert_eq!(subscribed.unwrap().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]),
        }
    }
}
