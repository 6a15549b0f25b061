//! Item streams as server-sent events.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use interop::gateway::World;
use interop::http::Ask;
use interop::pyro5::until;
use salamander::Config;
use salamander::http::{Gateway, serve_connection};
use salamander::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const OBJECTS: [&str; 2] = ["http.rust", "http.python"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_events() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    for object in OBJECTS {
        let post = |method: &str, body: &str| Ask::post(format!("/pyro/{object}/{method}"), body);
        let open = post("count_to", "[3]").open(gateway.address).await;
        assert_eq!((open.head.status, open.head.header("content-type")), (200, Some("text/event-stream")));
        assert!(open.head.header("x-pyro-correlation-id").is_some());
        assert_eq!(open.events().await, ["data: 0", "data: 1", "data: 2", "event: end\ndata: null"]);
        let none = post("count_to", "[0]").header("Accept", "text/event-stream").open(gateway.address).await;
        assert_eq!(none.events().await, ["event: end\ndata: null"]);

        let failing = post("count_and_fail", "[1]").open(gateway.address).await.events().await;
        assert_eq!(failing[0], "data: 0");
        assert!(
            failing[1].starts_with("event: exception\ndata: {\"__class__\": \"builtins.ValueError\""),
            "{failing:?}"
        );
        assert!(failing[1].contains("enough is enough") && failing.len() == 2);
        let failing = post("stream_unserializable", "").open(gateway.address).await.events().await;
        assert!(failing[1].starts_with("event: exception\ndata: {\"__class__\":"), "{failing:?}");

        let failed = post("fail_before_stream", "").send(gateway.address).await;
        assert_eq!((failed.status, failed.json()["args"][0].as_str()), (500, Some("not even one")));
        // Who takes JSON alone gets what Pyro sends to those who know no streams.
        let refused = post("count_to", "[3]").header("Accept", "application/json").send(gateway.address).await;
        assert_eq!((refused.status, refused.json()["__class__"].as_str()), (500, Some("Pyro5.errors.ProtocolError")));
    }
    until("no stream is open", async || world.ours.handle.open_streams() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_the_connection_closes_the_stream() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    for object in OBJECTS {
        let mut open = Ask::get(format!("/pyro/{object}/endless?key=gone")).open(gateway.address).await;
        for number in 0..5 {
            assert_eq!(open.event().await, Some(format!("data: {number}")));
        }
        drop(open);
        let notes = Ask::post(format!("/pyro/{object}/notes"), r#"["gone", 1]"#).send(gateway.address).await;
        assert_eq!(notes.text(), "[\"closed\"]", "{object}");
    }
    until("no stream is open", async || world.ours.handle.open_streams() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_ends_its_streams() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    let mut open = Ask::get("/pyro/http.rust/endless?key=stop").open(gateway.address).await;
    assert!(open.event().await.is_some());
    gateway.handle().shutdown();
    let reading = tokio::spawn(open.events());
    gateway.handle().stopped().await;
    reading.await.unwrap();
    until("no stream is open", async || world.ours.handle.open_streams() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_there_may_be_are_refused() {
    let world = World::start().await;
    let gateway = world.gateway(|options| options.max_streams = 1).await;
    let mut first = Ask::get("/pyro/http.rust/endless?key=first").open(gateway.address).await;
    assert!(first.event().await.is_some());
    let second = Ask::get("/pyro/http.rust/endless?key=second").send(gateway.address).await;
    assert_eq!(second.status, 503);
    // Calls are made all the same.
    assert_eq!(Ask::get("/pyro/http.rust/nothing").send(gateway.address).await.status, 200);
    drop(first);
    until("there is a place again", async || {
        Ask::get("/pyro/http.rust/endless?key=third").open(gateway.address).await.head.status == 200
    })
    .await;
}

/// Counts the items that it is asked for.
struct Counting(Arc<AtomicUsize>);

#[expose]
impl Counting {
    fn texts(&self) -> impl Iterator<Item = String> + use<> {
        let count = self.0.clone();
        std::iter::repeat_with(move || {
            count.fetch_add(1, Ordering::SeqCst);
            "x".repeat(1000)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_item_is_asked_for_before_the_last_was_taken() {
    let world = World::start().await;
    let count = Arc::new(AtomicUsize::new(0));
    let uri = world.ours.handle.register("counting", Counting(count.clone())).unwrap();
    world.register("http.counting", &uri);
    let gateway = Gateway::new(world.options(|_| {}), &Config::default()).unwrap();
    // A connection that takes no more than one item.
    let (mut client, server) = tokio::io::duplex(1500);
    tokio::spawn(serve_connection(server, gateway));
    client.write_all(b"GET /pyro/http.counting/texts HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut taken = vec![0; 100];
    client.read_exact(&mut taken).await.unwrap();
    until("items are there", async || count.load(Ordering::SeqCst) > 0).await;
    // Other calls go on meanwhile: there is time enough for more items.
    let calls = salamander::Proxy::new(world.ours.uri.to_string()).unwrap();
    for _ in 0..200 {
        calls.call::<()>("nothing", ()).await.unwrap();
    }
    let asked = count.load(Ordering::SeqCst);
    assert!(asked <= 2, "{asked} items for a client that has taken none");
    let mut taken = vec![0; 10_000];
    client.read_exact(&mut taken).await.unwrap();
    until("more items are asked for", async || count.load(Ordering::SeqCst) >= 9).await;
    let asked = count.load(Ordering::SeqCst);
    assert!(asked <= 13, "{asked} items for a client that has taken ten");
}
