//! `salamander tasks`: Celery's commands.

mod client;
mod worker;
mod workflow;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use salamander::tasks::{App, AppBuilder};

use super::World;
use crate::failure::Failure;

/// Queues of tasks, as Celery has them: a worker, calls, results
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander tasks worker --broker redis://localhost -l INFO
  salamander tasks call tasks.add --args '[5, 5]'
  salamander tasks list
  salamander tasks workflow 4f0a4b6e-1d0e-4a7f-8f2c-0c7e1a5b9d3e

Without --broker they are those of `salamander up` on this machine. There is no -A: the worker has the demonstration tasks; a program \
with tasks of its own runs salamander::tasks::Worker.")]
pub(crate) struct Tasks {
    #[command(subcommand)]
    command: TasksCommand,
}

#[derive(Debug, Subcommand)]
enum TasksCommand {
    Worker(worker::Run),
    Call(client::Call),
    Result(client::Show),
    Purge(client::Purge),
    List(client::List),
    Workflow(workflow::Workflow),
}

/// Where queues and results are.
#[derive(Debug, Args)]
struct Place {
    /// The URL of the broker [default: CELERY_BROKER_URL, or pyro://localhost/kombu.broker]
    #[arg(short, long, value_name = "URL")]
    broker: Option<String>,

    /// The URL of the result backend [default: CELERY_RESULT_BACKEND, or rpc://]
    #[arg(long, value_name = "URL")]
    result_backend: Option<String>,

    /// Read Celery's settings from the table [celery] of this TOML file; what the command line says goes before it
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl Tasks {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        match self.command {
            TasksCommand::Worker(worker) => worker.run().await,
            TasksCommand::Call(call) => call.run(world).await,
            TasksCommand::Result(result) => result.run(world).await,
            TasksCommand::Purge(purge) => purge.run(world).await,
            TasksCommand::List(list) => list.run(world),
            TasksCommand::Workflow(workflow) => workflow.run(world).await,
        }
    }

    pub(crate) fn log_level(&self) -> Option<&str> {
        match &self.command {
            TasksCommand::Worker(worker) => Some(worker.log_level()),
            _ => None,
        }
    }
}

impl Place {
    /// An application there that can look for what others have sent: the queues of `salamander up` have their results beside them, and
    /// these are meant where nothing else is said.
    fn app_that_looks(&self) -> Result<App, Failure> {
        let told = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
        let broker = self.broker.clone().or_else(|| told("CELERY_BROKER_URL"));
        let ours = broker.is_none_or(|url| url.starts_with("pyro:"));
        let said =
            self.result_backend.is_some() || self.settings.is_some() || told("CELERY_RESULT_BACKEND").is_some();
        self.app(|app| if ours && !said { app.result_backend("embedded") } else { app })
    }

    /// An application there.
    fn app(&self, with: impl FnOnce(AppBuilder) -> AppBuilder) -> Result<App, Failure> {
        let told = |name: &str, otherwise: &str| {
            let told = std::env::var(name).ok().filter(|url| !url.is_empty());
            told.unwrap_or_else(|| otherwise.to_owned())
        };
        let mut app = App::builder()
            .broker_url(told("CELERY_BROKER_URL", "pyro://localhost/kombu.broker"))
            .result_backend(told("CELERY_RESULT_BACKEND", "rpc://"));
        if let Some(file) = &self.settings {
            let shown = file.display();
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
            app = app.toml(&text).map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
        }
        let given = |url: &Option<String>| url.clone().filter(|url| !url.is_empty());
        if let Some(url) = given(&self.broker) {
            app = app.broker_url(url);
        }
        if let Some(url) = given(&self.result_backend) {
            app = app.result_backend(url);
        }
        with(app).build().map_err(failed)
    }
}

/// An error of tasks as one of the program.
pub(crate) fn failed(error: salamander::tasks::Error) -> Failure {
    use salamander::tasks::Kind;
    match (error.kind(), error.exception()) {
        (_, Some(exception)) => Failure::from(exception.clone()),
        (Kind::Misuse, _) => Failure::usage(error),
        (Kind::Connection | Kind::Deadline, _) => Failure::nobody(error),
        _ => Failure::failed(error),
    }
}
