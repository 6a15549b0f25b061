//! Canvases that run: built in Python and in Rust, run by workers in either language and by both together, over Redis, over RabbitMQ with results
//! in Redis, and over our own queues.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod alone;
mod document;
mod kept;
mod ours;
mod place;
mod python;
#[path = "../celery_canvas/recipes.rs"]
#[allow(dead_code)]
mod recipes;
mod rows;

use interop::queues::{Directory, Queues};
use interop::servers::{RabbitMq, Redis};
use serde_json::Value as Json;

use place::Place;
use rows::{Row, rows};

/// Who sends the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Builder {
    Python,
    Rust,
}

/// Runs each row from these languages.
async fn each_row(place: &Place, builders: &[Builder]) {
    some_rows(place, builders, |_| true).await;
}

/// Runs these rows, by their numbers; `SALAMANDER_ROW` may be a part of their names.
async fn some_rows(place: &Place, builders: &[Builder], which: impl Fn(usize) -> bool) {
    let all = rows();
    let only = std::env::var("SALAMANDER_ROW").unwrap_or_default();
    let wanted = |(at, row): &(usize, &Row)| which(*at) && place.can(row) && row.name.contains(&only);
    let rows: Vec<&Row> = all.iter().enumerate().filter(wanted).map(|(_, row)| row).collect();
    let mut wrong = Vec::new();
    for builder in builders {
        let results = match builder {
            Builder::Python => python::results(place, &rows),
            Builder::Rust => ours::results(place, &rows).await,
        };
        for (row, (result, told)) in rows.iter().zip(results) {
            wrong.extend(
                differs(row, &result, &told).map(|what| format!("{}, built in {builder:?}: {what}", row.name)),
            );
        }
    }
    assert!(wrong.is_empty(), "{} of {} went wrong:\n{}", wrong.len(), builders.len() * rows.len(), wrong.join("\n"));
}

fn differs(Row { expected, watched, .. }: &Row, result: &Json, told: &[Json]) -> Option<String> {
    if result != expected && *result != by_celery_in_a_database(expected) {
        return Some(format!("{result} and not {expected}"));
    }
    let right = watched.iter().map(|(_, expected)| expected).eq(told.iter());
    (!right).then(|| format!("of {watched:?} there is {told:?}"))
}

/// Where Celery's task looks for parts of a chord that have failed, it does not find which one it was.
fn by_celery_in_a_database(expected: &Json) -> Json {
    serde_json::from_str(&expected.to_string().replace("Dependency ID raised ValueError", "ValueError")).unwrap()
}

const BOTH: [Builder; 2] = [Builder::Python, Builder::Rust];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_on_our_worker() {
    let Some(redis) = Redis::start(&[]) else { return };
    let place = Place::new(&redis.url(), &redis.url());
    let _worker = ours::Working::start(&place);
    each_row(&place, &BOTH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_on_celerys_worker() {
    let Some(redis) = Redis::start(&[]) else { return };
    let place = Place::new(&redis.url(), &redis.url());
    let _worker = python::Worker::start(&place);
    each_row(&place, &BOTH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_on_both_workers_together() {
    let Some(redis) = Redis::start(&[]) else { return };
    let place = Place::new(&redis.url(), &redis.url());
    let _workers = (ours::Working::start(&place), python::Worker::start(&place));
    each_row(&place, &BOTH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_over_rabbitmq_with_results_in_redis() {
    let (Some(redis), Some(rabbit)) = (Redis::start(&[]), RabbitMq::shared()) else { return };
    let place = || Place::new(&rabbit.vhost(), &redis.url());
    // Each row by one of the three; by all of them where there is time.
    let third = |number: usize| move |at: usize| at % 3 == number || std::env::var_os("SALAMANDER_SOAK").is_some();
    {
        let place = place();
        let _worker = ours::Working::start(&place);
        some_rows(&place, &BOTH, third(0)).await;
    }
    {
        let place = place();
        let _worker = python::Worker::start(&place);
        some_rows(&place, &BOTH, third(1)).await;
    }
    let place = place();
    let _workers = (ours::Working::start(&place), python::Worker::start(&place));
    some_rows(&place, &BOTH, third(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canvases_run_over_our_own_queues() {
    let queues = Queues::start();
    let place = Place::new(&queues.url(), &queues.url());
    let _worker = ours::Working::start(&place);
    each_row(&place, &[Builder::Rust]).await;
}

/// Queues in Redis, results in SQLite, which does not count in Python: Celery sends a task that looks again and again, once a second. So these
/// are the guide's own canvases alone.
fn in_sqlite(redis: &Redis, directory: &Directory) -> Place {
    Place::new(&redis.url(), &format!("db+sqlite:///{}", directory.file("results").display()))
}

fn of_the_guide(at: usize) -> bool {
    at < rows::GUIDE
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_results_in_a_database_canvases_run_on_our_worker() {
    let (Some(redis), directory) = (Redis::start(&[]), Directory::new()) else { return };
    let place = in_sqlite(&redis, &directory);
    let _worker = ours::Working::start(&place);
    some_rows(&place, &BOTH, of_the_guide).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_results_in_a_database_canvases_run_on_celerys_worker() {
    let (Some(redis), directory) = (Redis::start(&[]), Directory::new()) else { return };
    let place = in_sqlite(&redis, &directory);
    let _worker = python::Worker::start(&place);
    some_rows(&place, &BOTH, of_the_guide).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_results_in_a_database_canvases_run_on_both_workers_together() {
    let (Some(redis), directory) = (Redis::start(&[]), Directory::new()) else { return };
    let place = in_sqlite(&redis, &directory);
    let _workers = (ours::Working::start(&place), python::Worker::start(&place));
    some_rows(&place, &BOTH, of_the_guide).await;
}
