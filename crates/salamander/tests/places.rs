//! The places that take a call: objects of this process, a proxy, and layers in front of a daemon's objects.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use salamander::prelude::*;
use salamander::{Args, Call, CallContext, Codec, Format, Local, Outcome, Payload, Registry, Shared, Uuid};
use tower_layer::Layer;
use tower_service::Service;

struct Sums;

#[expose]
impl Sums {
    fn add(&self, x: i64, y: i64) -> i64 {
        x + y
    }

    async fn slow_add(&self, x: i64, y: i64) -> i64 {
        tokio::task::yield_now().await;
        x + y
    }

    fn fail(&self) -> Result<(), Exception> {
        Err(Exception::value_error("no"))
    }

    fn numbers(&self) -> impl Iterator<Item = i64> + use<> {
        0..3
    }

    #[property]
    fn answer(&self) -> i64 {
        42
    }
}

fn call(method: &str, positional: Vec<Value>) -> Call {
    Call {
        object: "sums".into(),
        method: method.into(),
        arguments: Payload::Values(Args { positional, ..Args::default() }),
        context: CallContext::new(None, Uuid::nil(), Vec::new()),
        format: Format { codec: Codec::Json, settings: Arc::default() },
    }
}

fn value(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Value(encoded) => encoded.decode(&Default::default()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// What every place does with the same calls.
async fn takes_calls<S>(mut place: S)
where
    S: Service<Call, Response = Outcome>,
    S::Error: std::fmt::Debug,
{
    for method in ["add", "slow_add"] {
        let outcome = place.call(call(method, vec![2.into(), 3.into()])).await.unwrap();
        assert_eq!(value(outcome), 5.into());
    }
    assert_eq!(value(place.call(call("__getattr__", vec!["answer".into()])).await.unwrap()), 42.into());
    let outcome = place.call(call("fail", vec![])).await.unwrap();
    assert!(matches!(outcome, Outcome::Exception(exception) if exception.is("ValueError")));
    let outcome = place.call(call("_hidden", vec![])).await.unwrap();
    assert!(matches!(outcome, Outcome::Exception(exception) if exception.is("AttributeError")));
    assert!(matches!(place.call(call("numbers", vec![])).await.unwrap(), Outcome::Stream(_)));
}

#[tokio::test]
async fn objects_of_this_process_take_calls() {
    let registry = Arc::new(Registry::new());
    registry.register("sums", Arc::new(Shared::from(Sums))).unwrap();
    takes_calls(Local::new(registry)).await;
}

#[tokio::test]
async fn a_proxy_takes_calls() {
    let daemon = Daemon::bind("127.0.0.1:0").await.unwrap();
    let uri = daemon.register("sums", Sums).unwrap();
    let _serving = daemon.spawn();
    for codec in Codec::PYRO5 {
        takes_calls(Proxy::new(uri.to_string()).unwrap().with_serializer(codec)).await;
    }
}

/// Counts the calls that pass, and stops those of one method.
#[derive(Clone)]
struct Gate<S> {
    inner: S,
    passed: Arc<AtomicUsize>,
}

struct GateLayer(Arc<AtomicUsize>);

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, passed: self.0.clone() }
    }
}

#[derive(Debug, PartialEq)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped at the gate")
    }
}

impl std::error::Error for Stopped {}

impl<S> Service<Call> for Gate<S>
where
    S: Service<Call, Response = Outcome>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = Stopped;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Outcome, Stopped>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        self.inner.poll_ready(cx).map_err(|_| Stopped)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        if call.method == "fail" {
            return Box::pin(async { Err(Stopped) });
        }
        self.passed.fetch_add(1, Ordering::Relaxed);
        let taken = self.inner.call(call);
        Box::pin(async move { taken.await.map_err(|_| Stopped) })
    }
}

#[tokio::test]
async fn every_call_passes_the_layers_of_a_daemon() {
    let passed = Arc::new(AtomicUsize::new(0));
    let daemon = Daemon::builder().layer(GateLayer(passed.clone())).bind("127.0.0.1:0").await.unwrap();
    let uri = daemon.register("sums", Sums).unwrap();
    let _serving = daemon.spawn();
    for codec in Codec::PYRO5 {
        let proxy = Proxy::new(uri.to_string()).unwrap().with_serializer(codec);
        passed.store(0, Ordering::Relaxed);
        assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
        assert_eq!(proxy.get::<i64>("answer").await.unwrap(), 42);
        assert_eq!(proxy.stream::<i64>("numbers", ()).await.unwrap().collect().await.unwrap(), [0, 1, 2]);
        let error = proxy.call::<()>("fail", ()).await.unwrap_err();
        assert!(error.is("RuntimeError") && error.to_string().contains("stopped at the gate"), "{error}");
        assert_eq!(passed.load(Ordering::Relaxed), 3);
        let mut batch = proxy.batch();
        batch.call("add", (1, 2)).call("slow_add", (3, 4));
        // Marshal, as Pyro uses it, carries no exception among results.
        let fails = codec != Codec::Marshal;
        if fails {
            batch.call("fail", ()).call("add", (0, 0));
        }
        let results: Vec<_> = batch.send::<i64>().await.unwrap().collect();
        assert_eq!(results.len(), 2 + usize::from(fails));
        assert_eq!((*results[0].as_ref().unwrap(), *results[1].as_ref().unwrap()), (3, 7));
        assert_eq!(passed.load(Ordering::Relaxed), 5);
    }
}
