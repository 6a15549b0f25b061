//! Functions as tasks: what they are called with, what they know, and what their outcome means.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use salamander_codec::Args;
use salamander_macros::task;
use salamander_object::{CallContext, Expose, Function};
use salamander_tasks::broker::{Broker, Memory};
use salamander_tasks::task::{RateLimit, TaskOptions};
use salamander_tasks::{App, Ignore, Kind, Reject, Retry, Settings, State, Task, TaskContext};
use salamander_value::{Dict, Exception, Value};
use salamander_wire::celery;

#[task(crate = "salamander_tasks::__private")]
fn add(x: i64, #[default(1)] y: i64) -> i64 {
    x + y
}

#[task(crate = "salamander_tasks::__private", name = "math.later", typing = false)]
async fn later(mut text: String) -> Result<String, Exception> {
    tokio::task::yield_now().await;
    text.push('!');
    Ok(text)
}

/// The same context, however deep one asks for it.
#[task(crate = "salamander_tasks::__private")]
#[blocking]
fn blocks(context: TaskContext, x: i64) -> (String, i64) {
    let found = TaskContext::current().unwrap();
    assert_eq!(found.id(), context.id());
    (context.id().to_owned(), x)
}

#[task(crate = "salamander_tasks::__private")]
async fn knows(context: &TaskContext, call: &CallContext) -> Vec<String> {
    tokio::task::yield_now().await;
    let request = context.request();
    let id = call.correlation_id().to_string();
    let header = request.header("mine").map(ToString::to_string).unwrap_or_default();
    vec![id, request.task().into(), request.argsrepr().into(), header, request.called_directly.to_string()]
}

struct Counter(AtomicU32);

#[task(
    crate = "salamander_tasks::__private",
    max_retries = 2,
    default_retry_delay = 0.5,
    autoretry_for = ["ValueError"],
    dont_autoretry_for = ["UnicodeError"],
    retry_backoff = true,
    retry_jitter = false,
    rate_limit = "10/m",
    time_limit = 30,
    soft_time_limit = Duration::from_secs(20),
    acks_late = true,
    ignore_result = false,
    priority = 3,
    queue = "slow",
    serializer = "msgpack",
    expires = 90,
)]
fn counts(counter: State<Counter>, #[args] rest: Vec<i64>, #[kwargs] named: Dict) -> Result<usize, Exception> {
    counter.0.fetch_add(1, Ordering::Relaxed);
    if rest.is_empty() {
        return Err(Exception::value_error("nothing"));
    }
    Ok(rest.len() + named.len())
}

#[task(crate = "salamander_tasks::__private", max_retries = None)]
fn asks(context: &TaskContext, what: &str) -> Result<&'static str, Exception> {
    match what {
        "retry" if context.retries() < 5 => Err(context.retry().countdown(0).into()),
        "retry" => Ok("enough"),
        "other" => Err(Retry::new().args(vec!["ignore".into()]).into()),
        "ignore" => Err(Ignore.into()),
        "reject" => Err(Reject::requeue("later").into()),
        "once" => Err(Retry::new().max_retries(0).because(Exception::key_error("gone")).into()),
        "often" => Err(Retry::new().max_retries(0).into()),
        _ => Err(Exception::runtime_error(what)),
    }
}

fn app() -> App {
    let app = App::builder().state(Counter(AtomicU32::new(0))).broker(memory_broker()).build().unwrap();
    app.register(add).unwrap();
    app.register(later).unwrap();
    app.register(blocks).unwrap();
    app.register(knows).unwrap();
    app.register(counts).unwrap();
    app.register(asks).unwrap();
    app
}

fn memory_broker() -> Arc<dyn Broker> {
    Arc::new(Memory::new())
}

async fn failure<T: serde::de::DeserializeOwned>(result: salamander_tasks::AsyncResult<T>) -> String {
    let error = result.get().await.err().unwrap();
    assert_eq!(error.kind(), Kind::Task);
    error.exception().unwrap().to_string()
}

#[test]
fn options_stand_in_the_source() {
    let options = counts.options();
    let mut expected = TaskOptions::new("tasks.counts");
    expected.max_retries = Some(2);
    expected.default_retry_delay = Duration::from_millis(500);
    expected.autoretry_for = vec!["ValueError".into()];
    expected.dont_autoretry_for = vec!["UnicodeError".into()];
    expected.retry_backoff = Some(Duration::from_secs(1));
    expected.retry_jitter = false;
    expected.rate_limit = Some(RateLimit { count: 10.0, per: Duration::from_secs(60) });
    expected.time_limit = Some(Duration::from_secs(30));
    expected.soft_time_limit = Some(Duration::from_secs(20));
    expected.acks_late = Some(true);
    expected.ignore_result = Some(false);
    expected.priority = Some(3);
    expected.queue = Some("slow".into());
    expected.serializer = Some("msgpack".into());
    expected.expires = Some(Duration::from_secs(90));
    assert_eq!(options, expected);
    assert_eq!((later.options().name, asks.options().max_retries), ("math.later".into(), None));
}

#[tokio::test]
async fn a_task_is_still_a_function() {
    fn function<F: Function>(_: F) -> &'static str {
        <F as Expose>::MEMBERS.class
    }
    assert_eq!((add(2, 3), function(add)), (5, "add"));
    assert_eq!(later.call("x".into()).await.unwrap(), "x!");
}

#[tokio::test]
async fn tasks_run_in_place() {
    let app = app();
    let result = add.s((2, 3)).apply(&app).await.unwrap();
    assert_eq!((result.get().await.unwrap(), result.state().await.unwrap()), (5, celery::State::Success));
    assert_eq!(add.s((2,)).kwarg("y", 8).apply(&app).await.unwrap().get().await.unwrap(), 10);
    assert_eq!(later.s(("x",)).apply(&app).await.unwrap().get().await.unwrap(), "x!");
    let blocked = blocks.s((7,)).task_id("1b4e28ba-2fa1-11d2-883f-0016d3cca427").apply(&app).await.unwrap();
    assert_eq!(blocked.get().await.unwrap(), ("1b4e28ba-2fa1-11d2-883f-0016d3cca427".to_owned(), 7));
    let known = knows.s(()).header("mine", 3).apply(&app).await.unwrap();
    assert_eq!(known.get().await.unwrap(), [known.id(), "tasks.knows", "()", "3", "false"]);
}

#[tokio::test]
async fn arguments_are_checked_as_python_checks_them() {
    let app = app();
    for (arguments, said) in [
        (Args::default(), "add() missing 1 required positional argument: 'x'"),
        (
            Args { positional: vec![1.into(); 3], ..Args::default() },
            "add() takes from 1 to 2 positional arguments but 3 were given",
        ),
        (
            Args { positional: vec![1.into()], keywords: Dict::from_iter([("z", 1)]) },
            "add() got an unexpected keyword argument 'z'",
        ),
        (
            Args { positional: vec![1.into()], keywords: Dict::from_iter([("x", 1)]) },
            "add() got multiple values for argument 'x'",
        ),
    ] {
        let error = add.delay(&app, arguments).await.unwrap_err();
        assert_eq!((error.kind(), error.is("TypeError")), (Kind::Misuse, true));
        assert_eq!(error.to_string(), format!("TypeError: {said}"));
    }
    // Without checks it is the worker that says it.
    assert!(later.delay(&app, ()).await.is_ok());
}

#[tokio::test]
async fn what_a_task_asks_for_is_understood() {
    let app = app();
    let run = async |what: &'static str| asks.s((what,)).apply(&app).await.unwrap();
    assert_eq!(run("retry").await.get().await.unwrap(), "enough");
    for (what, state) in [("ignore", "IGNORED"), ("other", "IGNORED"), ("reject", "REJECTED"), ("x", "FAILURE")] {
        assert_eq!(run(what).await.state().await.unwrap().as_str(), state);
    }
    assert_eq!(failure(run("once").await).await, "KeyError: 'gone'");
    let often = run("often").await;
    let said = format!(
        "celery.exceptions.MaxRetriesExceededError: Can't retry tasks.asks[{}] args:['often'] kwargs:{{}}",
        often.id()
    );
    assert_eq!(failure(often).await, said);
    assert_eq!(failure(run("x").await).await, "RuntimeError: x");
}

#[tokio::test]
async fn chosen_errors_are_retried_by_themselves() {
    let app = app();
    let run = async |arguments: Args| counts.s(arguments).apply(&app).await.unwrap();
    let some = Args { positional: vec![1.into(), 2.into()], keywords: Dict::from_iter([("a", Value::None)]) };
    assert_eq!(run(some).await.get().await.unwrap(), 3);
    assert_eq!(failure(run(Args::default()).await).await, "ValueError: nothing");
    assert_eq!(app.state::<Counter>().unwrap().0.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn state_that_was_not_given_is_missed_by_name() {
    let app = App::builder().broker(memory_broker()).build().unwrap();
    app.register(counts).unwrap();
    let said = failure(counts.s((1,)).apply(&app).await.unwrap()).await;
    assert!(said.contains("tasks::Counter; App::builder().state("), "{said}");
    let error = add.s((1,)).apply(&app).await.unwrap_err();
    assert_eq!(error.to_string(), "celery.exceptions.NotRegistered: tasks.add");
}

#[tokio::test]
async fn eager_applications_run_what_is_sent() {
    let mut settings = Settings::default();
    settings.task_always_eager = true;
    let app = App::new(settings, memory_broker(), None);
    app.register(add).unwrap();
    assert_eq!(add.delay(&app, (5, 5)).await.unwrap().get().await.unwrap(), 10);
}
