//! The tasks that each application has: what canvases are made of besides a program's own.

use salamander_codec::{Args, Codec};
use salamander_macros::task;
use salamander_object::{Object, Outcome, Started};
use salamander_value::{Dict, Exception, Value};
use std::sync::Arc;

use crate::canvas::{Canvas, Options, carry_out, planned};
use crate::task::TaskContext;
use crate::{App, Error, Result};

/// The names of all of these begin so.
pub(crate) const PREFIX: &str = "celery.";

/// Goes on with a chord where Celery's result backend does not count.
pub(crate) const CHORD_UNLOCK: &str = "celery.chord_unlock";

/// Adds them to an application.
///
/// # Errors
/// Where a name is taken.
pub(crate) fn register(app: &App) -> Result<()> {
    app.register(backend_cleanup)?;
    app.register(accumulate)?;
    app.register(map)?;
    app.register(starmap)?;
    app.register(chunks)?;
    app.register(chord_unlock)?;
    app.register(chain)
}

/// Removes results that have expired.
#[task(crate = "crate::__private", name = "celery.backend_cleanup")]
async fn backend_cleanup(context: &TaskContext) -> Result<(), Exception> {
    match context.app().and_then(App::backend) {
        Some(backend) => backend.cleanup().await.map(drop).map_err(raised),
        None => Ok(()),
    }
}

/// All that it is given, or one of it.
#[task(crate = "crate::__private", name = "celery.accumulate", typing = false)]
async fn accumulate(#[args] given: Vec<Value>, #[kwargs] named: Dict) -> Result<Value, Exception> {
    match named.get("index") {
        None | Some(Value::None) => Ok(Value::List(given)),
        Some(index) => {
            let missing = || Exception::new("builtins.IndexError", "tuple index out of range");
            let index =
                index.as_int().ok_or_else(|| Exception::type_error("tuple indices must be integers or slices"))?;
            let from_end = i64::try_from(given.len()).unwrap_or(i64::MAX).saturating_add(index);
            let place = usize::try_from(if index < 0 { from_end } else { index }).map_err(|_| missing())?;
            given.into_iter().nth(place).ok_or_else(missing)
        }
    }
}

/// Calls a task with each of the items.
#[task(crate = "crate::__private", name = "celery.map")]
async fn map(context: &TaskContext, task: Value, it: Vec<Value>) -> Result<Vec<Value>, Exception> {
    each(context, &task, it.into_iter().map(|item| vec![item])).await
}

/// The same with the items as lists of arguments.
#[task(crate = "crate::__private", name = "celery.starmap")]
async fn starmap(context: &TaskContext, task: Value, it: Vec<Vec<Value>>) -> Result<Vec<Value>, Exception> {
    each(context, &task, it.into_iter()).await
}

/// Sends the group that chunks are.
#[task(crate = "crate::__private", name = "celery.chunks")]
async fn chunks(context: &TaskContext, task: Value, it: Vec<Value>, n: u32) -> Result<Value, Exception> {
    let app = context.app().ok_or_else(without_queue)?;
    let task = Canvas::from_value(&task).map_err(raised)?;
    let group = crate::canvas::chunks(task, it, usize::try_from(n).unwrap_or(usize::MAX)).chunks_as_group();
    let plan = planned(&group, app, &[], &Options::default()).map_err(raised)?;
    let tree = plan.promise.to_tree().to_value();
    carry_out(plan, app, Some(context)).await.map_err(raised)?;
    Ok(tree)
}

/// The worker takes the chord over when this has ended; so it is never asked again. Acknowledged late, because nobody else knows of the chord.
#[task(
    crate = "crate::__private",
    name = "celery.chord_unlock",
    acks_late = true,
    ignore_result = true,
    typing = false
)]
async fn chord_unlock(#[args] _given: Vec<Value>, #[kwargs] _named: Dict) {}

/// A chain is sent as its tasks, and nobody sends this.
#[task(crate = "crate::__private", name = "celery.chain", typing = false)]
async fn chain(#[args] _given: Vec<Value>, #[kwargs] _named: Dict) -> Result<(), Exception> {
    Err(Exception::new("builtins.NotImplementedError", "chain is not a real task"))
}

/// The function that a signature names, called with these arguments one after the other. Those of the signature do not count, as in Python.
async fn each(
    context: &TaskContext,
    task: &Value,
    calls: impl Iterator<Item = Vec<Value>> + Send,
) -> Result<Vec<Value>, Exception> {
    let name = task.get("task").and_then(Value::as_str).unwrap_or_default().to_owned();
    let app = context.app().ok_or_else(without_queue)?;
    let missing = || Exception::new("celery.exceptions.NotRegistered", name.clone());
    let object = app.registry().get(&name).ok_or_else(missing)?;
    let mut results = Vec::new();
    for positional in calls {
        results.push(call(context, &object, Args { positional, keywords: Dict::new() }).await?);
    }
    Ok(results)
}

/// Plain functions may block; they do so on a thread for that.
async fn call(context: &TaskContext, object: &Arc<dyn Object>, arguments: Args) -> Result<Value, Exception> {
    let plain = object.members().methods.first().is_some_and(|method| method.plain);
    let started = if plain {
        let (context, object) = (context.clone(), object.clone());
        let run = move || context.call(&object, Codec::Json, arguments);
        tokio::task::spawn_blocking(run).await.map_err(|error| Exception::runtime_error(error.to_string()))?
    } else {
        context.call(object, Codec::Json, arguments)
    };
    let outcome = match started {
        Started::Done(outcome) => outcome,
        Started::Waits(pending) => pending.await,
    };
    match outcome {
        Outcome::Value(encoded) => encoded.decode(crate::call::codec_settings()).map_err(|error| error.exception()),
        Outcome::Exception(exception) => Err(exception),
        Outcome::Stream(_) => Err(Exception::type_error("a task has one result and no stream of items")),
    }
}

fn raised(error: Error) -> Exception {
    match error.exception() {
        Some(exception) => exception.clone(),
        None => Exception::runtime_error(error.to_string()),
    }
}

fn without_queue() -> Exception {
    Exception::runtime_error("it was called without an application")
}
