//! How workers end.

use salamander_tasks::worker::ShutdownKind;
use salamander_tasks::{Kind, Task};
use salamander_wire::celery;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_shutdown_finishes_what_runs_and_puts_the_rest_back() {
    let play = Play::start_with(|options| options.concurrency = Some(1));
    let first = waits.delay(&play.app, (1,)).await.unwrap();
    within(play.scene.began.notified()).await;
    let second = waits.delay(&play.app, (2,)).await.unwrap();
    let (broker, scene) = (play.broker.connect(), play.scene.clone());
    play.worker.shutdown(ShutdownKind::Warm);
    while broker.len("celery").await.unwrap() != Some(1) {
        tokio::task::yield_now().await;
    }
    scene.go.notify_one();
    play.end(ShutdownKind::Warm).await;
    assert_eq!(within(first.get()).await.unwrap(), 1);
    assert!(!second.ready().await.unwrap());
    assert_eq!(*scene.seen.lock().unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_shutdown_stops_what_runs_and_puts_back_what_is_acknowledged_late() {
    let play = Play::start(PoolKind::Async);
    let early = waits.delay(&play.app, (1,)).await.unwrap();
    within(play.scene.began.notified()).await;
    let held = late.delay(&play.app, (2,)).await.unwrap();
    within(play.scene.began.notified()).await;
    let broker = play.broker.connect();
    play.end(ShutdownKind::Cold).await;
    assert_eq!(broker.len("celery").await.unwrap(), Some(1));
    assert_eq!(early.state().await.unwrap(), celery::State::Retry);
    assert!(!held.ready().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_shutdown_gives_what_runs_some_time() {
    let play = Play::start_with(|options| options.soft_shutdown_timeout = Duration::from_secs(3600));
    let result = waits.delay(&play.app, (1,)).await.unwrap();
    within(play.scene.began.notified()).await;
    play.worker.shutdown(ShutdownKind::Cold);
    // It is asked for after that.
    play.worker.control("ping", Default::default()).await.unwrap();
    play.scene.go.notify_one();
    assert_eq!(within(result.get()).await.unwrap(), 1);
    play.end(ShutdownKind::Cold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_tasks_are_remembered_in_a_file() {
    let file = std::env::temp_dir().join(format!("salamander-statedb-{}", std::process::id()));
    let play = Play::start_with(|options| options.state_db = Some(file.clone()));
    let result = play.app.result("1234");
    play.worker.control("revoke", [("task_id", result.id())].into_iter().collect()).await.unwrap();
    play.end(ShutdownKind::Warm).await;

    let play = Play::start_with(|options| options.state_db = Some(file.clone()));
    let result = add.s((1, 2)).task_id("1234").send(&play.app).await.unwrap();
    let error = within(result.get()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Revoked);
    play.end(ShutdownKind::Warm).await;
    std::fs::remove_file(&file).unwrap();
}
