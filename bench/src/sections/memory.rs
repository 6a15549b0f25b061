//! What many idle connections cost.

use std::time::{Duration, Instant};

use salamander::{Codec, Proxy};
use salamander_bench_harness::{Failure, SUM, pin_to};

use super::{RUNTIMES, Section, our_server};
use crate::options::Options;
use crate::pair::median;
use crate::process::{Process, Program, Spec};
use crate::report::{Page, Required, Table, decimals};

pub const SECTION: Section = Section { name: "memory", title: "10,000 idle connections", peers: false, measure: run };

const CONNECTIONS: usize = 10_000;

/// What the daemon may grow by.
const MEGABYTES: f64 = 80.0;

/// So many new clients call in a round, one after the other.
const CLIENTS: usize = 500;

/// What a daemon does only now and then, it has done after this. It is part of what is measured, memory at rest, of which
/// nothing tells when it is reached.
const NOW_AND_THEN: Duration = Duration::from_secs(3);

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say(
        "One process holds 10,000 connections that have done their handshake, and does nothing. Latencies are those of new \
         clients, one after the other, on the daemon's CPU: the median of 500, and of three rounds without and with the idle \
         connections in turn; `call` is a client's second call. A megabyte is 1,000,000 bytes.",
    );
    let mut table = Table::new(&["daemon's growth, MB", "connect + call, µs", "call, µs"]);
    for runtime in RUNTIMES {
        eprint!("  {runtime}          \r");
        let Figures { grown, alone, beside } = figures(options, runtime)?;
        let middle = |latencies: &[Latency], of: fn(&Latency) -> f64| {
            median(&latencies.iter().map(of).collect::<Vec<_>>()).unwrap_or_default()
        };
        let line = |latencies: &[Latency], growth: String| {
            vec![
                growth,
                decimals(middle(latencies, |one| one.connecting)),
                decimals(middle(latencies, |one| one.calling)),
            ]
        };
        table.line(&format!("no other client [{runtime}]"), line(&alone, String::new()));
        let name = format!("10,000 idle connections [{runtime}]");
        table.line(&name, line(&beside, decimals(grown)));
        table.compare(&name, "80 MB", Some(grown / MEGABYTES), Some(Required::AtMost(1.0)));
        let ratio = |of: fn(&Latency) -> f64| Some(middle(&beside, of) / middle(&alone, of));
        table.compare(&name, "connect + call without them", ratio(|one| one.connecting), None);
        table.compare(&name, "call without them", ratio(|one| one.calling), None);
    }
    page.table(&table);
    Ok(())
}

struct Figures {
    /// Megabytes
    grown: f64,
    alone: Vec<Latency>,
    beside: Vec<Latency>,
}

/// Microseconds that a new client needs to connect and call, and to call once more.
struct Latency {
    connecting: f64,
    calling: f64,
}

fn figures(options: &Options, runtime: &str) -> Result<Figures, Failure> {
    let (server, uri) = Process::start("server", &our_server(runtime).with("cpu", 0), options)?;
    let idle = Spec::new(Program::Bench).with("system", "idle").with("runtime", "mt").with("address", &uri);
    let idle = idle.with("count", CONNECTIONS);
    // Whatever is made once is made before.
    latency(&uri)?;
    let (mut grown, mut alone, mut beside) = (None, Vec::new(), Vec::new());
    for _ in 0..options.repeats().0 {
        alone.push(latency(&uri)?);
        let before = server.memory()?;
        let (idle, held) = Process::start("client", &idle, options)?;
        if held != CONNECTIONS.to_string() {
            return Err(format!("only {held} connections could be opened").into());
        }
        std::thread::sleep(NOW_AND_THEN);
        // Only the first time: what is freed in between may stay with the process.
        grown.get_or_insert(server.memory()?.saturating_sub(before) as f64 / 1e6);
        beside.push(latency(&uri)?);
        drop(idle);
        std::thread::sleep(NOW_AND_THEN);
    }
    Ok(Figures { grown: grown.unwrap_or_default(), alone, beside })
}

/// In a thread of its own, because that is held on a CPU.
fn latency(uri: &str) -> Result<Latency, Failure> {
    std::thread::scope(|scope| scope.spawn(|| clients(uri)).join().map_err(|_| "the clients panicked")?)
}

fn clients(uri: &str) -> Result<Latency, Failure> {
    pin_to(0)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut connecting, mut calling) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        for _ in 0..CLIENTS {
            let start = Instant::now();
            let proxy = Proxy::new(uri)?.with_serializer(Codec::Msgpack);
            let _: i64 = proxy.call("add", (SUM.0, SUM.1)).await?;
            let between = Instant::now();
            let _: i64 = proxy.call("add", (SUM.0, SUM.1)).await?;
            connecting.push((between - start).as_nanos() as f64 / 1e3);
            calling.push(between.elapsed().as_nanos() as f64 / 1e3);
        }
        Ok::<_, Failure>(())
    })?;
    let middle = |figures: &[f64]| median(figures).unwrap_or_default();
    Ok(Latency { connecting: middle(&connecting), calling: middle(&calling) })
}
