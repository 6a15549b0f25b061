//! WebSockets below their messages: pings, fragments, and the codes with which they end; beside Python's `websockets`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use interop::jsonrpc::Ours;
use interop::python;
use salamander::http::{JsonRpc, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_are_answered_and_ends_are_told() {
    let rpc = JsonRpc::new().max_request(1000);
    let ours = Ours::with(|builder| builder.door(Site::new().jsonrpc(rpc))).await;
    let (port, handle) = (ours.port.to_string(), ours.handle.clone());
    let ran = tokio::task::spawn_blocking(move || {
        let mut script = python::script("jsonrpc_socket.py");
        let mut child = script.arg(port).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
            if line == "stop me" {
                handle.shutdown();
            }
            said.push(line);
        }
        assert!(child.wait().unwrap().success(), "{said:#?}");
        said
    });
    let said = tokio::time::timeout(Duration::from_secs(120), ran).await.expect("an end").unwrap();
    assert_eq!(
        said,
        [
            "pong True",
            "pong between calls 3 True 3",
            "fragments 2",
            "ours to close 4000",
            "too large -32001 1009",
            "no JSON -32700 1",
            "before the end 5",
            "stop me",
            "stopped 1001",
        ]
    );
}
