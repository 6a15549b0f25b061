//! What tasks come to, in each pool.

use salamander_tasks::worker::ShutdownKind;
use salamander_tasks::{Kind, Task};
use salamander_value::{Dict, Value};
use salamander_wire::celery::State;
use std::sync::atomic::Ordering;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_run_in_every_pool() {
    for pool in POOLS {
        let play = Play::start(pool);
        let (sum, product) =
            (add.delay(&play.app, (5, 5)).await.unwrap(), plain.delay(&play.app, (6, 7)).await.unwrap());
        assert_eq!((within(sum.get()).await.unwrap(), within(product.get()).await.unwrap()), (10, 42), "{pool}");
        assert_eq!(sum.state().await.unwrap(), State::Success);

        let failed = within(fail.delay(&play.app, ("bad",)).await.unwrap().get()).await.unwrap_err();
        assert_eq!((failed.kind(), raised(&failed)), (Kind::Task, ("builtins.ValueError".into(), "bad".into())));

        let panicked = within(panics.delay(&play.app, ()).await.unwrap().get()).await.unwrap_err();
        assert!(raised(&panicked).1.contains("out of order"));

        assert_eq!(within(retry.delay(&play.app, (3,)).await.unwrap().get()).await.unwrap(), 3);
        play.end(ShutdownKind::Warm).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_each_run_once() {
    let play = Play::start(PoolKind::Async);
    let mut sent = Vec::new();
    for number in 0..2_000 {
        sent.push(match number % 2 {
            0 => add.delay(&play.app, (number, 1)).await.unwrap(),
            _ => plain.delay(&play.app, (number, 1)).await.unwrap(),
        });
    }
    for (number, result) in sent.iter().enumerate() {
        let number = i64::try_from(number).unwrap();
        assert_eq!(within(result.get()).await.unwrap(), if number % 2 == 0 { number + 1 } else { number });
    }
    assert_eq!(play.waiting().await, 0);
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_run_at_once_than_there_are_lanes() {
    let play = Play::start(PoolKind::Async);
    let mut sent = Vec::new();
    for _ in 0..100 {
        sent.push(together.delay(&play.app, ()).await.unwrap());
    }
    for result in sent {
        within(result.get()).await.unwrap();
    }
    assert!((1..=4).contains(&play.scene.most.load(Ordering::SeqCst)));
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ignored_or_rejected_stores_what_celery_stores() {
    let play = Play::start(PoolKind::Async);
    let silent = ignored.delay(&play.app, ()).await.unwrap();
    let refused = rejected.delay(&play.app, ()).await.unwrap();
    let error = within(refused.get()).await.unwrap_err();
    assert_eq!(raised(&error).0, "celery.exceptions.Reject");
    assert_eq!(play.scene.runs.load(Ordering::SeqCst), 2);
    assert!(!silent.ready().await.unwrap());
    assert_eq!(play.waiting().await, 0);
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_was_revoked_does_not_run() {
    let play = Play::start_with(|options| options.concurrency = Some(1));
    let first = waits.delay(&play.app, (1,)).await.unwrap();
    within(play.scene.began.notified()).await;
    let second = waits.delay(&play.app, (2,)).await.unwrap();
    let answer = play.worker.control("revoke", Dict::from_iter([("task_id", second.id())])).await.unwrap();
    assert_eq!(answer.get("ok").unwrap().to_string(), format!("\"tasks {{'{}'}} flagged as revoked\"", second.id()));
    let error = within(second.get()).await.unwrap_err();
    assert_eq!(raised(&error), ("celery.exceptions.TaskRevokedError".into(), "revoked".into()));
    play.scene.go.notify_one();
    assert_eq!(within(first.get()).await.unwrap(), 1);
    assert_eq!(*play.scene.seen.lock().unwrap(), [1]);
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_runs_is_terminated() {
    let play = Play::start(PoolKind::Async);
    let result = waits.delay(&play.app, (1,)).await.unwrap();
    within(play.scene.began.notified()).await;
    let arguments = Dict::from_iter([("task_id", Value::from(result.id())), ("terminate", true.into())]);
    let answer = play.worker.control("revoke", arguments).await.unwrap();
    assert_eq!(answer.get("ok").unwrap().as_str().unwrap(), format!("terminate: {}", result.id()));
    let error = within(result.get()).await.unwrap_err();
    assert_eq!(raised(&error), ("celery.exceptions.TaskRevokedError".into(), "terminated".into()));
    assert_eq!(play.worker.control("ping", Dict::new()).await.unwrap().get("ok").unwrap().as_str(), Some("pong"));
    play.end(ShutdownKind::Warm).await;
}
