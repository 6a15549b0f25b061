//! The sum of two numbers as a task: a call that waits in a queue until a worker takes it.
//!
//! Alone it has the queue and both ends in one process. With the URL of a broker each end is a program of its own, in Rust or in Python:
//!
//! ```text
//! cargo run -p recipes --bin sum_task -- worker redis://localhost/0
//! cargo run -p recipes --bin sum_task -- client redis://localhost/0
//! ```
//!
//! For Python, `tasks.py` among the examples has the same task: `celery --app tasks worker` runs it, `python tasks.py` sends it.

use std::time::Duration;

use salamander::prelude::*;
use salamander::tasks::worker::ShutdownKind;
use salamander::tasks::{Result, Worker, WorkerOptions};

/// What Python's side calls `tasks.add`, too.
#[task(name = "tasks.add")]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

/// The task, with its queue and its results in one place.
fn app(url: &str) -> Result<App> {
    App::builder().broker_url(url).result_backend(url).task(add).build()
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", url] => {
            let worker = Worker::new(app(url)?, WorkerOptions::default());
            println!("waiting for tasks");
            worker.run().await
        }
        ["client", url] => client(&app(url)?).await,
        _ => {
            let app = app("memory://")?;
            let worker = Worker::new(app.clone(), WorkerOptions::default()).without_signals();
            let (handle, working) = (worker.handle(), tokio::spawn(worker.run()));
            client(&app).await?;
            // What is running is done; what is waiting in the queue stays there.
            handle.shutdown(ShutdownKind::Warm);
            working.await.unwrap_or(Ok(()))
        }
    }
}

async fn client(app: &App) -> Result<()> {
    let sum = add.delay(app, (5, 5)).await?;
    println!("5 + 5 = {}", sum.get_within(Duration::from_secs(60)).await?);
    Ok(())
}
