//! What is particular to our daemon: limits on connections, an orderly end, hooks, panics, locks.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use interop::pyro5::ours::Ours;
use interop::pyro5::until;
use salamander::prelude::*;
use salamander::{Kind, Value};

fn proxy(ours: &Ours) -> Proxy {
    Proxy::with_config(ours.uri.clone(), Arc::default()).unwrap()
}

fn proxy_of(ours: &Ours, id: &str) -> Proxy {
    let uri = ours.handle.uri_for(id).unwrap();
    Proxy::with_config(uri, Arc::default()).unwrap()
}

async fn add(proxy: &Proxy) -> Result<i64> {
    proxy.call("add", (1, 2)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_beyond_the_limit_wait_for_a_place() {
    let ours = Ours::with(&[], "127.0.0.1:0", |builder| builder.max_connections(2)).await;
    let (one, two, three) = (proxy(&ours), proxy(&ours), proxy(&ours));
    assert_eq!((add(&one).await.unwrap(), add(&two).await.unwrap()), (3, 3));
    let waiting = tokio::spawn(async move { add(&three).await });
    assert!(!waiting.is_finished() && ours.handle.connections() == 2);
    one.release();
    assert_eq!(waiting.await.unwrap().unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_beyond_the_limit_are_refused_where_that_is_wanted() {
    let ours = Ours::with(&[], "127.0.0.1:0", |builder| builder.max_connections(1).refuse_when_full()).await;
    let (one, two) = (proxy(&ours), proxy(&ours));
    assert_eq!(add(&one).await.unwrap(), 3);
    let error = add(&two).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains("rejected: too many clients"), "{error}");
    one.release();
    until("there is a place again", async || add(&two).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daemons_of_one_program_do_not_mix() {
    let (one, two) = (Ours::start().await, Ours::start().await);
    let desk = |ours: &Ours| proxy_of(ours, "desk");
    let account: Proxy = desk(&one).call("open", (5,)).await.unwrap();
    assert!(one.handle.registered().len() == two.handle.registered().len() + 1);
    // The other one's desk calls it over the network, its own takes it for what it is.
    assert_eq!(desk(&two).call::<i64>("deposit_into", (&account, 1)).await.unwrap(), 6);
    assert_eq!(desk(&one).call::<i64>("deposit_into", (&account, 1)).await.unwrap(), 7);
    drop(two);
    assert_eq!(account.call::<i64>("deposit", (1,)).await.unwrap(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_clients_do_no_harm() {
    let ours = Ours::start().await;
    let count = interop::cases(400);
    let mut idle = Vec::new();
    for _ in 0..count.min(4000) {
        let proxy = proxy(&ours);
        proxy.bind().await.unwrap();
        idle.push(proxy);
    }
    assert_eq!(ours.handle.connections(), idle.len());
    for proxy in idle.iter().step_by(37) {
        assert_eq!(add(proxy).await.unwrap(), 3);
    }
    drop(idle);
    until("all of them are gone", async || ours.handle.connections() == 0).await;
}

/// Waits inside of a call until the test lets it go.
struct Gate(Arc<tokio::sync::Notify>, Arc<tokio::sync::Notify>);

#[expose]
impl Gate {
    async fn pass(&self) -> &'static str {
        self.0.notify_one();
        self.1.notified().await;
        "passed"
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_stops_finishes_and_answers_what_is_under_way() {
    let ours = Ours::start().await;
    let (inside, open) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let uri = ours.handle.register("gate", Gate(inside.clone(), open.clone())).unwrap();
    let gate = Proxy::with_config(uri, Arc::default()).unwrap();
    let other = proxy(&ours);
    let passing = tokio::spawn(async move { gate.call::<String>("pass", ()).await });
    inside.notified().await;
    ours.handle.shutdown();
    until("nobody else is let in", async || add(&other).await.is_err()).await;
    assert!(!passing.is_finished());
    open.notify_one();
    assert_eq!(passing.await.unwrap().unwrap(), "passed");
    ours.handle.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_stops_closes_idle_connections_and_its_port() {
    let ours = Ours::start().await;
    let idle = proxy(&ours);
    assert_eq!(add(&idle).await.unwrap(), 3);
    ours.handle.shutdown();
    ours.handle.stopped().await;
    assert_eq!(ours.handle.connections(), 0);
    let port = ours.uri.port().unwrap();
    assert!(tokio::net::TcpListener::bind(("127.0.0.1", port)).await.is_ok(), "the port is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_connection_is_told() {
    let gone = Arc::new(AtomicUsize::new(0));
    let count = gone.clone();
    let hook = move |_: &salamander::Session| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let ours = Ours::with(&[], "127.0.0.1:0", |builder| builder.on_disconnect(hook)).await;
    let (one, two) = (proxy(&ours), proxy(&ours));
    assert_eq!((add(&one).await.unwrap(), add(&two).await.unwrap()), (3, 3));
    assert_eq!(gone.load(Ordering::Relaxed), 0);
    one.release();
    until("one has gone", async || gone.load(Ordering::Relaxed) == 1).await;
    drop((one, two));
    until("both have gone", async || gone.load(Ordering::Relaxed) == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localhost_is_both_of_its_addresses() {
    let ours = Ours::with(&[], "localhost:0", |builder| builder).await;
    let port = ours.uri.port().unwrap();
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        if host == "[::1]" && std::net::TcpListener::bind("[::1]:0").is_err() {
            continue;
        }
        let uri = Uri::from_str(&format!("PYRO:thing@{host}:{port}")).unwrap();
        assert_eq!(add(&Proxy::with_config(uri, Arc::default()).unwrap()).await.unwrap(), 3, "{host}");
    }
}

/// Does what no method should do.
struct Unruly;

#[expose]
impl Unruly {
    fn panic(&self) -> i64 {
        panic!("a bug in a method")
    }

    async fn panic_later(&self) -> i64 {
        tokio::task::yield_now().await;
        panic!("a bug in an async method")
    }

    #[blocking]
    fn panic_blocking(&self) -> i64 {
        panic!("a bug in a blocking method")
    }

    fn panic_in_stream(&self) -> impl Iterator<Item = i64> + use<> {
        (0..).inspect(|&number| assert!(number < 2, "a bug in a stream"))
    }

    /// Marshal carries no decimal inside of a list.
    fn stream_decimals(&self) -> impl Iterator<Item = Value> + use<> {
        let decimal = "1.5".parse::<salamander::Decimal>().map(Value::from).unwrap();
        [Value::from(1), Value::List(vec![2.into(), decimal]), Value::from(3)].into_iter()
    }

    fn fine(&self) -> i64 {
        3
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_cannot_be_carried_comes_behind_those_that_can() {
    let ours = Ours::start().await;
    let uri = ours.handle.register("unruly", Unruly).unwrap();
    let unruly = Proxy::with_config(uri, Arc::default()).unwrap().with_serializer(salamander::Codec::Marshal);
    for prefetch in [1, 100] {
        let items = unruly.stream::<Value>("stream_decimals", ()).await.unwrap();
        let mut items = items.with_prefetch(prefetch);
        assert_eq!(items.next().await.unwrap(), Some(Value::from(1)), "{prefetch} at once");
        let error = items.next().await.unwrap_err();
        assert!(
            error.is("ValueError") && error.to_string().contains("unmarshallable"),
            "{prefetch} at once: {error}"
        );
        assert_eq!(items.next().await.unwrap(), None);
        assert_eq!(unruly.call::<i64>("fine", ()).await.unwrap(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_a_failed_call_and_nothing_more() {
    let ours = Ours::start().await;
    let uri = ours.handle.register("unruly", Unruly).unwrap();
    let unruly = Proxy::with_config(uri, Arc::default()).unwrap();
    for method in ["panic", "panic_later", "panic_blocking"] {
        let error = unruly.call::<i64>(method, ()).await.unwrap_err();
        assert!(error.is("RuntimeError") && error.to_string().contains("a bug in"), "{method}: {error}");
        assert_eq!(unruly.call::<i64>("fine", ()).await.unwrap(), 3);
    }
    let mut items = unruly.stream::<i64>("panic_in_stream", ()).await.unwrap().with_prefetch(1);
    assert_eq!((items.next().await.unwrap(), items.next().await.unwrap()), (Some(0), Some(1)));
    assert!(items.next().await.unwrap_err().is("RuntimeError"));
    assert_eq!(unruly.call::<i64>("fine", ()).await.unwrap(), 3);
}

/// Calls itself while it is locked.
#[derive(Default)]
struct Recursive {
    depth: u32,
}

#[expose]
impl Recursive {
    async fn descend(&mut self, uri: Uri) -> Result<i64> {
        self.depth += 1;
        Proxy::with_config(uri.clone(), Arc::default())?.call("descend", (uri,)).await
    }

    async fn look(&mut self, uri: Uri) -> Result<u32> {
        Proxy::with_config(uri, Arc::default())?.get("depth").await
    }

    #[property]
    fn depth(&self) -> u32 {
        self.depth
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_calls_itself_while_it_is_locked_hears_so() {
    let ours = Ours::start().await;
    let uri = ours.handle.register("recursive", Recursive::default()).unwrap();
    let recursive = Proxy::with_config(uri.clone(), Arc::default()).unwrap();
    for method in ["descend", "look"] {
        let error = recursive.call::<Value>(method, (&uri,)).await.unwrap_err();
        assert!(error.is("RuntimeError") && error.to_string().contains("wait for ever"), "{error}");
    }
    assert_eq!(recursive.get::<u32>("depth").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_comes_and_goes_while_its_daemon_serves() {
    let ours = Ours::start().await;
    let uri = ours.handle.register("passing", Unruly).unwrap();
    let passing = Proxy::with_config(uri, Arc::default()).unwrap();
    assert_eq!(passing.call::<i64>("fine", ()).await.unwrap(), 3);
    assert!(ours.handle.register("passing", Unruly).unwrap_err().is("DaemonError"));
    assert!(ours.handle.unregister("passing") && !ours.handle.unregister("passing"));
    assert!(passing.call::<i64>("fine", ()).await.unwrap_err().is("DaemonError"));
    ours.handle.register("passing", Unruly).unwrap();
    assert_eq!(passing.call::<i64>("fine", ()).await.unwrap(), 3);
    assert!(!ours.handle.unregister(salamander::DAEMON_NAME));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_are_counted_and_end_with_the_daemon() {
    let ours = Ours::start().await;
    let client = proxy(&ours);
    let mut items = client.stream::<u32>("endless", ("streams",)).await.unwrap().with_prefetch(1);
    assert_eq!(items.next().await.unwrap(), Some(0));
    assert_eq!(ours.handle.open_streams(), 1);
    ours.handle.shutdown();
    until("the stream is closed", async || ours.handle.open_streams() == 0).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), items.next()).await.unwrap();
    assert!(ended.is_err());
}
