//! Salamander's worker and client of tasks.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use salamander::tasks::worker::{Worker, WorkerOptions};
use salamander::tasks::{App, Result as TaskResult, State, Task};
use salamander::task;
use salamander_bench_harness::{Args, Done, Failure, Marks, answer_runs, runtime, serve_until_input_ends};

/// So many tasks are held by the worker at once, at least: as many as rusty-celery holds here.
const PREFETCH: u32 = 200;

/// How many latencies are taken, and how long the worker has been idle before each.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

#[task(name = "bench.mark", ignore_result = true)]
async fn mark(State(marks): State<Marks>, task: u64) -> u64 {
    // A mark that is not there is missed by who counts them.
    let _ = marks.set(task);
    task
}

#[task(name = "bench.add")]
async fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[task(name = "bench.now")]
async fn now() -> f64 {
    seconds_now()
}

fn seconds_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn app(args: &Args) -> Result<App, Failure> {
    let mut builder = App::builder()
        .broker_url(args.text("broker")?)
        .state(Marks::open(args.text("marks")?)?)
        .task(mark)
        .task(add)
        .task(now);
    if let Ok(url) = args.text("backend") {
        builder = builder.result_backend(url);
    }
    Ok(builder.build()?)
}

pub fn server(args: &Args) -> Result<(), Failure> {
    runtime(args)?.block_on(async {
        let app = app(args)?;
        let mut options = WorkerOptions::default();
        options.concurrency = Some(args.get("concurrency")?.unwrap_or(50));
        options.prefetch_multiplier = Some(PREFETCH / 50);
        let worker = Worker::new(app, options).without_signals();
        serve_until_input_ends();
        println!("ready");
        worker.run().await?;
        Ok(())
    })
}

pub fn client(args: &Args) -> Result<(), Failure> {
    let runtime = runtime(args)?;
    let count: u64 = args.get("count")?.unwrap_or(10_000);
    let load = args.text("load")?.to_owned();
    let marks = Marks::open(args.text("marks")?)?;
    let app = runtime.block_on(async { app(args) })?;
    answer_runs(|_| {
        let seconds = runtime.block_on(async {
            match &*load {
                "done" => done(&app, &marks, count).await,
                "results" => results(&app, count).await,
                "sequential" => sequential(&app, count).await,
                "latency" => latency(&app, count).await,
                other => Err(format!("there is no load {other}").into()),
            }
        })?;
        Ok(Done { operations: count, seconds })
    })
}

/// From the first publishing to the end of the last task.
async fn done(app: &App, marks: &Marks, count: u64) -> Result<f64, Failure> {
    marks.clear(count)?;
    let start = Instant::now();
    let sent = app.send_many((0..count).map(|task| mark.signature((task,)))).await;
    sent.into_iter().collect::<TaskResult<Vec<_>>>()?;
    marks.wait(count).await?;
    Ok(start.elapsed().as_secs_f64())
}

/// From the first publishing to the last result.
async fn results(app: &App, count: u64) -> Result<f64, Failure> {
    let start = Instant::now();
    let numbers = 0..i64::try_from(count)?;
    let sent = app.send_many(numbers.clone().map(|number| add.signature((number, number)))).await;
    for (number, result) in numbers.zip(sent) {
        check(number, result?.get().await?)?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Each when the one before has its result.
async fn sequential(app: &App, count: u64) -> Result<f64, Failure> {
    let start = Instant::now();
    for number in 0..i64::try_from(count)? {
        check(number, add.delay(app, (number, number)).await?.get().await?)?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// As if so many had taken as long as the 99th percentile: from publishing to the beginning, by an idle worker.
async fn latency(app: &App, count: u64) -> Result<f64, Failure> {
    let mut times = Vec::new();
    for _ in 0..count {
        let sent = seconds_now();
        times.push(now.delay(app, ()).await?.get().await? - sent);
        tokio::time::sleep(PAUSE).await;
    }
    times.sort_by(f64::total_cmp);
    let at = times.len() * 99 / 100;
    Ok(times.get(at).copied().unwrap_or_default() * count as f64)
}

fn check(number: i64, sum: i64) -> Result<(), Failure> {
    if sum == number + number { Ok(()) } else { Err(format!("{number} + {number} is {sum}?").into()) }
}
