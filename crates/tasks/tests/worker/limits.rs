//! Times: limits, ETA, expiry, rates.

use std::time::Instant;

use salamander_tasks::Task;
use salamander_tasks::worker::ShutdownKind;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hard_limit_ends_a_task() {
    for pool in [PoolKind::Async, PoolKind::Threads] {
        let play = Play::start(pool);
        let result = waits.s((1,)).time_limit(0.05).send(&play.app).await.unwrap();
        let error = within(result.get()).await.unwrap_err();
        assert_eq!(raised(&error), ("billiard.exceptions.TimeLimitExceeded".into(), "0.05".into()), "{pool}");
        assert_eq!(within(add.delay(&play.app, (1, 2)).await.unwrap().get()).await.unwrap(), 3);
        play.end(ShutdownKind::Warm).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_limit_is_told_to_who_looks_and_ends_who_does_not() {
    let play = Play::start(PoolKind::Async);
    assert_eq!(within(looks.delay(&play.app, ()).await.unwrap().get()).await.unwrap(), "SoftTimeLimit");
    let result = waits.s((1,)).soft_time_limit(0.05).send(&play.app).await.unwrap();
    let error = within(result.get()).await.unwrap_err();
    assert_eq!(raised(&error), ("billiard.exceptions.SoftTimeLimitExceeded".into(), String::new()));
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_its_time_takes_no_place_of_others() {
    let play = Play::start_with(|options| (options.concurrency, options.prefetch_multiplier) = (Some(1), Some(1)));
    let mut held = Vec::new();
    for number in 0..50 {
        held.push(add.s((number, 0)).countdown(3600).send(&play.app).await.unwrap());
    }
    let soon = add.s((7, 0)).countdown(0.3).send(&play.app).await.unwrap();
    let began = Instant::now();
    assert_eq!(within(add.delay(&play.app, (1, 1)).await.unwrap().get()).await.unwrap(), 2);
    assert_eq!(within(soon.get()).await.unwrap(), 7);
    assert!(began.elapsed() >= Duration::from_millis(250));
    let scheduled = play.worker.control("scheduled", Default::default()).await.unwrap();
    assert_eq!(scheduled.as_slice().unwrap().len(), 50);
    // They go back when the worker goes.
    let broker = play.broker.connect();
    play.end(ShutdownKind::Warm).await;
    assert_eq!(broker.len("celery").await.unwrap(), Some(50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_wait_for_their_time_than_the_limit_says() {
    let play = Play::configured(
        |settings| settings.worker_eta_task_limit = Some(10),
        |options| (options.concurrency, options.prefetch_multiplier) = (Some(1), Some(1)),
    );
    for number in 0..50 {
        add.s((number, 0)).countdown(3600).send(&play.app).await.unwrap();
    }
    let all = async {
        while play.waiting().await > 40 {
            tokio::task::yield_now().await;
        }
    };
    within(all).await;
    for _ in 0..10 {
        let scheduled = play.worker.control("scheduled", Default::default()).await.unwrap();
        assert!(scheduled.as_slice().unwrap().len() <= 10);
        assert_eq!(play.waiting().await, 40);
    }
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_not_run() {
    let play = Play::start_with(|options| options.concurrency = Some(1));
    let first = waits.delay(&play.app, (1,)).await.unwrap();
    within(play.scene.began.notified()).await;
    let second = waits.s((2,)).expires(0.01).send(&play.app).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    play.scene.go.notify_one();
    within(first.get()).await.unwrap();
    let error = within(second.get()).await.unwrap_err();
    assert_eq!(raised(&error), ("celery.exceptions.TaskRevokedError".into(), "expired".into()));
    assert_eq!(*play.scene.seen.lock().unwrap(), [1]);
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_spreads_starts() {
    let play = Play::start(PoolKind::Async);
    let began = Instant::now();
    let mut sent = Vec::new();
    for number in 0..6 {
        sent.push(limited.delay(&play.app, (number,)).await.unwrap());
    }
    for result in sent {
        within(result.get()).await.unwrap();
    }
    // One at once, five that wait for a twentieth of a second each.
    assert!(began.elapsed() >= Duration::from_millis(240));
    assert_eq!(*play.scene.seen.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
    play.end(ShutdownKind::Warm).await;
}
