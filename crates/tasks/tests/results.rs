//! What a sender sees of a task that another runs: states, results, exceptions, deadlines; async and blocking.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::Duration;

use salamander_macros::task;
use salamander_tasks::backend::{Backend, EmbeddedResults, ResultOptions, Update};
use salamander_tasks::broker::{Broker, Memory};
use salamander_tasks::{App, AsyncResult, Kind, Task, TaskContext, blocking};
use salamander_value::{Dict, Exception, Value};
use salamander_wire::celery::{ResultMeta, ResultTree, State};

#[task(crate = "salamander_tasks::__private", name = "tasks.add")]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[task(crate = "salamander_tasks::__private")]
async fn sends(context: &TaskContext) -> Result<String, salamander_tasks::Error> {
    let app = context.app().unwrap();
    Ok(add.delay(app, (1, 2)).await?.id().to_owned())
}

struct Setting {
    app: App,
    broker: Memory,
    backend: Arc<dyn Backend>,
}

impl Setting {
    fn new() -> Self {
        let broker = Memory::new();
        let backend: Arc<dyn Backend> = Arc::new(EmbeddedResults::in_memory(&broker, ResultOptions::default()));
        let app = App::builder().broker(Arc::new(broker.clone())).backend(backend.clone()).task(add).task(sends);
        Self { app: app.build().unwrap(), broker, backend }
    }

    async fn store(&self, meta: ResultMeta) {
        self.backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
    }
}

#[tokio::test]
async fn results_come_in_the_type_of_the_task() {
    let setting = Setting::new();
    let result: AsyncResult<i64> = add.delay(&setting.app, (5, 5)).await.unwrap();
    assert_eq!((result.state().await.unwrap(), result.ready().await.unwrap()), (State::Pending, false));
    assert_eq!(setting.broker.len("celery").await.unwrap(), Some(1));
    let waiting = tokio::spawn({
        let result = result.clone();
        async move { result.get().await }
    });
    let mut meta = ResultMeta::new(result.id(), State::Success, 10);
    meta.children = vec![ResultTree::task("child")];
    setting.store(meta).await;
    assert_eq!(waiting.await.unwrap().unwrap(), 10);
    assert!(result.successful().await.unwrap() && !result.failed().await.unwrap());
    assert_eq!(result.info().await.unwrap(), 10.into());
    assert_eq!(result.children().await.unwrap()[0].id(), "child");
    assert_eq!(setting.app.result(result.id()).get().await.unwrap(), 10.into());
    let other = result.returning::<String>().get().await.unwrap_err();
    assert!(
        other.kind() == Kind::Misuse && other.to_string().starts_with("the result is of another type"),
        "{other}"
    );
    result.forget().await.unwrap();
    assert_ne!(result.state().await.unwrap(), State::Success);
    // What was never sent does not wait.
    let never = setting.app.result("never");
    assert_eq!((never.state().await.unwrap(), never.ready().await.unwrap()), (State::Unknown, false));
}

#[tokio::test]
async fn what_a_task_raised_is_an_error_of_its_class() {
    let setting = Setting::new();
    let result = add.delay(&setting.app, (5, 5)).await.unwrap();
    let exception = Exception::with_args("shop.SoldOut", vec!["tea".into(), 3.into()]);
    let mut meta = ResultMeta::failed(result.id(), State::Failure, &exception);
    meta.traceback = Some("Traceback:\n  one\nSoldOut".into());
    setting.store(meta).await;
    let error = result.get().await.unwrap_err();
    assert!(error.kind() == Kind::Task && error.is("shop.SoldOut"), "{error:?}");
    let raised = error.exception().unwrap();
    assert_eq!((raised.args(), raised.traceback()), (exception.args(), vec!["Traceback:\n", "  one\n", "SoldOut"]));
    assert_eq!(result.wait().await.unwrap().status, State::Failure);
    assert!(result.failed().await.unwrap() && result.traceback().await.unwrap().is_some());

    let result = add.delay(&setting.app, (5, 5)).await.unwrap();
    let revoked = Exception::new("celery.exceptions.TaskRevokedError", "revoked");
    setting.store(ResultMeta::failed(result.id(), State::Revoked, &revoked)).await;
    assert_eq!(result.get().await.unwrap_err().kind(), Kind::Revoked);
}

#[tokio::test]
async fn states_of_its_own_are_seen_one_after_the_other() {
    let setting = Setting::new();
    let result = add.delay(&setting.app, (5, 5)).await.unwrap();
    let mut changes = result.changes();
    let meta = Dict::from_iter([("current", 1), ("total", 2)]);
    setting.store(ResultMeta::new(result.id(), State::Custom("PROGRESS".into()), meta.clone())).await;
    let seen = changes.next().await.unwrap().unwrap();
    assert_eq!((seen.status.as_str(), result.info().await.unwrap()), ("PROGRESS", Value::from(meta)));
    setting.store(ResultMeta::new(result.id(), State::Success, 10)).await;
    assert_eq!(changes.next().await.unwrap().unwrap().status, State::Success);
    assert!(changes.next().await.unwrap().is_none());
}

#[tokio::test]
async fn waiting_has_a_deadline() {
    let setting = Setting::new();
    let result = add.delay(&setting.app, (5, 5)).await.unwrap();
    let error = result.get_within(Duration::from_millis(10)).await.unwrap_err();
    assert!(error.kind() == Kind::Deadline && error.is("celery.exceptions.TimeoutError"), "{error:?}");
    let none = App::builder().broker(Arc::new(Memory::new())).build().unwrap();
    let result = add.delay(&none, (5, 5)).await.unwrap();
    assert_eq!(result.get().await.unwrap_err().to_string(), "No result backend is configured.");
    let ignored = add.s((5, 5)).ignore_result(true).send(&setting.app).await.unwrap();
    assert_eq!(ignored.returning::<Option<i64>>().get().await.unwrap(), None);
}

#[tokio::test]
async fn tasks_of_tasks_belong_to_them() {
    let setting = Setting::new();
    let parent = sends.s(()).apply(&setting.app).await.unwrap();
    let child = parent.get().await.unwrap();
    let message = setting.broker.take("celery").await.unwrap().unwrap();
    let header = |name: &str| message.header(name).unwrap().to_owned();
    assert_eq!(
        (header("id"), header("parent_id"), header("root_id")),
        (child.clone(), parent.id().into(), parent.id().into())
    );
    let meta = parent.wait().await.unwrap();
    assert_eq!(meta.children, [ResultTree::task(child)]);
}

#[tokio::test]
async fn many_are_sent_at_once() {
    let setting = Setting::new();
    let sent = setting.app.send_many((0..5000).map(|i| add.s((i, 1)))).await;
    assert!(sent.len() == 5000 && sent.iter().all(Result::is_ok));
    assert_eq!(setting.broker.len("celery").await.unwrap(), Some(5000));
    let wrong = setting.app.send_many([add.s((1, 2)), add.s(()), add.s((3, 4))]).await;
    assert!(wrong[0].is_ok() && wrong[1].as_ref().unwrap_err().is("TypeError") && wrong[2].is_ok());
}

#[test]
fn blocking_programs_use_the_same_names() {
    let setting = Setting::new();
    let app = blocking::App::new(setting.app.clone());
    let result = add.delay(&app, (5, 5)).unwrap();
    let meta = ResultMeta::new(result.id(), State::Success, 10);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| result.get_within(Duration::from_secs(60)));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(setting.store(meta));
        assert_eq!(waiting.join().unwrap().unwrap(), 10);
    });
    assert_eq!((result.state().unwrap(), result.changes().count()), (State::Success, 1));
    assert_eq!(add.s((2, 3)).apply(&app).unwrap().get().unwrap(), 5);
    assert!(app.send_task("other.task", (1,)).unwrap().get_within(Duration::from_millis(10)).is_err());
}

#[tokio::test]
async fn blocking_names_refuse_asynchronous_code() {
    let app = blocking::App::new(Setting::new().app);
    assert_eq!(add.delay(&app, (5, 5)).unwrap_err().kind(), Kind::Misuse);
}
