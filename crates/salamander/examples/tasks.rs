//! The sum of two numbers as a task: sent to a queue from here, and run by whichever worker takes it, in Rust or in Python.
//!
//!     cargo run --example tasks --features tasks -- redis://localhost/0
//!
//! beside a worker: `celery --app tasks worker` with `tasks.py` from this folder, which has the same task. Without a URL it runs in place.

use std::time::Duration;

use salamander::prelude::*;
use salamander::tasks;

/// What Python's side calls `tasks.add`.
#[task(name = "tasks.add", max_retries = 3)]
async fn add(x: i64, y: i64) -> Result<i64, Exception> {
    Ok(x + y)
}

#[tokio::main]
async fn main() -> tasks::Result<()> {
    let url = std::env::args().nth(1);
    let app = match &url {
        Some(url) => App::builder().broker_url(url.as_str()).result_backend(url.as_str()).task(add).build()?,
        None => {
            let here = App::builder().broker_url("memory://").task(add);
            here.configure(|settings| settings.task_always_eager = true).build()?
        }
    };

    // A queue instead of an object.
    let sum = add.delay(&app, (5, 5)).await?.get_within(Duration::from_secs(60)).await?;
    println!("5 + 5 = {sum}");

    // What Python raises before it sends is an error here, too.
    if let Err(error) = add.delay(&app, (5,)).await {
        println!("{error}");
    }
    Ok(())
}
