//! Our proxy calls pyzmq's servers of the recipe.

use std::time::Duration;

use salamander::zeromq::{Form, Options};
use salamander::{Args, BigInt, Dict, Kind, Value};

use super::{Ours, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_in_python_are_called_in_every_form() {
    for kind in ["REP", "ROUTER"] {
        for (name, form) in [
            ("pickle", Form::Pickle),
            ("pickle-in-pickle", Form::PickleInPickle),
            ("json-text", Form::JsonText),
            ("json-in-pickle", Form::JsonInPickle),
            ("json", Form::Json),
        ] {
            let server = Server::zeromq(&["serve", kind, name]);
            let proxy = Options::new().proxy(&format!("tcp://{}", server.location)).with_form(form);
            assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5, "{name}");
            let large: BigInt = "1180591620717411303424".parse().unwrap();
            let sum: Value = proxy.call("add", (Value::from(large), 1)).await.unwrap();
            assert_eq!(sum.to_string(), "1180591620717411303425");
            let keywords = Args { positional: vec![3.into()], keywords: Dict::from_iter([("y", 4)]) };
            assert_eq!(proxy.call::<f64>("math.div", keywords).await.unwrap(), 0.75);
            let long = "x".repeat(300_000);
            assert_eq!(proxy.call::<String>("echo", (&long,)).await.unwrap(), long);
            if form == Form::Pickle {
                let error = proxy.call::<i64>("sub", (vec![1, 2], 4)).await.unwrap_err();
                assert!(error.kind() == Kind::Remote && error.is("TypeError") && !error.is("ValueError"), "{error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_nobody_waits_for_any_more_is_not_mistaken_for_the_next() {
    let ours = Ours::zeromq(Options::new(), "127.0.0.1:0").await;
    let proxy = Options::new().proxy(&ours.location);
    assert_eq!(proxy.call::<u64>("later", (0,)).await.unwrap(), 0);
    let slow = tokio::time::timeout(Duration::from_millis(20), proxy.call::<u64>("later", (60_000,)));
    assert!(slow.await.is_err());
    assert_eq!(proxy.call::<u64>("later", (1,)).await.unwrap(), 1);
    let hurried = proxy.with_timeout(Some(Duration::from_millis(20)));
    assert_eq!(hurried.call::<u64>("later", (60_000,)).await.unwrap_err().kind(), Kind::Deadline);
    // What cannot be sent costs nothing.
    let object = salamander::ClassInstance::new("shop.Order", Dict::new());
    let error = proxy.call::<Value>("echo", (Value::from(object),)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misuse, "{error}");
    let sums = futures_util::future::join_all((0..50).map(|number| proxy.call::<i64>("add", (number, 1))));
    assert!(sums.await.into_iter().map(Result::unwrap).eq(1..=50));
    let nobody = Options::new().proxy("127.0.0.1:1").call::<Value>("add", ()).await.unwrap_err();
    assert!(nobody.kind() == Kind::Connection && nobody.is_unsent());
}

#[test]
fn threads_call_too() {
    let server = Server::zeromq(&["serve", "REP", "pickle"]);
    let proxy = salamander::blocking::RpcProxy::from(Options::new().proxy(&server.location));
    assert_eq!(proxy.call::<i64>("add", (2, 3)).unwrap(), 5);
    assert!(proxy.call::<i64>("sub", (vec![1, 2], 4)).unwrap_err().is("TypeError"));
}
