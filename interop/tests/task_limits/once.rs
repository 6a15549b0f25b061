//! Tasks that are sent once.

use interop::queues::Queues;
use interop::servers::Redis;
use salamander_macros::task;
use salamander_tasks::{App, Kind, Signature, Task};
use salamander_value::Value;

#[task(crate = "salamander_tasks::__private", name = "tasks.report", dedupe_key = "report-{day}", dedupe_for = 3600)]
async fn report(day: String, #[default(0)] _more: i64) -> String {
    day
}

fn app(url: &str) -> App {
    App::builder().broker_url(url).task(report).build().unwrap()
}

/// By what a task says of itself and by what is said of one call, from two clients.
async fn once(url: &str) {
    let (one, other) = (app(url), app(url));
    let first = report.delay(&one, ("monday",)).await.unwrap();
    let second = report.delay(&other, ("monday", 5)).await.unwrap();
    let another = report.delay(&other, ("tuesday",)).await.unwrap();
    assert_eq!(first.id(), second.id());
    assert_ne!(first.id(), another.id());
    let say = |app: App| async move {
        let task = Signature::<Value>::new("elsewhere.task", (1,)).dedupe("one {of} these", 3600);
        task.send(&app).await.unwrap().id().to_owned()
    };
    let many = futures_util::future::join_all(
        (0..20).map(|number| say(if number % 2 == 0 { one.clone() } else { other.clone() })),
    );
    let ids = many.await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(one.broker().len("celery").await.unwrap(), Some(3), "so many were sent");
    // A part of something else cannot be left out.
    let part = Signature::<Value>::new("elsewhere.task", (1,)).dedupe("x", 1)
        | Signature::<Value>::new("elsewhere.task", (1,));
    assert_eq!(part.send(&one).await.unwrap_err().kind(), Kind::Misuse);
    let key = "k".repeat(501);
    let long = Signature::<Value>::new("elsewhere.task", (1,)).dedupe(key, 1);
    assert_eq!(long.send(&one).await.unwrap_err().kind(), Kind::Misuse);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_wins() {
    if let Some(redis) = Redis::start(&[]) {
        once(&redis.url()).await;
    }
    once(&Queues::start().url()).await;
}

#[tokio::test]
async fn where_nothing_is_shared_it_is_refused() {
    // Nobody connects there.
    let app = App::builder().broker_url("amqp://127.0.0.1:1").result_backend("rpc://").build().unwrap();
    let task = Signature::<Value>::new("elsewhere.task", (1,)).dedupe("x", 1);
    let error = task.send(&app).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.to_string().contains("Redis"), "{error}");
}
