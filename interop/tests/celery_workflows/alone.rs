//! What our worker does by itself, or does better.

use std::sync::Arc;

use interop::queues::Queues;
use interop::servers::Redis;
use salamander_tasks::canvas::chord;
use salamander_tasks::{App, Kind, Signature};
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

/// Where whoever sends a body is killed before he can say so, another sends it once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_comes_twice_runs_once() {
    let queues = Queues::start();
    let heard = Arc::<Heard>::default();
    let app = ours::app(&Place::new(&queues.url(), &queues.url()), &heard);
    let _worker = Working::of(app.clone());
    let id = "0bcdba26-e972-40d0-95ea-0638d3ddffff";
    let send = async || {
        // A body has the group of its header, and no place in it.
        let mut body = task("tell", ("body",)).task_id(id);
        body.options_mut().group_id = Some("0bcdba26-e972-40d0-95ea-0638d3ddfff0".into());
        body.send(&app).await.unwrap()
    };
    send().await.get_within(LONG).await.unwrap();
    send().await;
    send().await;
    task("tell", ("behind",)).send(&app).await.unwrap().get_within(LONG).await.unwrap();
    // Another worker knows of it by its result.
    drop(_worker);
    let _another = Working::of(ours::app(&Place::new(&queues.url(), &queues.url()), &heard));
    send().await;
    task("tell", ("last",)).send(&app).await.unwrap().get_within(LONG).await.unwrap();
    let mut said = heard.said.lock().unwrap().clone();
    said.sort_unstable();
    assert_eq!(said, ["behind", "body", "last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chords_run_in_memory_and_with_results_as_messages_over_queues_of_our_own() {
    let queues = Queues::start();
    for (url, results) in [("memory://", "memory://"), (&*queues.url(), "rpc://")] {
        let app = ours::app(&Place::new(url, results), &Arc::default());
        let _worker = Working::of(app.clone());
        let plain = chord([task("add", (1, 1)), task("add", (2, 2))], task("xsum", ()));
        assert_eq!(got(&app, plain).await, json!(6), "{url}");
        let broken = chord([task("add", (1, 1)), task("fail", ())], task("xsum", ()));
        let text = "Dependency ID raised ValueError('broken')";
        assert_eq!(got(&app, broken).await, json!({"raises": "ChordError", "text": text}), "{url}");
    }
}

/// As in Celery, which says that it is not implemented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_results_as_messages_alone_a_chord_is_refused_before_anything_is_sent() {
    // Nobody is there.
    let app = ours::app(&Place::new("amqp://127.0.0.1:1", "rpc://"), &Arc::default());
    let chord = chord([task("add", (1, 1))], task("xsum", ()));
    let error = chord.send(&app).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.to_string().contains("counts no chords"), "{error}");
}
