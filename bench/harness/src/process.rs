//! The lines by which a process is driven, and the loop that loads a server.

use std::fmt::Display;
use std::io::{self, BufRead, Read, Write};
use std::time::{Duration, Instant};

use crate::{Args, pin, runtime};

/// Whatever went wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A piece of load: a few operations, one after the other. The clock is read between two steps.
pub trait Step: Send + 'static {
    /// Does them, and tells how many there were.
    fn step(&mut self) -> impl Future<Output = Result<u64, Failure>> + Send;
}

/// What a client has done.
pub struct Done {
    /// How many operations.
    pub operations: u64,
    /// In how many seconds.
    pub seconds: f64,
}

/// A server's process: pins it, makes its runtime, and serves until its standard input ends. `serve` calls the function that it
/// is given with its address when it is ready.
pub fn server<S, F>(args: &Args, serve: S) -> Result<(), Failure>
where
    S: FnOnce(fn(&str)) -> F,
    F: Future<Output = Result<(), Failure>>,
{
    pin(args)?;
    let runtime = runtime(args)?;
    serve_until_input_ends();
    runtime.block_on(serve(|address| say(format_args!("ready {address}"))))
}

/// Ends the process when its standard input ends.
pub fn serve_until_input_ends() {
    std::thread::spawn(|| {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// A client's process: pins it, makes its runtime, `prepare`s all that runs side by side, and runs it as it is told.
pub fn client<S, P, F>(args: &Args, prepare: P) -> Result<(), Failure>
where
    S: Step,
    P: FnOnce() -> F,
    F: Future<Output = Result<Vec<S>, Failure>>,
{
    pin(args)?;
    let runtime = runtime(args)?;
    let mut steps = runtime.block_on(prepare())?;
    answer_runs(|duration| runtime.block_on(run(&mut steps, duration)))
}

/// Answers each line `run SECONDS` until the input ends.
pub fn answer_runs(mut run: impl FnMut(Duration) -> Result<Done, Failure>) -> Result<(), Failure> {
    say("ready");
    for line in io::stdin().lock().lines() {
        let line = line?;
        let seconds = line.strip_prefix("run ").ok_or_else(|| format!("not understood: {line}"))?;
        match run(Duration::try_from_secs_f64(seconds.parse()?)?) {
            Ok(Done { operations, seconds }) => say(format_args!("done {operations} {seconds}")),
            Err(failure) => {
                say(format_args!("failed {}", failure.to_string().replace('\n', " ")));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Runs all steps side by side, each in a task of its own, until the time is over.
async fn run<S: Step>(steps: &mut Vec<S>, duration: Duration) -> Result<Done, Failure> {
    let start = Instant::now();
    let until = start + duration;
    let tasks: Vec<_> = steps.drain(..).map(|step| tokio::spawn(repeat(step, until))).collect();
    let mut operations = 0;
    for task in tasks {
        let (step, count) = task.await??;
        steps.push(step);
        operations += count;
    }
    Ok(Done { operations, seconds: start.elapsed().as_secs_f64() })
}

async fn repeat<S: Step>(mut step: S, until: Instant) -> Result<(S, u64), Failure> {
    let mut operations = 0;
    while Instant::now() < until {
        operations += step.step().await?;
    }
    Ok((step, operations))
}

fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
