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

use interop::servers::Redis;

use rows::{Row, rows};

/// Runs each row from both languages.
async fn each_row(url: &str) {
    let rows = rows();
    let (theirs, ours) = (python::results(url, &rows), ours::results(url, &rows).await);
    let mut wrong = Vec::new();
    for (builder, results) in [("Python", theirs), ("Rust", ours)] {
        for (Row { name, expected, watched, .. }, (result, told)) in rows.iter().zip(results) {
            if result != *expected {
                wrong.push(format!("{name}, built in {builder}: {result} and not {expected}"));
            }
            let told_right = watched.iter().map(|(_, expected)| expected).eq(told.iter());
            if !told_right {
                wrong.push(format!("{name}, built in {builder}: of {watched:?} there is {told:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} went wrong:\n{}", wrong.len(), 2 * rows.len(), wrong.join("\n"));
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
