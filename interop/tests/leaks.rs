//! Memory and objects after a long use: they come back to where they were.
//!
//! As many rounds as a test run has time for; `SALAMANDER_SOAK=1` makes fifty times as many, which are 100,000 connections, 100,000
//! objects handed over and 10,000 broken streams.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use interop::node::Node;
use interop::pyro5::until;
use salamander::prelude::*;
use salamander::{Codec, Dict};

/// What a test may leave behind, in kilobytes: the allocator keeps some of what it has had.
const SLACK: i64 = 8 * 1024;

/// Asks over a connection of its own, which is there in every count.
async fn state(observer: &Proxy, of: &str) -> i64 {
    let state: Dict = observer.call("state", ()).await.unwrap();
    state.get(of).and_then(|count| salamander::from_value(count).ok()).unwrap()
}

struct Watched {
    node: Node,
    observer: Proxy,
}

impl Watched {
    async fn start() -> Self {
        let node = Node::ours(&["a", "--lease", "0.5"]);
        let observer = Proxy::new(&node.uri).unwrap().with_serializer(Codec::Msgpack);
        observer.bind().await.unwrap();
        Self { node, observer }
    }

    fn proxy(&self) -> Proxy {
        Proxy::new(&self.node.uri).unwrap().with_serializer(Codec::Msgpack)
    }

    /// Does a thing so often: first some times to have every buffer made, then the rest, and compares.
    async fn compare(&self, times: usize, mut work: impl AsyncFnMut()) {
        for _ in 0..times / 4 {
            work().await;
        }
        self.settled().await;
        let before = state(&self.observer, "kilobytes").await;
        for _ in times / 4..times {
            work().await;
        }
        self.settled().await;
        let after = state(&self.observer, "kilobytes").await;
        println!("{times} times: {before} kB before, {after} kB after");
        assert!(after <= before + SLACK, "{before} kB have become {after} kB");
    }

    /// Waits until there are no more connections, objects and streams than at the beginning.
    async fn settled(&self) {
        for (what, count) in [("connections", 1), ("objects", 2), ("streams", 0)] {
            until(&format!("{what} are {count}"), async || state(&self.observer, what).await == count).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_leave_nothing_behind() {
    let watched = Watched::start().await;
    watched
        .compare(interop::cases(2_000), async || {
            assert_eq!(watched.proxy().call::<i64>("count", (1,)).await.unwrap(), 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_handed_over_leave_nothing_behind() {
    let watched = Watched::start().await;
    watched
        .compare(interop::cases(2_000), async || {
            let _: Proxy = watched.observer.call("hand_over", ()).await.unwrap();
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_streams_leave_nothing_behind() {
    let watched = Watched::start().await;
    watched
        .compare(interop::cases(200), async || {
            let proxy = watched.proxy();
            let mut items = proxy.stream::<u64>("numbers", ()).await.unwrap();
            assert_eq!(items.next().await.unwrap(), Some(0));
            // Gone in the middle, without a word.
            proxy.release();
            std::mem::forget(items);
        })
        .await;
}
