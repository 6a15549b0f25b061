//! Canvases that run over Redis: built in Python and in Rust, run by workers in either language and by both together.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod alone;
mod ours;
mod python;
#[path = "../celery_canvas/recipes.rs"]
#[allow(dead_code)]
mod recipes;
mod rows;

use interop::queues::{Directory, Queues};
use interop::servers::{RabbitMq, Redis};
use serde_json::Value as Json;

use rows::{Row, rows};

/// Runs each row from both languages.
async fn each_row(url: &str) {
    let rows = rows();
    let (theirs, ours) = (python::results(url, &rows), ours::results(url, &rows).await);
    compare(&rows, [("Python", theirs), ("Rust", ours)]);
}

/// What whoever has built the canvases gets, for each row.
type Results = Vec<(Json, Vec<Json>)>;

#[track_caller]
fn compare<const N: usize>(rows: &[Row], built: [(&str, Results); N]) {
    let mut wrong = Vec::new();
    for (builder, results) in built {
        for (Row { name, expected, watched, .. }, (result, told)) in rows.iter().zip(results) {
            if result != *expected && result != by_celery_in_a_database(expected) {
                wrong.push(format!("{name}, built in {builder}: {result} and not {expected}"));
            }
            let told_right = watched.iter().map(|(_, expected)| expected).eq(told.iter());
            if !told_right {
                wrong.push(format!("{name}, built in {builder}: of {watched:?} there is {told:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} went wrong:\n{}", wrong.len(), N * rows.len(), wrong.join("\n"));
}

/// Where Celery's task looks for parts of a chord that have failed, it does not find which one it was.
fn by_celery_in_a_database(expected: &Json) -> Json {
    serde_json::from_str(&expected.to_string().replace("Dependency ID raised ValueError", "ValueError")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_on_our_worker() {
    let Some(redis) = Redis::start(&[]) else { return };
    let url = redis.url();
    let _worker = ours::Working::start(&url);
    each_row(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_on_celerys_worker() {
    let Some(redis) = Redis::start(&[]) else { return };
    let url = redis.url();
    let _worker = python::Worker::start(&url);
    each_row(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_on_both_workers_together() {
    let Some(redis) = Redis::start(&[]) else { return };
    let url = redis.url();
    let _workers = (ours::Working::start(&url), python::Worker::start(&url));
    each_row(&url).await;
}

/// Queues in Redis, results in SQLite, which does not count in Python: Celery sends a task that looks again and again.
fn in_sqlite(redis: &Redis, directory: &Directory) -> String {
    format!("{}|db+sqlite:///{}", redis.url(), directory.file("results").display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_results_in_a_database_canvases_run_on_our_worker() {
    let (Some(redis), directory) = (Redis::start(&[]), Directory::new()) else { return };
    let url = in_sqlite(&redis, &directory);
    let _worker = ours::Working::start(&url);
    each_row(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_results_in_a_database_canvases_run_on_celerys_worker() {
    let (Some(redis), directory) = (Redis::start(&[]), Directory::new()) else { return };
    let url = in_sqlite(&redis, &directory);
    let _worker = python::Worker::start(&url);
    each_row(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_results_in_a_database_canvases_run_on_both_workers_together() {
    let (Some(redis), directory) = (Redis::start(&[]), Directory::new()) else { return };
    let url = in_sqlite(&redis, &directory);
    let _workers = (ours::Working::start(&url), python::Worker::start(&url));
    each_row(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_over_rabbitmq_with_results_in_redis() {
    let (Some(rabbit), Some(redis)) = (RabbitMq::shared(), Redis::start(&[])) else { return };
    let url = format!("{}|{}", rabbit.vhost(), redis.url());
    let _workers = (ours::Working::start(&url), python::Worker::start(&url));
    each_row(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_over_queues_of_our_own() {
    let queues = Queues::start();
    let url = queues.url();
    let _worker = ours::Working::start(&url);
    let rows = rows();
    compare(&rows, [("Rust", ours::results(&url, &rows).await)]);
}
