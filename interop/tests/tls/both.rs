//! Both ends are ours: calls are pipelined over one encrypted connection, and go on when the socket takes no more for a while.

use std::time::Duration;

use futures_util::future::join_all;
use interop::certs::{Certs, borrowed};
use interop::pyro5::ours::Ours;
use salamander::{Blob, Codec, Value};

use super::proxy;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_share_a_connection() {
    let certs = Certs::new();
    let ours = Ours::with(&borrowed(&certs.strict_server("server", "ca")), "localhost:0", |builder| builder).await;
    let shared = proxy(&ours.uri.to_string(), &certs.known_client("ca", "client"));
    // They wait for each other, so that they have to be under way at once.
    let meeting = join_all((0..32).map(|_| shared.call::<usize>("meet", ("tls", 32))));
    assert!(meeting.await.into_iter().all(|met| met.unwrap() == 32));
    let tasks = (0..32).map(|task: i64| {
        let shared = shared.clone();
        tokio::spawn(async move {
            for number in 0..100 {
                assert_eq!(shared.call::<i64>("add", (task, number)).await.unwrap(), task + number);
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    assert_eq!(ours.handle.connections(), 1);
}

/// Binary data is attached and not copied, in pieces of their own; much more than the buffers of both sockets hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_data_goes_both_ways_at_once() {
    let certs = Certs::new();
    let ours = Ours::with(&borrowed(&certs.server("server")), "localhost:0", |builder| builder).await;
    let proxy = proxy(&ours.uri.to_string(), &certs.client("ca")).with_serializer(Codec::Msgpack);
    let tasks = (0..8_usize).map(|task| {
        let proxy = proxy.clone();
        tokio::spawn(async move {
            for size in [0, 1, 16_384, 16_385, 1_000_000 + task] {
                let data: Vec<u8> = (0..size).map(|at| (at * 7 + task) as u8).collect();
                let back: Value = proxy.call("echo", (Blob::from(data.clone()),)).await.unwrap();
                assert!(back.as_bytes() == Some(&data[..]), "{size}");
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_call_leaves_the_connection_usable() {
    let certs = Certs::new();
    let ours = Ours::with(&borrowed(&certs.server("server")), "localhost:0", |builder| builder).await;
    let proxy = proxy(&ours.uri.to_string(), &certs.client("ca"));
    proxy.bind().await.unwrap();
    for _ in 0..50 {
        let large = "x".repeat(200_000);
        let call = proxy.call::<String>("echo", (large,));
        let _ = tokio::time::timeout(Duration::from_micros(200), call).await;
    }
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(ours.handle.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_connection_is_told_and_made_anew() {
    let certs = Certs::new();
    let settings = certs.server("server");
    let ours = Ours::with(&borrowed(&settings), "localhost:0", |builder| builder).await;
    let proxy = proxy(&ours.uri.to_string(), &certs.client("ca"));
    let waiting = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.call::<f64>("later", (30.0,)).await.unwrap_err().kind() }
    });
    interop::pyro5::until("it is connected", async || ours.handle.connections() == 1).await;
    proxy.release();
    assert_eq!(waiting.await.unwrap(), salamander::Kind::Connection);
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}
