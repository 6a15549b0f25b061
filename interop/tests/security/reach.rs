//! Names that nobody is meant to call: dotted ones, private ones, Python's own, and what is not exposed.

use interop::gateway::World;
use interop::http::Ask;
use interop::pyro4;
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::{self, Server};
use salamander::http::{Gateway, Site};
use salamander::{Config, Daemon};

use super::{Outcomes, attack, is_up};

/// The classes of the exceptions, or what was answered instead.
fn classes(outcomes: &Outcomes) -> Vec<(&str, &str)> {
    outcomes.iter().map(|(tried, outcome)| (&**tried, outcome.split(": ").next().unwrap_or_default())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_exposed_can_be_called() {
    let ours = Ours::start().await;
    let outcomes = attack(&["reach", &ours.uri.to_string()]).await;
    for (tried, outcome) in &outcomes {
        assert_eq!(tried == "and after all", outcome.starts_with("answer: "), "{tried}: {outcome}");
    }
    assert!(outcomes.len() > 70);
    // As Pyro5 refuses it.
    let theirs = attack(&["reach", &Server::shared().uri]).await;
    for (ours, theirs) in classes(&outcomes).into_iter().zip(classes(&theirs)) {
        // Without the name that they want, these are wrong in other words.
        if !matches!(ours.0, "method __getattr__" | "method __setattr__") {
            assert_eq!(ours, theirs);
        }
    }
    is_up(&ours.uri).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_exposed_can_be_called_by_pyro_4() {
    let ours = pyro4::ours(&[], "127.0.0.1:0", |builder| builder).await;
    let environment = pyro4::environment(&[]);
    let environment: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    let told = peer::script("attacker.py", &["reach", &ours.uri.to_string()], &environment).await.unwrap();
    let outcomes: Outcomes = serde_json::from_str(&told).unwrap();
    for (tried, outcome) in &outcomes {
        assert_eq!(tried == "and after all", outcome.starts_with("answer: "), "{tried}: {outcome}");
    }
    assert!(outcomes.len() > 70);
}

/// By the gateway's own sockets, and on a daemon's port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_exposed_can_be_called_by_http() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    let door = Gateway::new(world.options(|_| {}), &Config::default()).unwrap();
    let daemon = Daemon::builder().door(Site::new().gateway(door)).bind("127.0.0.1:0").await.unwrap();
    let addresses = [gateway.address, daemon.local_addr().unwrap()];
    let daemon = daemon.spawn();
    for address in addresses {
        for object in ["http.rust", "http.python"] {
            for member in [
                "__init__",
                "__class__",
                "__dict__",
                "__getattr__",
                "_private",
                "velocity.real",
                "echo.__globals__",
                "not_exposed",
                "new",
                "%65cho.__globals__",
                "echo%00",
                "%5f%5finit%5f%5f",
                "<batch>",
                "$nothing",
            ] {
                for ask in [
                    Ask::get(format!("/pyro/{object}/{member}")),
                    Ask::post(format!("/pyro/{object}/{member}"), "[]"),
                ] {
                    let answer = ask.send(address).await;
                    assert!(answer.status >= 400, "{}: {} {}", ask.shown(), answer.status, answer.text());
                }
            }
        }
        // What is not exposed by its name: the name server itself, and whatever only looks like what is.
        for object in [
            "Pyro.NameServer",
            "Pyro.Daemon",
            "hidden.rust",
            "xhttp.rust",
            "/http.rust",
            "http",
            "HTTP.rust",
            "http%00.rust",
        ] {
            let ask = Ask::get(format!("/pyro/{object}/echo?value=1"));
            let answer = ask.send(address).await;
            assert_eq!(answer.status, 403, "{}: {}", ask.shown(), answer.text());
        }
        let removed = Ask::get("/pyro/Pyro.NameServer/remove?name=http.rust").send(address).await;
        assert_eq!(removed.status, 403);
        assert_eq!(Ask::get("/pyro/http.rust/echo?value=1").send(address).await.text(), "\"1\"");
    }
    daemon.shutdown();
}
