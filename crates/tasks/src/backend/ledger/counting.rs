//! Chords over a [`Ledger`].

use std::collections::HashMap;
use std::time::Duration;

use salamander_value::{Blob, Str, Value};
use salamander_wire::celery::{ResultTree, ResultValue};

use super::{Answer, Ask, Hold, LAST, Ledger, packed, unpacked};
use crate::Waits;
use crate::backend::chords::{
    Begun, Broken, Chords, Claim, Counted, IDLE, Lost, Part, UNLOCKED, leaves, of_entry, of_meta,
};
use crate::broker::Publication;
use crate::call::new_id;
use crate::error::{Error, Kind, Result};

/// How often it is looked whether Python's workers have done what does not count by itself: as often as Celery does.
const POLLING: Duration = Duration::from_secs(1);

impl<T: Ledger> Chords for T {
    fn begin(&self, chord: Begun) -> Waits<'_, ()> {
        Box::pin(async move {
            let (header, body) = described(self, &chord)?;
            let (unlocked, lifetime) = (self.is_shared_with_python(), self.lifetime());
            self.ask(Ask::Begin { group: chord.group_id, header, body, unlocked, lifetime }).await.map(drop)
        })
    }

    fn set_size<'a>(&'a self, group_id: &'a str, size: usize) -> Waits<'a, ()> {
        Box::pin(async move {
            let ask = Ask::Size { group: group_id.into(), size: size as u64, lifetime: self.lifetime() };
            self.ask(ask).await.map(drop)
        })
    }

    fn add<'a>(&'a self, group_id: &'a str, count: usize) -> Waits<'a, ()> {
        Box::pin(async move {
            if self.is_shared_with_python() {
                // As in Celery: its task knows the header as it was.
                let text = "with results in a database nobody can add to a chord that has begun";
                return Err(Error::new(Kind::Unsupported, text));
            }
            self.ask(Ask::Grow { group: group_id.into(), count: count as u64 }).await.map(drop)
        })
    }

    fn part(&self, part: Part) -> Waits<'_, Counted> {
        Box::pin(async move {
            let (serializer, settings) = self.serializer();
            let result = match part.result {
                ResultValue::Value(value) => value,
                ResultValue::Exception(exception) => exception.to_value(),
                ResultValue::Encoded(bytes) => serializer.decode(&bytes, settings)?,
            };
            let entry = [1.into(), part.task_id.clone().into(), part.state.as_str().into(), result];
            let result = packed(&Value::List(entry.into()), serializer, settings)?.into();
            let place = part.group_index.unwrap_or(LAST);
            let claim = Claim { group_id: part.group_id, token: new_id() };
            let (group, token) = (claim.group_id.clone(), claim.token.clone());
            counted(self.ask(Ask::Part { group, task: part.task_id, place, result, token }).await?, claim)
        })
    }

    fn remember<'a>(&'a self, group_id: &'a str, body: &'a Value) -> Waits<'a, ()> {
        Box::pin(async move {
            let (serializer, settings) = self.serializer();
            let body = packed(body, serializer, settings)?.into();
            self.ask(Ask::Remember { group: group_id.into(), body }).await.map(drop)
        })
    }

    fn adopt(&self, chord: Begun) -> Waits<'_, Counted> {
        Box::pin(async move {
            let (header, body) = described(self, &chord)?;
            let (group, tasks) = (chord.group_id, leaves(&chord.header));
            let (size, lifetime) = (tasks.len() as u64, self.lifetime());
            self.ask(Ask::Adopt { group: group.clone(), header, body, size, lifetime }).await?;
            self.recount(group, tasks).await
        })
    }

    fn join<'a>(&'a self, claim: &'a Claim) -> Waits<'a, Result<Vec<Value>, Broken>> {
        Box::pin(async move {
            let group = &claim.group_id;
            let header = self.header(group).await?;
            let parts = self.parts(group).await?;
            let nested = header.iter().any(|member| member.children.is_some());
            if !nested && parts.iter().all(|(_, entry)| entry.is_some()) {
                let mut results = Vec::with_capacity(parts.len());
                for entry in parts.into_iter().filter_map(|(_, entry)| entry) {
                    match of_entry(entry)? {
                        Ok(value) => results.push(value),
                        Err(broken) => return Ok(Err(broken)),
                    }
                }
                return Ok(Ok(results));
            }
            let mut known: HashMap<Str, Value> =
                parts.into_iter().filter_map(|(task, entry)| Some((task, entry?))).collect();
            joined(self, header, &mut known).await
        })
    }

    fn extend<'a>(&'a self, claim: &'a Claim) -> Waits<'a, bool> {
        Box::pin(async move {
            let Claim { group_id: group, token } = claim.clone();
            Ok(matches!(self.ask(Ask::Extend { group, token }).await?, Answer::Held(Hold::Ours)))
        })
    }

    fn finish<'a>(&'a self, claim: &'a Claim) -> Waits<'a, ()> {
        Box::pin(async move {
            let Claim { group_id: group, token } = claim.clone();
            self.ask(Ask::Finish { group, token }).await.map(drop)
        })
    }

    fn finish_with<'a>(&'a self, claim: &'a Claim, body: Vec<Publication>) -> Waits<'a, bool> {
        Ledger::finish_with(self, claim, body)
    }

    fn place(&self) -> Option<Str> {
        Ledger::place(self)
    }

    fn lost(&self) -> Waits<'_, Vec<Lost>> {
        Box::pin(async move {
            let (token, millis) = (new_id(), |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
            let idle = if self.is_shared_with_python() { POLLING } else { IDLE };
            let ask = Ask::Lost { token: token.clone(), idle: millis(idle), unlocked: millis(UNLOCKED) };
            let Answer::Lost { ready, idle } = self.ask(ask).await? else { return Err(wrong()) };
            let claim = |group_id: Str| Claim { group_id, token: token.clone() };
            let (_, settings) = self.serializer();
            let mut lost = Vec::new();
            for (group, body, overdue) in ready {
                lost.push(Lost { claim: claim(group), body: unpacked(&body, settings)?, overdue });
            }
            for (group, header) in idle {
                let tasks = leaves(&read_header(&unpacked(&header, settings)?)?);
                if let Counted::Last(claim) = self.recount(group.clone(), tasks).await? {
                    // Its body comes with what is ready; what is claimed already is told to who has claimed it.
                    let ask = Ask::Lost { token: claim.token.clone(), idle: u64::MAX, unlocked: u64::MAX };
                    if let Answer::Lost { ready, .. } = self.ask(ask).await? {
                        for (group_id, body, overdue) in ready {
                            let claim = Claim { group_id, token: claim.token.clone() };
                            lost.push(Lost { claim, body: unpacked(&body, settings)?, overdue });
                        }
                    }
                }
            }
            Ok(lost)
        })
    }

    fn pause(&self) -> Duration {
        if self.is_shared_with_python() { POLLING } else { Duration::from_secs(5) }
    }

    fn needs_unlock(&self) -> bool {
        self.is_shared_with_python()
    }
}

/// What is put together of several questions.
trait Counting: Ledger {
    /// Counts those of these tasks that have a result.
    async fn recount(&self, group: Str, tasks: Vec<Str>) -> Result<Counted> {
        let claim = Claim { group_id: group.clone(), token: new_id() };
        counted(self.ask(Ask::Ended { group, tasks, token: claim.token.clone() }).await?, claim)
    }

    async fn header(&self, group: &Str) -> Result<Vec<ResultTree>> {
        match self.ask(Ask::Header { group: group.clone() }).await? {
            Answer::Header(Some(header)) => read_header(&unpacked(&header, self.serializer().1)?),
            Answer::Header(None) => Ok(Vec::new()),
            _ => Err(wrong()),
        }
    }

    /// The tasks that were counted, in the order of the header, with what they gave as far as that is known.
    async fn parts(&self, group: &Str) -> Result<Vec<(Str, Option<Value>)>> {
        let (mut parts, mut after) = (Vec::new(), (-1, Str::default()));
        loop {
            let page = match self.ask(Ask::Parts { group: group.clone(), after }).await? {
                Answer::Parts(page) => page,
                _ => return Err(wrong()),
            };
            let Some((place, task, _)) = page.last() else { return Ok(parts) };
            after = (*place, task.clone());
            for (_, task, result) in page {
                let entry = match result.is_empty() {
                    true => None,
                    false => Some(unpacked(&result, self.serializer().1)?),
                };
                parts.push((task, entry));
            }
        }
    }
}

impl<T: Ledger + ?Sized> Counting for T {}

/// The results of a header by its members: what was counted, or what is stored.
fn joined<'a, T: Ledger>(
    ledger: &'a T,
    members: Vec<ResultTree>,
    known: &'a mut HashMap<Str, Value>,
) -> Waits<'a, Result<Vec<Value>, Broken>> {
    Box::pin(async move {
        let mut results = Vec::with_capacity(members.len());
        for member in members {
            let result = match member.children {
                Some(members) => joined(ledger, members, known).await?.map(Value::List),
                None => match known.get(&member.id) {
                    Some(entry) => of_entry(entry.clone())?,
                    None => of_meta(&member.id, ledger.find(&member.id).await?),
                },
            };
            match result {
                Ok(value) => results.push(value),
                Err(broken) => return Ok(Err(broken)),
            }
        }
        Ok(Ok(results))
    })
}

/// Header and body as they are kept.
fn described<T: Ledger>(ledger: &T, chord: &Begun) -> Result<(Blob, Blob)> {
    let (serializer, settings) = ledger.serializer();
    let header = Value::List(chord.header.iter().map(ResultTree::to_value).collect());
    Ok((packed(&header, serializer, settings)?.into(), packed(&chord.body, serializer, settings)?.into()))
}

fn read_header(header: &Value) -> Result<Vec<ResultTree>> {
    let members = header.as_slice().unwrap_or_default().iter();
    Ok(members.map(ResultTree::from_value).collect::<Result<_, _>>()?)
}

fn counted(answer: Answer, claim: Claim) -> Result<Counted> {
    match answer {
        Answer::Counted { last: true, .. } => Ok(Counted::Last(claim)),
        Answer::Counted { known: true, .. } => Ok(Counted::Waiting),
        Answer::Counted { .. } => Ok(Counted::WaitingUnknown),
        _ => Err(wrong()),
    }
}

fn wrong() -> Error {
    Error::new(Kind::Message, "the answer of what counts chords is of another kind")
}
