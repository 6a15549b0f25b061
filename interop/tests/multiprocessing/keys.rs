//! Ends that do not have the same key part within a bound.

use std::time::Duration;

use salamander::Kind;
use salamander::multiprocessing::Options;

use super::{KEY, Ours, Server, pythons, run};

const SOON: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_clients_with_another_key_or_none_are_closed() {
    let ours = Ours::start().await;
    for python in pythons() {
        assert_eq!(run(python, &["refused", &ours.location, KEY]).await, "accepted");
        assert_eq!(run(python, &["refused", &ours.location, "another"]).await, "AuthenticationError");
        // It takes the challenge for a reply, and gives the digest of nothing.
        let said = run(python, &["refused", &ours.location, "-"]).await;
        assert!(["UnpicklingError", "EOFError", "ConnectionResetError"].contains(&&*said), "{said}");
    }
    let strict = Ours::with(Options::new().authkey(KEY).without_md5(), "127.0.0.1:0").await;
    for python in pythons() {
        let said = run(python, &["refused", &strict.location, KEY]).await;
        let expected: &[&str] = if python.minor < 12 { &["AuthenticationError"] } else { &["accepted"] };
        assert!(expected.contains(&&*said), "3.{}: {said}", python.minor);
    }
}

/// Where there is none, it is what Python 3.13 once sent that shows it, in `salamander-wire`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pythons_from_3_12_on_show_their_key_by_a_digest_that_is_named() {
    let newer: Vec<_> = pythons().iter().filter(|python| python.minor >= 12).collect();
    if newer.is_empty() {
        interop::left_out("there is no python3.12 or later on the path");
    }
    let options = Options::new().authkey(KEY).without_md5();
    let ours = Ours::with(options.clone(), "127.0.0.1:0").await;
    for python in newer {
        assert_eq!(run(python, &["refused", &ours.location, KEY]).await, "accepted");
        let server = Server::start(python, &["serve", "127.0.0.1:0", KEY, "pickle-in-pickle"]);
        assert_eq!(options.clone().proxy(&server.location).call::<i64>("add", (2, 3)).await.unwrap(), 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_client_that_waits_for_a_challenge_is_closed() {
    let ours = Ours::with(Options::new().first_call_timeout(SOON), "127.0.0.1:0").await;
    for python in pythons() {
        let said = run(python, &["refused", &ours.location, KEY]).await;
        assert!(["EOFError", "ConnectionResetError"].contains(&&*said), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_is_told_what_is_wrong_with_its_key() {
    for python in pythons() {
        let server = Server::start(python, &["serve", "127.0.0.1:0", KEY, "pickle-in-pickle"]);
        let error = Options::new().authkey("another").connect(&server.location).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        assert_eq!(error.to_string(), "the other end does not accept the authkey: it has another");
        assert_eq!(server.line(), "AuthenticationError");
        let error = Options::new().proxy(&server.location).call::<i64>("add", (2, 3)).await.unwrap_err();
        assert_eq!((error.kind(), &*error.to_string()), (Kind::Refused, "the server asks for an authkey"));
        let told = server.line();
        assert!(["AuthenticationError", "OSError", "EOFError", "ConnectionResetError"].contains(&&*told), "{told}");
        // It serves on.
        let proxy = Options::new().authkey(KEY).proxy(&server.location);
        assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);

        let server = Server::start(python, &["serve", "127.0.0.1:0", "-", "pickle-in-pickle"]);
        let options = Options::new().authkey(KEY).key_timeout(SOON);
        let error = options.connect(&server.location).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Deadline, "{error}");
        assert!(error.to_string().contains("perhaps the other end has none"), "{error}");
    }
    let error = Options::new().authkey("").connect("localhost:1").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misuse);
    assert!(Options::new().authkey("").listen("localhost:0").await.is_err());
}
