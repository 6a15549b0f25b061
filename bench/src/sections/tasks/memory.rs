//! What a worker's memory is after many tasks, beside what it is after few.

use std::time::Duration;

use salamander_bench_harness::Failure;

use crate::options::Options;
use crate::process::{Process, Spec};
use crate::report::{Page, Required, Table, decimals, whole};

/// So many tasks are sent at a time, and their results got; the memory after the first ones is what counts.
const TOGETHER: u64 = 10_000;
/// And so many in all; a quick run has a tenth of them.
const ALL: u64 = 1_000_000;

/// It may grow by a tenth, or by so many bytes where that is more.
const GROWTH: f64 = 1.1;
const BYTES: f64 = 4e6;

/// What was found out about each worker.
pub(super) struct Memory {
    count: u64,
    table: Table,
}

impl Memory {
    pub(super) fn new(options: &Options) -> Self {
        let count = if options.quick { ALL / 10 } else { ALL };
        let after = |count: u64| format!("MB after {}", whole(count as f64));
        Self { count, table: Table::new(&[&after(TOGETHER), &after(count)]) }
    }

    /// Lets a client keep a worker busy, both of which are told the same, and looks what the worker holds.
    pub(super) fn measure(&mut self, name: &str, spec: &Spec, options: &Options) {
        let after = match after(spec, self.count, options) {
            Ok(after) => Some(after),
            Err(failure) => {
                eprintln!("  {name} failed: {failure}");
                self.table.line(name, vec![String::new(), format!("failed: {failure}")]);
                None
            }
        };
        if let Some((few, many)) = after {
            self.table.line(name, [few, many].map(|bytes| decimals(bytes / 1e6)).into());
        }
        let used = after.map(|(few, many)| many / (few * GROWTH).max(few + BYTES));
        self.table.compare(name, "the most that it may be", used, Some(Required::AtMost(1.0)));
    }

    pub(super) fn page(&self, page: &mut Page) {
        page.say(&format!(
            "Memory that a worker's process holds (`VmRSS`, megabytes of 1,000,000 bytes) after {} tasks with results, and after {}: \
             it may be a tenth more, or {} MB.",
            whole(TOGETHER as f64),
            whole(self.count as f64),
            whole(BYTES / 1e6)
        ));
        page.table(&self.table);
    }
}

/// The worker's memory after few tasks, and after so many.
fn after(spec: &Spec, count: u64, options: &Options) -> Result<(f64, f64), Failure> {
    let (server, address) = Process::start("server", spec, options)?;
    let client = spec.with("load", "results").with("count", TOGETHER).with("address", address);
    let (mut client, _) = Process::start("client", &client, options)?;
    let mut few = None;
    for done in 1..=count / TOGETHER {
        eprint!("  {} tasks      \r", whole((done * TOGETHER) as f64));
        client.ask("run 0", Duration::ZERO)?;
        if few.is_none() {
            few = Some(server.memory()?);
        }
    }
    Ok((few.unwrap_or_default() as f64, server.memory()? as f64))
}
