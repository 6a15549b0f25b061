//! Tasks on queues, beside Celery's and rusty-celery's workers and beside the bare clients of the brokers.

mod memory;
mod workflows;

use std::path::PathBuf;

use salamander_bench_harness::Failure;
use salamander_interop::servers::{RabbitMq, Redis};

use self::memory::Memory;
use super::Section;
use crate::options::Options;
use crate::pair::{Measured, Pair, fastest, measure};
use crate::process::{Program, Spec};
use crate::report::{Page, Required, Table, decimals};

pub use workflows::SECTION as WORKFLOWS;

pub const SECTION: Section = Section { name: "tasks", title: "Tasks on queues", peers: false, measure: run };

/// How many tasks a round has: of what is fast, and of what is not.
const MANY: u64 = 20_000;
const SOME: u64 = 5_000;
const FEW: u64 = 1_000;
/// How many tasks go one after the other, and how many latencies are taken.
const TURNS: u64 = 300;

/// What is measured of a client: its word for it, and what it is.
const LOADS: [(&str, &str); 4] =
    [("results", "with results"), ("done", "without results"), ("sequential", "one by one"), ("latency", "")];

/// An idle worker begins within so many seconds.
const WITHIN: f64 = 0.010;

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    page.say(
        "A worker and a client are a process each, beside the broker on the same CPUs. *With results* is from the first publishing to \
         the last result got, *without results* to the end of the last task, *one by one* is one task after the other, each sent when \
         the one before has its result. Messages are persistent. Celery's worker has two processes, and \
         4 tasks held for each; the others hold 200.",
    );
    let mut memory = Memory::new(options);
    redis(options, page, &mut memory)?;
    rabbitmq(options, page, &mut memory)?;
    embedded(options, page, &mut memory)?;
    memory.page(page);
    Ok(())
}

/// The sides of a broker, one after the other, each with a place of its own there.
struct Sides {
    /// Where their files are: those in which tasks leave marks, and embedded queues.
    folder: PathBuf,
    count: usize,
    pairs: Vec<Pair>,
}

impl Sides {
    fn new() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("salamander-bench-tasks-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, count: 0, pairs: Vec::new() })
    }

    fn add(
        &mut self,
        name: &str,
        program: Program,
        system: &str,
        place: &str,
        backend: Option<&str>,
        client: [(&str, u64); 1],
    ) {
        let spec = self.spec(program, system, place, backend);
        let [(load, count)] = client;
        self.pairs.push(Pair::new(name, &spec, &spec.with("load", load).with("count", count)));
    }

    /// What both processes of a side are told.
    fn spec(&mut self, program: Program, system: &str, place: &str, backend: Option<&str>) -> Spec {
        let marks = self.folder.join(self.count.to_string());
        self.count += 1;
        let _ = std::fs::write(&marks, "");
        let spec = Spec::new(program).with("system", system).with("runtime", "mt").with("broker", place);
        let spec = spec.with("marks", marks.display());
        backend.into_iter().fold(spec, |spec, url| spec.with("backend", url))
    }

    fn measure(&self, options: &Options) -> Vec<Measured> {
        measure(&self.pairs, options)
    }
}

impl Drop for Sides {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Ours and Celery's, for each load that both have.
fn both(sides: &mut Sides, mut place: impl FnMut() -> (String, String)) {
    for (load, shown) in &LOADS[..3] {
        let (ours, theirs) = match *load {
            "sequential" => (TURNS, TURNS),
            _ => (MANY, FEW),
        };
        let mut add = |name: &str, program, count| {
            let (broker, backend) = place();
            let backend = (*load != "done").then_some(&*backend);
            sides.add(&format!("{name}, {shown}"), program, "tasks", &broker, backend, [(load, count)]);
        };
        add("Salamander", Program::Bench, ours);
        add("Celery", Program::PythonCelery, theirs);
    }
}

/// Those of `queues`, where that could be built: rusty-celery, and the bare client of the broker.
fn rivals(
    options: &Options,
    sides: &mut Sides,
    (name, system, count): (&str, &str, u64),
    mut place: impl FnMut() -> (String, String),
) {
    if options.queues.is_some() {
        let url = place().0;
        sides.add("rusty-celery, without results", Program::Queues, "rusty", &url, None, [("done", SOME)]);
        let url = place().0;
        sides.add(name, Program::Queues, system, &url, None, [("done", count)]);
    }
}

fn redis(options: &Options, page: &mut Page, memory: &mut Memory) -> Result<(), Failure> {
    let server = Redis::start(&["--appendfsync", "everysec"]).ok_or("there is no Redis")?;
    let mut database = 0;
    let mut place = || {
        database += 1;
        let url = format!("{}/{database}", server.url());
        (url.clone(), url)
    };
    let mut sides = Sides::new()?;
    both(&mut sides, &mut place);
    rivals(options, &mut sides, ("Redis alone: push and pop", "redis", 10 * MANY), &mut place);
    page.say("Redis, which writes all it is told to a file and has that on the disk within a second (`appendonly yes`, `appendfsync everysec`):");
    let measured = sides.measure(options);
    let table = table(&measured, Marks { celery: 20.0, rusty: Required::AtLeast(3.0), bare: None });
    page.table(&table);
    latency(options, page, place())?;
    remember("a worker on Redis", options, memory, place())
}

fn rabbitmq(options: &Options, page: &mut Page, memory: &mut Memory) -> Result<(), Failure> {
    let server = RabbitMq::with_vhosts(16).ok_or("there is no RabbitMQ")?;
    let mut place = || (server.vhost(), "rpc://".to_owned());
    let mut sides = Sides::new()?;
    both(&mut sides, &mut place);
    rivals(options, &mut sides, ("lapin alone, confirmed and acknowledged", "lapin", MANY), &mut place);
    page.say("RabbitMQ, persistent messages, each confirmed and each acknowledged (rusty-celery's and Celery's are not confirmed):");
    let measured = sides.measure(options);
    let table = table(&measured, Marks { celery: 8.0, rusty: Required::MoreThan(1.0), bare: Some(0.7) });
    page.table(&table);
    latency(options, page, place())?;
    remember("a worker on RabbitMQ", options, memory, place())
}

fn embedded(options: &Options, page: &mut Page, memory: &mut Memory) -> Result<(), Failure> {
    let mut sides = Sides::new()?;
    for (load, shown) in &LOADS[..3] {
        let count = if *load == "sequential" { TURNS } else { MANY };
        let name = format!("Salamander, {shown}");
        sides.add(&name, Program::Bench, "embedded", "", None, [(load, count)]);
    }
    page.say(
        "The embedded queue: the worker's process has it in a file (SQLite, which survives that the process is killed), and the client \
         reaches it at its port:",
    );
    let measured = sides.measure(options);
    let mut table = Table::rates("tasks", "task", &measured);
    for one in measured.iter().filter(|one| !one.name.ends_with("one by one")) {
        table.compare(&one.name, "20,000/s", one.rate().map(|rate| rate / 20_000.0), Some(Required::AtLeast(1.0)));
    }
    page.table(&table);
    let mut sides = Sides::new()?;
    sides.add("an idle worker", Program::Bench, "embedded", "", None, [("latency", TURNS)]);
    late(&sides.measure(options), page);
    let mut sides = Sides::new()?;
    memory.measure("a worker with the embedded queue", &sides.spec(Program::Bench, "embedded", "", None), options);
    Ok(())
}

/// What is asked for beside others.
struct Marks {
    celery: f64,
    rusty: Required,
    bare: Option<f64>,
}

fn table(measured: &[Measured], marks: Marks) -> Table {
    let mut table = Table::rates("tasks", "task", measured);
    let find = |name: &str| measured.iter().find(|one| one.name == name);
    for (load, shown) in &LOADS[..3] {
        let (Some(ours), Some(theirs)) = (find(&format!("Salamander, {shown}")), find(&format!("Celery, {shown}")))
        else {
            continue;
        };
        let mark = match *load {
            "results" => Some(Required::AtLeast(marks.celery)),
            "sequential" => Some(Required::AtLeast(4.0)),
            _ => None,
        };
        table.compare(&ours.name, "Celery", ours.ratio(theirs), mark);
    }
    let Some(ours) = find("Salamander, without results") else { return table };
    if let Some(rusty) = find("rusty-celery, without results") {
        table.compare(&ours.name, "rusty-celery", ours.ratio(rusty), Some(marks.rusty));
    }
    if let Some(bare) = fastest(measured.iter().filter(|one| one.name.contains(" alone"))) {
        table.compare(&ours.name, &bare.name, ours.ratio(bare), marks.bare.map(Required::AtLeast));
    }
    table
}

fn remember(
    name: &str,
    options: &Options,
    memory: &mut Memory,
    (broker, backend): (String, String),
) -> Result<(), Failure> {
    let mut sides = Sides::new()?;
    memory.measure(name, &sides.spec(Program::Bench, "tasks", &broker, Some(&backend)), options);
    Ok(())
}

fn latency(options: &Options, page: &mut Page, place: (String, String)) -> Result<(), Failure> {
    let mut sides = Sides::new()?;
    let (broker, backend) = place;
    sides.add("an idle worker", Program::Bench, "tasks", &broker, Some(&backend), [("latency", TURNS)]);
    late(&sides.measure(options), page);
    Ok(())
}

/// How late an idle worker begins.
fn late(measured: &[Measured], page: &mut Page) {
    let mut table = Table::new(&["ms from publishing to the beginning, 99th percentile"]);
    for one in measured {
        let seconds = one.rate().map(|rate| 1.0 / rate);
        let shown = seconds
            .map_or_else(|| format!("failed: {}", one.failure.as_deref().unwrap_or("?")), |s| decimals(s * 1e3));
        table.line(&one.name, vec![shown]);
        table.compare(&one.name, "10 ms", seconds.map(|seconds| seconds / WITHIN), Some(Required::AtMost(1.0)));
    }
    page.table(&table);
}
