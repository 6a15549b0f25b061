//! Functions beside objects: registered by a name, called by it.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use salamander::prelude::*;
use salamander::{Args, Call, Codec, DaemonHandle, Format, Int, Outcome, Payload, Uuid};

/// The sum of two numbers.
#[expose]
fn add(x: i64, #[default(1)] y: i64) -> i64 {
    x + y
}

#[expose]
async fn later(mut text: String) -> Result<String, Exception> {
    tokio::task::yield_now().await;
    if text.is_empty() {
        return Err(Exception::value_error("nothing to say"));
    }
    text.push('!');
    Ok(text)
}

#[expose]
#[blocking]
fn called_by(context: &CallContext) -> String {
    context.correlation_id().to_string()
}

#[expose]
fn factorial(n: u32) -> Int {
    (1..=n).product()
}

#[expose]
fn same(number: Int, id: Uuid) -> (Int, Uuid) {
    (number, id)
}

#[expose]
fn numbers(up_to: u32) -> impl Iterator<Item = u32> + use<> {
    0..up_to
}

struct Shop;

#[expose]
impl Shop {
    fn price(&self, _item: String) -> f64 {
        1.5
    }
}

async fn daemon() -> Daemon {
    let daemon = Daemon::bind("127.0.0.1:0").await.unwrap();
    daemon.register_fn("add", add).unwrap();
    daemon.register_fn("math.later", later).unwrap();
    daemon.register_fn("called_by", called_by).unwrap();
    daemon.register_fn("numbers", numbers).unwrap();
    daemon.register_fn("factorial", factorial).unwrap();
    daemon.register_fn("same", same).unwrap();
    daemon.register("the.shop", Shop).unwrap();
    daemon
}

async fn call(daemon: &DaemonHandle, name: &str, positional: Vec<Value>) -> Outcome {
    let callable = daemon.callable(name).unwrap();
    let call = Call {
        object: callable.object,
        method: callable.method,
        arguments: Payload::Values(Args { positional, ..Args::default() }),
        context: CallContext::new(None, Uuid::max(), Vec::new()),
        format: Format { codec: Codec::Json, settings: Arc::default() },
    };
    daemon.call(call).await
}

async fn value(daemon: &DaemonHandle, name: &str, positional: Vec<Value>) -> Value {
    match call(daemon, name, positional).await {
        Outcome::Value(encoded) => encoded.decode(&Default::default()).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn fault(daemon: &DaemonHandle, name: &str, positional: Vec<Value>) -> String {
    match call(daemon, name, positional).await {
        Outcome::Exception(exception) => exception.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_function_is_still_one() {
    assert_eq!(add(2, 3), 5);
    assert_eq!(add.call(2, 3), 5);
    assert_eq!(later.call("x".to_owned()).await.unwrap(), "x!");
    assert_eq!(numbers.call(3).count(), 3);
}

#[tokio::test]
async fn functions_and_methods_are_called_by_one_name() {
    let daemon = daemon().await;
    assert_eq!(value(&daemon, "add", vec![2.into(), 3.into()]).await, 5.into());
    assert_eq!(value(&daemon, "add", vec![2.into()]).await, 3.into());
    assert_eq!(value(&daemon, "math.later", vec!["x".into()]).await, "x!".into());
    assert_eq!(value(&daemon, "called_by", vec![]).await, Uuid::max().to_string().into());
    assert_eq!(value(&daemon, "the.shop.price", vec!["tea".into()]).await, 1.5.into());
    assert_eq!(value(&daemon, "factorial", vec![25.into()]).await.to_string(), "15511210043330985984000000");
    let (number, id) = (factorial(25), Uuid::max());
    let both = value(&daemon, "same", vec![number.clone().into(), id.to_string().into()]).await;
    assert_eq!(both, Value::List(vec![number.into(), id.to_string().into()]));
    assert!(matches!(call(&daemon, "numbers", vec![3.into()]).await, Outcome::Stream(_)));
    assert_eq!(
        daemon.callables(),
        ["add", "called_by", "factorial", "math.later", "numbers", "same", "the.shop.price"]
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_as_python_says_it_of_functions() {
    let daemon = daemon().await;
    for (name, arguments, said) in [
        ("add", vec![], "add() missing 1 required positional argument: 'x'"),
        ("add", vec![1.into(); 3], "add() takes from 1 to 2 positional arguments but 3 were given"),
        ("called_by", vec![1.into()], "called_by() takes 0 positional arguments but 1 was given"),
        ("add", vec!["1".into()], "add() argument 'x': expected i64, got string \"1\""),
        ("math.later", vec!["".into()], "nothing to say"),
    ] {
        let fault = fault(&daemon, name, arguments).await;
        assert!(fault.ends_with(said), "{fault}");
    }
}

#[tokio::test]
async fn only_what_is_exposed_has_a_name() {
    let daemon = daemon().await;
    for name in ["", "shop", "the.shop", "the.shop.cost", "add.__call__", "Pyro.Daemon.ping", "add.", ".add"] {
        assert_eq!(daemon.callable(name), None, "{name}");
    }
}

#[tokio::test]
async fn pyro_calls_a_function_as_an_object() {
    let daemon = daemon().await;
    let uri = daemon.uri_for("add").unwrap();
    let _serving = daemon.spawn();
    let proxy = Proxy::new(uri.to_string()).unwrap();
    assert_eq!(proxy.call::<i64>("__call__", (2, 3)).await.unwrap(), 5);
    let error = proxy.call::<i64>("__call__", ()).await.unwrap_err();
    assert!(
        error.is("TypeError") && error.exception().unwrap().traceback().concat().contains(", in add\n"),
        "{error:?}"
    );
}
