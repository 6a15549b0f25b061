//! `salamander tasks worker`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use salamander::tasks::worker::PoolKind;
use salamander::tasks::{Worker, WorkerOptions};

use super::{Place, failed};
use crate::demo;
use crate::failure::Failure;

/// Run a worker with the demonstration tasks
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander tasks worker -l INFO
  salamander tasks worker -b amqp://localhost -Q fast,slow -c 8
  salamander tasks worker -P prefork --time-limit 300 --max-tasks-per-child 1000
  salamander tasks worker --settings celery.toml

SIGTERM, and Ctrl-C once, finish what runs; SIGQUIT, and Ctrl-C twice, stop it.")]
pub(super) struct Run {
    #[command(flatten)]
    place: Place,

    /// The queues to take tasks from, with commas between them
    #[arg(short = 'Q', long, value_delimiter = ',', value_name = "NAMES")]
    queues: Vec<String>,

    /// Queues not to take tasks from
    #[arg(short = 'X', long, value_delimiter = ',', value_name = "NAMES")]
    exclude_queues: Vec<String>,

    /// How many tasks run at once [default: the number of processors]
    #[arg(short, long, value_name = "NUMBER")]
    concurrency: Option<usize>,

    /// How they run: async, threads, solo or prefork [default: async]
    #[arg(short = 'P', long, value_parser = pool)]
    pool: Option<PoolKind>,

    /// The worker's name; %h is the host
    #[arg(short = 'n', long, default_value = "celery@%h")]
    hostname: String,

    /// The file that remembers revoked tasks
    #[arg(short = 'S', long, value_name = "FILE")]
    statedb: Option<PathBuf>,

    /// How many tasks are held for each that runs; 0 for any number
    #[arg(long, value_name = "NUMBER")]
    prefetch_multiplier: Option<u32>,

    /// Replace a child process after so many tasks
    #[arg(long, value_name = "NUMBER")]
    max_tasks_per_child: Option<u32>,

    /// Replace a child process when it has come to so many KiB
    #[arg(long, value_name = "KIB")]
    max_memory_per_child: Option<u64>,

    /// End tasks after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time_limit: Option<Duration>,

    /// Tell tasks after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    soft_time_limit: Option<Duration>,

    /// Do not ask other workers which tasks are revoked
    #[arg(long)]
    without_mingle: bool,

    /// Do not regard rate limits of tasks
    #[arg(long)]
    disable_rate_limits: bool,

    /// Throw away what waits, before anything is run
    #[arg(long)]
    purge: bool,

    /// How long tasks may go on before a cold shutdown stops them, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    soft_shutdown_timeout: Option<Duration>,

    /// What is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL
    #[arg(short, long, default_value = "WARNING", ignore_case = true, value_parser = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])]
    loglevel: String,

    /// Do not say what there is when it starts
    #[arg(short, long)]
    quiet: bool,

    /// Has no meaning: the worker has the demonstration tasks
    #[arg(short = 'A', long, hide = true, value_name = "APP")]
    app: Option<String>,
}

fn pool(name: &str) -> Result<PoolKind, String> {
    name.parse().map_err(|error: salamander::tasks::Error| error.to_string())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is wanted".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl Run {
    pub(super) fn log_level(&self) -> &str {
        &self.loglevel
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        if self.app.is_some() {
            return Err(Failure::usage(
                "-A has no meaning here: this worker has the demonstration tasks; a program with tasks of its own runs \
                 salamander::tasks::Worker",
            ));
        }
        let app = self.place.app(demo::with_tasks)?;
        let known = &app.router().queues;
        let queues = match self.queues.is_empty() {
            true => known.consumed().map_err(failed)?,
            false => self.queues.iter().map(|name| known.get(name)).collect::<Result<_, _>>().map_err(failed)?,
        };
        let left = queues.iter().filter(|queue| self.exclude_queues.iter().all(|name| *name != *queue.name));
        let mut options = WorkerOptions::default();
        options.queues = left.map(|queue| queue.as_ref().clone()).collect();
        if options.queues.is_empty() {
            return Err(Failure::usage("no queue is left to take tasks from"));
        }
        options.name = self.hostname.into();
        options.pool = match (self.pool, &app.settings().worker_pool) {
            (Some(pool), _) => pool,
            (None, Some(name)) => name.parse().map_err(failed)?,
            (None, None) => PoolKind::default(),
        };
        options.concurrency = self.concurrency;
        options.prefetch_multiplier = self.prefetch_multiplier;
        options.state_db = self.statedb;
        options.max_tasks_per_child = self.max_tasks_per_child;
        options.max_memory_per_child = self.max_memory_per_child;
        options.time_limit = self.time_limit;
        options.soft_time_limit = self.soft_time_limit;
        options.without_mingle = self.without_mingle;
        options.disable_rate_limits = self.disable_rate_limits;
        options.purge = self.purge;
        options.soft_shutdown_timeout = self.soft_shutdown_timeout.unwrap_or_default();
        let worker = Worker::new(app.clone(), options);
        if !self.quiet && !Worker::is_child() {
            eprintln!("{}", worker.banner().map_err(failed)?);
        }
        worker.run().await.map_err(failed)?;
        if let Some(backend) = app.backend() {
            backend.close().await.map_err(failed)?;
        }
        app.broker().close().await.map_err(failed)
    }
}
