//! [`Chords`]: counting the parts of chords.

use std::time::Duration;

use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{ExceptionMeta, ResultMeta, ResultTree, ResultValue, State};

use crate::Waits;
use crate::broker::Publication;
use crate::error::{Error, Kind, Result};
use crate::task::exception_repr;

/// For how long somebody may put results together, and then send the body, before another may in its place.
pub(crate) const JOINING: Duration = Duration::from_secs(6);
pub(crate) const SENDING: Duration = Duration::from_secs(30);
/// For how long it is remembered that a chord is done.
pub(crate) const DONE: Duration = Duration::from_secs(300);
/// After how long without a part it is looked whether parts have ended that were not counted.
pub(crate) const IDLE: Duration = Duration::from_secs(30);
/// The same where Celery's `celery.chord_unlock` is to go on with the chord, and may wait in a queue.
pub(crate) const UNLOCKED: Duration = Duration::from_secs(120);
/// The most chords that one look gives.
pub(crate) const AT_ONCE: usize = 100;

/// What a result backend does that counts the parts of chords, so that the worker that ends the last one sends the body.
///
/// Whoever counts the last part holds a [`Claim`] for 6 seconds, and for 30 from when the body is about to be sent. A claim that was not
/// used, because its worker was killed, is given to whoever asks for what is [lost](Chords::lost), as every worker does each
/// [`Chords::pause`]. So a body is sent at the latest 30 seconds and one pause after the last part was counted, as long as there is a worker;
/// and 30 seconds and a pause later than that where the worker was killed between storing the last part's result and counting it.
pub trait Chords: Send + Sync {
    /// A chord begins, before any of its header is sent.
    fn begin(&self, chord: Begun) -> Waits<'_, ()>;

    /// So many parts have to end.
    fn set_size<'a>(&'a self, group_id: &'a str, size: usize) -> Waits<'a, ()>;

    /// So many parts more have to end than was said; told before any of them is sent, by a part that has not ended.
    fn add<'a>(&'a self, _group_id: &'a str, _count: usize) -> Waits<'a, ()> {
        let text = "this result backend lets nobody add to a chord that has begun";
        Box::pin(std::future::ready(Err(Error::new(Kind::Unsupported, text))))
    }

    /// A part has ended. Who is told that it was the last one goes on with the chord.
    fn part(&self, part: Part) -> Waits<'_, Counted>;

    /// The body of a chord of which a part was counted, and which somebody has begun who did not say.
    fn remember<'a>(&'a self, group_id: &'a str, body: &'a Value) -> Waits<'a, ()> {
        _ = (group_id, body);
        Box::pin(std::future::ready(Ok(())))
    }

    /// A chord of which Celery's `celery.chord_unlock` tells: from now on its parts are counted here, and whoever counts the last one goes on. May be
    /// said again.
    fn adopt(&self, chord: Begun) -> Waits<'_, Counted> {
        Box::pin(async move { self.begin(chord).await.map(|()| Counted::Waiting) })
    }

    /// The results of the header, in the order of the header; or what a part failed with.
    fn join<'a>(&'a self, claim: &'a Claim) -> Waits<'a, Result<Vec<Value>, Broken>>;

    /// The body is about to be sent. False where somebody else has taken the chord over.
    fn extend<'a>(&'a self, claim: &'a Claim) -> Waits<'a, bool>;

    /// The chord is done with, and so is what was kept for it: parts that end later change nothing.
    fn finish<'a>(&'a self, claim: &'a Claim) -> Waits<'a, ()>;

    /// Publishes the messages of the body and finishes the chord, in one step. False where somebody else has taken it over. To be called where
    /// [`Chords::place`] is that of the broker.
    fn finish_with<'a>(&'a self, claim: &'a Claim, body: Vec<Publication>) -> Waits<'a, bool> {
        _ = (claim, body);
        Box::pin(std::future::ready(Ok(false)))
    }

    /// What counts, if it can publish as well: [`Broker::place`](crate::broker::Broker::place) of the broker that is the same.
    fn place(&self) -> Option<Str> {
        None
    }

    /// Chords with which nobody goes on although they could, each with a claim: all parts have ended and it was not told, who held the claim
    /// has not used it, or the time is over for which they are kept.
    fn lost(&self) -> Waits<'_, Vec<Lost>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// How often a worker asks for what is lost.
    fn pause(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Whether Python's workers do not count, so that Celery's `celery.chord_unlock` has to be sent when a chord begins.
    fn needs_unlock(&self) -> bool {
        false
    }
}

/// A chord that begins.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The chord, by the id of its header.
    pub group_id: Str,
    /// The members of the header. Where there are groups among them, their results have to be put together again.
    pub header: Vec<ResultTree>,
    /// The body, as it travels with the header.
    pub body: Value,
}

/// A part of a chord that has ended.
#[derive(Clone, Debug)]
pub struct Part {
    /// The chord, by the id of its header.
    pub group_id: Str,
    /// The task.
    pub task_id: Str,
    /// Its place in the header.
    pub group_index: Option<i64>,
    /// How it ended.
    pub state: State,
    /// Its result, or its exception.
    pub result: ResultValue,
}

/// What came of a part that has ended.
#[derive(Clone, Debug)]
pub enum Counted {
    /// Others are to come, or somebody else goes on.
    Waiting,
    /// The same, and the backend does not know the body: [`Chords::remember`].
    WaitingUnknown,
    /// It was the last one, and whoever counted it goes on.
    Last(Claim),
}

/// The right to go on with a chord.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The chord, by the id of its header.
    pub group_id: Str,
    /// By which the backend knows who goes on.
    pub token: Str,
}

/// A chord with which somebody has to go on.
#[derive(Clone, Debug)]
pub struct Lost {
    /// Whoever has been told goes on.
    pub claim: Claim,
    /// The body.
    pub body: Value,
    /// Its time is over, and it has failed.
    pub overdue: bool,
}

/// A chord whose header has failed.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Why, as the result of its body has it.
    pub reason: Str,
    /// What the part raised.
    pub cause: Option<Exception>,
}

/// The tasks whose results make up those of a header.
pub(crate) fn leaves(header: &[ResultTree]) -> Vec<Str> {
    let mut tasks = Vec::new();
    let mut open: Vec<&ResultTree> = header.iter().rev().collect();
    while let Some(member) = open.pop() {
        match &member.children {
            Some(members) => open.extend(members.iter().rev()),
            None => tasks.push(member.id.clone()),
        }
    }
    tasks
}

/// The result of a part, as it was counted: `[1, id, state, result]`.
pub(crate) fn of_entry(entry: Value) -> Result<Result<Value, Broken>> {
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
    Ok(Err(Broken::by_part(id.as_str().unwrap_or_default(), &raised, cause)))
}

/// The result of a part, as it is stored.
pub(crate) fn of_meta(id: &str, meta: Option<ResultMeta>) -> Result<Value, Broken> {
    let exception = match meta {
        Some(meta) if !meta.status.is_propagated() => {
            return Ok(match meta.result {
                ResultValue::Value(value) => value,
                ResultValue::Exception(_) | ResultValue::Encoded(_) => Value::None,
            });
        }
        Some(meta) => meta.exception().unwrap_or_else(|| Exception::new("builtins.Exception", "")),
        None => Exception::new("celery.exceptions.TimeoutError", "The operation timed out."),
    };
    Err(Broken::by_part(id, &exception_repr(&exception), Some(exception.clone())))
}

impl Broken {
    fn by_part(id: &str, raised: &str, cause: Option<Exception>) -> Self {
        Self { reason: format!("Dependency {id} raised {raised}").into(), cause }
    }
}
