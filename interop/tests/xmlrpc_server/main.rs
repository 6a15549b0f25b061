//! Our client of XML-RPC against Python's server, and against ours.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use interop::certs::{Certs, borrowed};
use interop::xmlrpc::{Ours, Theirs};
use salamander::http::xmlrpc::{Client, Fault, Options};
use salamander::http::{Site, XmlRpc};
use salamander::{Config, Date, DateTime, Dict, Error, Kind, Time, Value};

/// A client of a server on a port.
fn at(port: u16) -> Client {
    Client::with_config(&format!("http://127.0.0.1:{port}"), Arc::default()).unwrap()
}

/// Runs a check with both servers.
async fn on_both<F: Future<Output = ()>>(check: impl Fn(Client) -> F) {
    let theirs = Theirs::start(&["--http11"]);
    check(at(theirs.port)).await;
    let ours = Ours::start(XmlRpc::new()).await;
    check(at(ours.port)).await;
}

fn fault(error: &Error) -> Fault {
    assert_eq!(error.kind(), Kind::Remote, "{error}");
    Fault::of(error.exception().unwrap())
}

#[tokio::test]
async fn functions_and_methods_are_called() {
    on_both(|client| async move {
        assert_eq!(client.call::<i64>("add", (3, 4)).await.unwrap(), 7);
        assert_eq!(client.call::<String>("add", ("a", "é")).await.unwrap(), "aé");
        assert_eq!(client.call::<String>("some.thing.echo", ("x",)).await.unwrap(), "x");
        assert_eq!(client.call::<u32>("count", ()).await.unwrap(), 0);
        let names: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
        assert!(names.iter().any(|name| name == "add") && names.is_sorted());
    })
    .await;
}

#[tokio::test]
async fn values_come_back_as_they_were() {
    on_both(|client| async move {
        let when = DateTime::new(Date::new(2024, 2, 29).unwrap(), Time::new(1, 2, 3, 0).unwrap());
        for value in [
            Value::from(0),
            i64::from(i32::MIN).into(),
            true.into(),
            1.5.into(),
            f64::INFINITY.into(),
            "".into(),
            "a&b<c>]]> é€😀\n".into(),
            "x".repeat(10_000).into(),
            Value::from(&[0u8, 1, 255][..]),
            Value::DateTime(Box::new(when)),
            Value::List(vec![1.into(), Value::List(vec![]), "x".into()]),
            Dict::from_iter([("a", Value::from(1)), ("", Value::from(Dict::new()))]).into(),
        ] {
            let back: Value = client.call("echo", (&value,)).await.unwrap();
            assert_eq!(back, value);
        }
    })
    .await;
}

#[tokio::test]
async fn faults_have_their_code_and_text() {
    on_both(|client| async move {
        let error = client.call::<i64>("sub", (vec![1, 2], 4)).await.unwrap_err();
        let text = "<class 'TypeError'>:unsupported operand type(s) for -: 'list' and 'int'";
        assert_eq!(fault(&error), Fault::new(1, text));
        let error = client.call::<i64>("fault", (42, "the answer")).await.unwrap_err();
        assert_eq!(fault(&error), Fault::new(42, "the answer"));
        assert!(error.is("xmlrpc.client.Fault"));
        let error = client.call::<i64>("nope", ()).await.unwrap_err();
        assert_eq!(fault(&error).text, "<class 'Exception'>:method \"nope\" is not supported");
        assert_eq!(client.call::<i64>("add", (1, 1)).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_written_is_not_sent() {
    on_both(|client| async move {
        for (value, class) in [(Value::None, "TypeError"), ((1i64 << 40).into(), "OverflowError")] {
            let error = client.call::<Value>("echo", (value,)).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Misuse);
            assert!(format!("{:?}", std::error::Error::source(&error)).contains(class), "{error:?}");
        }
        let long = client.options(Options::new().long_integers(true));
        // Python reads it, but does not write it.
        let error = long.call::<Value>("echo", (1i64 << 40,)).await.unwrap_err();
        assert!(fault(&error).text.contains("OverflowError"));
    })
    .await;
}

#[tokio::test]
async fn none_goes_both_ways_where_it_may() {
    let (theirs, ours) = (Theirs::start(&["--allow-none"]), Ours::start(XmlRpc::new().allow_none(true)).await);
    for port in [theirs.port, ours.port] {
        let client = at(port).allow_none(true);
        assert_eq!(client.call::<Option<i64>>("echo", (None::<i64>,)).await.unwrap(), None);
        assert_eq!(client.call::<Value>("nothing", ()).await.unwrap(), Value::None);
    }
}

#[tokio::test]
async fn a_multicall_gives_each_result() {
    on_both(|client| async move {
        let mut calls = client.multicall();
        calls.add("add", (1, 2)).unwrap();
        calls.add("sub", ("x", 2)).unwrap();
        calls.add("nope", ()).unwrap();
        calls.add("echo", (vec!["a"],)).unwrap();
        let results = calls.send().await.unwrap();
        assert_eq!(results[0].as_ref().unwrap(), &Value::from(3));
        assert!(fault(results[1].as_ref().unwrap_err()).text.starts_with("<class 'TypeError'>:"));
        assert!(fault(results[2].as_ref().unwrap_err()).text.ends_with("\"nope\" is not supported"));
        assert_eq!(results[3].as_ref().unwrap(), &Value::List(vec!["a".into()]));
        assert!(client.multicall().send().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn requests_are_compressed_where_that_is_wanted() {
    let theirs = Theirs::start(&["--http11"]);
    let client = at(theirs.port).compress_beyond(1000);
    let text = "abc".repeat(1000);
    assert_eq!(client.call::<String>("echo", (&text,)).await.unwrap(), text);
    client.call::<i64>("count", (&text,)).await.unwrap();
    // The last call but this one was compressed; this one is not.
    assert_eq!(client.call::<String>("last_encoding", ()).await.unwrap(), "identity");
    let ours = Ours::start(XmlRpc::new()).await;
    let client = at(ours.port).compress_beyond(1000);
    assert_eq!(client.call::<String>("echo", (&text,)).await.unwrap(), text);
}

#[tokio::test]
async fn calls_share_a_connection_one_after_another() {
    let theirs = Theirs::start(&["--http11"]);
    let client = at(theirs.port);
    for number in 0..20 {
        assert_eq!(client.call::<i64>("add", (number, 1)).await.unwrap(), number + 1);
    }
    assert_eq!(client.call::<i64>("connections", ()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_closes_each_connection_is_called_again_and_again() {
    let theirs = Theirs::start(&[]);
    let client = at(theirs.port);
    for number in 0..20 {
        assert_eq!(client.call::<i64>("add", (number, 1)).await.unwrap(), number + 1);
    }
}

#[tokio::test]
async fn many_calls_at_once_have_connections_of_their_own() {
    on_both(|client| async move {
        let calls = (0..20).map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<i64>("add", (number, 1)).await.unwrap() })
        });
        for (number, sum) in calls.collect::<Vec<_>>().into_iter().enumerate() {
            assert_eq!(sum.await.unwrap(), number as i64 + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_ends_with_its_deadline() {
    on_both(|client| async move {
        let hasty = client.timeout(Some(Duration::from_millis(100)));
        assert_eq!(hasty.call::<Value>("slow", ()).await.unwrap_err().kind(), Kind::Deadline);
    })
    .await;
}

#[tokio::test]
async fn a_name_and_a_password_are_shown() {
    let (theirs, ours) =
        (Theirs::start(&["--user", "ada:se cret"]), Ours::start(XmlRpc::new().user("ada", "se cret")).await);
    for port in [theirs.port, ours.port] {
        let url = format!("http://ada:se%20cret@127.0.0.1:{port}/RPC2");
        let client = Client::with_config(&url, Arc::default()).unwrap();
        assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
        let error = at(port).call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol);
        assert_eq!(error.to_string(), format!("<ProtocolError for 127.0.0.1:{port}/RPC2: 401 Unauthorized>"));
    }
}

#[tokio::test]
async fn other_answers_are_errors() {
    on_both(|client| async move {
        let url = format!("{client:?}");
        let place = url.trim_start_matches("<xmlrpc::Client for ").trim_end_matches("/RPC2>");
        let lost = Client::with_config(&format!("http://{place}/nope"), Arc::default()).unwrap();
        let error = lost.call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("<ProtocolError for {place}/nope: 404 Not Found>"));
        let small = client.max_response(1000);
        assert_eq!(small.call::<String>("letters", (5000,)).await.unwrap_err().kind(), Kind::Protocol);
    })
    .await;
    // Nobody is there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(at(free).call::<i64>("add", (1, 2)).await.unwrap_err().kind(), Kind::Connection);
}

/// Over TLS, and with the certificate that a client shows known to who serves it.
#[tokio::test]
async fn encrypted_servers_are_called() {
    let certs = Certs::new();
    let theirs = Theirs::start(&["--http11", "--tls", &certs.file("server"), &certs.file("server_key")]);
    let settings = certs.strict_server("server", "ca");
    let config = Config::from_vars(borrowed(&settings)).unwrap();
    let ours = Ours::with(|builder| builder.config(config.into()).door(Site::new().xmlrpc(XmlRpc::new()))).await;
    for port in [theirs.port, ours.port] {
        let client = |settings: &[(&'static str, String)]| {
            let config = Config::from_vars(borrowed(settings)).unwrap();
            Client::with_config(&format!("https://127.0.0.1:{port}"), config.into()).unwrap()
        };
        let known = client(&certs.known_client("ca", "client"));
        for number in 0..3 {
            assert_eq!(known.call::<i64>("add", (number, 1)).await.unwrap(), number + 1);
        }
        let error = client(&certs.client("other_ca")).call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        let plain = at(port).call::<i64>("add", (1, 2)).await.unwrap_err();
        assert!(matches!(plain.kind(), Kind::Connection | Kind::Protocol), "{plain}");
    }
}

/// The twin without `async` does the same.
#[test]
fn threads_call_too() {
    let theirs = Theirs::start(&[]);
    let client =
        salamander::http::blocking::xmlrpc::Client::new(&format!("http://127.0.0.1:{}", theirs.port)).unwrap();
    assert_eq!(client.call::<i64>("add", (3, 4)).unwrap(), 7);
    assert_eq!(client.call::<i64>("sub", (vec![1, 2], 4)).unwrap_err().kind(), Kind::Remote);
    let mut calls = client.multicall();
    calls.add("add", (1, 2)).unwrap();
    calls.add("sub", ("x", 2)).unwrap();
    let results = calls.send().unwrap();
    assert!(results[0].as_ref().unwrap() == &3.into() && results[1].is_err());
    assert!(client.call::<Value>("echo", (Value::None,)).is_err());
    assert_eq!(client.allow_none(true).call::<Value>("echo", (5,)).unwrap(), 5.into());
}
