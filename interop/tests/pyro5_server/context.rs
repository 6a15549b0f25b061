//! What travels with a call from us, and what we say when we connect.

use std::str::FromStr;

use interop::pyro5::ours::greeter;
use salamander::{Dict, Kind, Uri, Uuid, Value};

use crate::{At, between, cases, peers};

async fn seen(at: &At) -> Dict {
    at.proxy().call("context", ()).await.unwrap()
}

cases! {
    async fn the_daemon_sees_our_address(at) {
        assert_eq!(seen(&at).await.get("client"), Some(&"127.0.0.1".into()));
    }

    async fn a_correlation_id_is_made_for_every_call(at) {
        let id = |seen: Dict| Uuid::from_str(seen.get("correlation_id").and_then(Value::as_str).unwrap()).unwrap();
        let (first, second) = (id(seen(&at).await), id(seen(&at).await));
        assert!(first != second && !first.is_nil());
    }

    async fn annotations_go_along(at) {
        let request = at.proxy().request("context").annotation("TEST", "abc").annotation("NONE", "");
        let seen: Dict = request.send().await.unwrap().value;
        let annotations = seen.get("annotations").and_then(Value::as_dict).unwrap();
        assert_eq!(annotations.get("TEST"), Some(&Value::List(vec![97.into(), 98.into(), 99.into()])));
        assert_eq!(annotations.get("NONE"), Some(&Value::List(Vec::new())));
    }

    async fn a_wrong_annotation_is_misuse_or_a_protocol_error_and_is_not_sent(at) {
        let error = at.proxy().request("context").annotation("TOOLONG", "abc").send::<Value>().await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Misuse | Kind::Protocol), "{error:?}");
    }

    async fn annotations_come_back(at) {
        if matches!(at.codec, salamander::Codec::Json | salamander::Codec::Serpent) {
            return; // Neither carries the bytes to annotate with.
        }
        let annotations = Dict::from_iter([("BACK", Value::from(&b"there"[..]))]);
        let response = at.proxy().request("annotate").arg(Value::from(annotations)).send::<i64>().await.unwrap();
        assert_eq!(response.annotation("BACK").map(|data| &data[..]), Some(&b"there"[..]));
        assert_eq!(response.annotation("NONE"), None);
    }

    async fn the_handshake_is_hello(at) {
        assert_eq!(at.proxy().handshake_response().await.unwrap(), "hello".into());
    }

    async fn a_uri_is_an_argument_and_a_result(at) {
        let uri: Uri = at.proxy().call("uri", ()).await.unwrap();
        assert_eq!(uri.to_string(), "PYRO:some.object@localhost:9999");
        assert_eq!(at.proxy().call::<String>("uri_text", (&uri,)).await.unwrap(), uri.to_string());
    }

    async fn a_proxy_as_a_result_is_data(at) {
        let proxy: Value = at.proxy().call("proxy", ()).await.unwrap();
        let Value::Object(object) = &proxy else { panic!("{proxy:?} is no object") };
        assert_eq!(object.class(), "Pyro5.client.Proxy");
        assert_eq!(at.proxy().call::<String>("uri_of_proxy", (&proxy,)).await.unwrap(), "PYRO:some.object@localhost:9999");
    }
}

/// Runs a case on daemons that look at the handshake.
async fn on_greeters(case: impl AsyncFn(At)) {
    let theirs = peers::server(&["--greeter"], &[]);
    let ours = peers::ours(&[], |builder| builder.on_connect(greeter)).await;
    between(&Uri::from_str(&theirs.uri).unwrap(), &ours.uri, case).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshake_data_is_seen_and_answered() {
    on_greeters(async |at| {
        let data = Value::from(Dict::from_iter([("user", Value::from("ada"))]));
        let answer = at.proxy().with_handshake(data.clone()).handshake_response().await.unwrap();
        assert_eq!(answer.get("you said"), Some(&data));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_heard() {
    on_greeters(async |at| {
        let error = at.proxy().with_handshake("refuse me").call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.to_string().ends_with("rejected: you asked for it"), "{error}");
        assert_eq!(at.proxy().call::<i64>("add", (1, 2)).await.unwrap(), 3);
    })
    .await;
}
