//! Our side: a worker in this process, and what our client gets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use salamander_macros::task;
use salamander_tasks::{App, Error, State, TaskContext, Worker, WorkerHandle, WorkerOptions};
use salamander_value::{Exception, Value};
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::recipes::{self, made};
use crate::rows::Row;

/// How long something may take on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(60);

#[task(crate = "salamander_tasks::__private", name = "tasks.add")]
async fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[task(crate = "salamander_tasks::__private", name = "tasks.mul")]
async fn mul(x: i64, y: i64) -> i64 {
    x * y
}

#[task(crate = "salamander_tasks::__private", name = "tasks.xsum")]
fn xsum(numbers: Vec<i64>) -> i64 {
    numbers.iter().sum()
}

#[task(crate = "salamander_tasks::__private", name = "tasks.same")]
fn same_(x: Value) -> Value {
    x
}

#[task(crate = "salamander_tasks::__private", name = "tasks.constant")]
fn constant() -> i64 {
    7
}

#[task(crate = "salamander_tasks::__private", name = "tasks.fail")]
fn fail(#[args] _given: Vec<Value>) -> Result<(), Exception> {
    Err(Exception::value_error("broken"))
}

#[task(crate = "salamander_tasks::__private", name = "tasks.failed")]
fn failed(_task_id: String) -> &'static str {
    "failed"
}

#[task(crate = "salamander_tasks::__private", name = "tasks.retry", max_retries = 3)]
async fn retry(context: &TaskContext, x: i64) -> Result<i64, Exception> {
    if context.retries() < 2 { Err(context.retry().countdown(0).into()) } else { Ok(x) }
}

/// What errbacks have heard that are called where the task failed.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) said: Mutex<Vec<String>>,
    pub(crate) told: Notify,
}

/// An errback that takes more than an id.
#[task(crate = "salamander_tasks::__private", name = "tasks.on_error")]
fn on_error(heard: State<Arc<Heard>>, request: Value, exception: Exception, traceback: Option<String>, more: String) {
    let task = request.get("task").and_then(Value::as_str).unwrap_or_default().to_owned();
    heard.said.lock().unwrap().push(format!("{task} {exception} {} {more}", traceback.is_some()));
    heard.told.notify_one();
}

/// Queues and results at one URL, or at two with a bar between them.
pub(crate) fn app(url: &str, heard: &Arc<Heard>) -> App {
    let (broker, results) = url.split_once('|').unwrap_or((url, url));
    let app = App::builder().broker_url(broker).result_backend(results).state(heard.clone()).task(on_error);
    let app = app.task(add).task(mul).task(xsum).task(same_).task(constant).task(fail).task(failed).task(retry);
    app.build().unwrap()
}

/// Our worker, until this is dropped.
pub(crate) struct Working {
    handle: WorkerHandle,
    _running: JoinHandle<()>,
}

impl Working {
    pub(crate) fn start(url: &str) -> Self {
        Self::of(app(url, &Arc::default()))
    }

    pub(crate) fn of(app: App) -> Self {
        // RabbitMQ lets no two workers of one name have a mailbox.
        let mut options = WorkerOptions::default();
        options.name = "ours@%h".into();
        let worker = Worker::new(app, options).without_signals();
        let handle = worker.handle();
        Self { handle, _running: tokio::spawn(async move { worker.run().await.unwrap() }) }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.handle.shutdown(salamander_tasks::worker::ShutdownKind::Warm);
    }
}

/// What our client gets for each row, and for the tasks that are watched.
pub(crate) async fn results(url: &str, rows: &[Row]) -> Vec<(Json, Vec<Json>)> {
    let app = app(url, &Arc::default());
    let mut sent = Vec::new();
    for row in rows {
        sent.push(made(&fresh(&row.recipe, row)).send(&app).await);
    }
    let mut results = Vec::new();
    for (row, sent) in rows.iter().zip(sent) {
        let result = match sent {
            Ok(sent) => told(sent.get_within::<Value>(LONG).await),
            Err(error) => json!(format!("not sent: {error}")),
        };
        let mut watched = Vec::new();
        for (id, _) in &row.watched {
            watched.push(told(app.result(of_ours(id)).get_within(LONG).await));
        }
        results.push((result, watched));
    }
    results
}

/// The id of a task that is watched as we send it: another one than Python's.
fn of_ours(id: &str) -> String {
    format!("{}ffff", &id[..32])
}

fn fresh(recipe: &Json, row: &Row) -> Json {
    let text = row.watched.iter().fold(recipe.to_string(), |text, (id, _)| text.replace(id, &of_ours(id)));
    serde_json::from_str(&text).unwrap()
}

/// A result, or what it raised, without ids.
pub(crate) fn told(result: Result<Value, Error>) -> Json {
    match result {
        Ok(value) => recipes::json(&value),
        Err(error) => match error.exception() {
            Some(exception) => {
                let text = exception.args().first().and_then(Value::as_str).unwrap_or_default();
                json!({"raises": exception.class_name(), "text": without_ids(text)})
            }
            None => json!(error.to_string()),
        },
    }
}

fn without_ids(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.len() == 36 && word.contains('-') { "ID" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
