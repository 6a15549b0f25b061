//! `salamander tasks call`, `result`, `purge` and `list`

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use salamander::Value;
use salamander::tasks::Signature;

use super::{Place, failed};
use crate::commands::World;
use crate::demo;
use crate::failure::Failure;
use crate::json;

/// Send a task by its name, and print its id; or wait for its result
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander tasks call tasks.add --args '[5, 5]'
  salamander tasks call tasks.add -a '[5, 5]' --wait
  salamander tasks call tasks.sleep -a '[2]' --countdown 10 --queue slow")]
pub(super) struct Call {
    #[command(flatten)]
    place: Place,

    /// The name of the task
    name: String,

    /// The positional arguments: a JSON list
    #[arg(short, long, value_name = "JSON", default_value = "[]")]
    args: String,

    /// The keyword arguments: a JSON object
    #[arg(short, long, value_name = "JSON", default_value = "{}")]
    kwargs: String,

    /// When it is to run at the earliest, in the form of ISO 8601
    #[arg(long)]
    eta: Option<String>,

    /// After how many seconds it is to run
    #[arg(long, value_name = "SECONDS")]
    countdown: Option<f64>,

    /// After how many seconds it is of no use any more
    #[arg(long, value_name = "SECONDS")]
    expires: Option<f64>,

    /// By what it is serialized
    #[arg(long)]
    serializer: Option<String>,

    /// The queue that it goes to
    #[arg(long)]
    queue: Option<String>,

    /// Wait for the result, and print that
    #[arg(short, long)]
    wait: bool,

    /// How many seconds at most
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
}

impl Call {
    pub(super) async fn run(self, world: World) -> Result<(), Failure> {
        let app = self.place.app(|app| app)?;
        let Value::List(args) = json::argument(&self.args) else {
            return Err(Failure::usage("--args is a JSON list, as '[5, 5]'"));
        };
        let Value::Dict(kwargs) = json::argument(&self.kwargs) else {
            return Err(Failure::usage("--kwargs is a JSON object, as '{\"x\": 5}'"));
        };
        let mut task: Signature = Signature::new(self.name, args);
        for (name, value) in kwargs.iter() {
            task = task.kwarg(name.as_str().unwrap_or_default(), value.clone());
        }
        if let Some(countdown) = self.countdown {
            task = task.countdown(countdown);
        }
        if let Some(eta) = self.eta {
            let eta: salamander::DateTime =
                eta.parse().map_err(|_| Failure::usage("--eta is a time as 2026-01-31T12:00:00"))?;
            task = task.eta(eta);
        }
        if let Some(expires) = self.expires {
            task = task.expires(expires);
        }
        if let Some(serializer) = self.serializer {
            task = task.serializer(serializer);
        }
        if let Some(queue) = self.queue {
            task = task.queue(queue);
        }
        let sent = task.send(&app).await.map_err(failed)?;
        if self.wait {
            let limit =
                Duration::try_from_secs_f64(self.timeout).map_err(|error| Failure::usage(error.to_string()))?;
            let value = sent.get_within(limit).await.map_err(failed)?;
            return world.output.value(&value);
        }
        world.output.line(sent.id())?;
        world.output.document(salamander::Dict::from_iter([("id", sent.id())]))
    }
}

/// Print the result of a task, where others than its sender can see it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander tasks result 4f0a4b6e-1d0e-4a7f-8f2c-0c7e1a5b9d3e --result-backend redis://localhost")]
pub(super) struct Show {
    #[command(flatten)]
    place: Place,

    /// The id of the task
    id: String,

    /// Print the traceback instead
    #[arg(long)]
    traceback: bool,

    /// How many seconds to wait for it at most
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
}

impl Show {
    pub(super) async fn run(self, world: World) -> Result<(), Failure> {
        let app = self.place.app(|app| app)?;
        let result = app.result(self.id);
        if self.traceback {
            let traceback = result.traceback().await.map_err(failed)?.unwrap_or_default();
            return world.output.line(traceback);
        }
        let limit = Duration::try_from_secs_f64(self.timeout).map_err(|error| Failure::usage(error.to_string()))?;
        world.output.value(&result.get_within(limit).await.map_err(failed)?)
    }
}

/// Throw away the tasks that wait
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander tasks purge -f
  salamander tasks purge -Q slow -b redis://localhost")]
pub(super) struct Purge {
    #[command(flatten)]
    place: Place,

    /// The queues, with commas between them [default: celery]
    #[arg(short = 'Q', long, value_delimiter = ',', value_name = "NAMES")]
    queues: Vec<String>,

    /// Do not ask whether that is meant
    #[arg(short, long)]
    force: bool,
}

impl Purge {
    pub(super) async fn run(self, world: World) -> Result<(), Failure> {
        let app = self.place.app(|app| app)?;
        let queues = match self.queues.is_empty() {
            true => vec![app.settings().task_default_queue.to_string()],
            false => self.queues,
        };
        if !self.force {
            eprint!("This throws away what waits in {}, for good. Type yes: ", queues.join(", "));
            io::stderr().flush()?;
            let mut answer = String::new();
            io::stdin().read_line(&mut answer)?;
            if answer.trim() != "yes" {
                return Err(Failure::failed("nothing was thrown away"));
            }
        }
        let mut purged = 0;
        for queue in &queues {
            let purging = tokio::time::timeout(app.settings().publish_timeout, app.broker().purge(queue)).await;
            purged += match purging {
                Ok(purged) => purged.map_err(failed)?,
                Err(_) => {
                    let why = app.broker().trouble().map(|trouble| format!(": {trouble}")).unwrap_or_default();
                    return Err(Failure::nobody(format!("{} does not answer{why}", app.broker().url())));
                }
            };
        }
        let (tasks, what) = (if purged == 1 { "task" } else { "tasks" }, queues.join(", "));
        world.output.line(format_args!("purged {purged} {tasks} from {what}"))?;
        world.output.document(salamander::Dict::from_iter([("purged", i64::try_from(purged).unwrap_or(i64::MAX))]))
    }
}

/// List the tasks that the worker has
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander tasks list")]
pub(super) struct List {}

impl List {
    pub(super) fn run(self, world: World) -> Result<(), Failure> {
        let app =
            demo::with_tasks(salamander::tasks::App::builder().broker_url("memory://")).build().map_err(failed)?;
        let names = app.task_names();
        for name in &names {
            world.output.line(name)?;
        }
        world.output.document(Value::List(names.into_iter().map(Value::from).collect()))
    }
}
