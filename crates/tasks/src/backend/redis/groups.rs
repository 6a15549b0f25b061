//! The results of groups in Redis, where Celery keeps them too.

use redis::cmd;
use salamander_value::{Dict, Value};
use salamander_wire::celery::ResultTree;

use super::RedisResults;
use crate::Waits;
use crate::backend::Groups;
use crate::redis::bytes;

/// # Wire
/// Celery 5.7: the key `celery-taskset-meta-GROUP`, with the group as a tuple under `result`.
impl Groups for RedisResults {
    fn save(&self, group: ResultTree) -> Waits<'_, ()> {
        Box::pin(async move {
            let saved = Dict::from_iter([("result", group.to_value())]);
            let saved = self.0.stored.encode_value(&saved.into())?;
            self.0.keep(&self.0.of_group(&group.id, ""), saved).await
        })
    }

    fn restore<'a>(&'a self, group_id: &'a str) -> Waits<'a, Option<ResultTree>> {
        Box::pin(async move {
            let mut saved = cmd("GET");
            saved.arg(self.0.of_group(group_id, ""));
            let Some(saved) = bytes(self.0.link.one(saved).await?) else { return Ok(None) };
            let saved = self.0.stored.decode_value(&saved)?;
            Ok(Some(ResultTree::from_value(saved.get("result").unwrap_or(&Value::None))?))
        })
    }

    fn delete<'a>(&'a self, group_id: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            let mut forget = cmd("DEL");
            forget.arg(self.0.of_group(group_id, ""));
            self.0.link.one(forget).await.map(|_| ())
        })
    }
}
