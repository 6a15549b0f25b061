//! Our client asks workers: ours over each broker, Celery's over Redis and RabbitMQ.

use std::time::Duration;

use salamander_tasks::{App, Kind};
use salamander_value::{Dict, Value};
use salamander_wire::celery::State;

use crate::programs::worker::{LONG, Worker, up};
use crate::{Place, app, asked, exception, has, listens, only, sent, until};

const NODE: &str = "asked@here";

/// What both kinds of worker answer in the same way. They run one task at a time.
async fn asks(app: &App) {
    let pong = Value::from(Dict::from_iter([("ok", "pong")]));
    let one = asked(app, NODE);
    assert_eq!(only(one.ping().await), pong);
    assert_eq!(only(app.control().limit(1).timeout(LONG).ping().await), pong);
    assert_eq!(only(app.control().glob("*@here").limit(1).timeout(LONG).ping().await), pong);
    assert_eq!(only(app.control().regex("asked@").limit(1).timeout(LONG).ping().await), pong);
    let brief = Duration::from_millis(500);
    assert_eq!(app.control().destination(["nobody@here"]).timeout(brief).ping().await.unwrap(), []);
    assert_eq!(app.control().glob("nobody@*").timeout(brief).ping().await.unwrap(), []);
    let registered = only(one.registered().await);
    for name in ["tasks.add", "tasks.sleep"] {
        assert!(registered.as_slice().unwrap().contains(&name.into()), "{registered}");
    }
    for empty in [one.active().await, one.scheduled().await, one.reserved().await, one.revoked().await] {
        assert_eq!(only(empty), Value::List(Vec::new()));
    }
    assert!(only(one.stats().await).get("pid").is_some());
    let unknown = only(one.ask("nothing", Dict::new()).await);
    assert_eq!(unknown.get("error"), Some(&"KeyError('nothing')".into()));
    let id = "known-to-be-revoked";
    app.control().revoke(&[id, "another"]).await.unwrap();
    until("it is known", || async { only(asked(app, NODE).revoked().await).as_slice().unwrap().len() == 2 }).await;
    let result = salamander_tasks::Signature::<Value>::new("tasks.add", (1, 1)).task_id(id).send(app).await.unwrap();
    let error = result.get_within(LONG).await.unwrap_err();
    assert_eq!((error.kind(), error.exception().unwrap().message()), (Kind::Revoked, "revoked".into()));
}

/// A task is ended while it runs, by its worker.
async fn terminates(app: &App) {
    let runs = sent(app, "tasks.sleep", (600,)).await;
    until("it runs", || async { has(&only(asked(app, NODE).active().await), runs.id()) }).await;
    app.control().terminate(&[runs.id()], "SIGKILL").await.unwrap();
    let raised = exception(runs.get_within(LONG).await);
    assert_eq!((raised.class_name(), raised.message()), ("TaskRevokedError", "terminated".into()));
    let sum = sent(app, "tasks.add", (5, 5)).await;
    assert_eq!(sum.get_within(LONG).await.unwrap(), Value::Int(10));
    assert_eq!(sum.state().await.unwrap(), State::Success);
}

async fn ends(app: &App, worker: Worker) {
    app.control().shutdown().await.unwrap();
    assert!(tokio::task::spawn_blocking(|| worker.ended()).await.unwrap());
    app.broker().close().await.unwrap();
}

async fn celerys(place: Option<Place>) {
    let Some(place) = place else { return };
    let worker =
        Worker::celery(&place.broker, &place.backend, &["-P", "prefork", "-c", "1", "-n", NODE, "--without-mingle"]);
    let app = place.app();
    listens(&app, NODE).await;
    asks(&app).await;
    terminates(&app).await;
    ends(&app, worker).await;
}

async fn own(broker: &str, backend: &str) {
    let worker = Worker::start(broker, backend, &["-c", "1", "-n", NODE]);
    let app = app(broker, backend);
    asks(&app).await;
    terminates(&app).await;
    ends(&app, worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_ask_celerys_worker_on_redis() {
    celerys(Place::redis()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_ask_celerys_worker_on_rabbitmq() {
    celerys(Place::rabbitmq()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_ask_our_worker_on_redis() {
    let Some(place) = Place::redis() else { return };
    own(&place.broker, &place.backend).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_ask_our_worker_on_rabbitmq() {
    let Some(place) = Place::rabbitmq() else { return };
    own(&place.broker, &place.backend).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_ask_our_worker_over_the_queues_of_up() {
    let (_up, port) = up("control_up", &["--no-demo"]);
    own(&format!("pyro://localhost:{port}/kombu.broker"), "rpc://").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_up_is_asked_too() {
    let (up, port) = up("control_in_up", &[]);
    let app = app(&format!("pyro://localhost:{port}/kombu.broker"), "rpc://");
    let replies = app.control().limit(1).timeout(LONG).registered().await;
    assert!(only(replies).as_slice().unwrap().contains(&"tasks.add".into()));
    let runs = sent(&app, "tasks.sleep", (600,)).await;
    until("it runs", || async { has(&only(app.control().limit(1).timeout(LONG).active().await), runs.id()) }).await;
    runs.revoke(true).await.unwrap();
    assert_eq!(runs.get_within(LONG).await.unwrap_err().kind(), Kind::Revoked);
    assert!(up.terminate().success());
}
