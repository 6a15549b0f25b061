//! Child processes of our worker: what they run, and what becomes of those that end.

use salamander_value::Value;
use salamander_wire::celery::State;

use crate::programs::worker::{LONG, signal};
use crate::scene::{NO_SETTINGS, Scene, exception};

#[tokio::test(flavor = "multi_thread")]
async fn children_run_jobs_and_end_with_the_worker() {
    let scene = Scene::embedded("prefork_jobs", NO_SETTINGS, &[]);
    let children = scene.worker.children();
    assert_eq!(children.len(), 1);
    scene.adds().await;
    let failed = exception(scene.result("tasks.fail", ("no",)).await);
    assert_eq!((failed.class_name(), failed.args()), ("ValueError", &[Value::from("no")][..]));
    assert_eq!(scene.result("tasks.retry", (2,)).await.unwrap(), Value::Int(2));
    assert_eq!(scene.worker.children(), children);
    assert!(scene.worker.terminate());
    assert!(!alive(children[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_time_limit_kills_the_child() {
    let mut scene = Scene::embedded("prefork_hard", NO_SETTINGS, &["--time-limit", "2"]);
    let children = scene.worker.children();
    let failed = exception(scene.result("tasks.sleep", (600,)).await);
    assert_eq!(failed.class(), "billiard.exceptions.TimeLimitExceeded");
    assert_eq!(failed.args(), [Value::Int(2)]);
    scene.worker.until("Hard time limit (2s) exceeded for tasks.sleep");
    scene.adds().await;
    let others = scene.worker.until_children("another child is there", |now| now.len() == 1 && now != children);
    assert!(!others.contains(&children[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_time_limit_is_told_to_the_child() {
    let scene = Scene::embedded("prefork_soft", NO_SETTINGS, &["--soft-time-limit", "0.5"]);
    let children = scene.worker.children();
    let failed = exception(scene.result("tasks.sleep", (600,)).await);
    assert_eq!(failed.class(), "billiard.exceptions.SoftTimeLimitExceeded");
    scene.adds().await;
    assert_eq!(scene.worker.children(), children);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_crashes_is_lost_and_another_takes_its_place() {
    let scene = Scene::embedded("prefork_crash", NO_SETTINGS, &[]);
    let children = scene.worker.children();
    let sent = scene.sent("tasks.sleep", (600,)).await;
    let mut changes = sent.changes();
    let progress = async {
        while let Some(meta) = changes.next().await.unwrap() {
            if meta.status == State::Custom("PROGRESS".into()) {
                return;
            }
        }
        panic!("it has ended");
    };
    tokio::time::timeout(LONG, progress).await.unwrap();
    signal(children[0], "KILL");
    let failed = exception(sent.get_within(LONG).await);
    assert_eq!(failed.class(), "billiard.exceptions.WorkerLostError");
    assert!(failed.message().starts_with("Worker exited prematurely: signal 9 (SIGKILL)"), "{failed}");
    scene.adds().await;
    assert_ne!(scene.worker.children(), children);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_died_with_nothing_to_do_is_replaced() {
    let scene = Scene::embedded("prefork_idle", NO_SETTINGS, &[]);
    let children = scene.worker.children();
    signal(children[0], "KILL");
    scene.adds().await;
    assert_ne!(scene.worker.children(), children);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_replaced_after_so_many_tasks() {
    let scene = Scene::embedded("prefork_many", NO_SETTINGS, &["--max-tasks-per-child", "2"]);
    let first = scene.worker.children();
    scene.adds().await;
    assert_eq!(scene.worker.children(), first);
    scene.adds().await;
    let second = scene.worker.until_children("the first is gone", |now| now.len() == 1 && now != first);
    scene.adds().await;
    assert_eq!(scene.worker.children(), second);
}

/// Whether there is a process of this number, which has not ended.
fn alive(process: u32) -> bool {
    let sent = std::process::Command::new("kill").args(["-0", &process.to_string()]).output().unwrap();
    sent.status.success()
}
