//! The same without `async`, and typed proxies.

use salamander::blocking::Proxy as BlockingProxy;
use salamander::{Kind, Value, proxy};

use crate::{At, cases, key};

/// What is known of `thing`, as a trait.
#[proxy]
#[allow(dead_code)]
trait Thing {
    async fn add(&self, x: i64, y: i64) -> Result<i64>;
    async fn greet(&self, name: &str) -> Result<String>;
    #[oneway]
    async fn note(&self, key: &str, text: &str) -> Result<()>;
    async fn notes(&self, key: &str, count: usize) -> Result<Vec<String>>;
    #[property]
    async fn velocity(&self) -> Result<i64>;
    #[setter]
    async fn set_velocity(&self, velocity: i64) -> Result<()>;
    #[stream]
    async fn count_to(&self, limit: u32) -> Result<u32>;
}

/// Does something on a thread that is not async.
async fn on_a_thread(at: At, work: impl FnOnce(BlockingProxy) + Send + 'static) {
    let proxy = BlockingProxy::from(at.proxy());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        work(proxy);
        let _ = sender.send(());
    });
    let _ = receiver.await;
    thread.join().unwrap();
}

cases! {
    async fn calls_wait_on_a_thread(at) {
        on_a_thread(at, |proxy| {
            assert_eq!(proxy.call::<i64>("add", (1, 2)).unwrap(), 3);
            assert!(proxy.call::<i64>("divide", (1, 0)).unwrap_err().is("ZeroDivisionError"));
            proxy.set("velocity", &7).unwrap();
            assert_eq!(proxy.get::<i64>("velocity").unwrap(), 7);
            assert_eq!(proxy.request("greet").kwarg("name", "Ada").send::<String>().unwrap().value, "hello Ada!");
            assert!(proxy.metadata().unwrap().methods.contains(&"add".to_owned()));
        })
        .await;
    }

    async fn streams_are_iterators_on_a_thread(at) {
        on_a_thread(at, |proxy| {
            let items: Vec<u32> = proxy.stream("count_to", (4,)).unwrap().map(Result::unwrap).collect();
            assert_eq!(items, [0, 1, 2, 3]);
        })
        .await;
    }

    async fn batches_and_oneway_calls_are_made_on_a_thread(at) {
        on_a_thread(at, |proxy| {
            let mut batch = proxy.batch();
            batch.call("add", (1, 2)).call("add", (3, 4));
            assert_eq!(batch.send::<i64>().unwrap().map(Result::unwrap).collect::<Vec<_>>(), [3, 7]);
            let note = key();
            proxy.oneway("note", (&note, "x")).unwrap();
            assert_eq!(proxy.call::<Vec<String>>("notes", (&note, 1)).unwrap(), ["x"]);
        })
        .await;
    }

    async fn a_blocking_call_in_a_task_is_misuse(at) {
        let call = async move { BlockingProxy::from(at.proxy()).call::<Value>("add", (1, 2)) };
        assert_eq!(tokio::spawn(call).await.unwrap().unwrap_err().kind(), Kind::Misuse);
    }

    async fn a_blocking_call_in_an_async_main_function_is_misuse(at) {
        assert_eq!(BlockingProxy::from(at.proxy()).call::<Value>("add", (1, 2)).unwrap_err().kind(), Kind::Misuse);
    }

    async fn a_blocking_call_is_fine_where_blocking_is(at) {
        let call = move || BlockingProxy::from(at.proxy()).call::<i64>("add", (1, 2));
        assert_eq!(tokio::task::spawn_blocking(call).await.unwrap().unwrap(), 3);
    }

    async fn a_blocking_method_may_make_blocking_calls(at) {
        let uri = at.uri.to_string();
        assert_eq!(at.proxy().call::<i64>("call_back_blocking", (uri, "echo", 5)).await.unwrap(), 5);
    }

    async fn a_typed_proxy_calls_by_its_methods(at) {
        let thing = ThingProxy::from(at.proxy());
        assert_eq!(thing.add(2, 3).await.unwrap(), 5);
        assert_eq!(thing.greet("Ada").await.unwrap(), "hello Ada!");
        thing.set_velocity(9).await.unwrap();
        assert_eq!(thing.velocity().await.unwrap(), 9);
        assert_eq!(thing.count_to(3).await.unwrap().collect().await.unwrap(), [0, 1, 2]);
        let note = key();
        thing.note(&note, "typed").await.unwrap();
        assert_eq!(thing.notes(&note, 1).await.unwrap(), ["typed"]);
    }

    async fn a_typed_proxy_waits_on_a_thread(at) {
        on_a_thread(at, |proxy| {
            let thing = ThingBlockingProxy::from(proxy);
            assert_eq!(thing.add(2, 3).unwrap(), 5);
            assert_eq!(thing.count_to(2).unwrap().map(Result::unwrap).collect::<Vec<_>>(), [0, 1]);
        })
        .await;
    }
}
