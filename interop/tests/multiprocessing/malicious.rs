//! Malicious pickles, sent to a server of calls in every form that holds one, and to our proxy as replies.

use std::path::Path;

use bytes::Bytes;
use salamander::Kind;
use salamander::multiprocessing::{Form, Options};
use salamander_codec::{Codec, Settings};
use salamander_value::Value;

use super::{KEY, Ours, Scratch};

#[path = "../../../crates/codec/tests/malicious/table.rs"]
#[allow(unreachable_pub, dead_code)]
mod table;

use table::Becomes;

/// The message that `connection.send(pickle)` makes.
fn pickled(bytes: &[u8]) -> Bytes {
    Codec::Pickle.encode_value(&Value::Bytes(bytes.to_vec().into()), &Settings::default()).unwrap().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_answers_or_closes_and_does_nothing() {
    let scratch = Scratch::new();
    let trace = scratch.socket();
    let ours = Ours::start().await;
    let options = Options::new().authkey(KEY);
    for (what, bytes, _) in table::cases(&format!("touch {trace}")) {
        // As a message, inside of a message, and as an argument.
        let argument = [b"(\x8c\x04echo(", &bytes[..bytes.len() - 1], b"t}t."].concat();
        for message in [Bytes::from(bytes.clone()), pickled(&bytes), pickled(&argument)] {
            let mut connection = options.connect(&ours.location).await.unwrap();
            connection.send_bytes(message).await.unwrap();
            if let Ok(Some(reply)) = connection.recv_bytes().await {
                // Only a call is answered by anything else than an exception, and these call only `echo`.
                let shown = Codec::Pickle.decode_value(&reply, &Settings::default()).unwrap();
                assert!(matches!(shown, Value::Exception(_) | Value::Bytes(_)), "{what}: {}", shown.type_name());
            }
        }
        assert!(!Path::new(&trace).exists(), "{what}");
    }
    // It serves on.
    assert_eq!(options.proxy(&ours.location).call::<i64>("add", (2, 3)).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_takes_no_orders_from_a_server() {
    let scratch = Scratch::new();
    let trace = scratch.socket();
    let mut listener = Options::new().listen("127.0.0.1:0").await.unwrap();
    let proxy = Options::new().proxy(listener.location()).with_form(Form::Pickle);
    let cases = table::cases(&format!("touch {trace}"));
    let replies: Vec<Bytes> = cases.iter().map(|(_, bytes, _)| bytes.clone().into()).collect();
    tokio::spawn(async move {
        let mut connection = listener.accept().await;
        for reply in replies {
            connection.recv_bytes().await.unwrap();
            connection.send_bytes(reply).await.unwrap();
        }
    });
    for (what, _, becomes) in cases {
        let result = proxy.call::<Value>("add", (2, 3)).await;
        match (becomes, result) {
            (Becomes::Refused(..), Err(error)) => assert_ne!(error.kind(), Kind::Remote, "{what}: {error}"),
            (Becomes::Data(_) | Becomes::Large, Ok(_)) => {}
            (Becomes::Data(_), Err(error)) => assert_eq!(error.kind(), Kind::Remote, "{what}"),
            (_, result) => panic!("{what}: {:?}", result.map(|value| value.type_name())),
        }
        assert!(!Path::new(&trace).exists(), "{what}");
    }
}
