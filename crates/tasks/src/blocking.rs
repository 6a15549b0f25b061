//! The same without `async`: for programs and threads that wait.
//!
//! [`App::new`] makes a blocking application of any; tasks and signatures are sent to it by the same names, and give results that
//! wait: `add.delay(&app, (5, 5))?.get()?`. They must not be called in asynchronous code, which would wait for itself.

mod workflow;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use salamander_codec::Arguments;
use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{ResultMeta, State};
use serde::de::DeserializeOwned;

use crate::backend::Found;
use crate::call::{self, Place, Signature};
use crate::canvas::{self, Canvas};
use crate::control::{self, Reply};
use crate::error::{Error, Kind, Result};
use crate::task::TaskContext;

pub use workflow::Workflow;

fn wait<F: Future>(future: F) -> Result<F::Output> {
    salamander_net::blocking::wait(future).map_err(|error| Error::with_source(Kind::Misuse, error.to_string(), error))
}

/// Lets a task wait for the results of others; the blocking twin of [`allow_join_result`](crate::allow_join_result).
pub fn allow_join_result<T>(work: impl FnOnce() -> T) -> T {
    call::allow_join_result_sync(work)
}

/// Adds to the chord that a task is a part of; the blocking twin of [`TaskContext::add_to_chord`].
///
/// # Errors
/// As there, and where it is called in asynchronous code.
pub fn add_to_chord(context: &TaskContext, canvas: impl Into<Canvas> + Send) -> Result<CanvasResult> {
    Ok(CanvasResult(wait(context.add_to_chord(canvas))??))
}

/// Writes methods that wait for the asynchronous one of the same name.
macro_rules! waiting {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $result:ty;)*) => {$(
        #[doc = concat!("The blocking twin of the asynchronous `", stringify!($name), "`.")]
        ///
        /// # Errors
        /// As there, and where it is called in asynchronous code.
        pub fn $name(&self, $($arg: $ty),*) -> Result<$result> {
            wait(self.0.$name($($arg),*))?
        }
    )*};
}

/// An application; the blocking twin of [`App`](crate::App).
#[derive(Clone, Debug)]
pub struct App(crate::App);

/// What a task that was sent will give; the blocking twin of [`AsyncResult`](crate::AsyncResult).
#[derive(Clone, Debug)]
pub struct AsyncResult<T = Value>(call::AsyncResult<T>);

/// Remote control of workers; the blocking twin of [`Control`](crate::Control).
#[derive(Clone, Debug)]
pub struct Control(control::Control);

/// What a canvas that was sent will give; the blocking twin of [`CanvasResult`](crate::canvas::CanvasResult).
#[derive(Clone, Debug)]
pub struct CanvasResult(canvas::CanvasResult);

/// The results of a group; the blocking twin of [`GroupResult`](crate::canvas::GroupResult).
#[derive(Clone, Debug)]
pub struct GroupResult(canvas::GroupResult);

/// What tasks led to; the blocking twin of [`Collected`](crate::canvas::Collected), and an iterator.
#[derive(Debug)]
pub struct Collected(canvas::Collected);

/// What becomes of a task; the blocking twin of [`Changes`](crate::call::Changes), and an iterator.
#[derive(Debug)]
pub struct Changes(call::Changes);

impl App {
    /// The same application for code that waits.
    pub fn new(app: crate::App) -> Self {
        Self(app)
    }

    /// The blocking twin of the asynchronous `send_task`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn send_task(&self, name: &str, arguments: impl Arguments) -> Result<AsyncResult> {
        Place::send(self, Signature::<Value>::new(name, arguments))
    }

    /// The blocking twin of the asynchronous `send_many`.
    ///
    /// # Errors
    /// Where it is called in asynchronous code; what went wrong with each is in its place.
    pub fn send_many<T: 'static>(
        &self,
        signatures: impl IntoIterator<Item = Signature<T>>,
    ) -> Result<Vec<Result<AsyncResult<T>>>> {
        let sent = wait(self.0.send_many(signatures))?;
        Ok(sent.into_iter().map(|result| result.map(AsyncResult)).collect())
    }

    /// The result of a task by its id.
    pub fn result(&self, id: impl Into<Str>) -> AsyncResult {
        AsyncResult(self.0.result(id))
    }

    /// The blocking twin of the asynchronous `restore_group`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn restore_group(&self, id: &str) -> Result<Option<GroupResult>> {
        Ok(wait(self.0.restore_group(id))??.map(GroupResult))
    }

    /// A result out of what `as_tuple` gave, in whichever language.
    ///
    /// # Errors
    /// As with the asynchronous one.
    pub fn result_from_tuple(&self, tuple: &Value) -> Result<CanvasResult> {
        self.0.result_from_tuple(tuple).map(CanvasResult)
    }

    /// Remote control of the workers on this broker.
    pub fn control(&self) -> Control {
        Control(self.0.control())
    }

    waiting! {
        revoke(ids: &[&str], terminate: bool) -> ();
    }
}

impl Control {
    /// The same with a change, as of destination or timeout.
    #[must_use]
    pub fn with(self, change: impl FnOnce(control::Control) -> control::Control) -> Self {
        Self(change(self.0))
    }

    waiting! {
        broadcast(command: &str, arguments: Dict) -> ();
        ask(command: &str, arguments: Dict) -> Vec<Reply>;
        ping() -> Vec<Reply>;
        registered() -> Vec<Reply>;
        active() -> Vec<Reply>;
        reserved() -> Vec<Reply>;
        scheduled() -> Vec<Reply>;
        revoked() -> Vec<Reply>;
        stats() -> Vec<Reply>;
        revoke(ids: &[&str]) -> ();
        terminate(ids: &[&str], signal: &str) -> ();
        shutdown() -> ();
    }
}

impl Deref for App {
    type Target = crate::App;

    fn deref(&self) -> &crate::App {
        &self.0
    }
}

impl call::sealed::Sealed for App {}

impl Place for App {
    type Sent<'a, T: 'static> = Result<AsyncResult<T>>;
    type Begun<'a> = Result<CanvasResult>;

    fn begin(&self, canvas: Canvas) -> Result<CanvasResult> {
        wait(Place::begin(&self.0, canvas))?.map(CanvasResult)
    }

    fn send<T: 'static>(&self, signature: Signature<T>) -> Result<AsyncResult<T>> {
        wait(Place::send(&self.0, signature))?.map(AsyncResult)
    }

    fn apply<T: 'static>(&self, signature: Signature<T>) -> Result<AsyncResult<T>> {
        wait(Place::apply(&self.0, signature))?.map(AsyncResult)
    }
}

impl<T> AsyncResult<T> {
    /// The id of the task.
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// The blocking twin of the asynchronous `get`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn get(&self) -> Result<T>
    where
        T: DeserializeOwned,
    {
        wait(self.0.get())?
    }

    /// The blocking twin of the asynchronous `get_within`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn get_within(&self, limit: Duration) -> Result<T>
    where
        T: DeserializeOwned,
    {
        // A time limit begins where there is a runtime.
        wait(async { self.0.get_within(limit).await })?
    }

    /// The blocking twin of the asynchronous `wait_within`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn wait_within(&self, limit: Duration) -> Result<Arc<ResultMeta>> {
        wait(async { self.0.wait_within(limit).await })?
    }

    /// The tasks that it has sent.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn children(&self) -> Result<Vec<CanvasResult>> {
        Ok(wait(self.0.children())??.into_iter().map(CanvasResult).collect())
    }

    /// The blocking twin of the asynchronous `collect`.
    ///
    /// # Errors
    /// As there.
    pub fn collect(&self) -> Result<Collected> {
        self.0.collect().map(Collected)
    }

    /// What becomes of the task, one state after the other, up to the last one.
    pub fn changes(&self) -> Changes {
        Changes(self.0.changes())
    }

    waiting! {
        wait() -> Arc<ResultMeta>;
        found() -> Found;
        state() -> State;
        ready() -> bool;
        successful() -> bool;
        failed() -> bool;
        info() -> Value;
        traceback() -> Option<Str>;
        forget() -> ();
        revoke(terminate: bool) -> ();
    }
}

impl CanvasResult {
    /// The blocking twin of the asynchronous `get`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T> {
        wait(self.0.get())?
    }

    /// The blocking twin of the asynchronous `get_within`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn get_within<T: DeserializeOwned>(&self, limit: Duration) -> Result<T> {
        // A time limit begins where there is a runtime.
        wait(async { self.0.get_within(limit).await })?
    }

    /// The results of a group; none of a task.
    pub fn group(&self) -> Option<GroupResult> {
        self.0.group().cloned().map(GroupResult)
    }

    /// What it follows.
    pub fn parent(&self) -> Option<CanvasResult> {
        self.0.parent().map(CanvasResult)
    }

    /// The tasks and groups that it has sent, or the members of a group.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn children(&self) -> Result<Vec<CanvasResult>> {
        Ok(wait(self.0.children())??.into_iter().map(CanvasResult).collect())
    }

    /// All that it led to, as an iterator.
    pub fn collect(&self) -> Collected {
        Collected(self.0.collect())
    }

    waiting! {
        ready() -> bool;
        successful() -> bool;
        failed() -> bool;
        get_leaf() -> Value;
        forget() -> ();
    }
}

impl GroupResult {
    /// The blocking twin of the asynchronous `join`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn join<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        wait(self.0.join())?
    }

    /// The blocking twin of the asynchronous `join_within`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn join_within<T: DeserializeOwned>(&self, limit: Duration) -> Result<Vec<T>> {
        // A time limit begins where there is a runtime.
        wait(async { self.0.join_within(limit).await })?
    }

    /// The blocking twin of the asynchronous `join_native`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn join_native<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        wait(self.0.join_native())?
    }

    waiting! {
        ready() -> bool;
        waiting() -> bool;
        successful() -> bool;
        failed() -> bool;
        completed_count() -> usize;
        save() -> ();
        delete() -> ();
        forget() -> ();
        revoke(terminate: bool) -> ();
    }
}

impl Deref for GroupResult {
    type Target = canvas::GroupResult;

    fn deref(&self) -> &canvas::GroupResult {
        &self.0
    }
}

impl Iterator for Collected {
    type Item = Result<(CanvasResult, Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = wait(self.0.next()).and_then(|next| next).transpose()?;
        Some(next.map(|(result, value)| (CanvasResult(result), value)))
    }
}

impl Deref for CanvasResult {
    type Target = canvas::CanvasResult;

    fn deref(&self) -> &canvas::CanvasResult {
        &self.0
    }
}

impl Iterator for Changes {
    type Item = Result<Arc<ResultMeta>>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(self.0.next()).and_then(|meta| meta).transpose()
    }
}
