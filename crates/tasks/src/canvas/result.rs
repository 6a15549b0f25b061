//! [`CanvasResult`]: what a canvas that was sent will give.

use std::time::Duration;

use salamander_value::{Exception, Value, from_value};
use serde::de::DeserializeOwned;

use super::Promise;
use crate::App;
use crate::call::AsyncResult;
use crate::error::{Error, Kind, Result};
use crate::waits::Waits;

/// What a canvas that was sent will give: the result of its last task, or those of its group. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CanvasResult {
    promise: Promise,
    own: Own,
}

#[derive(Clone, Debug)]
enum Own {
    Task(AsyncResult),
    Group(Vec<CanvasResult>),
}

impl CanvasResult {
    pub(super) fn of(app: &App, promise: Promise) -> Self {
        let own = match &promise.members {
            None => Own::Task(app.result(promise.id.clone())),
            Some(members) => Own::Group(members.iter().map(|member| Self::of(app, member.clone())).collect()),
        };
        Self { promise, own }
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
            Own::Task(result) => Some(result),
            Own::Group(_) => None,
        }
    }

    /// The results of a group; none of a task.
    pub fn members(&self) -> &[CanvasResult] {
        match &self.own {
            Own::Task(_) => &[],
            Own::Group(members) => members,
        }
    }

    /// Waits for the result, however long that takes; that of a group is the list of its members' results.
    ///
    /// # Errors
    /// As [`AsyncResult::get`], for the first member with an error.
    ///
    /// # Cancellation
    /// Dropping the future stops the waiting, not the tasks.
    pub async fn get<T: DeserializeOwned>(&self) -> Result<T> {
        let value = self.value().await?;
        from_value(&value).map_err(|error| {
            Error::with_source(Kind::Misuse, format!("the result is of another type: {error}"), error)
        })
    }

    /// The same, but no longer than this.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when the time is over; else as [`CanvasResult::get`].
    pub async fn get_within<T: DeserializeOwned>(&self, limit: Duration) -> Result<T> {
        match tokio::time::timeout(limit, self.get()).await {
            Ok(done) => done,
            Err(_) => Err(Error::of_task(
                Kind::Deadline,
                Exception::new("celery.exceptions.TimeoutError", "The operation timed out."),
            )),
        }
    }

    fn value(&self) -> Waits<'_, Value> {
        Box::pin(async move {
            match &self.own {
                Own::Task(result) => result.get().await,
                Own::Group(members) => {
                    let mut values = Vec::with_capacity(members.len());
                    for member in members {
                        values.push(member.value().await?);
                    }
                    Ok(Value::List(values))
                }
            }
        })
    }
}
