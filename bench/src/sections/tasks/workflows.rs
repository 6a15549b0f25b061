//! Workflows of many tasks: how fast they are beside Celery, and whether time and memory grow with their size alone.

use std::time::Duration;

use salamander_bench_harness::Failure;
use salamander_interop::servers::Redis;

use super::Sides;
use crate::options::Options;
use crate::process::{Process, Program, Spec};
use crate::report::{Page, Required, Table, decimals, whole};
use crate::sections::Section;

pub const SECTION: Section =
    Section { name: "workflows", title: "Workflows of many tasks", peers: false, measure: run };

/// A workflow: its word for the clients, what it is called, and the sizes that are measured of it: ours, a small and a large one, and Celery's.
struct Workflow {
    load: &'static str,
    name: &'static str,
    ours: [u64; 2],
    celery: u64,
}

const WORKFLOWS: [Workflow; 3] = [
    Workflow { load: "chain", name: "a chain", ours: [1_000, 10_000], celery: 1_000 },
    Workflow { load: "group", name: "a group", ours: [10_000, 100_000], celery: 10_000 },
    Workflow { load: "chord", name: "a chord", ours: [1_000, 10_000], celery: 1_000 },
];

/// Of this size is what runs before: whatever is made once is made then.
const WARM: u64 = 10;

/// How much faster than Celery.
const CELERY: f64 = 10.0;

/// How much more a task of the large workflow may take, of time and of memory, than one of the small.
const LINEAR: f64 = 1.5;

/// How long a workflow may take.
const PATIENCE: Duration = Duration::from_secs(600);

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let server = Redis::start(&["--appendfsync", "everysec"]).ok_or("there is no Redis")?;
    page.say(
        "On Redis (`appendonly yes`, `appendfsync everysec`), results there too, from the beginning of the sending to the result got; a \
         group's to all results got. A worker and a client are a process each, new for each line; a small workflow has run before. *MB* is \
         what a process has taken at most beyond what it had then. Celery's worker has two processes, and 4 tasks held for each; ours holds \
         200, and Celery's memory is that of its main process.",
    );
    page.say(
        "The rest of a chain travels in the message of each of its tasks, as Celery has it. So the bytes that a chain moves grow with the \
         square of its length, whoever runs it.",
    );
    let mut database = 0;
    let mut table = Table::new(&["tasks", "tasks/s", "CPU µs/task", "client, MB", "worker, MB"]);
    let mut sides = Sides::new()?;
    for workflow in &WORKFLOWS {
        let quick = |count: u64| if options.quick { count / 10 } else { count };
        let mut measure = |name: &str, program, count| {
            database += 1;
            let url = format!("{}/{}", server.url(), database % 16);
            let spec = sides.spec(program, "tasks", &url, Some(&url));
            let name = format!("{name}, {} of {}", workflow.name, whole(count as f64));
            eprint!("  {name}          \r");
            let figures = match figures(&spec.with("load", workflow.load), count, options) {
                Ok(figures) => {
                    table.line(&name, figures.cells());
                    Some(figures)
                }
                Err(failure) => {
                    eprintln!("  {name} failed: {failure}");
                    table.line(&name, vec![whole(count as f64), format!("failed: {failure}")]);
                    None
                }
            };
            (name, figures)
        };
        let [small, large] = workflow.ours.map(|count| measure("Salamander", Program::Bench, quick(count)));
        let celery = measure("Celery", Program::PythonCelery, quick(workflow.celery));
        let ratio = |of: fn(&Figures) -> f64, one: &Option<Figures>, other: &Option<Figures>| {
            Some(of(one.as_ref()?) / of(other.as_ref()?))
        };
        // Beside Celery's in the same size.
        let beside = if workflow.ours[0] == workflow.celery { &small } else { &large };
        let rate = ratio(Figures::rate, &beside.1, &celery.1);
        table.compare(&beside.0, "Celery", rate, Some(Required::AtLeast(CELERY)));
        for (what, of) in [("time", (|one| 1.0 / one.rate()) as fn(&Figures) -> f64), ("memory", Figures::memory)] {
            let beside =
                format!("{what} for a task of {}", whole(small.1.as_ref().map_or(0.0, |one| one.count as f64)));
            table.compare(&large.0, &beside, ratio(of, &large.1, &small.1), Some(Required::AtMost(LINEAR)));
        }
    }
    page.table(&table);
    Ok(())
}

/// What was measured of a workflow.
struct Figures {
    count: u64,
    seconds: f64,
    cpu: Duration,
    /// What the client and the worker have taken beyond what they had, in bytes.
    taken: [f64; 2],
}

impl Figures {
    fn rate(&self) -> f64 {
        self.count as f64 / self.seconds
    }

    /// For a task, in bytes.
    fn memory(&self) -> f64 {
        self.taken.iter().sum::<f64>() / self.count as f64
    }

    fn cells(&self) -> Vec<String> {
        let cpu = self.cpu.as_secs_f64() * 1e6 / self.count as f64;
        let [client, worker] = self.taken.map(|bytes| decimals(bytes / 1e6));
        vec![whole(self.count as f64), whole(self.rate()), decimals(cpu), client, worker]
    }
}

fn figures(spec: &Spec, count: u64, options: &Options) -> Result<Figures, Failure> {
    let (server, address) = Process::start("server", spec, options)?;
    let client = spec.with("count", count).with("warm", WARM).with("address", address);
    let (mut client, _) = Process::start("client", &client, options)?;
    client.ask("run 0", Duration::ZERO)?;
    let had = [client.memory()?, server.memory()?];
    let before = client.cpu()? + server.cpu()?;
    let answer = client.ask("run 0", PATIENCE)?;
    let cpu = client.cpu()? + server.cpu()? - before;
    let seconds = answer.rsplit(' ').next().and_then(|word| word.parse().ok()).ok_or("a number is missing")?;
    let most = [client.most_memory()?, server.most_memory()?];
    let taken = [0, 1].map(|of| most[of].saturating_sub(had[of]) as f64);
    Ok(Figures { count, seconds, cpu, taken })
}
