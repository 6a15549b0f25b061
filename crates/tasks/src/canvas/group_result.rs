//! [`GroupResult`]: the results of a group, which are waited for, kept, and found again together.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use salamander_value::{Str, Value};
use serde::de::DeserializeOwned;

use super::result::{read, within};
use super::{CanvasResult, Promise};
use crate::App;
use crate::backend::Groups;
use crate::error::{Error, Kind, Result};
use crate::waits::Waits;

/// The results of a group: Celery's `GroupResult`.
///
/// ```no_run
/// # use salamander_tasks::{App, Signature, canvas::group};
/// # use salamander_value::Value;
/// # async fn example(app: &App) -> salamander_tasks::Result<()> {
/// # let add = |x: i64| Signature::<Value>::new("tasks.add", (x, x));
/// let sent = group([add(1), add(2), add(3)]).send(app).await?;
/// let results = sent.group().expect("a group");
/// results.save().await?;
/// // Somewhere else, in either language:
/// let results = app.restore_group(results.id()).await?.expect("it was kept");
/// let mut completed = results.completed();
/// while let Some((result, value)) = completed.next().await {
///     println!("{} gave {}", result.id(), value?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GroupResult {
    app: App,
    id: Str,
    results: Vec<CanvasResult>,
    before: Vec<Promise>,
}

impl GroupResult {
    /// Results under an id, whoever sent their tasks. One that is given twice counts once.
    pub fn new(app: &App, id: impl Into<Str>, results: impl IntoIterator<Item = CanvasResult>) -> Self {
        let mut seen = HashSet::new();
        let results = results.into_iter().filter(|result| seen.insert(Str::from(result.id()))).collect();
        Self { app: app.clone(), id: id.into(), results, before: Vec::new() }
    }

    pub(super) fn of(app: &App, promise: Promise) -> Self {
        let members = promise.members.unwrap_or_default();
        let results = members.into_iter().map(|member| CanvasResult::of(app, member)).collect();
        Self { app: app.clone(), id: promise.id, results, before: promise.before }
    }

    /// The id of the group.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The results, in the order of the group.
    pub fn results(&self) -> &[CanvasResult] {
        &self.results
    }

    /// The results, to add some or take some out.
    pub fn results_mut(&mut self) -> &mut Vec<CanvasResult> {
        &mut self.results
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// What the group follows.
    pub fn parent(&self) -> Option<CanvasResult> {
        CanvasResult::of(&self.app, self.promise()).parent()
    }

    /// As it is told to others, with all that it follows.
    ///
    /// # Wire
    /// Celery's `as_tuple()`.
    pub fn as_tuple(&self) -> Value {
        self.promise().to_tree().to_value()
    }

    fn promise(&self) -> Promise {
        let members = self.results.iter().map(|result| result.promise().clone()).collect();
        Promise { before: self.before.clone(), ..Promise::group(self.id.clone(), members) }
    }

    /// Waits for all of them, in the order of the group.
    ///
    /// # Errors
    /// As [`AsyncResult::get`](crate::AsyncResult::get), for the first of them in this order that has an error.
    ///
    /// # Cancellation
    /// Dropping the future stops the waiting, not the tasks.
    pub async fn join<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        self.values().await?.iter().map(read).collect()
    }

    /// The same, but no longer than this.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when the time is over; else as [`GroupResult::join`].
    pub async fn join_within<T: DeserializeOwned>(&self, limit: Duration) -> Result<Vec<T>> {
        within(limit, self.join()).await
    }

    /// Waits for all of them at once: an error is told as soon as there is one, whichever comes first.
    ///
    /// # Errors
    /// As [`AsyncResult::get`](crate::AsyncResult::get), for the first of them in time that has an error.
    pub async fn join_native<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let mut waiting: FuturesUnordered<_> =
            self.results.iter().enumerate().map(|(at, result)| async move { (at, result.value().await) }).collect();
        let mut values: Vec<Option<T>> = self.results.iter().map(|_| None).collect();
        while let Some((at, value)) = waiting.next().await {
            values[at] = Some(read(&value?)?);
        }
        Ok(values.into_iter().flatten().collect())
    }

    /// The results as they come, whichever is done first; what one of them raised does not end it.
    pub fn completed(&self) -> Completed<'_> {
        let waits = |result: &'_ CanvasResult| -> Coming<'_> {
            let result = result.clone();
            Box::pin(async move {
                let value = result.value().await;
                (result, value)
            })
        };
        Completed(self.results.iter().map(waits).collect())
    }

    pub(super) fn values(&self) -> Waits<'_, Vec<Value>> {
        Box::pin(async move {
            let mut values = Vec::with_capacity(self.results.len());
            for result in &self.results {
                values.push(result.value().await?);
            }
            Ok(values)
        })
    }

    /// Whether all have come to their end.
    ///
    /// # Errors
    /// As [`AsyncResult::found`](crate::AsyncResult::found).
    pub async fn ready(&self) -> Result<bool> {
        for result in &self.results {
            if !result.ready().await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether some have not come to their end.
    ///
    /// # Errors
    /// As [`AsyncResult::found`](crate::AsyncResult::found).
    pub async fn waiting(&self) -> Result<bool> {
        self.ready().await.map(|ready| !ready)
    }

    /// Whether all have a result.
    ///
    /// # Errors
    /// As [`AsyncResult::found`](crate::AsyncResult::found).
    pub async fn successful(&self) -> Result<bool> {
        self.completed_count().await.map(|count| count == self.results.len())
    }

    /// Whether one of them has failed.
    ///
    /// # Errors
    /// As [`AsyncResult::found`](crate::AsyncResult::found).
    pub async fn failed(&self) -> Result<bool> {
        for result in &self.results {
            if result.failed().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many have a result.
    ///
    /// # Errors
    /// As [`AsyncResult::found`](crate::AsyncResult::found).
    pub async fn completed_count(&self) -> Result<usize> {
        let mut count = 0;
        for result in &self.results {
            count += usize::from(result.successful().await?);
        }
        Ok(count)
    }

    /// Keeps it in the result backend, for as long as results are kept there: [`App::restore_group`] finds it again by its id.
    ///
    /// # Errors
    /// [`Kind::Misuse`] without a result backend, [`Kind::Unsupported`] where it keeps no groups, and those of the backend.
    ///
    /// # Wire
    /// As Celery keeps it, so that Python's `GroupResult.restore` finds it too.
    pub async fn save(&self) -> Result<()> {
        groups(&self.app)?.save(self.promise().to_tree()).await
    }

    /// Has the backend forget that it was kept; its results stay.
    ///
    /// # Errors
    /// As [`GroupResult::save`].
    pub async fn delete(&self) -> Result<()> {
        groups(&self.app)?.delete(&self.id).await
    }

    /// Has the backend forget all results.
    ///
    /// # Errors
    /// As [`AsyncResult::found`](crate::AsyncResult::found).
    pub async fn forget(&self) -> Result<()> {
        for result in &self.results {
            result.forget().await?;
        }
        Ok(())
    }

    /// Tells all workers that the tasks are not to be run, and those that run to be ended if `terminate` says so.
    ///
    /// # Errors
    /// Those of the broker.
    pub async fn revoke(&self, terminate: bool) -> Result<()> {
        let mut ids = Vec::new();
        self.results.iter().for_each(|result| result.promise().task_ids(&mut ids));
        let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
        self.app.revoke(&ids, terminate).await
    }
}

type Coming<'a> = std::pin::Pin<Box<dyn Future<Output = (CanvasResult, Result<Value>)> + Send + 'a>>;

/// The results of a group as they come; see [`GroupResult::completed`].
pub struct Completed<'a>(FuturesUnordered<Coming<'a>>);

impl Completed<'_> {
    /// The next one, with what it gave; none when all have come.
    pub async fn next(&mut self) -> Option<(CanvasResult, Result<Value>)> {
        self.0.next().await
    }
}

impl std::fmt::Debug for Completed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Completed").field("waiting", &self.0.len()).finish()
    }
}

pub(super) fn groups(app: &App) -> Result<&dyn Groups> {
    let Some(backend) = app.backend() else {
        return Err(Error::new(Kind::Misuse, "groups are kept by a result backend, and none is configured"));
    };
    backend
        .groups()
        .ok_or_else(|| Error::new(Kind::Unsupported, format!("the result backend {} keeps no groups", backend.url())))
}
