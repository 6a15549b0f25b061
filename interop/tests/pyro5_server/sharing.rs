//! One proxy for any number of tasks.

use std::time::Duration;

use salamander::Value;
use tokio::task::JoinSet;

use crate::{cases, key};

cases! {
    async fn replies_are_never_crossed(at) {
        let proxy = at.proxy();
        let mut tasks = JoinSet::new();
        for number in 0..300i64 {
            let proxy = proxy.clone();
            tasks.spawn(async move { (number, proxy.call::<i64>("echo", (number,)).await.unwrap()) });
        }
        while let Some(done) = tasks.join_next().await {
            let (sent, received) = done.unwrap();
            assert_eq!(sent, received);
        }
    }

    async fn clones_are_one_session(at) {
        let proxy = at.proxy();
        let port = async |proxy: salamander::Proxy| {
            proxy.call::<Value>("context", ()).await.unwrap().get("port").cloned()
        };
        assert_eq!(port(proxy.clone()).await, port(proxy.clone()).await);
        assert_ne!(port(proxy.clone()).await, port(at.proxy()).await);
    }

    async fn a_pool_has_several_connections(at) {
        let (proxy, note) = (at.proxy().pooled(4), key());
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (proxy, note) = (proxy.clone(), note.clone());
            // Each waits for the others: over one connection of a Python daemon they would wait for ever.
            tasks.spawn(async move { proxy.call::<usize>("meet", (note, 4)).await.unwrap() });
        }
        assert_eq!(tasks.join_all().await, [4; 4]);
    }

    async fn a_call_that_nobody_waits_for_spoils_nothing(at) {
        let (proxy, note) = (at.proxy(), key());
        proxy.bind().await.unwrap();
        let waiting = proxy.call::<Value>("notes", (&note, 1));
        assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
        // A Python daemon answers in order: somebody else ends the wait.
        at.proxy().call::<i64>("write_note", (&note, "enough")).await.unwrap();
        for number in 0..20 {
            assert_eq!(proxy.call::<i64>("echo", (number,)).await.unwrap(), number);
        }
    }

    async fn many_calls_are_under_way_at_once(at) {
        let proxy = at.proxy();
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let proxy = proxy.clone();
            tasks.spawn(async move {
                for number in 0..50 {
                    assert_eq!(proxy.call::<i64>("add", (number, 1)).await.unwrap(), number + 1);
                }
            });
        }
        tasks.join_all().await;
    }

    async fn an_object_counts_right_for_all(at) {
        let counter = at.own("counter").await;
        let mut tasks = JoinSet::new();
        for _ in 0..10 {
            let counter = counter.clone();
            tasks.spawn(async move {
                for _ in 0..10 {
                    counter.call::<i64>("increment", ()).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(counter.get::<i64>("count").await.unwrap(), 100);
    }

    async fn two_proxies_are_two_clients(at) {
        let (one, two, note) = (at.proxy(), at.proxy(), key());
        let (first, second) =
            tokio::join!(one.call::<usize>("meet", (&note, 2)), two.call::<usize>("meet", (&note, 2)));
        assert_eq!((first.unwrap(), second.unwrap()), (2, 2));
    }

    async fn a_call_may_lead_to_another_call(at) {
        let proxy = at.proxy();
        let uri = at.uri.to_string();
        assert_eq!(proxy.call::<i64>("call_back", (uri, "echo", 5)).await.unwrap(), 5);
    }
}
