//! Calls that come back to where they began, over three processes, in Rust and in Rust mixed with Python.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::time::Duration;

use interop::node::Node;
use salamander::Proxy;
use tokio::task::JoinSet;

/// Longer than all of it takes, by far: a deadlock lasts for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends many calls around at once, each of which passes every node several times.
async fn around(nodes: &[Node]) {
    let route: Vec<String> =
        nodes.iter().cycle().skip(1).take(nodes.len() * 2).map(|node| node.uri.clone()).collect();
    let first = Proxy::new(&nodes[0].uri).unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let (first, route) = (first.clone(), route.clone());
        calls.spawn(async move { first.call::<Vec<String>>("travel", (route, Vec::<String>::new())).await });
    }
    let all = tokio::time::timeout(PATIENCE, calls.join_all()).await.expect("no deadlock");
    for seen in all {
        assert_eq!(seen.unwrap().join(" "), "a b c a b c a");
    }
}

macro_rules! circles {
    ($($name:ident: $($kind:ident $node:expr),*;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            around(&[$(circles!(@node $kind $node)),*]).await;
        }
    )*};
    (@node rust $name:expr) => { Node::ours(&[$name]) };
    (@node python $name:expr) => { Node::theirs($name) };
}

circles! {
    three_processes_of_ours_call_each_other: rust "a", rust "b", rust "c";
    a_python_process_is_in_the_circle: rust "a", python "b", rust "c";
    a_rust_process_is_in_the_circle: python "a", rust "b", python "c";
    the_circle_begins_in_python: python "a", rust "b", rust "c";
}
