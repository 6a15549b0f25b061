//! Remote control of workers in this process, over a broker in memory.

use salamander_tasks::control::{Control, Reply};
use salamander_tasks::worker::ShutdownKind;
use salamander_tasks::{AsyncResult, Kind, Task};
use salamander_value::{Dict, Value};

use super::*;

/// Runs, and cannot be told to stop: it looks at nothing.
#[task(crate = "salamander_tasks::__private", name = "tasks.blocks")]
fn blocks(scene: State<Scene>) -> i64 {
    scene.began.notify_one();
    while scene.runs.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    scene.most.store(1, Ordering::SeqCst);
    7
}

impl Play {
    /// Asks the only worker.
    fn asks(&self) -> Control {
        self.app.control().limit(1).timeout(LONG)
    }

    /// Waits until a worker does as its commands say: its mailbox is open a little after it has begun.
    async fn named(name: &str, change: impl FnOnce(&mut WorkerOptions)) -> Self {
        let play = Self::start_with(|options| {
            options.name = name.into();
            change(options);
        });
        play.is_there().await;
        play
    }

    async fn is_there(&self) {
        let brief = Duration::from_millis(20);
        let asks = self.app.control().destination([self.worker.name()]).timeout(brief);
        while asks.ping().await.unwrap().is_empty() {}
    }
}

fn only(mut replies: Vec<Reply>) -> Value {
    assert_eq!(replies.len(), 1, "{replies:?}");
    replies.remove(0).value
}

async fn revoked<T: serde::de::DeserializeOwned + std::fmt::Debug>(result: &AsyncResult<T>) -> String {
    let error = within(result.get()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Revoked);
    raised(&error).1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_answer_by_their_names() {
    let one = Play::named("one@here", |_| {}).await;
    let app = Play::app(&one.broker).state(Scene::default()).build().unwrap();
    let mut options = WorkerOptions::default();
    options.name = "two@there".into();
    let worker = Worker::new(app, options).without_signals();
    let (second, running) = (worker.handle(), tokio::spawn(worker.run()));
    let pong = || Value::from(Dict::from_iter([("ok", "pong")]));
    while one.app.control().limit(2).timeout(Duration::from_millis(20)).ping().await.unwrap().len() < 2 {}
    let mut replies = one.app.control().limit(2).timeout(LONG).ping().await.unwrap();
    replies.sort_by(|a, b| a.worker.cmp(&b.worker));
    let told: Vec<_> = replies.into_iter().map(|reply| (reply.worker.to_string(), reply.value)).collect();
    assert_eq!(told, [("one@here".to_owned(), pong()), ("two@there".to_owned(), pong())]);
    for control in [one.asks().destination(["two@there"]), one.asks().glob("two@*"), one.asks().regex("[t]wo")] {
        let replies = control.ping().await.unwrap();
        assert_eq!((replies.len(), &*replies[0].worker), (1, "two@there"));
    }
    // What is revoked here is known there.
    one.app.control().destination(["one@here"]).revoke(&["a", "b"]).await.unwrap();
    second.control("hello", Dict::from_iter([("from_node", "one@here"), ("revoked", "c")])).await.unwrap();
    let mut known = Vec::new();
    for name in ["one@here", "two@there"] {
        known.push(only(one.asks().destination([name]).revoked().await.unwrap()));
    }
    assert_eq!(known, [Value::from(vec!["a", "b"]), Value::from(vec!["c"])]);
    one.app.control().shutdown().await.unwrap();
    within(running).await.unwrap().unwrap();
    one.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_of_one_name_are_told_apart_by_a_warning_and_the_second_works_too() {
    let play = Play::named("same@here", |_| {}).await;
    let app = Play::app(&play.broker).state(Scene::default()).build().unwrap();
    let mut options = WorkerOptions::default();
    options.name = "same@here".into();
    let worker = Worker::new(app, options).without_signals();
    let (second, running) = (worker.handle(), tokio::spawn(worker.run()));
    assert_eq!(within(second.control("ping", Dict::new())).await, Some(Dict::from_iter([("ok", "pong")]).into()));
    let replies = play.app.control().timeout(Duration::from_millis(200)).ping().await.unwrap();
    assert_eq!(replies.len(), 1);
    let app = play.app.clone();
    play.end(ShutdownKind::Warm).await;
    // It takes over.
    while app.control().limit(1).timeout(Duration::from_millis(100)).ping().await.unwrap().is_empty() {}
    second.shutdown(ShutdownKind::Warm);
    within(running).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_revoked_in_each_state_and_pool() {
    for pool in POOLS {
        let play = Play::named("revokes@here", |options| {
            (options.pool, options.concurrency, options.prefetch_multiplier) = (pool, Some(1), Some(1));
        })
        .await;
        let runs = waits.delay(&play.app, (1,)).await.unwrap();
        within(play.scene.began.notified()).await;
        let in_pool = add.delay(&play.app, (1, 1)).await.unwrap();
        while only(play.asks().reserved().await.unwrap()).as_slice().unwrap().len() != 1 {}
        let in_queue = add.delay(&play.app, (2, 2)).await.unwrap();
        let goes_on = add.delay(&play.app, (3, 3)).await.unwrap();
        let active = only(play.asks().active().await.unwrap());
        let active = active.as_slice().unwrap();
        assert_eq!(active[0].get("id"), Some(&runs.id().into()), "{pool}");
        assert!(matches!(active[0].get("time_start"), Some(Value::Float(_))));
        for result in [&in_pool, &in_queue] {
            result.revoke(false).await.unwrap();
        }
        assert_eq!(revoked(&in_pool).await, "revoked", "{pool}");
        // Although nobody has taken it yet.
        assert_eq!(revoked(&in_queue).await, "revoked", "{pool}");
        runs.revoke(true).await.unwrap();
        assert_eq!(revoked(&runs).await, "terminated", "{pool}");
        assert_eq!(within(goes_on.get()).await.unwrap(), 6, "{pool}");
        let held = add.s((1, 1)).countdown(3600).send(&play.app).await.unwrap();
        while only(play.asks().scheduled().await.unwrap()).as_slice().unwrap().is_empty() {}
        held.revoke(false).await.unwrap();
        assert_eq!(revoked(&held).await, "revoked", "{pool}");
        assert_eq!(only(play.asks().scheduled().await.unwrap()), Value::List(Vec::new()));
        assert_eq!(play.waiting().await, 0);
        play.end(ShutdownKind::Warm).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stopped_is_revoked_and_its_result_thrown_away() {
    let broker = Memory::new();
    let app = Play::app(&broker).task(blocks).state(Scene::default()).build().unwrap();
    let scene = app.state::<Scene>().unwrap();
    let mut options = WorkerOptions::default();
    options.concurrency = Some(1);
    let worker = Worker::new(app.clone(), options).without_signals();
    let (handle, running) = (worker.handle(), tokio::spawn(worker.run()));
    let result = blocks.delay(&app, ()).await.unwrap();
    within(scene.began.notified()).await;
    let arguments = Dict::from_iter([("task_id", Value::from(result.id())), ("terminate", true.into())]);
    within(handle.control("revoke", arguments)).await.unwrap();
    assert_eq!(revoked(&result).await, "terminated");
    // Its lane is given to others at once.
    assert_eq!(within(add.delay(&app, (1, 1)).await.unwrap().get()).await.unwrap(), 2);
    scene.runs.store(1, Ordering::SeqCst);
    while scene.most.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    handle.shutdown(ShutdownKind::Warm);
    within(running).await.unwrap().unwrap();
    assert_eq!(result.state().await.unwrap(), salamander_wire::celery::State::Revoked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_waits_for_its_rate_limit_is_revoked() {
    let broker = Memory::new();
    // A limit for tasks that have none of their own.
    let app = Play::app(&broker).state(Scene::default());
    let app = app.configure(|settings| settings.task_default_rate_limit = "1/h".parse().ok()).build().unwrap();
    let mut options = WorkerOptions::default();
    options.name = "limited@here".into();
    let worker = Worker::new(app.clone(), options).without_signals();
    let (handle, running) = (worker.handle(), tokio::spawn(worker.run()));
    let results = [1, 2, 3].map(|number| add.s((number, number)));
    let results: Vec<_> = app.send_many(results).await.into_iter().map(|sent| sent.unwrap()).collect();
    assert_eq!(within(results[0].get()).await.unwrap(), 2);
    let count = |answer: Value| answer.as_slice().unwrap().len();
    while count(within(handle.control("reserved", Dict::new())).await.unwrap()) != 2 {}
    let known = within(handle.control("registered", Dict::new())).await.unwrap();
    assert!(known.as_slice().unwrap().contains(&"tasks.add [rate_limit=1/h]".into()), "{known}");
    assert!(known.as_slice().unwrap().contains(&"tasks.limited [rate_limit=20/s]".into()), "{known}");
    let said = within(handle.control("revoke", Dict::from_iter([("task_id", results[1].id())]))).await.unwrap();
    assert!(said.get("ok").is_some());
    assert_eq!(revoked(&results[1]).await, "revoked");
    let arguments = Dict::from_iter([("task_name", "tasks.add"), ("rate_limit", "0")]);
    within(handle.control("rate_limit", arguments)).await.unwrap();
    assert_eq!(within(results[2].get()).await.unwrap(), 6);
    handle.shutdown(ShutdownKind::Warm);
    within(running).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_control_can_be_left_out() {
    let broker = Memory::new();
    let app = Play::app(&broker).configure(|settings| settings.worker_enable_remote_control = false);
    let app = app.state(Scene::default()).build().unwrap();
    let worker = Worker::new(app.clone(), WorkerOptions::default()).without_signals();
    let (handle, running) = (worker.handle(), tokio::spawn(worker.run()));
    within(add.delay(&app, (1, 1)).await.unwrap().get()).await.unwrap();
    assert_eq!(app.control().timeout(Duration::from_millis(100)).ping().await.unwrap(), []);
    handle.shutdown(ShutdownKind::Warm);
    within(running).await.unwrap().unwrap();
}
