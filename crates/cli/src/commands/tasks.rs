//! `salamander tasks`: Celery's commands.

mod client;
mod worker;

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
}

impl Tasks {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        match self.command {
            TasksCommand::Worker(worker) => worker.run().await,
            TasksCommand::Call(call) => call.run(world).await,
            TasksCommand::Result(result) => result.run(world).await,
            TasksCommand::Purge(purge) => purge.run(world).await,
            TasksCommand::List(list) => list.run(world),
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
    fn broker(&self) -> String {
        let given = self.broker.clone().or_else(|| std::env::var("CELERY_BROKER_URL").ok());
        given.filter(|url| !url.is_empty()).unwrap_or_else(|| "pyro://localhost/kombu.broker".to_owned())
    }

    fn result_backend(&self) -> String {
        let given = self.result_backend.clone().or_else(|| std::env::var("CELERY_RESULT_BACKEND").ok());
        given.filter(|url| !url.is_empty()).unwrap_or_else(|| "rpc://".to_owned())
    }

    /// An application there.
    fn app(&self, with: impl FnOnce(AppBuilder) -> AppBuilder) -> Result<App, Failure> {
        let app = App::builder().broker_url(self.broker()).result_backend(self.result_backend());
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
