//! [`CanvasResult`]: what a canvas that was sent will give.

use std::time::Duration;

use salamander_value::{Exception, Value, from_value};
use salamander_wire::celery::ResultTree;
use serde::de::DeserializeOwned;

use super::{GroupResult, Promise};
use crate::App;
use crate::call::AsyncResult;
use crate::error::{Error, Kind, Result};
use crate::waits::Waits;

/// What a canvas that was sent will give: the result of its last task, or those of its group. Cheap to clone where it is a task's.
#[derive(Clone, Debug)]
pub struct CanvasResult {
    promise: Promise,
    own: Own,
}

#[derive(Clone, Debug)]
enum Own {
    Task { result: AsyncResult, app: App },
    Group(GroupResult),
}

impl CanvasResult {
    pub(crate) fn of(app: &App, promise: Promise) -> Self {
        let own = match &promise.members {
            None => Own::Task { result: app.result(promise.id.clone()), app: app.clone() },
            Some(_) => Own::Group(GroupResult::of(app, promise.clone())),
        };
        Self { promise, own }
    }

    /// A result of which somebody has told, with those that came before it.
    pub(crate) fn of_tree(app: &App, tree: &ResultTree) -> Self {
        Self::of(app, Promise::of_tree(tree))
    }

    /// The id of the last task, or of the group.
    pub fn id(&self) -> &str {
        &self.promise.id
    }

    /// The ids of all that it follows, and of its members.
    pub fn promise(&self) -> &Promise {
        &self.promise
    }

    /// The result of a task; none of a group.
    pub fn task(&self) -> Option<&AsyncResult> {
        match &self.own {
            Own::Task { result, .. } => Some(result),
            Own::Group(_) => None,
        }
    }

    /// The results of a group; none of a task.
    pub fn group(&self) -> Option<&GroupResult> {
        match &self.own {
            Own::Task { .. } => None,
            Own::Group(group) => Some(group),
        }
    }

    /// The results of a group, one by one; none of a task.
    pub fn members(&self) -> &[CanvasResult] {
        self.group().map_or(&[], GroupResult::results)
    }

    pub(crate) fn app(&self) -> &App {
        match &self.own {
            Own::Task { app, .. } => app,
            Own::Group(group) => group.app(),
        }
    }

    /// What it follows: the result of the task, or of the header, that came before it. It is known to whoever sent the canvas, or was told.
    pub fn parent(&self) -> Option<CanvasResult> {
        let mut before = self.promise.before.iter().cloned();
        let parent = before.next()?;
        Some(Self::of(self.app(), Promise { before: before.collect(), ..parent }))
    }

    /// As it is told to others, with all that it follows: [`App::result_from_tuple`] makes it again out of that, as `result_from_tuple` does in Python.
    ///
    /// # Wire
    /// Celery's `as_tuple()`: `((id, parent), children)`.
    pub fn as_tuple(&self) -> Value {
        self.promise.to_tree().to_value()
    }

    /// The tasks and groups that it has sent, or the members of a group.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn children(&self) -> Result<Vec<CanvasResult>> {
        match &self.own {
            Own::Task { result, .. } => result.children().await,
            Own::Group(group) => Ok(group.results().to_vec()),
        }
    }

    /// Whether all of it has come to its end.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub fn ready(&self) -> Waits<'_, bool> {
        Box::pin(async move {
            match &self.own {
                Own::Task { result, .. } => result.ready().await,
                Own::Group(group) => group.ready().await,
            }
        })
    }

    /// Whether all of it has a result.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub fn successful(&self) -> Waits<'_, bool> {
        Box::pin(async move {
            match &self.own {
                Own::Task { result, .. } => result.successful().await,
                Own::Group(group) => group.successful().await,
            }
        })
    }

    /// Whether any of it has failed.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub fn failed(&self) -> Waits<'_, bool> {
        Box::pin(async move {
            match &self.own {
                Own::Task { result, .. } => result.failed().await,
                Own::Group(group) => group.failed().await,
            }
        })
    }

    /// Has the backend forget it, its members, and all that it follows.
    ///
    /// # Errors
    /// As [`AsyncResult::found`].
    pub async fn forget(&self) -> Result<()> {
        let mut ids = Vec::new();
        self.promise.task_ids(&mut ids);
        for before in &self.promise.before {
            before.task_ids(&mut ids);
        }
        for id in ids {
            self.app().result(id).forget().await?;
        }
        Ok(())
    }

    /// Waits for the result, however long that takes; that of a group is the list of its members' results.
    ///
    /// # Errors
    /// As [`AsyncResult::get`], for the first member with an error.
    ///
    /// # Cancellation
    /// Dropping the future stops the waiting, not the tasks.
    pub async fn get<T: DeserializeOwned>(&self) -> Result<T> {
        read(&self.value().await?)
    }

    /// The same, but no longer than this.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when the time is over; else as [`CanvasResult::get`].
    pub async fn get_within<T: DeserializeOwned>(&self, limit: Duration) -> Result<T> {
        within(limit, self.get()).await
    }

    pub(super) fn value(&self) -> Waits<'_, Value> {
        Box::pin(async move {
            match &self.own {
                Own::Task { result, .. } => result.get().await,
                Own::Group(group) => group.values().await.map(Value::List),
            }
        })
    }
}

/// A result as the type that is wanted.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T> {
    from_value(value)
        .map_err(|error| Error::with_source(Kind::Misuse, format!("the result is of another type: {error}"), error))
}

pub(super) async fn within<T>(limit: Duration, waiting: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, waiting).await {
        Ok(done) => done,
        Err(_) => Err(Error::of_task(
            Kind::Deadline,
            Exception::new("celery.exceptions.TimeoutError", "The operation timed out."),
        )),
    }
}

impl App {
    /// A result out of the tuple that [`CanvasResult::as_tuple`] gives, in whichever language.
    ///
    /// # Errors
    /// [`Kind::Message`] for what is of another form, or nests deeper than 256 levels.
    pub fn result_from_tuple(&self, tuple: &Value) -> Result<CanvasResult> {
        Ok(CanvasResult::of_tree(self, &ResultTree::from_value(tuple)?))
    }

    /// The result of a group that [`GroupResult::save`] has kept, in whichever language; none where there is none.
    ///
    /// # Errors
    /// [`Kind::Misuse`] without a result backend, [`Kind::Unsupported`] where it keeps no groups, and those of the backend.
    pub async fn restore_group(&self, id: &str) -> Result<Option<GroupResult>> {
        let saved = super::group_result::groups(self)?.restore(id).await?;
        Ok(saved.map(|tree| GroupResult::of(self, Promise::of_tree(&tree))))
    }
}
