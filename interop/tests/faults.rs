//! What happens when processes are killed and connections fall silent.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod programs;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use interop::node::Node;
use interop::pyro5::until;
use salamander::prelude::*;
use salamander::{Codec, Kind};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const CALLERS: usize = 64;

/// How often the daemon is killed.
const KILLS: usize = 3;

struct Calls {
    made: AtomicI64,
    stop: std::sync::atomic::AtomicBool,
}

/// Has 64 callers call one proxy while its daemon is killed and restarted on the same port; gives what became of each call, and how
/// often the daemon noted it.
async fn killed_under_callers(name: &str, retries: usize) -> (HashMap<i64, Result<i64>>, HashMap<i64, usize>) {
    let log = std::env::temp_dir().join(format!("salamander-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&log);
    let path = log.display().to_string();
    let mut node = Node::ours(&["a", "--log", &path]);
    let port = node.port().to_owned();
    let proxy = Proxy::new(&node.uri).unwrap().with_serializer(Codec::Msgpack).with_retries(retries);
    let calls = Arc::new(Calls { made: AtomicI64::new(0), stop: false.into() });
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (proxy, calls) = (proxy.clone(), calls.clone());
        callers.spawn(async move {
            let mut done = Vec::new();
            while !calls.stop.load(Ordering::Relaxed) {
                let id = calls.made.fetch_add(1, Ordering::Relaxed);
                let result = proxy.call::<i64>("count", (id,)).await;
                if result.is_err() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                done.push((id, result));
            }
            done
        });
    }
    for _ in 0..KILLS {
        let before = calls.made.load(Ordering::Relaxed);
        until("calls are made", async || calls.made.load(Ordering::Relaxed) > before + 2000).await;
        node.kill();
        node = Node::ours(&["a", "--log", &path, "--port", &port]);
    }
    let before = calls.made.load(Ordering::Relaxed);
    until("calls are made again", async || calls.made.load(Ordering::Relaxed) > before + 2000).await;
    calls.stop.store(true, Ordering::Relaxed);
    let results = callers.join_all().await.into_iter().flatten().collect();
    let mut noted = HashMap::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        *noted.entry(line.parse().unwrap()).or_default() += 1;
    }
    let _ = std::fs::remove_file(&log);
    (results, noted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_succeeds_once_or_fails_with_a_connection_error() {
    let (results, noted) = killed_under_callers("once", 0).await;
    let mut failed = 0;
    for (id, result) in &results {
        let times = noted.get(id).copied().unwrap_or_default();
        match result {
            Ok(answer) => assert_eq!((answer, times), (id, 1), "a call that succeeded was made once"),
            Err(error) => {
                failed += 1;
                assert_eq!(error.kind(), Kind::Connection, "{error}");
                assert!(times <= 1, "a call that failed was made at most once");
            }
        }
    }
    assert!(failed > 0, "no call was under way when the daemon was killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_retries_every_call_succeeds() {
    // A restart takes longer than one attempt.
    let (results, noted) = killed_under_callers("retries", 100_000).await;
    for (id, result) in &results {
        assert_eq!(result.as_ref().unwrap(), id);
        assert!(noted.contains_key(id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_name_server_acknowledged_is_there() {
    let directory = std::env::temp_dir().join(format!("salamander-names-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let storage = format!("sql:{}", directory.join("names.sqlite").display());
    let arguments = ["ns", "--host", "127.0.0.1", "--port", "0", "--nobc", "--storage", &storage];
    let mut acknowledged = Vec::new();
    let count = Arc::new(AtomicUsize::new(0));
    for round in 0..3 {
        let server = programs::Server::start(&mut programs::salamander(&arguments), "URI = ");
        let names =
            NameServer::locate_with(Some("127.0.0.1"), server.port().parse().ok(), Arc::default()).await.unwrap();
        let target: Uri = "PYRO:x@localhost:1".parse().unwrap();
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let (names, target, count) = (names.clone(), target.clone(), count.clone());
            writers.spawn(async move {
                let mut done = Vec::new();
                for number in 0.. {
                    let name = format!("{round}.{writer}.{number}");
                    match names.register(&name, &target).await {
                        Ok(_) => done.push(name),
                        Err(_) => break,
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
                done
            });
        }
        until("names are registered", async || count.load(Ordering::Relaxed) > 100 * (round + 1)).await;
        drop(server);
        acknowledged.extend(writers.join_all().await.into_iter().flatten());
    }
    let server = programs::Server::start(&mut programs::salamander(&arguments), "URI = ");
    let names = NameServer::locate_with(Some("127.0.0.1"), server.port().parse().ok(), Arc::default()).await.unwrap();
    let there = names.list().await.unwrap();
    assert!(acknowledged.len() > 300);
    for name in &acknowledged {
        assert!(there.contains_key(name), "{name} was acknowledged");
    }
    drop(server);
    let _ = std::fs::remove_dir_all(&directory);
}

/// How long calls may take in the tests of silence.
const DEADLINE: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_says_nothing_is_left_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("PYRO:node@{}", listener.local_addr().unwrap());
    let start = Instant::now();
    let error = Proxy::new(uri).unwrap().with_timeout(Some(DEADLINE)).call::<i64>("count", (1,)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline, "{error}");
    assert!(start.elapsed() >= DEADLINE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_ends_at_the_deadline() {
    let node = Node::ours(&["a"]);
    let (place, cut) = relay(node.port().parse().unwrap()).await;
    let proxy = Proxy::new(format!("PYRO:node@{place}")).unwrap().with_timeout(Some(DEADLINE));
    assert_eq!(proxy.call::<i64>("count", (1,)).await.unwrap(), 1);
    cut.cancel();
    let mut calls = JoinSet::new();
    for id in 0..20 {
        let proxy = proxy.clone();
        calls.spawn(async move { proxy.call::<i64>("count", (id,)).await });
    }
    for result in calls.join_all().await {
        assert_eq!(result.unwrap_err().kind(), Kind::Deadline);
    }
}

/// Passes everything on to a port, until it is told to: then it holds connections and passes on nothing.
async fn relay(port: u16) -> (std::net::SocketAddr, tokio_util::sync::CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (place, cut) = (listener.local_addr().unwrap(), tokio_util::sync::CancellationToken::new());
    let silent = cut.clone();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let silent = silent.clone();
            tokio::spawn(async move {
                if !silent.is_cancelled() {
                    let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        () = silent.cancelled() => {}
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                    }
                    std::mem::forget(server);
                }
                std::mem::forget(client);
            });
        }
    });
    (place, cut)
}
