//! What goes wrong on the way: time, size, broken connections.

use std::str::FromStr;
use std::time::Duration;

use interop::pyro5::until;
use salamander::{Kind, Uri, Value};

use crate::{At, between, cases, key, peers};

cases! {
    async fn a_call_takes_no_longer_than_its_timeout(at) {
        let (proxy, note) = (at.proxy(), key());
        let error = proxy.with_timeout(Some(Duration::from_millis(100))).call::<Value>("notes", (&note, 1)).await;
        assert_eq!(error.unwrap_err().kind(), Kind::Deadline);
        assert_eq!(proxy.call::<i64>("write_note", (&note, "enough waited")).await.unwrap(), 1);
    }

    async fn a_request_has_a_deadline_of_its_own(at) {
        let (proxy, note) = (at.proxy(), key());
        let request = proxy.request("notes").arg(&note).arg(1).deadline(Duration::from_millis(100));
        assert_eq!(request.send::<Value>().await.unwrap_err().kind(), Kind::Deadline);
        assert_eq!(at.proxy().call::<i64>("write_note", (&note, "enough waited")).await.unwrap(), 1);
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    }

    async fn a_timeout_of_the_settings_counts(at) {
        let (proxy, note) = (at.proxy_with(&[("PYRO_COMMTIMEOUT", "0.1")]), key());
        assert_eq!(proxy.call::<Value>("notes", (&note, 1)).await.unwrap_err().kind(), Kind::Deadline);
        at.proxy().call::<i64>("write_note", (&note, "enough waited")).await.unwrap();
    }

    /// The daemon comes to the later attempts although the first is still under way: they have connections of their own.
    async fn a_call_that_timed_out_is_made_again(at) {
        let (proxy, note) = (at.proxy().with_timeout(Some(Duration::from_millis(300))).with_retries(2), key());
        assert_eq!(proxy.call::<usize>("meet", (&note, 3)).await.unwrap(), 3);
    }

    /// With a Python daemon it could not be, over the same connection: calls are made one after the other there.
    async fn a_proxy_is_usable_after_a_timeout(at) {
        let (proxy, note) = (at.proxy().with_timeout(Some(Duration::from_millis(300))), key());
        assert_eq!(proxy.call::<Value>("notes", (&note, 1)).await.unwrap_err().kind(), Kind::Deadline);
        assert_eq!(proxy.call::<i64>("write_note", (&note, "enough waited")).await.unwrap(), 1);
    }

    async fn compressed_calls_are_understood(at) {
        let proxy = at.proxy_with(&[("PYRO_COMPRESSION", "1")]);
        let text = "abc".repeat(20_000);
        assert!(proxy.call::<String>("echo", (&text,)).await.unwrap() == text);
    }

    async fn a_call_beyond_our_limit_is_not_sent(at) {
        let proxy = at.proxy_with(&[("PYRO_MAX_MESSAGE_SIZE", "20000")]);
        let error = proxy.call::<usize>("size", ("x".repeat(30_000),)).await.unwrap_err();
        assert!(error.to_string().contains("message too large"), "{error}");
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    }

    async fn a_reply_beyond_our_limit_is_refused(at) {
        let proxy = at.proxy_with(&[("PYRO_MAX_MESSAGE_SIZE", "20000")]);
        let error = proxy.call::<String>("repeat", ("x", 30_000)).await.unwrap_err();
        assert!(error.to_string().contains("message too large"), "{error}");
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    }

    async fn a_released_proxy_connects_again(at) {
        let proxy = at.proxy();
        for _ in 0..3 {
            assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
            proxy.release();
        }
        proxy.reconnect(1).await.unwrap();
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    }

    async fn nobody_at_a_port_is_a_connection_error(at) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let uri = Uri::from_str(&format!("PYRO:thing@127.0.0.1:{port}")).unwrap();
        let error = At { uri, ..at }.proxy().call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Connection);
        assert!(error.is_retryable() && error.to_string().contains("cannot connect to 127.0.0.1"), "{error}");
    }
}

/// Runs a case on daemons with these settings.
async fn with_settings(settings: &[(&str, &str)], case: impl AsyncFn(At)) {
    let theirs = peers::server(&[], settings);
    let ours = peers::ours(settings, |builder| builder).await;
    between(&Uri::from_str(&theirs.uri).unwrap(), &ours.uri, case).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_replies_are_read() {
    with_settings(&[("PYRO_COMPRESSION", "1")], async |at| {
        let text = "abc".repeat(20_000);
        assert!(at.proxy().call::<String>("echo", (&text,)).await.unwrap() == text);
        assert_eq!(at.proxy().call::<Vec<i64>>("echo", (vec![1; 500],)).await.unwrap(), vec![1; 500]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_beyond_the_daemons_limit_breaks_the_connection() {
    with_settings(&[("PYRO_MAX_MESSAGE_SIZE", "100000")], async |at| {
        let proxy = at.proxy();
        proxy.bind().await.unwrap();
        assert_eq!(proxy.call::<usize>("size", ("x".repeat(200_000),)).await.unwrap_err().kind(), Kind::Connection);
        assert_eq!(proxy.call::<usize>("size", ("x".repeat(1000),)).await.unwrap(), 1000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_a_daemon_that_does_not_stream_is_an_error() {
    with_settings(&[("PYRO_ITER_STREAMING", "0")], async |at| {
        let error = at.proxy().stream::<Value>("count_to", (3,)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol);
        assert!(error.to_string().contains("not configured to allow streaming"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_comes_back_is_found_again() {
    let theirs = peers::server(&[], &[]);
    let uri = Uri::from_str(&theirs.uri).unwrap();
    let at = At::theirs(&uri, salamander::Codec::Serpent);
    let (proxy, retrying) = (at.proxy(), at.proxy().with_retries(3));
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(retrying.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    drop(theirs);
    until("calls fail while the daemon is away", async || {
        proxy.call::<i64>("add", (1, 2)).await.is_err_and(|error| error.kind() == Kind::Connection)
    })
    .await;
    let _again = peers::server(&["--port", &uri.port().unwrap().to_string()], &[]);
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(retrying.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_under_way_fails_when_its_daemon_dies() {
    let theirs = peers::server(&[], &[]);
    let at = At::theirs(&Uri::from_str(&theirs.uri).unwrap(), salamander::Codec::Marshal);
    let (proxy, note) = (at.proxy(), key());
    let waiting = tokio::spawn({
        let note = note.clone();
        async move { proxy.call::<usize>("meet", (note, 2)).await }
    });
    let other = at.proxy();
    assert_eq!(other.call::<Vec<String>>("notes", (&note, 1)).await.unwrap().len(), 1);
    drop(theirs);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), Kind::Connection);
}
