//! `salamander bench`

use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use salamander::{Args as Arguments, Dict, Proxy, Value};
use tokio::task::JoinSet;

use super::World;
use crate::connect::{Calling, seconds};
use crate::failure::Failure;
use crate::json;
use crate::signals::Signals;

/// Call a method again and again; print calls a second and latency percentiles
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander bench PYRONAME:example.calculator add 2 3
  salamander bench PYRONAME:test.echoserver echo hello --connections 4 --concurrency 32 --duration 10

Arguments are read as by `salamander call`. A call that fails is counted and ends nothing; Ctrl-C ends it early.")]
pub(crate) struct Bench {
    #[command(flatten)]
    calling: Calling,

    /// The method
    method: String,

    /// Its arguments
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    args: Vec<String>,

    /// How many connections there are
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,

    /// How many calls are under way at once, over all connections [default: one a connection]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,

    /// How long to go on
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    duration: Duration,
}

impl Bench {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let output = world.output;
        let mut signals = Signals::catch()?;
        let arguments = Arc::new(Arguments {
            positional: self.args.iter().map(|arg| json::argument(arg)).collect(),
            keywords: Dict::new(),
        });
        let mut proxies = Vec::new();
        for _ in 0..self.connections {
            proxies.push(self.calling.connected(&world.config).await?);
        }
        // The first call tells whether there is anything to measure.
        proxies[0].call::<Value>(&self.method, &*arguments).await?;

        let shared = Arc::new(Shared::default());
        let mut callers = JoinSet::new();
        let concurrency = self.concurrency.unwrap_or(self.connections.into());
        let start = Instant::now();
        for caller in 0..concurrency {
            let proxy = proxies[caller as usize % proxies.len()].clone();
            let (method, arguments) = (self.method.clone(), arguments.clone());
            callers.spawn(call(proxy, method, arguments, shared.clone()));
        }
        tokio::select! {
            () = progress(&shared, start, self.duration, output.is_json()) => {}
            () = signals.next() => {}
        }
        shared.over.store(true, Ordering::Relaxed);
        let mut latencies = histogram()?;
        while let Some(done) = callers.join_next().await {
            let done = done.map_err(|error| Failure::failed(format!("a caller has died: {error}")))??;
            latencies.add(done).map_err(Failure::failed)?;
        }
        let elapsed = start.elapsed().as_secs_f64();
        let failed = shared.failed.load(Ordering::Relaxed);
        let report = Report { latencies, elapsed, failed, concurrency, connections: self.connections };
        report.lines().iter().try_for_each(|line| output.line(line))?;
        output.document(report.document())?;
        match failed {
            0 => Ok(()),
            failed => Err(Failure::failed(format!("{failed} calls failed; -v logs why"))),
        }
    }
}

/// What the callers have in common.
#[derive(Default)]
struct Shared {
    over: AtomicBool,
    calls: AtomicU64,
    failed: AtomicU64,
}

/// Calls until it is over; gives the latencies in microseconds.
async fn call(
    proxy: Proxy,
    method: String,
    arguments: Arc<Arguments>,
    shared: Arc<Shared>,
) -> Result<Histogram<u64>, Failure> {
    let mut latencies = histogram()?;
    while !shared.over.load(Ordering::Relaxed) {
        let start = Instant::now();
        match proxy.call::<Value>(&method, &*arguments).await {
            Ok(_) => latencies.saturating_record(start.elapsed().as_micros().try_into().unwrap_or(u64::MAX)),
            Err(error) => {
                shared.failed.fetch_add(1, Ordering::Relaxed);
                tracing::info!("a call failed: {error}");
                // Whoever cannot even connect should not turn in a tight loop.
                tokio::task::yield_now().await;
            }
        }
        shared.calls.fetch_add(1, Ordering::Relaxed);
    }
    Ok(latencies)
}

/// Latencies in microseconds, up to an hour, with three digits.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).map_err(Failure::failed)
}

/// Waits for the end, and shows in the meantime how it goes, if a human looks on.
async fn progress(shared: &Shared, start: Instant, duration: Duration, quiet: bool) {
    let target =
        if quiet || !stderr().is_terminal() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let millis = |time: Duration| time.as_millis().try_into().unwrap_or(u64::MAX);
    let bar = ProgressBar::with_draw_target(Some(millis(duration)), target);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    while start.elapsed() < duration {
        tokio::select! {
            _ = tick.tick() => {
                let elapsed = start.elapsed();
                let calls = shared.calls.load(Ordering::Relaxed) as f64;
                bar.set_position(millis(elapsed));
                bar.set_message(format!("{:.0} calls/s", calls / elapsed.as_secs_f64().max(0.001)));
            }
            () = tokio::time::sleep(duration.saturating_sub(start.elapsed())) => {}
        }
    }
    bar.finish_and_clear();
}

/// What came out.
struct Report {
    latencies: Histogram<u64>,
    elapsed: f64,
    failed: u64,
    concurrency: u32,
    connections: u16,
}

const PERCENTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];

impl Report {
    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.max(f64::MIN_POSITIVE)
    }

    fn lines(&self) -> Vec<String> {
        let Self { latencies, elapsed, failed, concurrency, connections } = self;
        let mut lines = vec![
            format!(
                "{} calls in {elapsed:.2} s, {concurrency} at a time, {connections} connections",
                latencies.len()
            ),
            format!("{:.0} calls/s", self.rate()),
        ];
        if *failed > 0 {
            lines.push(format!("{failed} calls failed"));
        }
        lines.push("latency".to_owned());
        let mut line = |name: &str, micros: f64| lines.push(format!("  {name:<6} {:>10.3} ms", micros / 1000.0));
        line("min", latencies.min() as f64);
        line("mean", latencies.mean());
        for (name, quantile) in PERCENTILES {
            line(name, latencies.value_at_quantile(quantile) as f64);
        }
        line("max", latencies.max() as f64);
        lines
    }

    fn document(&self) -> Dict {
        let millis = |micros: u64| Value::from(micros as f64 / 1000.0);
        let mut latency = Dict::from_iter([
            ("min", millis(self.latencies.min())),
            ("mean", (self.latencies.mean() / 1000.0).into()),
        ]);
        for (name, quantile) in PERCENTILES {
            latency.insert(name, millis(self.latencies.value_at_quantile(quantile)));
        }
        latency.insert("max", millis(self.latencies.max()));
        Dict::from_iter([
            ("calls", Value::from(self.latencies.len())),
            ("failed", self.failed.into()),
            ("seconds", self.elapsed.into()),
            ("calls_per_second", self.rate().into()),
            ("connections", self.connections.into()),
            ("concurrency", self.concurrency.into()),
            ("latency_ms", latency.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_rates_and_percentiles() {
        let mut latencies = histogram().unwrap();
        for micros in 1..=1000 {
            latencies.record(micros).unwrap();
        }
        let report = Report { latencies, elapsed: 2.0, failed: 0, concurrency: 4, connections: 2 };
        let lines = report.lines();
        assert_eq!(lines[..2], ["1000 calls in 2.00 s, 4 at a time, 2 connections", "500 calls/s"]);
        assert!(lines.contains(&"  p50         0.500 ms".to_owned()), "{lines:?}");
        let latency = report.document().get("latency_ms").cloned().unwrap();
        assert_eq!(latency.get("p99").unwrap().to_string(), "0.99");
    }
}
