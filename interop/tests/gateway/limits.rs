//! Connections that are kept, and what clients cannot do.

use std::time::Duration;

use interop::gateway::{OurGateway, World};
use interop::http::{Ask, raw};
use interop::pyro5::ours::Ours;
use interop::pyro5::until;
use salamander::http::{Gateway, Site};
use salamander::{Config, Daemon};
use tokio::io::AsyncWriteExt;

async fn status(gateway: &OurGateway, target: &str) -> u16 {
    Ask::get(format!("/pyro/{target}")).send(gateway.address).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_kept_and_dropped_when_nobody_calls() {
    let world = World::start().await;
    let gateway = world.gateway(|options| options.idle = Duration::from_millis(400)).await;
    for _ in 0..50 {
        assert_eq!(status(&gateway, "http.rust/nothing").await, 200);
        assert!(world.ours.handle.connections() <= 2, "{}", world.ours.handle.connections());
    }
    until("nobody is connected", async || world.ours.handle.connections() == 0).await;
    assert_eq!(status(&gateway, "http.rust/nothing").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_share_few_connections() {
    let world = World::start().await;
    let gateway = world.gateway(|options| options.max_calls = 4).await;
    let address = gateway.address;
    let client = |client: usize| async move {
        for number in 0..25 {
            let object = if number % 2 == 0 { "http.rust" } else { "http.python" };
            let body = format!("[\"{client}-{number}\"]");
            let answer = Ask::post(format!("/pyro/{object}/echo"), &*body).send(address).await;
            assert_eq!(format!("[{}]", answer.text()), body);
        }
    };
    let clients: Vec<_> = (0..32).map(|number| tokio::spawn(client(number))).collect();
    for client in clients {
        client.await.unwrap();
    }
    // One for each call at a time, and one by which the object was asked what it is.
    assert!(world.ours.handle.connections() <= 5, "{}", world.ours.handle.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_moves_is_followed() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    let velocity = async || Ask::get("/pyro/http.rust/velocity").send(gateway.address).await;
    assert_eq!(velocity().await.text(), "0");
    let other = Ours::start().await;
    let proxy = salamander::Proxy::new(other.uri.to_string()).unwrap();
    proxy.set("velocity", &7).await.unwrap();
    world.register("http.rust", &other.uri);
    until("the other object is called", async || velocity().await.text() == "7").await;
    until("nobody is connected with the first", async || world.ours.handle.connections() == 0).await;
    // It stops without a word, and another takes its place.
    other.handle.shutdown();
    other.handle.stopped().await;
    world.register("http.rust", &world.ours.uri);
    assert_eq!(velocity().await.text(), "0");
    world.names.remove(Some("http.rust"), None, None).unwrap();
    until("the name is gone", async || velocity().await.text().contains("unknown name")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_call_holds_up_no_other() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    for object in ["http.rust", "http.python"] {
        // The client does not wait for it to end.
        let slow = Ask::post(format!("/pyro/{object}/meet"), r#"["both", 2]"#);
        let address = gateway.address;
        let first = tokio::spawn(async move { slow.send(address).await });
        for _ in 0..20 {
            assert_eq!(status(&gateway, &format!("{object}/nothing")).await, 200);
        }
        let second = Ask::post(format!("/pyro/{object}/meet"), r#"["both", 2]"#).send(gateway.address).await;
        assert_eq!((second.text(), first.await.unwrap().text()), ("2".to_owned(), "2".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_leaves_no_connection_that_is_waited_for() {
    let world = World::start().await;
    let gateway = world.gateway(|options| options.max_calls = 2).await;
    for object in ["http.rust", "http.python"] {
        let call = async |method: &str, body: &str| {
            Ask::post(format!("/pyro/{object}/{method}"), body).send(gateway.address).await.text()
        };
        let mut socket = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
        let body = r#"["left", 2]"#;
        let ask = format!(
            "POST /pyro/{object}/meet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(ask.as_bytes()).await.unwrap();
        assert_eq!(call("notes", r#"["left", 1]"#).await, "[\"here\"]");
        drop(socket);
        for _ in 0..10 {
            assert_eq!(call("nothing", "").await, "null");
        }
        assert_eq!(call("meet", body).await, "2");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_too_many_or_too_slow_are_refused() {
    let world = World::start().await;
    let gateway = world
        .gateway(|options| {
            options.max_requests = 1;
            options.patience = Duration::from_millis(100);
            options.body_time = Duration::from_millis(300);
        })
        .await;
    let slow = Ask::post("/pyro/http.rust/notes", r#"["never noted", 1]"#);
    let address = gateway.address;
    let first = tokio::spawn(async move { slow.send(address).await });
    until("it is worked on", async || world.ours.handle.connections() > 0).await;
    let refused = Ask::get("/pyro/http.rust/nothing").send(address).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    let note = salamander::Proxy::new(world.ours.uri.to_string()).unwrap();
    note.call::<usize>("write_note", ("never noted", "after all")).await.unwrap();
    assert_eq!(first.await.unwrap().text(), "[\"after all\"]");
    // A body that does not come, of a client that waits.
    let head =
        b"POST /pyro/http.rust/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n[";
    assert!(raw(address, head).await.starts_with("HTTP/1.1 408"));
    assert_eq!(status(&gateway, "http.rust/nothing").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_client_sends_stops_the_gateway() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    let target = "GET /pyro/http.rust/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let long = "x".repeat(200_000);
    for bytes in [
        b"\x00\xff\xfe garbage\r\n\r\n".to_vec(),
        b"PYRO\x01\xf6".repeat(100),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET /pyro/\xff\xfe/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        format!("GET /pyro/http.{long}/x HTTP/1.1\r\n\r\n").into_bytes(),
        format!("{target}X-Long: {long}\r\n\r\n").into_bytes(),
        format!("{target}{}\r\n", "X: y\r\n".repeat(10_000)).into_bytes(),
        [target.as_bytes(), b"X-Pyro-Gateway-Key: \xff\xfe\r\nX-Pyro-Options: \xff\r\n\r\n"].concat(),
        [target.as_bytes(), b"X-Pyro-Correlation-Id: \xff\xc3\x28\r\n\r\n"].concat(),
        [target.as_bytes(), b"Accept: \xff\r\nContent-Length: 99999999999999999999\r\n\r\n"].concat(),
        format!(
            "GET /pyro/http.rust/collect?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "a=1&%=%&=&".repeat(3000)
        )
        .into_bytes(),
        b"GET /pyro/%00%0d%0a/%2e%2e%2f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /pyro/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
    ] {
        let answer = raw(gateway.address, &bytes).await;
        assert!(!answer.starts_with("HTTP/1.1 200") || answer.contains("null"), "{answer}");
        assert_eq!(status(&gateway, "http.rust/nothing").await, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_elsewhere_cannot_call_where_only_own_ones_may() {
    let world = World::start().await;
    let gateway = world.gateway(|options| options.own_pages_only = true).await;
    let ask = |target: &str| Ask::get(format!("/pyro/{target}"));
    for target in ["http.rust/nothing", "$names", "$openapi.json"] {
        assert_eq!(ask(target).send(gateway.address).await.status, 200);
        for (name, value) in [
            ("Origin", "https://evil.example.org"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ] {
            assert_eq!(ask(target).header(name, value).send(gateway.address).await.status, 403, "{name}: {value}");
        }
        let own = ask(target).header("Origin", &format!("http://{}", gateway.address));
        assert_eq!(own.header("Sec-Fetch-Site", "same-origin").send(gateway.address).await.status, 200);
    }
    // A name that somebody else has given to this address.
    let rebound = b"GET /pyro/http.rust/nothing HTTP/1.0\r\nHost: evil.example.org\r\n\r\n";
    assert!(raw(gateway.address, rebound).await.starts_with("HTTP/1.0 403"));
    // A link to the page itself is followed.
    assert_eq!(ask("").header("Sec-Fetch-Site", "cross-site").send(gateway.address).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_answers_http_on_its_own_port() {
    let world = World::start().await;
    let gateway = Gateway::new(world.options(|_| {}), &Config::default()).unwrap();
    let daemon = Daemon::builder().door(Site::new().gateway(gateway)).bind("127.0.0.1:0").await.unwrap();
    let address = daemon.local_addr().unwrap();
    let daemon = daemon.spawn();
    assert!(Ask::get("/").send(address).await.text().contains("href=\"/pyro/\""));
    assert_eq!(Ask::post("/pyro/http.python/add", "[2, 3]").send(address).await.text(), "5");
    let mut open = Ask::get("/pyro/http.rust/endless?key=port").open(address).await;
    assert!(open.event().await.is_some());
    // Pyro's clients are served there as well.
    let proxy = salamander::Proxy::new(format!("PYRO:Pyro.Daemon@{address}")).unwrap();
    proxy.call::<()>("ping", ()).await.unwrap();
    daemon.shutdown();
    let reading = tokio::spawn(open.events());
    daemon.stopped().await;
    reading.await.unwrap();
}
