//! A workflow is cancelled as a whole.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use salamander_value::{Exception, Str};
use salamander_wire::celery::{ResultMeta, State};

use super::{Tree, Workflow, look};
use crate::backend::Update;
use crate::call::{AsyncResult, date_done};
use crate::error::Result;

/// How long workers have to say that they have thrown tasks away.
const PATIENCE: Duration = Duration::from_secs(2);
/// And that they have ended what runs.
const ENDING: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(40);
/// How many ids go in one command.
const TOGETHER: usize = 500;

/// What came of cancelling a workflow.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Cancelled {
    /// The tasks that workers were told of: those that had not ended.
    pub revoked: Vec<Str>,
    /// Those of them that still run: a function that does not wait cannot be ended within a worker's own process.
    pub running: Vec<Str>,
}

impl Workflow {
    /// Cancels all of it that has not ended: what runs, what waits in queues, and what is not sent yet.
    ///
    /// All workers are told of all ids that are known, of either language. What was sent meanwhile is found as a child of what has ended, and
    /// revoked as well. What runs has ten seconds to end. Tasks of which no worker has said anything after two seconds are `REVOKED` in the result backend from then on, so that
    /// nobody waits for them for ever. A worker that begins later hears of them from the other workers, as with Celery's `revoke`.
    ///
    /// # Errors
    /// As [`Workflow::look`], and as [`App::revoke`](crate::App::revoke).
    ///
    /// # Wire
    /// Celery's `revoke` with `terminate`, and `SIGTERM`.
    pub async fn cancel(&mut self) -> Result<Cancelled> {
        let mut cancelled = Cancelled::default();
        let mut told: HashSet<Str> = HashSet::new();
        loop {
            self.look().await?;
            let new: Vec<Str> = open(&self.tree).filter(|id| !told.contains(id)).collect();
            if new.is_empty() {
                break;
            }
            for ids in new.chunks(TOGETHER) {
                let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
                self.app.revoke(&ids, true).await?;
            }
            told.extend(new.iter().cloned());
            cancelled.revoked.extend(new);
            self.patiently().await?;
            self.give_up().await?;
        }
        cancelled.running = open(&self.tree).collect();
        Ok(cancelled)
    }

    /// Waits until workers have said of all tasks that they have ended, but not for long.
    async fn patiently(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            let tree = self.look().await?;
            let runs = tree.tasks().any(|task| !task.state.is_ready() && has_begun(task));
            let limit = if runs { ENDING } else { PATIENCE };
            if open(tree).next().is_none() || start.elapsed() >= limit {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What nobody has begun will not be begun.
    async fn give_up(&mut self) -> Result<()> {
        let backend = look::readable(&self.app)?.clone();
        let waiting = self.tree.tasks().filter(|task| !has_begun(task));
        let waiting: Vec<Str> = waiting.filter_map(|task| task.id.clone()).collect();
        for id in waiting {
            let exception = Exception::new("celery.exceptions.TaskRevokedError", "revoked");
            let mut meta = ResultMeta::failed(id, State::Revoked, &exception);
            meta.date_done = Some(date_done());
            backend.store(Update { meta, reply_to: None, correlation_id: None }).await?;
        }
        self.look().await.map(drop)
    }
}

/// Whether somebody has begun with it.
fn has_begun(task: &Tree) -> bool {
    !matches!(task.state, State::Pending | State::Unknown | State::Received | State::Retry)
}

/// The ids of tasks that have not ended.
fn open(tree: &Tree) -> impl Iterator<Item = Str> {
    tree.tasks().filter(|task| !task.state.is_ready()).filter_map(|task| task.id.clone())
}

impl<T> AsyncResult<T> {
    /// Cancels the whole workflow that it is the result of, or from this task on; see [`Workflow::cancel`] and [`App::workflow`](crate::App::workflow).
    ///
    /// # Errors
    /// As there.
    pub async fn cancel_workflow(&self) -> Result<Cancelled> {
        Workflow::find(self.app()?, self.id().into()).await?.cancel().await
    }
}
