//! [`Groups`]: the results of groups, kept under the ids of the groups.

use salamander_wire::celery::{ResultMeta, ResultTree, ResultValue, State};

use super::{Backend, Found, Update};
use crate::error::Result;
use crate::waits::Waits;

/// What a result backend does that keeps which results are a group's, so that they are found again by its id.
pub trait Groups: Send + Sync {
    /// Keeps a group, in the place of another of its id, for as long as results are kept.
    fn save(&self, group: ResultTree) -> Waits<'_, ()>;

    /// The group that was kept.
    fn restore<'a>(&'a self, group_id: &'a str) -> Waits<'a, Option<ResultTree>>;

    /// Forgets that it was kept; the results of its members stay.
    fn delete<'a>(&'a self, group_id: &'a str) -> Waits<'a, ()>;
}

/// In front of the ids of groups that are kept among results. Celery's backends of keys and values have the same.
pub(super) const PREFIX: &str = "celery-taskset-meta-";

/// Where no other language looks, groups are kept as results are.
macro_rules! groups_among_results {
    ($backend:ty) => {
        impl $crate::backend::Groups for $backend {
            fn save(&self, group: salamander_wire::celery::ResultTree) -> $crate::Waits<'_, ()> {
                Box::pin($crate::backend::groups::save(self, group))
            }

            fn restore<'a>(
                &'a self,
                group_id: &'a str,
            ) -> $crate::Waits<'a, Option<salamander_wire::celery::ResultTree>> {
                Box::pin($crate::backend::groups::restore(self, group_id))
            }

            fn delete<'a>(&'a self, group_id: &'a str) -> $crate::Waits<'a, ()> {
                Box::pin($crate::backend::groups::delete(self, group_id))
            }
        }
    };
}
pub(crate) use groups_among_results;

pub(crate) async fn save(backend: &impl Backend, group: ResultTree) -> Result<()> {
    // A result that is there stays.
    delete(backend, &group.id).await?;
    let meta = ResultMeta::new(key(&group.id), State::Success, group.to_value());
    backend.store(Update { meta, reply_to: None, correlation_id: None }).await
}

pub(crate) async fn restore(backend: &impl Backend, group_id: &str) -> Result<Option<ResultTree>> {
    match backend.get(&key(group_id)).await? {
        Found::Known(meta) => match &meta.result {
            ResultValue::Value(value) => Ok(Some(ResultTree::from_value(value)?)),
            ResultValue::Encoded(_) | ResultValue::Exception(_) => Ok(None),
        },
        Found::Pending | Found::Unknown => Ok(None),
    }
}

pub(crate) async fn delete(backend: &impl Backend, group_id: &str) -> Result<()> {
    backend.forget(&key(group_id)).await
}

fn key(group_id: &str) -> String {
    format!("{PREFIX}{group_id}")
}
