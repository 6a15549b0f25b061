//! [`Chords`]: counting the parts of chords.

use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{ResultTree, ResultValue, State};

use crate::Waits;
use crate::error::{Error, Kind, Result};

/// What a result backend does that counts the parts of chords, so that the worker that ends the last one sends the body.
pub trait Chords: Send + Sync {
    /// A chord begins, before any of its header is sent. Where members of the header are groups themselves, their results have to be put
    /// together again.
    fn begin<'a>(&'a self, group_id: &'a str, header: Vec<ResultTree>) -> Waits<'a, ()>;

    /// So many parts have to end.
    fn set_size<'a>(&'a self, group_id: &'a str, size: usize) -> Waits<'a, ()>;

    /// So many parts more have to end than was said; told before any of them is sent, by a part that has not ended.
    fn add<'a>(&'a self, _group_id: &'a str, _count: usize) -> Waits<'a, ()> {
        let text = "this result backend lets nobody add to a chord that has begun";
        Box::pin(std::future::ready(Err(Error::new(Kind::Unsupported, text))))
    }

    /// A part has ended. Who is told that it was the last one goes on with the chord.
    fn part(&self, part: Part) -> Waits<'_, Counted>;

    /// The results of the header, in the order of the header; or what a part failed with.
    fn join<'a>(&'a self, claim: &'a Claim) -> Waits<'a, Result<Vec<Value>, Broken>>;

    /// The body is about to be sent. False where somebody else has taken the chord over.
    fn extend<'a>(&'a self, claim: &'a Claim) -> Waits<'a, bool>;

    /// The chord is done with, and so is what was kept for it.
    fn finish<'a>(&'a self, claim: &'a Claim) -> Waits<'a, ()>;

    /// The chord has failed: parts that end later change nothing.
    fn fail<'a>(&'a self, claim: &'a Claim) -> Waits<'a, ()>;
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

/// A chord whose header has failed.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Why, as the result of its body has it.
    pub reason: Str,
    /// What the part raised.
    pub cause: Option<Exception>,
}
