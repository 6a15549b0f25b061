//! `salamander up` and pyzmq's clients.

use crate::calls::GOT;
use crate::program::{refused, up};
use crate::{Scratch, programs};

use super::run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyzmq_calls_what_up_serves_and_what_it_says_to_try_works() {
    let scratch = Scratch::new();
    let server = up(&scratch.0.join("data").display().to_string(), &["--zmq-port", "0"]);
    let location = server.told_after("  ZeroMQ               ").trim_start_matches("tcp://").to_owned();
    for kind in ["REQ", "DEALER"] {
        let got = run(&["call", kind, &location, "pickle"]).await;
        let (sub, _) = GOT.split_once("5, \"ab\"").unwrap();
        assert!(got.starts_with(sub), "{kind}: {got}");
    }
    let line = server.told.lines().find(|line| line.contains("import zmq")).expect("a line to try");
    let lines = line.split('\'').nth(1).expect("what Python runs");
    assert_eq!(programs::run(&mut programs::script(lines, &[])), "5\n");
}

#[test]
fn nobody_is_let_in_by_mistake() {
    let scratch = Scratch::new();
    let data = scratch.0.join("data").display().to_string();
    let told = refused(&data, &["--host", "0.0.0.0", "--zmq-port", "0"]);
    assert!(told.contains("listen on localhost") && told.contains("--without-key zeromq"), "{told}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(refused(&data, &["--zmq-port", &port]).contains("the option is --zmq-port"));
    let server = up(&data, &["--host", "127.0.0.1", "--zmq-port", "0", "--without-key", "zeromq"]);
    assert!(server.told_after("  ZeroMQ               ").starts_with("tcp://127.0.0.1:"));
}
