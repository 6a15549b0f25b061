//! Workers that begin ask the others which tasks they know to be revoked: ours Celery's, and Celery's ours.

use salamander_value::{Dict, Value};
use tokio::runtime::Runtime;

use crate::programs::worker::Worker;
use crate::{Place, asked, listens, only, until};

const OURS: &str = "ours@here";
const THEIRS: &str = "theirs@here";

/// Has a worker know a task as revoked.
async fn revoke(place: &Place, worker: &str, id: &str) {
    let app = place.app();
    let arguments = Dict::from_iter([("task_id", id)]);
    let said = only(asked(&app, worker).ask("revoke", arguments).await);
    assert_eq!(said.get("ok"), Some(&Value::from(format!("tasks {{'{id}'}} flagged as revoked"))));
    app.broker().close().await.unwrap();
}

/// Waits until a worker knows a task as revoked.
async fn knows(place: &Place, worker: &str, id: &str) {
    let app = place.app();
    until("it knows what is revoked", || async {
        let revoked = only(asked(&app, worker).revoked().await);
        revoked.as_slice().unwrap().contains(&id.into())
    })
    .await;
    app.broker().close().await.unwrap();
}

fn workers_learn_of_each_other(place: &Place) {
    let runtime = Runtime::new().unwrap();
    let ours = Worker::start(&place.broker, &place.backend, &["-c", "1", "-n", OURS]);
    runtime.block_on(revoke(place, OURS, "known-to-ours"));
    let mut theirs = Worker::celery(&place.broker, &place.backend, &["-P", "solo", "-n", THEIRS]);
    theirs.until("mingle: sync with 1 nodes");
    theirs.until("mingle: sync complete");
    runtime.block_on(async {
        let app = place.app();
        listens(&app, THEIRS).await;
        app.broker().close().await.unwrap();
    });
    runtime.block_on(knows(place, THEIRS, "known-to-ours"));
    assert!(ours.terminate());
    runtime.block_on(revoke(place, THEIRS, "known-to-theirs"));
    let mut ours = Worker::start(&place.broker, &place.backend, &["-c", "1", "-n", OURS]);
    ours.until("mingle: sync with 1 nodes");
    for id in ["known-to-ours", "known-to-theirs"] {
        runtime.block_on(knows(place, OURS, id));
    }
    assert!(ours.terminate());
}

#[test]
fn workers_on_redis_tell_each_other() {
    let Some(place) = Place::redis() else { return };
    workers_learn_of_each_other(&place);
}

#[test]
fn workers_on_rabbitmq_tell_each_other() {
    let Some(place) = Place::rabbitmq() else { return };
    workers_learn_of_each_other(&place);
}
