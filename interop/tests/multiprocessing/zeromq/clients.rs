//! pyzmq's clients call functions of ours.

use std::sync::Arc;

use salamander::expose;
use salamander::zeromq::{Options, ServerType};
use tokio::sync::Notify;

use super::{Ours, Server, run};
use crate::Scratch;
use crate::calls::{GOT, GOT_BY_JSON};

const TYPES: [ServerType; 2] = [ServerType::Rep, ServerType::Router];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_answered_in_the_form_in_which_it_calls() {
    for server_type in TYPES {
        let ours = Ours::zeromq(Options::new().server_type(server_type), "tcp://127.0.0.1:0").await;
        for (form, got) in [
            ("pickle", GOT),
            ("pickle-in-pickle", GOT),
            ("old-pickle", GOT),
            ("json", GOT_BY_JSON),
            ("json-text", GOT_BY_JSON),
            ("json-in-pickle", GOT_BY_JSON),
        ] {
            for kind in ["REQ", "DEALER"] {
                assert_eq!(run(&["call", kind, &ours.location, form]).await, got, "{server_type:?} {kind} {form}");
            }
        }
        assert_eq!(run(&["values", &ours.location]).await, "ok False");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unix_sockets_will_do() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    let ours = Ours::zeromq(Options::new(), &format!("ipc://{path}")).await;
    assert_eq!(ours.location, format!("./u:{path}"));
    assert_eq!(run(&["call", "REQ", &path, "pickle"]).await, GOT);
    let proxy = Options::new().proxy(&format!("ipc://{path}"));
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
}

/// A device's `DEALER` puts in front of each call whose it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_come_through_devices() {
    for server_type in TYPES {
        let ours = Ours::zeromq(Options::new().server_type(server_type), "127.0.0.1:0").await;
        let near = Server::zeromq(&["device", &ours.location]);
        let far = Server::zeromq(&["device", &near.location]);
        let (asks, deals) = (["call", "REQ", &far.location, "pickle"], ["call", "DEALER", &far.location, "json"]);
        let (first, second) = tokio::join!(run(&asks), run(&deals));
        assert_eq!((&*first, &*second), (GOT, GOT_BY_JSON));
        let proxy = Options::new().proxy(&far.location);
        assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dealer_need_not_wait() {
    for server_type in TYPES {
        let ours = Ours::zeromq(Options::new().server_type(server_type), "127.0.0.1:0").await;
        let order = run(&["many", "DEALER", &ours.location, "5000"]).await;
        assert!(order == "in order" || server_type == ServerType::Router, "{order}");
    }
}

/// One that waits for the other.
struct Gate(Arc<Notify>);

#[expose]
impl Gate {
    async fn pass(&self) -> &'static str {
        self.0.notified().await;
        "passed"
    }

    fn open(&self) -> &'static str {
        self.0.notify_one();
        "opened"
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_makes_calls_side_by_side() {
    let ours = Ours::zeromq(Options::new().server_type(ServerType::Router), "127.0.0.1:0").await;
    ours.daemon.register("gate", Gate(Arc::default())).unwrap();
    let got = run(&["later", &ours.location]).await;
    assert!([r#"open "opened" pass "passed""#, r#"pass "passed" open "opened""#].contains(&&*got), "{got}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_are_answered_while_a_call_takes_its_time() {
    let ours = Ours::zeromq(Options::new(), "127.0.0.1:0").await;
    assert_eq!(run(&["patient", &ours.location]).await, "1000 connected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_mechanisms_and_types_are_refused_and_cost_nobody_anything() {
    let ours = Ours::zeromq(Options::new(), "127.0.0.1:0").await;
    for mechanism in ["PLAIN", "CURVE", "SUB"] {
        assert_eq!(run(&["refused", mechanism, &ours.location]).await, "refused", "{mechanism}");
    }
    assert_eq!(run(&["call", "REQ", &ours.location, "pickle"]).await, GOT);
}
