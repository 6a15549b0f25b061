//! `AsyncResult::revoke` in each state of a task, with each pool of both kinds of worker; and what is remembered of it.

use interop::queues::Directory;
use salamander_tasks::{App, AsyncResult, Kind, Signature};
use salamander_value::Value;

use crate::programs::worker::{LONG, Worker};
use crate::{Place, asked, exception, has, listens, only, sent, until};

const NODE: &str = "revokes@here";

async fn running(app: &App) -> AsyncResult {
    let runs = sent(app, "tasks.sleep", (600,)).await;
    until("it runs", || async { has(&only(asked(app, NODE).active().await), runs.id()) }).await;
    runs
}

/// Waits for the end of a task that was revoked; what it was told.
async fn revoked(result: &AsyncResult) -> String {
    let raised = exception(result.get_within(LONG).await);
    assert_eq!(raised.class_name(), "TaskRevokedError");
    raised.message()
}

/// Each state of a task with a worker that runs one at a time: in the queue, held by the worker, before its time, running.
/// `tells` whether a task is told to be revoked that waits for its time; Celery's worker sends such a message when that has come.
async fn each_state(app: &App, tells: bool) {
    let runs = running(app).await;
    let held: AsyncResult =
        Signature::new("tasks.add", (1, 1)).countdown(3600).queue("later").send(app).await.unwrap();
    until("it is held", || async { has(&only(asked(app, NODE).scheduled().await), held.id()) }).await;
    // The worker holds four more; the others wait in the queue.
    let mut waiting = Vec::new();
    for number in 0..7 {
        waiting.push(sent(app, "tasks.add", (number, 1)).await);
    }
    for result in [&waiting[0], &waiting[6], &held] {
        result.revoke(false).await.unwrap();
    }
    until("it is known", || async { only(asked(app, NODE).revoked().await).as_slice().unwrap().len() == 3 }).await;
    // One that runs is not ended by that.
    runs.revoke(false).await.unwrap();
    until("it is known", || async { only(asked(app, NODE).revoked().await).as_slice().unwrap().len() == 4 }).await;
    assert!(has(&only(asked(app, NODE).active().await), runs.id()));
    runs.revoke(true).await.unwrap();
    assert_eq!(revoked(&runs).await, "terminated");
    for (number, result) in waiting.iter().enumerate() {
        match number {
            0 | 6 => assert_eq!(revoked(result).await, "revoked", "{number}"),
            _ => {
                let sum = result.get_within(LONG).await.unwrap();
                assert_eq!(sum, Value::Int(i64::try_from(number).unwrap() + 1));
            }
        }
    }
    if tells {
        assert_eq!(revoked(&held).await, "revoked");
    }
    assert_eq!(waiting[0].get_within(LONG).await.unwrap_err().kind(), Kind::Revoked);
    // It still works.
    assert_eq!(sent(app, "tasks.add", (5, 5)).await.get_within(LONG).await.unwrap(), Value::Int(10));
}

async fn ours(place: Option<Place>, pool: &str) {
    let Some(place) = place else { return };
    let _worker =
        Worker::start(&place.broker, &place.backend, &["-P", pool, "-c", "1", "-n", NODE, "-Q", "celery,later"]);
    each_state(&place.app(), true).await;
}

async fn celerys(place: Option<Place>) {
    let Some(place) = place else { return };
    let arguments = ["-P", "prefork", "-c", "1", "-n", NODE, "-Q", "celery,later", "--without-mingle"];
    let _worker = Worker::celery(&place.broker, &place.backend, &arguments);
    let app = place.app();
    listens(&app, NODE).await;
    each_state(&app, place.backend != "rpc://").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_async_pool_on_redis() {
    ours(Place::redis(), "async").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_threads_on_rabbitmq() {
    ours(Place::rabbitmq(), "threads").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_solo_pool_on_redis() {
    ours(Place::redis(), "solo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_child_processes_on_redis() {
    ours(Place::redis(), "prefork").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_child_processes_on_rabbitmq() {
    ours(Place::rabbitmq(), "prefork").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_celerys_worker_on_redis() {
    celerys(Place::redis()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_celerys_worker_on_rabbitmq() {
    celerys(Place::rabbitmq()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_known_after_a_restart() {
    let Some(place) = Place::redis() else { return };
    let directory = Directory::new();
    let file = directory.file("state");
    let arguments = ["-c", "1", "-n", NODE, "--statedb", file.to_str().unwrap()];
    let app = place.app();
    let worker = Worker::start(&place.broker, &place.backend, &arguments);
    let runs = running(&app).await;
    let ids: Vec<String> = (0..100).map(|number| format!("revoked-{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    app.control().revoke(&ids).await.unwrap();
    runs.revoke(true).await.unwrap();
    assert_eq!(revoked(&runs).await, "terminated");
    // Two commands that all workers got; a third shows that they have been done.
    assert_eq!(only(asked(&app, NODE).revoked().await).as_slice().unwrap().len(), 101);
    assert!(worker.terminate());

    let _worker = Worker::start(&place.broker, &place.backend, &arguments);
    let known = only(asked(&app, NODE).revoked().await);
    assert!(known.as_slice().unwrap().contains(&"revoked-0".into()) && known.as_slice().unwrap().len() == 101);
    let sent: AsyncResult = Signature::new("tasks.add", (1, 1)).task_id(ids[99]).send(&app).await.unwrap();
    assert_eq!(revoked(&sent).await, "revoked");
}
