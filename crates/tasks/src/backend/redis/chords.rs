//! Chords in Redis: their parts counted where Celery counts them, so that both languages' workers do so together.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{Cmd, cmd};
use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{ResultMeta, ResultTree, ResultValue};

use super::{Inner, RedisResults};
use crate::backend::chords::{AT_ONCE, DONE, IDLE, JOINING, SENDING, leaves, of_entry};
use crate::backend::{Begun, Broken, Chords, Claim, Counted, Groups, Lost, Part};
use crate::call::new_id;
use crate::redis::{Script, array, bytes, flag, integer};
use crate::task::exception_repr;
use crate::{Error, Kind, Result, Waits};

pub(super) static PART: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("part.lua")));
pub(super) static EXTEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("extend.lua")));
pub(super) static FINISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("finish.lua")));
pub(super) static DUE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("due.lua")));
pub(super) static LOOK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("look.lua")));

/// For how much longer than a chord what is known of it is kept, so that it can be told that it was not done in time.
const LONGER: u64 = 86_400;

/// # Wire
/// Celery 5.7, by the keys `celery-taskset-meta-GROUP` and a letter: `.j` the results (a sorted set, or a list where `result_chord_ordered` is
/// off), `.s` the size, `.t` what was added to it, `.d` the parts that have been counted, `.c` who goes on; without a letter the ids of a header
/// with groups in it. Ours alone are `.b`, the body with the header, and the sorted set `salamander-chords`, which says when to look at which
/// chord.
impl Chords for RedisResults {
    fn begin(&self, chord: Begun) -> Waits<'_, ()> {
        Box::pin(async move {
            let Begun { group_id, header, body } = chord;
            self.0.remember(&group_id, &header, &body, true).await?;
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
            let mut count = PART.command(8);
            for kind in [".j", ".t", ".s", ".d", "", ".c", ".b"] {
                count.arg(self.0.of_group(&claim.group_id, kind));
            }
            let place = part.group_index.map_or_else(|| "+inf".to_owned(), |index| index.to_string());
            count
                .arg(self.0.when_to_look())
                .arg(&*part.task_id)
                .arg(&*entry)
                .arg(i32::from(self.0.ordered))
                .arg(place);
            count.arg(self.0.expires()).arg(JOINING.as_secs()).arg(&*claim.token).arg(&*claim.group_id);
            Ok(match integer(&self.0.link.one(count).await?) {
                Some(1) => Counted::Last(claim),
                Some(2) => Counted::WaitingUnknown,
                _ => Counted::Waiting,
            })
        })
    }

    fn remember<'a>(&'a self, group_id: &'a str, body: &'a Value) -> Waits<'a, ()> {
        Box::pin(self.0.remember(group_id, &[], body, false))
    }

    fn adopt(&self, chord: Begun) -> Waits<'_, Counted> {
        Box::pin(async move {
            let (group_id, tasks) = (chord.group_id.clone(), leaves(&chord.header));
            let there = integer(&self.0.link.one(self.0.command_of("EXISTS", &group_id, ".b")).await?);
            if there != Some(1) {
                self.begin(chord).await?;
                self.set_size(&group_id, tasks.len()).await?;
            }
            self.recount(&group_id, tasks).await
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
                match of_entry(self.0.stored.options.serializer.decode(&entry, &self.0.stored.settings)?)? {
                    Ok(value) => results.push(value),
                    Err(broken) => return Ok(Err(broken)),
                }
            }
            Ok(Ok(results))
        })
    }

    fn extend<'a>(&'a self, claim: &'a Claim) -> Waits<'a, bool> {
        Box::pin(async move {
            let mut extend = EXTEND.command(3);
            extend.arg(self.0.of_group(&claim.group_id, ".c")).arg(self.0.of_group(&claim.group_id, ".s"));
            extend.arg(self.0.when_to_look()).arg(&*claim.token).arg(SENDING.as_secs()).arg(&*claim.group_id);
            Ok(flag(&self.0.link.one(extend).await?))
        })
    }

    fn finish<'a>(&'a self, claim: &'a Claim) -> Waits<'a, ()> {
        Box::pin(async move {
            let mut finish = FINISH.command(7);
            finish.arg(self.0.of_group(&claim.group_id, ".c")).arg(self.0.when_to_look());
            for kind in [".j", ".t", ".s", ".d", ".b"] {
                finish.arg(self.0.of_group(&claim.group_id, kind));
            }
            finish.arg(&*claim.token).arg(DONE.as_secs()).arg(&*claim.group_id);
            self.0.link.one(finish).await.map(|_| ())
        })
    }

    fn lost(&self) -> Waits<'_, Vec<Lost>> {
        Box::pin(async move {
            let mut due = DUE.command(1);
            due.arg(self.0.when_to_look()).arg(IDLE.as_secs()).arg(AT_ONCE);
            let mut lost = Vec::new();
            for group in array(self.0.link.one(due).await?).into_iter().filter_map(bytes) {
                let group = Str::from(String::from_utf8_lossy(&group).into_owned());
                lost.extend(self.look(group).await?);
            }
            Ok(lost)
        })
    }
}

impl RedisResults {
    /// Looks at a chord of which nothing was heard for a while.
    async fn look(&self, group: Str) -> Result<Option<Lost>> {
        let claim = Claim { group_id: group.clone(), token: new_id() };
        let mut look = LOOK.command(5);
        for kind in [".j", ".t", ".s", ".c", ".b"] {
            look.arg(self.0.of_group(&group, kind));
        }
        look.arg(&*claim.token).arg(JOINING.as_secs()).arg(i32::from(self.0.ordered));
        let said = integer(&self.0.link.one(look).await?);
        let known = bytes(self.0.link.one(self.0.command_of("GET", &group, ".b")).await?);
        let Some(known) = known.map(|known| self.0.known(&known)).transpose()? else {
            let mut forget = cmd("ZREM");
            forget.arg(self.0.when_to_look()).arg(&*group);
            self.0.link.one(forget).await?;
            return Ok(None);
        };
        match said {
            Some(3) => Ok(Some(Lost { claim, body: known.body, overdue: false })),
            Some(1) => Ok(match self.recount(&group, leaves(&known.header)).await? {
                Counted::Last(claim) => Some(Lost { claim, body: known.body, overdue: false }),
                Counted::Waiting | Counted::WaitingUnknown => None,
            }),
            // It has been kept for as long as such things are kept; else somebody has done with it.
            Some(2) if known.until.is_some_and(|until| until <= now()) => {
                let mut take = self.0.command_of("SET", &group, ".c");
                take.arg(&*claim.token).arg("NX").arg("EX").arg(JOINING.as_secs());
                let taken = !matches!(self.0.link.one(take).await?, redis::Value::Nil);
                Ok(taken.then_some(Lost { claim, body: known.body, overdue: true }))
            }
            Some(2) if known.begun.saturating_add(IDLE.as_secs()) <= now() => {
                self.0.link.one(self.0.command_of("DEL", &group, ".b")).await.map(|_| None)
            }
            _ => Ok(None),
        }
    }

    /// Counts those of these tasks that have a result and were not counted.
    async fn recount(&self, group: &Str, tasks: Vec<Str>) -> Result<Counted> {
        let counted = array(self.0.link.one(self.0.command_of("SMEMBERS", group, ".d")).await?);
        let counted: HashSet<String> = counted
            .into_iter()
            .filter_map(bytes)
            .filter_map(|member| Some(String::from_utf8_lossy(&member).rsplit_once(':')?.0.to_owned()))
            .collect();
        let mut last = Counted::Waiting;
        for (index, task_id) in tasks.into_iter().enumerate().filter(|(_, task)| !counted.contains(&**task)) {
            let Some(meta) = self.0.find(&task_id).await?.filter(|meta| meta.status.is_ready()) else { continue };
            let (state, result) = (meta.status, meta.result);
            let group_index = i64::try_from(index).ok();
            let part = Part { group_id: group.clone(), task_id, group_index, state, result };
            if let Counted::Last(claim) = self.part(part).await? {
                last = Counted::Last(claim);
            }
        }
        Ok(last)
    }
}

/// What is kept of a chord for who has to go on with it.
struct Known {
    header: Vec<ResultTree>,
    body: Value,
    /// In seconds since 1970.
    begun: u64,
    until: Option<u64>,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

impl Inner {
    pub(super) fn of_group(&self, group_id: &str, kind: &str) -> String {
        format!("{}celery-taskset-meta-{group_id}{kind}", self.global_prefix)
    }

    fn command_of(&self, name: &str, group_id: &str, kind: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(self.of_group(group_id, kind));
        command
    }

    /// The key that says when to look at which chord.
    fn when_to_look(&self) -> String {
        format!("{}salamander-chords", self.global_prefix)
    }

    /// Keeps what somebody has to know who goes on with a chord; where it does not begin, unless that is kept already.
    async fn remember(&self, group_id: &str, header: &[ResultTree], body: &Value, begins: bool) -> Result<()> {
        let header = Value::List(header.iter().map(ResultTree::to_value).collect());
        let seconds = |time: u64| Value::from(i64::try_from(time).unwrap_or(i64::MAX));
        let until = Some(self.expires()).filter(|expires| *expires > 0).map(|expires| now().saturating_add(expires));
        let known = Value::List(vec![header, body.clone(), seconds(now()), until.map_or(Value::None, seconds)]);
        let mut keep = self.command_of("SET", group_id, ".b");
        keep.arg(&*self.encoded(&known)?);
        if !begins {
            keep.arg("NX");
        }
        if self.expires() > 0 {
            keep.arg("EX").arg(self.expires().saturating_add(LONGER));
        }
        let mut look = cmd("ZADD");
        look.arg(self.when_to_look()).arg("NX").arg(now().saturating_add(IDLE.as_secs())).arg(group_id);
        self.link.run(vec![keep, look]).await.map(|_| ())
    }

    fn known(&self, known: &bytes::Bytes) -> Result<Known> {
        let wrong = || Error::new(Kind::Message, "what is kept of a chord is something else");
        let known = self.stored.options.serializer.decode(known, &self.stored.settings)?;
        let Some([header, body, begun, until]) = known.as_slice() else { return Err(wrong()) };
        let header = header.as_slice().unwrap_or_default().iter().map(ResultTree::from_value);
        let seconds = |value: &Value| value.as_int().and_then(|time| u64::try_from(time).ok());
        Ok(Known {
            header: header.collect::<Result<_, _>>()?,
            body: body.clone(),
            begun: seconds(begun).unwrap_or_default(),
            until: seconds(until),
        })
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
