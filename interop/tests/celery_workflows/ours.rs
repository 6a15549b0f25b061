//! Our side: a worker in this process, and what our client gets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use salamander_macros::task;
use salamander_tasks::canvas::{Canvas, CanvasResult};
use salamander_tasks::{App, Error, State, TaskContext, Worker, WorkerHandle, WorkerOptions};
use salamander_value::{Exception, Value};
use salamander_wire::celery::State as State_;
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::place::Place;
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
async fn retry(context: &TaskContext, x: Value) -> Result<Value, Exception> {
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

/// The canvas of a recipe that came as an argument.
fn given(recipe: &Value) -> Canvas {
    made(&recipes::json(recipe))
}

fn raised(error: Error) -> Exception {
    match error.exception() {
        Some(exception) => exception.clone(),
        None => Exception::runtime_error(error.to_string()),
    }
}

#[task(crate = "salamander_tasks::__private", name = "tasks.replaced")]
async fn replaced(context: &TaskContext, #[args] mut args: Vec<Value>) -> Result<Value, Exception> {
    let recipe = args.pop().unwrap_or_default();
    Err(context.replace(given(&recipe).partial(args)))
}

#[task(crate = "salamander_tasks::__private", name = "tasks.adds")]
async fn adds(context: &TaskContext, recipe: Value, x: i64) -> Result<i64, Exception> {
    context.add_to_chord(given(&recipe)).await.map_err(raised)?;
    Ok(x)
}

#[task(crate = "salamander_tasks::__private", name = "tasks.spawns")]
async fn spawns(context: &TaskContext, recipes: Vec<Value>, x: i64) -> Result<i64, Exception> {
    let app = context.app().unwrap();
    for recipe in recipes {
        given(&recipe).send(app).await.map_err(raised)?;
    }
    Ok(x)
}

#[task(crate = "salamander_tasks::__private", name = "tasks.stamps")]
fn stamps(context: &TaskContext, #[args] _given: Vec<Value>) -> Value {
    context.request().stamps().clone().into()
}

#[task(crate = "salamander_tasks::__private", name = "tasks.nesting")]
fn nesting(context: &TaskContext) -> i64 {
    context.request().headers().replaced_task_nesting.into()
}

pub(crate) fn app(place: &Place, heard: &Arc<Heard>) -> App {
    let app = App::builder().broker_url(&*place.broker).result_backend(&*place.backend).state(heard.clone());
    let app = app.task(on_error).task(replaced).task(adds).task(spawns).task(stamps).task(nesting);
    let app = app.task(add).task(mul).task(xsum).task(same_).task(constant).task(fail).task(failed).task(retry);
    app.build().unwrap()
}

/// Our worker, until this is dropped.
pub(crate) struct Working {
    handle: WorkerHandle,
    _running: JoinHandle<()>,
}

impl Working {
    pub(crate) fn start(place: &Place) -> Self {
        Self::of(place.app())
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
pub(crate) async fn results(place: &Place, rows: &[&Row]) -> Vec<(Json, Vec<Json>)> {
    let app = place.app();
    let mut results = Vec::new();
    for few in rows.chunks(place.at_once.min(rows.len().max(1))) {
        results.extend(results_of(&app, few).await);
    }
    results
}

async fn results_of(app: &App, rows: &[&Row]) -> Vec<(Json, Vec<Json>)> {
    let mut sent = Vec::new();
    for row in rows {
        sent.push(made(&fresh(&row.recipe, row)).send(app).await);
    }
    let mut results = Vec::new();
    for (row, sent) in rows.iter().zip(sent) {
        let result = match sent {
            Ok(sent) => match tokio::time::timeout(LONG, asked(app, &sent, row.how)).await {
                Ok(result) => told(result),
                Err(_) => json!("it does not end"),
            },
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

/// A result, asked for in one of the ways that there are.
async fn asked(app: &App, sent: &CanvasResult, how: &str) -> Result<Value, Error> {
    let group = || sent.group().expect("a group");
    let state = |state: State_| Value::from(state.as_str());
    Ok(match how {
        "get" => sent.get().await?,
        "join" => Value::List(group().join().await?),
        "join_native" => Value::List(group().join_native().await?),
        "completed" => {
            let (mut completed, mut values) = (group().completed(), Vec::new());
            while let Some((_, value)) = completed.next().await {
                values.push(value?);
            }
            values.sort_by_key(Value::as_int);
            Value::List(values)
        }
        "saved" => {
            group().save().await?;
            let found = app.restore_group(sent.id()).await?.expect("it is there");
            let gave = Value::List(found.join().await?);
            found.delete().await?;
            let then = app.restore_group(sent.id()).await?;
            Value::List(vec![gave, then.map(|group| group.as_tuple()).unwrap_or_default()])
        }
        "tuple" => app.result_from_tuple(&recipes::value(&recipes::json(&sent.as_tuple())))?.get().await?,
        "parents" => {
            let mut values = Vec::new();
            for one in parents(sent) {
                values.push(one.get().await?);
            }
            Value::List(values)
        }
        "counted" => {
            let group = group();
            let mut completed = group.completed();
            while completed.next().await.is_some() {}
            Value::List(vec![
                group.ready().await?.into(),
                group.successful().await?.into(),
                group.failed().await?.into(),
                group.waiting().await?.into(),
                i64::try_from(group.completed_count().await?).unwrap().into(),
            ])
        }
        "collect" => collected(sent).await?,
        "collect from the first" => collected(&parents(sent)[0]).await?,
        "leaf" => sent.get_leaf().await?,
        "forgotten" => {
            let gave = sent.get().await?;
            sent.forget().await?;
            // A new application, which has seen nothing. Where queues are at hand, it is known that there is no such task.
            let then = match app.result(sent.id()).state().await? {
                State_::Unknown => State_::Pending,
                other => other,
            };
            Value::List(vec![gave, state(then)])
        }
        other => panic!("{other}"),
    })
}

/// A result and all that it follows, the first one first.
fn parents(sent: &CanvasResult) -> Vec<CanvasResult> {
    let mut all: Vec<_> = std::iter::successors(Some(sent.clone()), CanvasResult::parent).collect();
    all.reverse();
    all
}

async fn collected(sent: &CanvasResult) -> Result<Value, Error> {
    let (mut collected, mut values) = (sent.collect(), Vec::new());
    while let Some((_, value)) = collected.next().await? {
        values.push(value);
    }
    Ok(Value::List(values))
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
