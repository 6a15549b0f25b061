//! [`AsyncResult`]: what a task that was sent will give.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use salamander_codec::Codec;
use salamander_value::{Exception, Str, Value, from_value};
use salamander_wire::celery::{ResultMeta, ResultTree, ResultValue, State};
use serde::de::DeserializeOwned;

use super::{codec_settings, join};
use crate::App;
use crate::backend::{Backend, Expected, Found};
use crate::canvas::CanvasResult;
use crate::error::{Error, Kind, Result};

/// What a task that was sent will give. Cheap to clone; as long as there is one, what comes for the task is kept.
///
/// `T` is what the result is read as.
pub struct AsyncResult<T = Value> {
    shared: Arc<Shared>,
    result: PhantomData<fn() -> T>,
}

struct Shared {
    id: Str,
    source: Source,
    ignored: bool,
    /// The last word, once it is known.
    ready: Mutex<Option<Arc<ResultMeta>>>,
}

enum Source {
    App {
        app: App,
        _expected: Option<Expected>,
    },
    /// It ran in place, and its result is encoded so.
    Eager(Codec),
}

impl<T> AsyncResult<T> {
    /// The result of a task that is about to be sent.
    pub(crate) fn sent(app: App, id: Str, ignored: bool) -> Self {
        let expected = app.backend().filter(|_| !ignored).map(|backend| Backend::expect(&**backend, &id));
        Self::made(id, Source::App { app, _expected: expected }, ignored, None)
    }

    /// The result of a task that has run in place.
    pub(crate) fn eager(meta: ResultMeta, codec: Codec) -> Self {
        Self::made(meta.task_id.clone(), Source::Eager(codec), false, Some(Arc::new(meta)))
    }

    fn made(id: Str, source: Source, ignored: bool, ready: Option<Arc<ResultMeta>>) -> Self {
        Self { shared: Arc::new(Shared { id, source, ignored, ready: Mutex::new(ready) }), result: PhantomData }
    }

    pub(crate) fn app(&self) -> Result<&App> {
        match &self.shared.source {
            Source::App { app, .. } => Ok(app),
            Source::Eager(_) => Err(Error::new(Kind::Misuse, "the task has run in place")),
        }
    }

    /// The id of the task.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The same, with the result read as another type.
    pub fn returning<U>(&self) -> AsyncResult<U> {
        AsyncResult { shared: self.shared.clone(), result: PhantomData }
    }

    /// Waits for the result, however long that takes.
    ///
    /// # Errors
    /// - [`Kind::Task`]: the task raised an exception, which [`Error::exception`] gives
    /// - [`Kind::Revoked`]: it was revoked
    /// - [`Kind::Misuse`]: there is no result backend, the task is not known to it, its result is ignored, or is of another type; within
    ///   a task that a worker runs, unless [`allow_join_result`](super::allow_join_result) says that it is meant
    /// - [`Kind::Connection`], [`Kind::Refused`]: the backend cannot tell
    ///
    /// # Cancellation
    /// Dropping the future stops the waiting, not the task.
    pub async fn get(&self) -> Result<T>
    where
        T: DeserializeOwned,
    {
        let meta = self.wait().await?;
        self.value(&meta)
    }

    /// Waits for the result, but no longer than this.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when the time is over; else as [`AsyncResult::get`].
    pub async fn get_within(&self, limit: Duration) -> Result<T>
    where
        T: DeserializeOwned,
    {
        let meta = self.wait_within(limit).await?;
        self.value(&meta)
    }

    /// Waits until the task has come to its end, and gives all that is stored of it. What it raised is no error here.
    ///
    /// # Errors
    /// As [`AsyncResult::get`], where nothing can be learned.
    pub async fn wait(&self) -> Result<Arc<ResultMeta>> {
        if self.shared.ignored {
            return Ok(Arc::new(ResultMeta::new(self.shared.id.clone(), State::Ignored, Value::None)));
        }
        if let Source::App { .. } = self.shared.source {
            join::check()?;
        }
        let mut changes = self.changes();
        loop {
            match changes.next().await? {
                Some(meta) if meta.status.is_ready() => return Ok(meta),
                Some(_) => {}
                None => return Err(Error::new(Kind::Closed, "the result backend has nothing more to say")),
            }
        }
    }

    /// The same, but no longer than this.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when the time is over.
    pub async fn wait_within(&self, limit: Duration) -> Result<Arc<ResultMeta>> {
        match tokio::time::timeout(limit, self.wait()).await {
            Ok(done) => done,
            Err(_) => Err(Error::of_task(
                Kind::Deadline,
                Exception::new("celery.exceptions.TimeoutError", "The operation timed out."),
            )),
        }
    }

    /// What becomes of the task, one state after the other, up to the last one.
    pub fn changes(&self) -> Changes {
        Changes { shared: self.shared.clone(), seen: None }
    }

    /// What is known of the task now.
    ///
    /// # Errors
    /// [`Kind::Misuse`] without a result backend, and those of the backend.
    pub async fn found(&self) -> Result<Found> {
        if let Some(meta) = self.shared.ready() {
            return Ok(Found::Known(Box::new(ResultMeta::clone(&meta))));
        }
        let found = self.shared.backend()?.get(&self.shared.id).await?;
        if let Found::Known(meta) = &found
            && meta.status.is_ready()
        {
            self.shared.set_ready(Arc::new(ResultMeta::clone(meta)));
        }
        Ok(found)
    }

    async fn meta(&self) -> Result<Option<ResultMeta>> {
        Ok(match self.found().await? {
            Found::Known(meta) => Some(*meta),
            Found::Pending | Found::Unknown => None,
        })
    }

    /// The state. [`State::Pending`] is one of which nothing is known; [`State::Unknown`] one that there is not, which backends can tell that keep
    /// results beside the queues ([`Capabilities::unknown`](crate::backend::Capabilities::unknown)).
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn state(&self) -> Result<State> {
        Ok(match self.found().await? {
            Found::Known(meta) => meta.status,
            Found::Pending => State::Pending,
            Found::Unknown => State::Unknown,
        })
    }

    /// Whether it has come to its end.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn ready(&self) -> Result<bool> {
        Ok(self.state().await?.is_ready())
    }

    /// Whether it has a result.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn successful(&self) -> Result<bool> {
        Ok(self.state().await? == State::Success)
    }

    /// Whether it has failed.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn failed(&self) -> Result<bool> {
        Ok(self.state().await? == State::Failure)
    }

    /// What is said beside the state: of a state of its own what the task gave, at the end the result, or the exception.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn info(&self) -> Result<Value> {
        let Some(meta) = self.meta().await? else { return Ok(Value::None) };
        Ok(match meta.exception() {
            Some(exception) => Value::Exception(Box::new(exception)),
            None => self.shared.result(&meta)?,
        })
    }

    /// The traceback of what it raised.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn traceback(&self) -> Result<Option<Str>> {
        Ok(self.meta().await?.and_then(|meta| meta.traceback))
    }

    /// The tasks and groups that it has sent, in the order of their sending.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn children(&self) -> Result<Vec<CanvasResult>> {
        let trees: Vec<ResultTree> = self.meta().await?.map(|meta| meta.children).unwrap_or_default();
        let Source::App { app, .. } = &self.shared.source else { return Ok(Vec::new()) };
        Ok(trees.iter().map(|tree| CanvasResult::of_tree(app, tree)).collect())
    }

    /// The id of the task that sent it, where the backend keeps that with the result
    /// ([`Capabilities::relations`](crate::backend::Capabilities::relations)).
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn parent_id(&self) -> Result<Option<Str>> {
        Ok(self.meta().await?.and_then(|meta| meta.parent_id))
    }

    /// The id of the group that it is part of, where the backend keeps that with the result.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn group_id(&self) -> Result<Option<Str>> {
        Ok(self.meta().await?.and_then(|meta| meta.group_id))
    }

    /// Has the backend forget the task.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn forget(&self) -> Result<()> {
        *self.shared.ready.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.shared.backend()?.forget(&self.shared.id).await
    }

    /// Calls this when the task has come to its end; needs a runtime of tokio's.
    pub fn on_ready(&self, then: impl FnOnce(Result<Arc<ResultMeta>>) + Send + 'static)
    where
        T: 'static,
    {
        let result = self.returning::<Value>();
        tokio::spawn(async move { then(result.wait().await) });
    }

    /// The result out of what is stored at the end.
    ///
    /// # Errors
    /// As [`AsyncResult::get`].
    pub fn value(&self, meta: &ResultMeta) -> Result<T>
    where
        T: DeserializeOwned,
    {
        let exception = || {
            let mut exception = meta.exception().unwrap_or_else(|| match &meta.result {
                ResultValue::Value(value) => Exception::new("builtins.Exception", value.clone()),
                _ => Exception::new("builtins.Exception", Value::None),
            });
            if let Some(traceback) = &meta.traceback {
                exception.set_traceback(traceback.split_inclusive('\n').map(str::to_owned).collect());
            }
            exception
        };
        match &meta.status {
            State::Failure => Err(Error::of_task(Kind::Task, exception())),
            State::Revoked => Err(Error::of_task(Kind::Revoked, exception())),
            _ => {
                let value = self.shared.result(meta)?;
                from_value(&value).map_err(|error| {
                    let what =
                        if self.shared.ignored { "the result is ignored" } else { "the result is of another type" };
                    Error::with_source(Kind::Misuse, format!("{what}: {error}"), error)
                })
            }
        }
    }
}

impl AsyncResult {
    /// The result of a task by its id.
    pub(crate) fn of(app: App, id: Str) -> Self {
        let expected = app.backend().map(|backend| Backend::expect(&**backend, &id));
        Self::made(id, Source::App { app, _expected: expected }, false, None)
    }
}

impl App {
    /// The result of a task by its id, which anybody may have sent if the backend is a shared one.
    pub fn result(&self, id: impl Into<Str>) -> AsyncResult {
        AsyncResult::of(self.clone(), id.into())
    }
}

/// What becomes of a task; see [`AsyncResult::changes`].
pub struct Changes {
    shared: Arc<Shared>,
    seen: Option<Arc<ResultMeta>>,
}

impl Changes {
    /// Waits for the next state that is stored; none after the last one. What is stored faster than it is asked for is left out.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn next(&mut self) -> Result<Option<Arc<ResultMeta>>> {
        if self.seen.as_ref().is_some_and(|meta| meta.status.is_ready()) {
            return Ok(None);
        }
        if let Some(meta) = self.shared.ready() {
            self.seen = Some(meta.clone());
            return Ok(Some(meta));
        }
        let seen = self.seen.as_deref();
        let meta = Arc::new(self.shared.backend()?.changed(&self.shared.id, seen).await?);
        if meta.status.is_ready() {
            self.shared.set_ready(meta.clone());
        }
        self.seen = Some(meta.clone());
        Ok(Some(meta))
    }
}

impl Shared {
    fn backend(&self) -> Result<&Arc<dyn Backend>> {
        let none = || Error::new(Kind::Misuse, "No result backend is configured.");
        match &self.source {
            Source::App { app, .. } => app.backend().ok_or_else(none),
            Source::Eager(_) => Err(Error::new(Kind::Misuse, "the task has run in place, and nothing was stored")),
        }
    }

    fn ready(&self) -> Option<Arc<ResultMeta>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_ready(&self, meta: Arc<ResultMeta>) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(meta);
    }

    fn result(&self, meta: &ResultMeta) -> Result<Value> {
        match (&meta.result, &self.source) {
            (ResultValue::Value(value), _) => Ok(value.clone()),
            (ResultValue::Encoded(bytes), Source::Eager(codec)) => codec
                .decode_value(bytes, codec_settings())
                .map_err(|error| Error::with_source(Kind::Message, error.to_string(), error)),
            (ResultValue::Encoded(_) | ResultValue::Exception(_), _) => Ok(Value::None),
        }
    }
}

impl<T> Clone for AsyncResult<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), result: PhantomData }
    }
}

impl<T> fmt::Debug for AsyncResult<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncResult").field(&self.shared.id).finish()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Changes").field(&self.shared.id).finish()
    }
}
