//! [`TaskContext`]: what a task that runs can know and say.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use salamander_object::{CallContext, FromContext};
use salamander_value::{Exception, Str, to_value};
use salamander_wire::celery::{ResultMeta, ResultTree, State};
use serde::Serialize;
use tokio::sync::Notify;

use super::stop::{Stop, StopToken};
use super::{Retry, TaskRequest};
use crate::App;
use crate::backend::{Backend, Update};
use crate::canvas::Canvas;
use crate::error::{Error, Kind, Result};

/// What a task that runs can know and say: Celery's `self` of a bound task. Cheap to clone.
///
/// A function takes one as a parameter of the type `&TaskContext`; [`TaskContext::current`] finds it further down, in async, blocking and
/// threaded functions alike. A function that was called without a queue has one as well, whose request says so.
#[derive(Clone)]
pub struct TaskContext(Arc<Inner>);

struct Inner {
    app: Option<App>,
    request: TaskRequest,
    stop: StopToken,
    /// Made when there is something to keep: most tasks say nothing.
    said: OnceLock<Box<Said>>,
}

#[derive(Default)]
struct Said {
    state: Mutex<SaidState>,
    stored: Notify,
}

#[derive(Default)]
struct SaidState {
    children: Vec<ResultTree>,
    /// What is to run in its place.
    replacement: Option<Canvas>,
    /// The state that is to be stored next. What nobody has stored yet is replaced.
    next: Option<Update>,
    /// Somebody stores.
    storing: bool,
}

impl TaskContext {
    /// The context of a task that this application runs.
    pub fn new(app: App, request: TaskRequest) -> Self {
        Self::made(Some(app), request)
    }

    fn made(app: Option<App>, request: TaskRequest) -> Self {
        Self(Arc::new(Inner { app, request, stop: StopToken::default(), said: OnceLock::new() }))
    }

    /// The context of the task that is served here, if one is.
    pub fn current() -> Option<Self> {
        CallContext::current()?.extension::<Self>().cloned()
    }

    /// What was asked for.
    pub fn request(&self) -> &TaskRequest {
        &self.0.request
    }

    /// The id of the task.
    pub fn id(&self) -> &str {
        self.request().id()
    }

    /// How often it has been retried.
    pub fn retries(&self) -> u32 {
        self.request().retries()
    }

    /// The application; none where the function was just called.
    pub fn app(&self) -> Option<&App> {
        self.0.app.as_ref()
    }

    /// What the task returns to be run again: `return Err(context.retry().countdown(10).into())`.
    pub fn retry(&self) -> Retry {
        Retry::new()
    }

    /// Stores a state of the task's own, as `PROGRESS`, with what is to be known of it.
    ///
    /// It does not wait: states are stored one after the other while the task goes on, and one that was not stored yet when the next
    /// is there is left out. They are stored before the result is.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for what cannot be stored, and on a thread that knows no runtime of tokio's.
    pub fn update_state(&self, state: &str, meta: impl Serialize) -> Result<()> {
        let meta = to_value(&meta).map_err(|error| Error::with_source(Kind::Misuse, error.to_string(), error))?;
        let Some(backend) = self.app().and_then(App::backend) else { return Ok(()) };
        let request = self.request();
        let mut stored = ResultMeta::new(request.id(), State::from(state), meta);
        stored.children = self.children();
        stored.parent_id = request.headers().parent_id.clone();
        stored.group_id = request.headers().group.clone();
        let update = Update {
            meta: stored,
            reply_to: request.reply_to().map(Str::from),
            correlation_id: request.correlation_id().map(Str::from),
        };
        let said = self.said();
        let mut state = said.state();
        state.next = Some(update);
        if !state.storing {
            let runtime = tokio::runtime::Handle::try_current()
                .map_err(|error| Error::with_source(Kind::Misuse, "no runtime of tokio's is known here", error))?;
            state.storing = true;
            runtime.spawn(self.clone().store(backend.clone()));
        }
        Ok(())
    }

    /// Stores how far the task is, as the state `PROGRESS`.
    ///
    /// # Errors
    /// As [`TaskContext::update_state`].
    pub fn progress(&self, current: u64, total: u64) -> Result<()> {
        #[derive(Serialize)]
        struct Progress {
            current: u64,
            total: u64,
        }
        self.update_state("PROGRESS", Progress { current, total })
    }

    /// Waits until the task should stop: its soft time limit has passed, or it was revoked.
    pub async fn stopped(&self) -> Stop {
        self.0.stop.stopped().await
    }

    /// Why the task should stop, if it should; for loops that do not wait.
    pub fn stop_reason(&self) -> Option<Stop> {
        self.0.stop.reason()
    }

    /// Ends a task that should stop: `context.check()?`.
    ///
    /// # Errors
    /// What Celery raises then, as `SoftTimeLimitExceeded`.
    pub fn check(&self) -> Result<(), Exception> {
        match self.stop_reason() {
            None => Ok(()),
            Some(reason) => Err(reason.exception()),
        }
    }

    /// Whether the task looks for itself whether it should stop; one that does not is ended where it next waits.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.stop.is_watched()
    }

    /// Tells the task that it should stop.
    pub fn stop(&self, reason: Stop) {
        self.0.stop.stop(reason);
    }

    /// The tasks that it has sent so far.
    pub fn children(&self) -> Vec<ResultTree> {
        self.0.said.get().map(|said| said.state().children.clone()).unwrap_or_default()
    }

    /// Counts a task that it has sent as its child.
    pub(crate) fn add_child(&self, child: ResultTree) {
        self.said().state().children.push(child);
    }

    /// What is to run in its place, if it ends so.
    pub(crate) fn set_replacement(&self, canvas: Canvas) {
        self.said().state().replacement = Some(canvas);
    }

    /// What is to run in its place, once.
    pub(crate) fn take_replacement(&self) -> Option<Canvas> {
        self.0.said.get()?.state().replacement.take()
    }

    /// Waits until the states that the task gave are stored; whoever stores its result does that first.
    pub async fn flush(&self) {
        let Some(said) = self.0.said.get() else { return };
        loop {
            let mut stored = std::pin::pin!(said.stored.notified());
            stored.as_mut().enable();
            if !said.state().storing {
                return;
            }
            stored.await;
        }
    }

    fn said(&self) -> &Said {
        self.0.said.get_or_init(Box::default)
    }

    async fn store(self, backend: Arc<dyn Backend>) {
        let said = self.said();
        loop {
            let update = {
                let mut state = said.state();
                let next = state.next.take();
                state.storing = next.is_some();
                next
            };
            let Some(update) = update else { break };
            if let Err(error) = backend.store(update).await {
                tracing::warn!("the state of task {} was not stored: {error}", self.id());
            }
        }
        said.stored.notify_waiters();
    }
}

impl Said {
    fn state(&self) -> MutexGuard<'_, SaidState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromContext for TaskContext {
    fn from_context(context: &CallContext) -> Result<Self, Exception> {
        let found = context.extension::<Self>().cloned();
        Ok(found.unwrap_or_else(|| Self::made(None, TaskRequest::direct())))
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("task", &self.request().task())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
