//! Salamander's worker and client of tasks.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use salamander::Config;
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::prelude::*;
use salamander::tasks::backend::{EmbeddedResults, ResultOptions};
use salamander::tasks::broker::pyro::{KOMBU_BROKER, KombuBroker};
use salamander::tasks::broker::{Embedded, EmbeddedOptions};
use salamander::tasks::canvas::{Canvas, chain, chord, group};
use salamander::tasks::{AppBuilder, Result as TaskResult, Worker, WorkerOptions};
use salamander_bench_harness::{Args, Done, Failure, Marks, answer_runs, runtime, serve_until_input_ends};

/// So many tasks are held by the worker at once, at least: as many as rusty-celery holds here.
const PREFETCH: u32 = 200;

/// How many latencies are taken, and how long the worker has been idle before each.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

#[task(name = "bench.mark", ignore_result = true)]
async fn mark(marks: State<Marks>, task: u64) -> u64 {
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

#[task(name = "bench.sum")]
async fn total(numbers: Vec<i64>) -> i64 {
    numbers.iter().sum()
}

fn seconds_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn builder(args: &Args) -> Result<AppBuilder, Failure> {
    Ok(App::builder().state(Marks::open(args.text("marks")?)?).task(mark).task(add).task(now).task(total))
}

fn app(args: &Args) -> Result<App, Failure> {
    // An embedded queue is where its server says that it is.
    let url = args.text("address").ok().filter(|address| !address.is_empty());
    let mut builder = builder(args)?.broker_url(url.map_or_else(|| args.text("broker"), Ok)?);
    if let Some(url) = url.or(args.text("backend").ok()) {
        builder = builder.result_backend(url);
    }
    Ok(builder.build()?)
}

pub fn server(args: &Args) -> Result<(), Failure> {
    runtime(args)?.block_on(async {
        let worker = worker(args, app(args)?)?;
        serve_until_input_ends();
        println!("ready");
        worker.run().await?;
        Ok(())
    })
}

/// The queue in a file that goes with the process, at a port of its own, and its worker.
pub fn embedded(args: &Args) -> Result<(), Failure> {
    runtime(args)?.block_on(async {
        let file = format!("{}.sqlite", args.text("marks")?);
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{file}{ending}"));
        }
        let queues = Embedded::open(&file, EmbeddedOptions::default())?;
        let results = EmbeddedResults::new(&queues, ResultOptions::default());
        // Clients ask the name server at the same port, as with `salamander up`.
        let mut options = NameServerOptions::default();
        (options.host, options.port, options.no_broadcast) = (Some("127.0.0.1".to_owned()), Some(0), true);
        let names = NameServerDaemon::bind(options, Arc::new(Config::default())).await?;
        let uri = names.daemon().register(KOMBU_BROKER, KombuBroker::new(&queues))?;
        names.registry().add(KOMBU_BROKER, &uri, false, Default::default()).map_err(|error| error.to_string())?;
        let port = names.uri().port().ok_or("the queue has no port")?;
        let app = builder(args)?.broker(Arc::new(queues)).backend(Arc::new(results)).build()?;
        let worker = worker(args, app)?;
        serve_until_input_ends();
        println!("ready pyro://127.0.0.1:{port}/{KOMBU_BROKER}");
        tokio::spawn(names.serve());
        worker.run().await?;
        Ok(())
    })
}

fn worker(args: &Args, app: App) -> Result<Worker, Failure> {
    let mut options = WorkerOptions::default();
    options.concurrency = Some(args.get("concurrency")?.unwrap_or(50));
    options.prefetch_multiplier = Some(PREFETCH / 50);
    Ok(Worker::new(app, options).without_signals())
}

pub fn client(args: &Args) -> Result<(), Failure> {
    let runtime = runtime(args)?;
    let count: u64 = args.get("count")?.unwrap_or(10_000);
    let load = args.text("load")?.to_owned();
    let marks = Marks::open(args.text("marks")?)?;
    let app = runtime.block_on(async { app(args) })?;
    // A first run may be a smaller one.
    let mut sizes = args.get("warm")?.into_iter().chain(std::iter::repeat(count));
    answer_runs(|_| {
        let count = sizes.next().unwrap_or(count);
        let seconds = runtime.block_on(async {
            match &*load {
                "chain" | "group" | "chord" => workflow(&app, &load, count).await,
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
    let sent = app.send_many((0..count).map(|task| mark.s((task,)))).await;
    sent.into_iter().collect::<TaskResult<Vec<_>>>()?;
    marks.wait(count).await?;
    Ok(start.elapsed().as_secs_f64())
}

/// From the first publishing to the last result.
async fn results(app: &App, count: u64) -> Result<f64, Failure> {
    let start = Instant::now();
    let numbers = 0..i64::try_from(count)?;
    let sent = app.send_many(numbers.clone().map(|number| add.s((number, number)))).await;
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

/// One of so many tasks, from the beginning of the sending to the result; a group's results are all got.
async fn workflow(app: &App, kind: &str, count: u64) -> Result<f64, Failure> {
    let count = i64::try_from(count)?;
    let all = || (0..count).map(|number| Canvas::from(add.s((number, number))));
    let start = Instant::now();
    let seconds = match kind {
        "chain" => {
            let steps = (0..count).map(|step| Canvas::from(if step == 0 { add.s((0, 1)) } else { add.s((1,)) }));
            let steps: i64 = chain(steps).send(app).await?.get().await?;
            if steps != count {
                return Err(format!("{steps} of {count} steps?").into());
            }
            start.elapsed()
        }
        "chord" => {
            let sum: i64 = chord(all(), total.s(())).send(app).await?.get().await?;
            if sum != count * (count - 1) {
                return Err(format!("{sum} is the sum of {count} tasks?").into());
            }
            start.elapsed()
        }
        _ => {
            let sums: Vec<i64> = group(all()).send(app).await?.get().await?;
            let seconds = start.elapsed();
            if sums.len() as u64 != count as u64 {
                return Err(format!("{} of {count} results?", sums.len()).into());
            }
            (0..count).zip(sums).try_for_each(|(number, sum)| check(number, sum))?;
            seconds
        }
    };
    Ok(seconds.as_secs_f64())
}

fn check(number: i64, sum: i64) -> Result<(), Failure> {
    if sum == number + number { Ok(()) } else { Err(format!("{number} + {number} is {sum}?").into()) }
}
