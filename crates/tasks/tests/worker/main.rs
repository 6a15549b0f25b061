//! Workers in this process: what runs, what is stored, what is settled.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod control;
mod joining;
mod limits;
mod messages;
mod outcomes;
mod replacing;
mod settling;
mod shutdown;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use salamander_macros::task;
use salamander_tasks::backend::{EmbeddedResults, ResultOptions};
use salamander_tasks::broker::{Broker, Memory};
use salamander_tasks::worker::PoolKind;
use salamander_tasks::{
    App, AppBuilder, Error, Ignore, Reject, Result, Settings, State, TaskContext, Worker, WorkerHandle, WorkerOptions,
};
use salamander_value::Exception;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What tasks and tests know together.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) runs: AtomicU32,
    pub(crate) began: Notify,
    pub(crate) go: Notify,
    pub(crate) seen: Mutex<Vec<i64>>,
    pub(crate) most: AtomicU32,
}

#[task(crate = "salamander_tasks::__private", name = "tasks.add")]
async fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[task(crate = "salamander_tasks::__private", name = "tasks.plain")]
fn plain(x: i64, y: i64) -> i64 {
    x * y
}

#[task(crate = "salamander_tasks::__private", name = "tasks.fail")]
fn fail(message: String) -> Result<(), Exception> {
    Err(Exception::value_error(message))
}

#[task(crate = "salamander_tasks::__private", name = "tasks.retry", max_retries = 10)]
async fn retry(context: &TaskContext, times: u32) -> Result<u32, Exception> {
    if context.retries() < times { Err(context.retry().countdown(0.01).into()) } else { Ok(context.retries()) }
}

#[task(crate = "salamander_tasks::__private", name = "tasks.ignored")]
fn ignored() -> Result<(), Exception> {
    Err(Ignore.into())
}

#[task(crate = "salamander_tasks::__private", name = "tasks.rejected", acks_late = true)]
fn rejected(scene: State<Scene>) -> Result<u32, Exception> {
    match scene.runs.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Reject::requeue("once more").into()),
        1 => Err(Reject::new("no").into()),
        runs => Ok(runs),
    }
}

/// Waits until it is told to go on.
#[task(crate = "salamander_tasks::__private", name = "tasks.waits")]
async fn waits(scene: State<Scene>, number: i64) -> i64 {
    scene.seen.lock().unwrap().push(number);
    scene.began.notify_one();
    scene.go.notified().await;
    number
}

#[task(crate = "salamander_tasks::__private", name = "tasks.late", acks_late = true, track_started = true)]
async fn late(scene: State<Scene>, number: i64) -> i64 {
    scene.seen.lock().unwrap().push(number);
    scene.began.notify_one();
    scene.go.notified().await;
    number
}

/// Looks whether its time is up.
#[task(crate = "salamander_tasks::__private", name = "tasks.looks", soft_time_limit = 0.05)]
async fn looks(context: &TaskContext) -> String {
    format!("{:?}", context.stopped().await)
}

#[task(crate = "salamander_tasks::__private", name = "tasks.limited", rate_limit = "20/s")]
fn limited(scene: State<Scene>, number: i64) -> i64 {
    scene.seen.lock().unwrap().push(number);
    number
}

/// How many of them run at once.
#[task(crate = "salamander_tasks::__private", name = "tasks.together")]
async fn together(scene: State<Scene>) {
    let now = scene.runs.fetch_add(1, Ordering::SeqCst) + 1;
    scene.most.fetch_max(now, Ordering::SeqCst);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    scene.runs.fetch_sub(1, Ordering::SeqCst);
}

#[task(crate = "salamander_tasks::__private", name = "tasks.panics")]
fn panics() -> i64 {
    panic!("out of order")
}

/// A worker on a broker in memory, and what sends to it.
pub(crate) struct Play {
    pub(crate) app: App,
    pub(crate) broker: Memory,
    pub(crate) scene: Arc<Scene>,
    pub(crate) worker: WorkerHandle,
    running: JoinHandle<Result<()>>,
}

impl Play {
    pub(crate) fn app(broker: &Memory) -> AppBuilder {
        let results = EmbeddedResults::in_memory(broker, ResultOptions::default());
        App::builder()
            .broker(Arc::new(broker.connect()))
            .backend(Arc::new(results))
            .task(add)
            .task(plain)
            .task(fail)
            .task(retry)
            .task(ignored)
            .task(rejected)
            .task(waits)
            .task(late)
            .task(looks)
            .task(limited)
            .task(together)
            .task(panics)
    }

    pub(crate) fn start(pool: PoolKind) -> Self {
        Self::start_with(|options| options.pool = pool)
    }

    pub(crate) fn start_with(change: impl FnOnce(&mut WorkerOptions)) -> Self {
        Self::configured(|_| {}, change)
    }

    pub(crate) fn configured(configure: impl FnOnce(&mut Settings), change: impl FnOnce(&mut WorkerOptions)) -> Self {
        let broker = Memory::new();
        let mut options = WorkerOptions::default();
        options.concurrency = Some(4);
        change(&mut options);
        let app = Self::app(&broker).state(Scene::default()).configure(configure).build().unwrap();
        let scene = app.state::<Scene>().unwrap();
        let worker = Worker::new(app.clone(), options).without_signals();
        let handle = worker.handle();
        Self { app, broker, scene, worker: handle, running: tokio::spawn(worker.run()) }
    }

    /// Ends the worker, and waits for its end.
    pub(crate) async fn end(self, how: salamander_tasks::worker::ShutdownKind) {
        self.worker.shutdown(how);
        within(self.running).await.unwrap().unwrap();
    }

    /// How many messages wait.
    pub(crate) async fn waiting(&self) -> u64 {
        self.broker.len("celery").await.unwrap().unwrap_or_default()
    }
}

/// Nothing takes longer than this, however loaded the machine is.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it takes too long")
}

pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The exception of a task that failed.
pub(crate) fn raised(error: &Error) -> (String, String) {
    let exception = error.exception().unwrap();
    (exception.class().to_owned(), exception.message())
}

pub(crate) const POOLS: [PoolKind; 3] = [PoolKind::Async, PoolKind::Threads, PoolKind::Solo];
