//! Daemon and proxy between our own ends: concurrency, cancellation, order, streams, shutdown.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use salamander::prelude::*;
use salamander::{Blob, CallContext, Codec, DaemonHandle, Kind};
use tokio::sync::Notify;

#[derive(Default)]
struct Thing {
    gate: Arc<Notify>,
    waiting: Arc<Notify>,
    done: Arc<AtomicUsize>,
}

#[expose]
impl Thing {
    fn add(&self, x: i64, y: i64) -> i64 {
        x + y
    }

    async fn wait(&self) -> &'static str {
        self.waiting.notify_one();
        self.gate.notified().await;
        self.done.fetch_add(1, Ordering::SeqCst);
        "done"
    }

    fn size(&self, data: Blob) -> usize {
        data.len()
    }

    fn echo(&self, value: Value) -> Value {
        value
    }

    fn fail(&self, message: String) -> Result<(), Exception> {
        Err(Exception::value_error(message).with_attribute("code", 7))
    }

    fn panics(&self) {
        panic!("oh no");
    }

    #[blocking]
    fn block(&self, n: u64) -> u64 {
        n * 2
    }

    fn numbers(&self, to: u32) -> impl Iterator<Item = Result<u32, Exception>> + use<> {
        (0..to).map(|n| if n == 1000 { Err(Exception::value_error("a thousand")) } else { Ok(n) })
    }

    fn ids(&self, context: &CallContext) -> Vec<String> {
        context.reply_annotation("BACK", "there").unwrap();
        let sent = context.annotation("SENT").map(|data| String::from_utf8_lossy(data).into_owned());
        vec![context.correlation_id().to_string(), sent.unwrap_or_default()]
    }
}

struct Counter(i64);

#[expose]
impl Counter {
    fn increment(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }

    #[property]
    fn value(&self) -> i64 {
        self.0
    }

    #[setter]
    fn set_value(&mut self, value: i64) {
        self.0 = value;
    }

    /// Calls itself over the network while it holds its own lock.
    async fn twice(&mut self, uri: String) -> Result<i64, Error> {
        let own = Proxy::new(uri)?;
        own.call("increment", ()).await
    }

    async fn slow_increment(&mut self) -> i64 {
        let before = self.0;
        tokio::task::yield_now().await;
        self.0 = before + 1;
        self.0
    }
}

async fn serve(thing: Thing) -> (DaemonHandle, Proxy) {
    let daemon = Daemon::bind("127.0.0.1:0").await.unwrap();
    let uri = daemon.register("thing", thing).unwrap();
    daemon.register("counter", Counter(0)).unwrap();
    (daemon.spawn(), Proxy::new(uri.to_string()).unwrap().with_serializer(Codec::Msgpack))
}

fn counter(daemon: &DaemonHandle) -> Proxy {
    Proxy::new(daemon.uri_for("counter").unwrap().to_string()).unwrap().with_serializer(Codec::Msgpack)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_tasks_share_one_proxy() {
    let (_daemon, proxy) = serve(Thing::default()).await;
    let tasks = (0..64).map(|task: i64| {
        let proxy = proxy.clone();
        tokio::spawn(async move {
            for i in 0..500 {
                assert_eq!(proxy.call::<i64>("add", (task, i)).await.unwrap(), task + i);
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}

#[tokio::test]
async fn calls_of_one_task_go_side_by_side() {
    let (_daemon, proxy) = serve(Thing::default()).await;
    let calls = (0..500i64).map(|i| proxy.call::<i64>("add", (i, 1i64)));
    let sums: Result<Vec<i64>, Error> = join_all(calls).await.into_iter().collect();
    assert_eq!(sums.unwrap(), (1..=500).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_slow_call_does_not_hold_up_the_others() {
    let thing = Thing::default();
    let (gate, waiting) = (thing.gate.clone(), thing.waiting.clone());
    let (_daemon, proxy) = serve(thing).await;
    let slow = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.call::<String>("wait", ()).await }
    });
    waiting.notified().await;
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    gate.notify_one();
    assert_eq!(slow.await.unwrap().unwrap(), "done");
}

/// A future that was polled once and is then left alone must not hold up the calls of others.
#[tokio::test]
async fn a_call_that_nobody_polls_does_not_hold_up_the_others() {
    let thing = Thing::default();
    let (gate, waiting) = (thing.gate.clone(), thing.waiting.clone());
    let (_daemon, proxy) = serve(thing).await;
    let mut left_alone = Box::pin(proxy.call::<String>("wait", ()));
    assert!(futures_util::poll!(&mut left_alone).is_pending());
    let bound = proxy.metadata().await.unwrap();
    assert!(bound.methods.contains(&"wait".to_owned()));
    assert!(futures_util::poll!(&mut left_alone).is_pending());
    waiting.notified().await;
    for i in 0..20i64 {
        assert_eq!(proxy.call::<i64>("add", (i, i)).await.unwrap(), 2 * i);
    }
    gate.notify_one();
    assert_eq!(left_alone.await.unwrap(), "done");
}

#[tokio::test]
async fn a_dropped_call_runs_on_and_leaves_the_connection_usable() {
    let thing = Thing::default();
    let (gate, waiting, done) = (thing.gate.clone(), thing.waiting.clone(), thing.done.clone());
    let (daemon, proxy) = serve(thing).await;
    tokio::select! {
        result = proxy.call::<String>("wait", ()) => panic!("{result:?}"),
        () = waiting.notified() => {}
    }
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    gate.notify_one();
    assert_eq!(proxy.call::<i64>("add", (3, 4)).await.unwrap(), 7);
    assert_eq!(daemon.connections(), 1);
    daemon.shutdown();
    daemon.stopped().await;
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_not_the_connection() {
    let (daemon, proxy) = serve(Thing::default()).await;
    let error = proxy.request("wait").deadline(Duration::from_millis(20)).send::<String>().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline);
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(daemon.connections(), 1);
}

#[tokio::test]
async fn shutdown_answers_the_calls_under_way() {
    let thing = Thing::default();
    let (gate, waiting) = (thing.gate.clone(), thing.waiting.clone());
    let (daemon, proxy) = serve(thing).await;
    let slow = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.call::<String>("wait", ()).await }
    });
    waiting.notified().await;
    daemon.shutdown();
    gate.notify_one();
    assert_eq!(slow.await.unwrap().unwrap(), "done");
    daemon.stopped().await;
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap_err().kind(), Kind::Connection);
}

#[tokio::test]
async fn exceptions_arrive_with_class_arguments_attributes_and_traceback() {
    let (_daemon, proxy) = serve(Thing::default()).await;
    let error = proxy.call::<()>("fail", ("bad",)).await.unwrap_err();
    assert!(error.is("ValueError") && !error.is("TypeError"));
    let exception = error.exception().unwrap();
    assert_eq!(exception.args(), ["bad".into()]);
    assert_eq!(exception.attributes().get("code"), Some(&7.into()));
    assert!(exception.traceback().concat().contains("in Thing.fail"));
    assert!(proxy.call::<()>("panics", ()).await.unwrap_err().is("RuntimeError"));
    assert!(proxy.call::<()>("nothing", ()).await.unwrap_err().is("AttributeError"));
    assert!(proxy.call::<()>("add", ("x", 1)).await.unwrap_err().is("TypeError"));
    assert_eq!(proxy.call::<String>("add", (1, 1)).await.unwrap_err().kind(), Kind::Misuse);
}

#[tokio::test]
async fn blocking_methods_have_their_own_threads() {
    let (_daemon, proxy) = serve(Thing::default()).await;
    assert_eq!(proxy.call::<u64>("block", (21,)).await.unwrap(), 42);
}

#[tokio::test]
async fn items_come_in_order_whatever_is_fetched_ahead() {
    let (daemon, proxy) = serve(Thing::default()).await;
    for prefetch in [1, 7, 256] {
        let items = proxy.stream::<u32>("numbers", (600,)).await.unwrap().with_prefetch(prefetch);
        assert_eq!(items.collect().await.unwrap(), (0..600).collect::<Vec<u32>>());
        let mut failing = proxy.stream::<u32>("numbers", (5000,)).await.unwrap().with_prefetch(prefetch);
        for n in 0..1000 {
            assert_eq!(failing.next().await.unwrap(), Some(n));
        }
        assert!(failing.next().await.unwrap_err().is("ValueError"));
        assert_eq!(failing.next().await.unwrap(), None);
    }
    let mut left = proxy.stream::<u32>("numbers", (5000,)).await.unwrap();
    left.next().await.unwrap();
    assert_eq!(daemon.open_streams(), 1);
    drop(left);
    while daemon.open_streams() > 0 {
        proxy.call::<i64>("add", (1, 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_ends_with_its_first_exception() {
    let (_daemon, proxy) = serve(Thing::default()).await;
    let mut batch = proxy.batch();
    batch.call("add", (1, 2)).call("block", (4,)).call("add", (5, 6)).call("fail", ("here",)).call("add", (0, 0));
    let results: Vec<Result<i64, Error>> = batch.send().await.unwrap().collect();
    assert_eq!(results.len(), 4);
    assert_eq!(results[..3].iter().map(|result| *result.as_ref().unwrap()).collect::<Vec<_>>(), [3, 8, 11]);
    assert!(results[3].as_ref().unwrap_err().is("ValueError"));
    let mut batch = proxy.batch();
    batch.call("add", (1, 2)).call("nothing", ());
    assert!(batch.send::<i64>().await.unwrap_err().is("AttributeError"));
}

#[tokio::test]
async fn annotations_and_correlation_travel_both_ways() {
    let (_daemon, proxy) = serve(Thing::default()).await;
    let response = proxy.request("ids").annotation("SENT", "here").send::<Vec<String>>().await.unwrap();
    assert_eq!(response.value[1], "here");
    assert_eq!(response.annotation("BACK").unwrap(), "there");
    assert!(proxy.request("ids").annotation("too long", "").send::<Value>().await.is_err());
}

#[tokio::test]
async fn large_bytes_are_carried_whole() {
    let (_daemon, proxy) = serve(Thing::default()).await;
    for size in [0, 1, 32 * 1024, 3 * 1024 * 1024] {
        let data = Blob::from(vec![7; size]);
        assert_eq!(proxy.call::<usize>("size", (&data,)).await.unwrap(), size);
        assert_eq!(proxy.call::<Blob>("echo", (&data,)).await.unwrap(), data);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_that_change_the_object_run_one_at_a_time() {
    let (daemon, _) = serve(Thing::default()).await;
    let counter = counter(&daemon);
    let calls = (0..200).map(|i| {
        let counter = counter.clone();
        tokio::spawn(async move {
            let method = if i % 2 == 0 { "increment" } else { "slow_increment" };
            counter.call::<i64>(method, ()).await.unwrap()
        })
    });
    let mut seen: Vec<i64> = join_all(calls).await.into_iter().map(|value| value.unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=200).collect::<Vec<i64>>());
    counter.set("value", &5).await.unwrap();
    assert_eq!(counter.get::<i64>("value").await.unwrap(), 5);
    assert!(counter.get::<i64>("other").await.unwrap_err().is("AttributeError"));
}

#[tokio::test]
async fn a_call_that_would_wait_for_itself_fails_instead() {
    let (daemon, _) = serve(Thing::default()).await;
    let uri = daemon.uri_for("counter").unwrap().to_string();
    let error = counter(&daemon).call::<i64>("twice", (uri,)).await.unwrap_err();
    assert!(error.is("RuntimeError"), "{error}");
    assert!(error.to_string().contains("wait for ever"), "{error}");
    assert_eq!(counter(&daemon).call::<i64>("increment", ()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_full_daemon_queues_or_refuses() {
    let daemon = Daemon::builder().max_connections(1).refuse_when_full().bind("127.0.0.1:0").await.unwrap();
    let uri = daemon.register("thing", Thing::default()).unwrap();
    let _handle = daemon.spawn();
    let proxy = Proxy::new(uri.to_string()).unwrap().with_serializer(Codec::Msgpack);
    proxy.bind().await.unwrap();
    let second = Proxy::new(uri.to_string()).unwrap().with_serializer(Codec::Msgpack);
    let error = second.bind().await.unwrap_err();
    assert!(error.to_string().contains("too many clients"), "{error}");
    proxy.release();
    while second.bind().await.is_err() {}

    let daemon = Daemon::builder().max_connections(1).bind("127.0.0.1:0").await.unwrap();
    let uri = daemon.register("thing", Thing::default()).unwrap();
    let _handle = daemon.spawn();
    let first = Proxy::new(uri.to_string()).unwrap().with_serializer(Codec::Msgpack);
    first.bind().await.unwrap();
    let second = Proxy::new(uri.to_string()).unwrap().with_serializer(Codec::Msgpack);
    let mut waits = Box::pin(second.bind());
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waits).await.is_err());
    first.release();
    waits.await.unwrap();
}

#[tokio::test]
async fn hooks_decide_who_connects_and_hear_who_leaves() {
    let left = Arc::new(Mutex::new(Vec::new()));
    let seen = left.clone();
    let daemon = Daemon::builder()
        .on_connect(|handshake| async move {
            match handshake.data.as_str() {
                Some("secret") => Ok("welcome".into()),
                _ => Err(Exception::pyro("SecurityError", "wrong password")),
            }
        })
        .on_disconnect(move |session| seen.lock().unwrap().push(session.id()))
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let uri = daemon.register("thing", Thing::default()).unwrap();
    let handle = daemon.spawn();
    let proxy = Proxy::new(uri.to_string()).unwrap().with_serializer(Codec::Msgpack);
    assert!(proxy.bind().await.unwrap_err().to_string().contains("wrong password"));
    let proxy = proxy.with_handshake("secret");
    assert_eq!(proxy.handshake_response().await.unwrap(), "welcome".into());
    proxy.release();
    handle.shutdown();
    handle.stopped().await;
    assert_eq!(left.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_proxy_connects_anew_when_the_daemon_comes_back() {
    let (daemon, proxy) = serve(Thing::default()).await;
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    let location = daemon.location().to_owned();
    daemon.shutdown();
    daemon.stopped().await;
    assert!(proxy.call::<i64>("add", (1, 2)).await.is_err());
    let daemon = Daemon::bind(&location).await.unwrap();
    daemon.register("thing", Thing::default()).unwrap();
    let _handle = daemon.spawn();
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}
