//! What our worker does by itself, or does better.

use std::sync::Arc;

use interop::servers::Redis;
use salamander_tasks::canvas::chord;
use salamander_tasks::{App, Signature};
use salamander_value::Value;
use serde_json::json;

use crate::ours::{self, Heard, LONG, Working};
use crate::place::Place;

fn task(name: &str, args: impl salamander_codec::Arguments) -> Signature<Value> {
    Signature::new(format!("tasks.{name}"), args)
}

async fn got(app: &App, canvas: impl Into<salamander_tasks::canvas::Canvas>) -> serde_json::Value {
    ours::told(canvas.into().send(app).await.unwrap().get_within(LONG).await)
}

/// In Celery the outer chord waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chord_whose_part_is_a_chord_that_fails_fails_too() {
    let Some(redis) = Redis::start(&[]) else { return };
    let app = ours::app(&Place::new(&redis.url(), &redis.url()), &Arc::default());
    let _worker = Working::of(app.clone());
    let inner = chord([task("fail", ()), task("add", (1, 1))], task("xsum", ()));
    let outer = chord([inner, task("add", (1, 1)).into()], task("xsum", ()));
    let text = "Dependency ID raised ChordError(\"Dependency ID raised ValueError('broken')\")";
    assert_eq!(got(&app, outer).await, json!({"raises": "ChordError", "text": text}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_errback_that_takes_more_than_an_id_is_called_where_the_task_failed() {
    let Some(redis) = Redis::start(&[]) else { return };
    let heard = Arc::<Heard>::default();
    let app = ours::app(&Place::new(&redis.url(), &redis.url()), &heard);
    let _worker = Working::of(app.clone());
    let errback = task("on_error", ("more",));
    let failing = task("fail", ()).link_error(errback);
    assert_eq!(got(&app, failing).await, json!({"raises": "ValueError", "text": "broken"}));
    tokio::time::timeout(LONG, heard.told.notified()).await.unwrap();
    assert_eq!(*heard.said.lock().unwrap(), ["tasks.fail ValueError: broken true more"]);
}
