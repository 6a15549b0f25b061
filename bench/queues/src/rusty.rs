//! rusty-celery: a worker, and a client that sends as its own `send_task` does.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use celery::Celery;
use celery::prelude::*;
use salamander_bench_harness::{Args, Done, Failure, Marks, answer_runs, runtime, serve_until_input_ends};

static MARKS: OnceLock<Marks> = OnceLock::new();

#[celery::task(name = "bench.mark")]
async fn mark(task: u64) -> TaskResult<u64> {
    if let Some(marks) = MARKS.get() {
        marks.set(task).map_err(|failure| TaskError::UnexpectedError(failure.to_string()))?;
    }
    Ok(task)
}

async fn app(args: &Args) -> Result<Arc<Celery>, Failure> {
    let url = args.text("broker")?.to_owned();
    let prefetch = args.get("prefetch")?.unwrap_or(200);
    let app = if url.starts_with("redis") {
        celery::app!(broker = RedisBroker { url }, tasks = [mark], task_routes = [], prefetch_count = prefetch,).await
    } else {
        celery::app!(broker = AMQPBroker { url }, tasks = [mark], task_routes = [], prefetch_count = prefetch,).await
    };
    Ok(app?)
}

pub fn server(args: &Args) -> Result<(), Failure> {
    let _ = MARKS.set(Marks::open(args.text("marks")?)?);
    runtime(args)?.block_on(async {
        let app = app(args).await?;
        serve_until_input_ends();
        println!("ready");
        Ok(app.consume().await?)
    })
}

pub fn client(args: &Args) -> Result<(), Failure> {
    let runtime = runtime(args)?;
    let marks = Marks::open(args.text("marks")?)?;
    let count = args.get("count")?.unwrap_or(10_000);
    let app = runtime.block_on(app(args))?;
    answer_runs(|_| {
        runtime.block_on(async {
            marks.clear(count)?;
            let start = Instant::now();
            for task in 0..count {
                app.send_task(mark::new(task)).await?;
            }
            marks.wait(count).await?;
            Ok(Done { operations: count, seconds: start.elapsed().as_secs_f64() })
        })
    })
}
