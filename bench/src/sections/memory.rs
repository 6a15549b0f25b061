//! What many idle connections cost.

use std::time::{Duration, Instant};

use salamander::{Codec, Proxy};
use salamander_bench_harness::{Failure, SUM};

use super::{RUNTIMES, Section, our_server};
use crate::options::Options;
use crate::pair::median;
use crate::process::{Process, Program, Spec};
use crate::report::{Page, Required, Table, decimals};

pub const SECTION: Section = Section { name: "memory", title: "10,000 idle connections", peers: false, measure: run };

const CONNECTIONS: usize = 10_000;

/// What the daemon may grow by.
const MEGABYTES: f64 = 80.0;

/// So many new clients call, one after the other.
const CLIENTS: usize = 500;

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say(
        "One process holds 10,000 connections that have done their handshake, and does nothing. Latencies are medians of 500 \
         new clients, one after the other; `call` is their second call. A megabyte is 1,000,000 bytes.",
    );
    let mut table = Table::new(&["daemon's growth, MB", "connect + call, µs", "call, µs"]);
    for runtime in RUNTIMES {
        eprint!("  {runtime}          \r");
        let (server, uri) = Process::start("server", &our_server(runtime), options)?;
        // Whatever is made once is made before.
        latency(&uri)?;
        let (connecting, calling) = latency(&uri)?;
        let before = server.memory()?;
        let idle = Spec::new(Program::Bench)
            .with("system", "idle")
            .with("runtime", "mt")
            .with("address", &uri)
            .with("count", CONNECTIONS);
        let (idle, held) = Process::start("client", &idle, options)?;
        if held != CONNECTIONS.to_string() {
            return Err(format!("only {held} connections could be opened").into());
        }
        // What a daemon does only now and then, it has done by then.
        std::thread::sleep(Duration::from_secs(3));
        let grown = (server.memory()?.saturating_sub(before)) as f64 / 1e6;
        let (connecting_beside, calling_beside) = latency(&uri)?;
        drop(idle);
        let without = format!("no other client [{runtime}]");
        let name = format!("10,000 idle connections [{runtime}]");
        table.line(&without, vec!["".into(), decimals(connecting), decimals(calling)]);
        table.line(&name, vec![decimals(grown), decimals(connecting_beside), decimals(calling_beside)]);
        table.compare(&name, "80 MB", Some(grown / MEGABYTES), Some(Required::AtMost(1.0)));
        table.compare(&name, "connect + call without them", Some(connecting_beside / connecting), None);
        table.compare(&name, "call without them", Some(calling_beside / calling), None);
    }
    page.table(&table);
    Ok(())
}

/// Microseconds that a new client needs to connect and call, and to call once more.
fn latency(uri: &str) -> Result<(f64, f64), Failure> {
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
    Ok((median(&connecting).unwrap_or_default(), median(&calling).unwrap_or_default()))
}
