//! Waiting for a result inside of a task, which is refused unless it is meant.

use salamander_value::Exception;

use crate::error::{Error, Kind, Result};
use crate::task::TaskContext;

tokio::task_local! {
    /// Whoever waits here has said that it is meant.
    static ALLOWED: ();
}

/// Lets a task wait for the results of others: Celery's `allow_join_result()`, and `disable_sync_subtasks=False`.
///
/// A task that waits keeps its place in the worker. Where all places are taken by tasks that wait for others, none of those others ever
/// begins; so it is refused where nobody has thought of that, whatever the pool.
///
/// ```
/// # use salamander_tasks::{AsyncResult, allow_join_result};
/// # async fn example(result: AsyncResult<i64>) -> salamander_tasks::Result<i64> {
/// allow_join_result(result.get()).await
/// # }
/// ```
pub async fn allow_join_result<F: Future>(future: F) -> F::Output {
    ALLOWED.scope((), future).await
}

/// The same for what waits without `async`.
pub(crate) fn allow_join_result_sync<T>(work: impl FnOnce() -> T) -> T {
    ALLOWED.sync_scope((), work)
}

/// Refuses where a worker's task runs.
///
/// # Errors
/// Celery's `RuntimeError`.
pub(super) fn check() -> Result<()> {
    let in_worker = |context: &TaskContext| context.app().is_some() && !context.request().is_eager;
    if ALLOWED.try_with(|()| ()).is_ok() || !TaskContext::current().is_some_and(|context| in_worker(&context)) {
        return Ok(());
    }
    let text = "Never call result.get() within a task! It keeps a place that what it waits for may need; allow_join_result says that \
                this is meant.";
    Err(Error::of_task(Kind::Misuse, Exception::runtime_error(text)))
}
