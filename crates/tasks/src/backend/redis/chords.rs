//! Chords in Redis: their parts counted where Celery counts them, so that both languages' workers do so together.

use std::sync::LazyLock;

use redis::{Cmd, cmd};
use salamander_value::{Exception, Value};
use salamander_wire::celery::{ExceptionMeta, ResultMeta, ResultTree, ResultValue, State};

use super::{Inner, RedisResults};
use crate::backend::{Broken, Chords, Claim, Counted, Groups, Part};
use crate::call::new_id;
use crate::redis::{Script, array, bytes, flag};
use crate::task::exception_repr;
use crate::{Error, Kind, Result, Waits};

pub(super) static PART: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("part.lua")));
pub(super) static EXTEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("extend.lua")));
pub(super) static FINISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("finish.lua")));

/// For how long somebody may put results together, and then send the body, before another may in its place; in seconds.
const JOINING: u64 = 6;
const SENDING: u64 = 30;

/// For how long it is remembered that a chord is done.
const DONE: u64 = 300;

/// # Wire
/// Celery 5.7, by the keys `celery-taskset-meta-GROUP` and a letter: `.j` the results (a sorted set, or a list where `result_chord_ordered` is
/// off), `.s` the size, `.t` what was added to it, `.d` the parts that have been counted, `.c` who goes on; without a letter the ids of a header
/// with groups in it.
impl Chords for RedisResults {
    fn begin<'a>(&'a self, group_id: &'a str, header: Vec<ResultTree>) -> Waits<'a, ()> {
        Box::pin(async move {
            if header.iter().all(|member| member.children.is_none()) {
                return Ok(());
            }
            self.save(ResultTree::group(group_id, header)).await
        })
    }

    fn set_size<'a>(&'a self, group_id: &'a str, size: usize) -> Waits<'a, ()> {
        Box::pin(async move {
            // The same ids may have been sent before, and come to an end.
            let mut forget = cmd("DEL");
            forget.arg(self.0.of_group(group_id, ".c"));
            self.0.link.one(forget).await?;
            self.0.keep(&self.0.of_group(group_id, ".s"), size.to_string().into()).await
        })
    }

    fn add<'a>(&'a self, group_id: &'a str, count: usize) -> Waits<'a, ()> {
        Box::pin(async move {
            let mut added = cmd("INCRBY");
            added.arg(self.0.of_group(group_id, ".t")).arg(count);
            self.0.link.one(added).await.map(|_| ())
        })
    }

    fn part(&self, part: Part) -> Waits<'_, Counted> {
        Box::pin(async move {
            let claim = Claim { group_id: part.group_id, token: new_id() };
            let result = match part.result {
                ResultValue::Value(value) => value,
                ResultValue::Exception(exception) => exception.to_value(),
                ResultValue::Encoded(bytes) => {
                    self.0.stored.options.serializer.decode(&bytes, &self.0.stored.settings)?
                }
            };
            let entry = [1.into(), part.task_id.clone().into(), part.state.as_str().into(), result];
            let entry = self.0.encoded(&Value::List(entry.into()))?;
            let mut count = PART.command(6);
            for kind in [".j", ".t", ".s", ".d", "", ".c"] {
                count.arg(self.0.of_group(&claim.group_id, kind));
            }
            let place = part.group_index.map_or_else(|| "+inf".to_owned(), |index| index.to_string());
            count.arg(&*part.task_id).arg(&*entry).arg(i32::from(self.0.ordered)).arg(place);
            count.arg(self.0.expires()).arg(JOINING).arg(&*claim.token);
            Ok(match flag(&self.0.link.one(count).await?) {
                true => Counted::Last(claim),
                false => Counted::Waiting,
            })
        })
    }

    fn join<'a>(&'a self, claim: &'a Claim) -> Waits<'a, Result<Vec<Value>, Broken>> {
        Box::pin(async move {
            if let Some(tree) = self.restore(&claim.group_id).await? {
                return self.0.joined(tree.children.unwrap_or_default()).await;
            }
            let mut entries = cmd(if self.0.ordered { "ZRANGE" } else { "LRANGE" });
            entries.arg(self.0.of_group(&claim.group_id, ".j")).arg(0).arg(-1);
            let mut results = Vec::new();
            for entry in array(self.0.link.one(entries).await?).into_iter().filter_map(bytes) {
                match result_of(self.0.stored.options.serializer.decode(&entry, &self.0.stored.settings)?)? {
                    Ok(value) => results.push(value),
                    Err(broken) => return Ok(Err(broken)),
                }
            }
            Ok(Ok(results))
        })
    }

    fn extend<'a>(&'a self, claim: &'a Claim) -> Waits<'a, bool> {
        Box::pin(async move {
            let mut extend = EXTEND.command(2);
            extend.arg(self.0.of_group(&claim.group_id, ".c")).arg(self.0.of_group(&claim.group_id, ".s"));
            Ok(flag(&self.0.link.one(extend.arg(&*claim.token).arg(SENDING).clone()).await?))
        })
    }

    fn finish<'a>(&'a self, claim: &'a Claim) -> Waits<'a, ()> {
        Box::pin(async move {
            let mut finish = FINISH.command(5);
            for kind in [".c", ".j", ".t", ".s", ".d"] {
                finish.arg(self.0.of_group(&claim.group_id, kind));
            }
            finish.arg(&*claim.token).arg(DONE);
            self.0.link.one(finish).await.map(|_| ())
        })
    }

    fn fail<'a>(&'a self, claim: &'a Claim) -> Waits<'a, ()> {
        Box::pin(async move {
            let mut forget = cmd("DEL");
            forget.arg(self.0.of_group(&claim.group_id, ".s"));
            self.0.link.one(forget).await.map(|_| ())
        })
    }
}

impl Inner {
    pub(super) fn of_group(&self, group_id: &str, kind: &str) -> String {
        format!("{}celery-taskset-meta-{group_id}{kind}", self.global_prefix)
    }

    fn expires(&self) -> u64 {
        self.stored.options.expires.map_or(0, |expires| expires.as_secs().max(1))
    }

    fn encoded(&self, value: &Value) -> Result<bytes::Bytes> {
        let encoded = self.stored.options.serializer.encode(value, &self.stored.settings);
        encoded.map_err(|error| {
            Error::with_source(Kind::Misuse, format!("a part of a chord cannot be encoded: {error}"), error)
        })
    }

    pub(super) async fn keep(&self, key: &str, value: bytes::Bytes) -> Result<()> {
        let mut keep: Cmd = cmd("SET");
        keep.arg(key).arg(&*value);
        if self.expires() > 0 {
            keep.arg("EX").arg(self.expires());
        }
        self.link.one(keep).await.map(|_| ())
    }

    /// The results of a header with groups in it, which are stored by then.
    fn joined(&self, members: Vec<ResultTree>) -> Waits<'_, Result<Vec<Value>, Broken>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(members.len());
            for member in members {
                let result = match member.children {
                    Some(members) => self.joined(members).await?.map(Value::List),
                    None => of_meta(self.find(&member.id).await?),
                };
                match result {
                    Ok(value) => results.push(value),
                    Err(broken) => return Ok(Err(broken)),
                }
            }
            Ok(Ok(results))
        })
    }
}

fn of_meta(meta: Option<ResultMeta>) -> Result<Value, Broken> {
    let broken = |exception: Exception| Broken {
        reason: format!("Join error: {}", exception_repr(&exception)).into(),
        cause: Some(exception),
    };
    match meta {
        Some(meta) if !meta.status.is_propagated() => Ok(match meta.result {
            ResultValue::Value(value) => value,
            ResultValue::Exception(_) | ResultValue::Encoded(_) => Value::None,
        }),
        Some(meta) => Err(broken(meta.exception().unwrap_or_else(|| Exception::new("builtins.Exception", "")))),
        None => Err(broken(Exception::new("celery.exceptions.TimeoutError", "The operation timed out."))),
    }
}

/// The result of a part, as it was counted.
fn result_of(entry: Value) -> Result<Result<Value, Broken>> {
    let wrong = || Error::new(Kind::Message, "what is stored is no part of a chord");
    let parts = match entry {
        Value::List(parts) | Value::Tuple(parts) => parts,
        _ => return Err(wrong()),
    };
    let [_, id, state, result] = <[Value; 4]>::try_from(parts).map_err(|_| wrong())?;
    let state = State::from(state.as_str().ok_or_else(wrong)?);
    if !state.is_propagated() {
        return Ok(Ok(result));
    }
    let cause = ExceptionMeta::from_value(&result).map(Exception::from);
    let raised = cause.as_ref().map_or_else(|| result.to_string(), exception_repr);
    let reason = format!("Dependency {} raised {raised}", id.as_str().unwrap_or_default()).into();
    Ok(Err(Broken { reason, cause }))
}
