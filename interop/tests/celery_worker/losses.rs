//! Child processes that are lost again and again, over each broker: who is told, what is tried once more, and what is put aside.

use interop::servers::Store;
use salamander_tasks::{App, AsyncResult, Signature};
use salamander_value::Value;

use crate::programs::worker::{LONG, Worker, signal};
use crate::scene::{NO_SETTINGS, NODE, Scene, exception};

const LATE: &str = "[celery]\ntask_acks_late = true\ntask_reject_on_worker_lost = true\n";

impl Scene {
    /// Waits until a task runs in another child than this, and gives that and whether it has been delivered before.
    async fn runs_in(&self, task: &AsyncResult, before: u32) -> (u32, bool) {
        let control = self.app.control().destination([NODE]).timeout(LONG);
        let end = tokio::time::Instant::now() + LONG;
        loop {
            let active = control.active().await.unwrap().remove(0).value;
            let job = active.as_slice().unwrap().iter().find(|job| job.get("id") == Some(&task.id().into())).cloned();
            let process = job.as_ref().and_then(|job| u32::try_from(job.get("worker_pid")?.as_int()?).ok());
            if let Some(process) = process.filter(|process| *process != before) {
                let again = job.unwrap().get("delivery_info").unwrap().get("redelivered").unwrap().truth();
                return (process, again);
            }
            assert!(tokio::time::Instant::now() < end, "it does not run: {active}");
            // Between two looks; nobody tells.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// A task that takes its process with it is tried three times in all, and then put aside.
async fn dies_again_and_again(mut scene: Scene) {
    let task = scene.sent("tasks.sleep", (600,)).await;
    let mut process = 0;
    for times in 1..=3 {
        let again;
        (process, again) = scene.runs_in(&task, process).await;
        // On others it is sent once more.
        if scene.app.broker().capabilities().counts_deliveries {
            assert_eq!(again, times > 1);
        }
        signal(process, "KILL");
    }
    let lost = exception(task.get_within(LONG).await);
    assert_eq!(lost.class(), "billiard.exceptions.WorkerLostError");
    assert!(lost.message().starts_with("Worker exited prematurely: signal 9 (SIGKILL)"), "{lost}");
    scene.worker.until("celery.dead");
    scene.adds().await;
    let broker = scene.app.broker().clone();
    assert_eq!((broker.len("celery.dead").await.unwrap(), broker.len("celery").await.unwrap()), (Some(1), Some(0)));
    let dead = broker.take("celery.dead").await.unwrap().unwrap();
    assert_eq!((dead.header("id"), dead.header("task")), (Some(task.id()), Some("tasks.sleep")));
    assert_eq!(dead.headers.get("x-salamander-lost"), Some(&Value::Int(3)));
    assert!(scene.worker.terminate());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_its_process_with_it_is_put_aside_on_redis() {
    let Some(scene) = Scene::redis(LATE, &[]) else { return };
    dies_again_and_again(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_its_process_with_it_is_put_aside_on_rabbitmq() {
    let Some(scene) = Scene::rabbitmq(LATE, &[]) else { return };
    dies_again_and_again(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_its_process_with_it_is_put_aside_by_up() {
    dies_again_and_again(Scene::embedded("losses_dead", LATE, &[])).await;
}

/// Without `reject_on_worker_lost` it is lost at the first time, acknowledged late or not.
async fn dies_once(scene: Scene) {
    let task = scene.sent("tasks.sleep", (600,)).await;
    let (process, _) = scene.runs_in(&task, 0).await;
    signal(process, "KILL");
    assert_eq!(exception(task.get_within(LONG).await).class(), "billiard.exceptions.WorkerLostError");
    scene.adds().await;
    let broker = scene.app.broker().clone();
    assert_eq!(broker.len("celery").await.unwrap(), Some(0));
    assert!(scene.worker.terminate());
}

/// What child processes do is the same over each broker.
async fn children_work(scene: Scene) {
    let children = scene.worker.children();
    assert_eq!(children.len(), 1);
    scene.adds().await;
    let failed = exception(scene.result("tasks.fail", ("no",)).await);
    assert_eq!((failed.class_name(), failed.args()), ("ValueError", &[Value::from("no")][..]));
    assert_eq!(scene.result("tasks.retry", (2,)).await.unwrap(), Value::Int(2));
    let soft = Signature::<Value>::new("tasks.sleep", (600,)).soft_time_limit(0.2).send(&scene.app).await.unwrap();
    assert_eq!(exception(soft.get_within(LONG).await).class(), "billiard.exceptions.SoftTimeLimitExceeded");
    assert_eq!(scene.worker.children(), children);
    let hard = Signature::<Value>::new("tasks.sleep", (600,)).time_limit(0.5).send(&scene.app).await.unwrap();
    assert_eq!(exception(hard.get_within(LONG).await).class(), "billiard.exceptions.TimeLimitExceeded");
    scene.adds().await;
    assert_ne!(scene.worker.children(), children);
    dies_once(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_work_on_redis() {
    let Some(scene) = Scene::redis("[celery]\ntask_acks_late = true\n", &[]) else { return };
    children_work(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_work_on_rabbitmq() {
    let Some(scene) = Scene::rabbitmq(NO_SETTINGS, &[]) else { return };
    children_work(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_has_too_much_memory_is_replaced() {
    let scene = Scene::embedded("losses_memory", "[celery]\nworker_max_memory_per_child = 1\n", &[]);
    let mut worker = scene.worker;
    let adds = async || {
        let sent: AsyncResult = Signature::new("tasks.add", (5, 5)).send(&scene.app).await.unwrap();
        assert_eq!(sent.get_within(LONG).await.unwrap(), Value::Int(10));
    };
    let first = worker.children();
    adds().await;
    worker.until("child process exiting after exceeding memory limit");
    let second = worker.until_children("the first is gone", |now| now.len() == 1 && now != first);
    adds().await;
    worker.until_children("the second is gone", |now| now.len() == 1 && now != second);
    assert!(worker.terminate());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_has_little_memory_stays() {
    let scene = Scene::embedded("losses_little", NO_SETTINGS, &["--max-memory-per-child", "1000000000"]);
    let children = scene.worker.children();
    scene.adds().await;
    scene.adds().await;
    assert_eq!(scene.worker.children(), children);
    assert!(scene.worker.terminate());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eta_beyond_the_visibility_timeout_runs_once() {
    let Some(server) = Store::redis() else { return };
    let url = format!("{}?visibility_timeout=1", server.url());
    let workers = ["one@here", "two@here"].map(|name| Worker::start(&url, &server.url(), &["-c", "1", "-n", name]));
    let app = App::builder().broker_url(&*url).result_backend(server.url()).build().unwrap();
    // Another one that runs for longer, too.
    let runs: AsyncResult = Signature::new("tasks.sleep", (4,)).send(&app).await.unwrap();
    let waits: AsyncResult = Signature::new("tasks.add", (1, 2)).countdown(4).send(&app).await.unwrap();
    assert_eq!(waits.get_within(LONG).await.unwrap(), Value::Int(3));
    assert_eq!(runs.get_within(LONG).await.unwrap(), Value::Int(4));
    let logs: String = workers.map(Worker::log).concat();
    for id in [runs.id(), waits.id()] {
        for words in ["received", "succeeded in"] {
            let said = logs.lines().filter(|line| line.contains(id) && line.contains(words)).count();
            assert_eq!(said, 1, "{id} {words}: {logs}");
        }
    }
}
