//! Our proxy calls Python's servers of the recipe.

use std::time::Duration;

use salamander::multiprocessing::{Form, Options};
use salamander::{Args, BigInt, Dict, Kind, Value};

use super::{KEY, Ours, Server, pythons};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_in_python_are_called_in_every_form() {
    for python in pythons() {
        for (name, form) in [
            ("pickle-in-pickle", Form::PickleInPickle),
            ("old-pickle-in-pickle", Form::PickleInPickle),
            ("pickle", Form::Pickle),
            ("json-text", Form::JsonText),
            ("json-in-pickle", Form::JsonInPickle),
            ("json", Form::Json),
        ] {
            let server = Server::start(python, &["serve", "127.0.0.1:0", KEY, name]);
            let proxy = Options::new().authkey(KEY).proxy(&server.location).with_form(form);
            assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5, "{name}");
            assert_eq!(proxy.call::<String>("add", ("a", "b")).await.unwrap(), "ab");
            let large: BigInt = "1180591620717411303424".parse().unwrap();
            let sum: Value = proxy.call("add", (Value::from(large), 1)).await.unwrap();
            assert_eq!(sum.to_string(), "1180591620717411303425");
            let keywords = Args { positional: vec![3.into()], keywords: Dict::from_iter([("y", 4)]) };
            assert_eq!(proxy.call::<f64>("math.div", keywords).await.unwrap(), 0.75);
            if matches!(form, Form::PickleInPickle | Form::Pickle) {
                let error = proxy.call::<i64>("sub", (vec![1, 2], 4)).await.unwrap_err();
                assert!(error.kind() == Kind::Remote && error.is("TypeError") && !error.is("ValueError"), "{error}");
                let error = proxy.call::<i64>("nothing", ()).await.unwrap_err();
                assert!(error.is("LookupError") && error.exception().unwrap().args() == [Value::from("nothing")]);
            } else {
                let said: String = proxy.call("sub", (vec![1, 2], 4)).await.unwrap();
                assert_eq!(said, "unsupported operand type(s) for -: 'list' and 'int'");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_exceptions_are_matched_by_class() {
    for python in pythons() {
        let server = Server::start(python, &["serve", "127.0.0.1:0", KEY, "pickle-in-pickle"]);
        let proxy = Options::new().authkey(KEY).proxy(&server.location);
        for (kind, class, shown) in [
            ("key", "KeyError", "KeyError: 'spam'"),
            ("file", "FileNotFoundError", "FileNotFoundError: (2, 'No such file or directory')"),
            ("unicode", "UnicodeDecodeError", "UnicodeDecodeError: ('utf-8', b'\\xff', 0, 1, 'invalid start byte')"),
            ("other", "ValueError", "ValueError: ('bad', 3)"),
        ] {
            let error = proxy.call::<Value>("fail", (kind,)).await.unwrap_err();
            assert!(error.is(class), "{error}");
            assert!(error.to_string().starts_with(shown.trim_end_matches(')')), "{error}");
        }
        let error = proxy.call::<Value>("fail", ("other",)).await.unwrap_err();
        assert_eq!(error.exception().unwrap().attributes().get("code"), Some(&7.into()));
        // A class that only the server has is not constructed, and said.
        let error = proxy.call::<Value>("fail", ("unknown",)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol);
        assert!(error.to_string().contains("__main__.Unknown"), "{error}");
        // The same connection is used on.
        let sums = futures_util::future::join_all((0..50).map(|number| proxy.call::<i64>("add", (number, 1))));
        assert!(sums.await.into_iter().map(Result::unwrap).eq(1..=50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_nobody_waits_for_any_more_is_not_mistaken_for_the_next() {
    let ours = Ours::start().await;
    let proxy = Options::new().authkey(KEY).proxy(&ours.location);
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
    let error = proxy.call::<Value>("count", (3,)).await.unwrap_err();
    assert!(error.is("TypeError") && error.to_string().contains("cannot pickle 'generator' object"), "{error}");
    let nobody = Options::new().proxy("127.0.0.1:1").call::<Value>("add", ()).await.unwrap_err();
    assert!(nobody.kind() == Kind::Connection && nobody.is_unsent());
}

#[test]
fn threads_call_too() {
    for python in pythons() {
        let server = Server::start(python, &["serve", "127.0.0.1:0", KEY, "pickle-in-pickle"]);
        let proxy = salamander::blocking::RpcProxy::new(Options::new().authkey(KEY), &server.location);
        assert_eq!(proxy.call::<i64>("add", (2, 3)).unwrap(), 5);
        assert!(proxy.call::<i64>("sub", (vec![1, 2], 4)).unwrap_err().is("TypeError"));
    }
}
