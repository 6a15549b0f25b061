//! [`Ledger`]: where parts of chords are counted that a store of results keeps in tables.
//!
//! What is asked of it, and answered, is data: it goes to a thread that has a file, to another process, or to a server.

mod counting;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod sqlite;

use bytes::Bytes;
use salamander_codec::Settings;
use salamander_value::{Blob, Str, Value};
use salamander_wire::celery::{ResultMeta, Serializer};
use serde::{Deserialize, Serialize};

use super::chords::Claim;
use crate::Waits;
use crate::broker::Publication;
use crate::error::{Error, Kind, Result};

/// What keeps chords in tables.
pub(crate) trait Ledger: Send + Sync {
    /// Asks; each question is one transaction.
    fn ask(&self, ask: Ask) -> Waits<'_, Answer>;

    /// A result, for headers with groups in them.
    fn find<'a>(&'a self, task_id: &'a str) -> Waits<'a, Option<ResultMeta>>;

    /// By what results are encoded.
    fn serializer(&self) -> (Serializer, &Settings);

    /// For how many milliseconds chords are kept.
    fn lifetime(&self) -> Option<u64>;

    /// Publishes and finishes in one step, where the queues are at hand.
    fn finish_with<'a>(&'a self, claim: &'a Claim, body: Vec<Publication>) -> Waits<'a, bool> {
        _ = (claim, body);
        Box::pin(std::future::ready(Ok(false)))
    }

    /// See [`Chords::place`](super::Chords::place).
    fn place(&self) -> Option<Str> {
        None
    }

    /// Python's workers use the same results, and do not count: it has to be looked for what they have done.
    fn is_shared_with_python(&self) -> bool {
        false
    }
}

/// What is asked. A token is that of whoever asks, and may come again with the same question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// A chord begins; it may be for `celery.chord_unlock` to go on with it.
    Begin { group: Str, header: Blob, body: Blob, unlocked: bool, lifetime: Option<u64> },
    /// So many parts have to end.
    Size { group: Str, size: u64, lifetime: Option<u64> },
    /// So many parts more have to end.
    Grow { group: Str, count: u64 },
    /// A part has ended.
    Part { group: Str, task: Str, place: i64, result: Blob, token: Str },
    /// The body of a chord.
    Remember { group: Str, body: Blob },
    /// Parts are counted from now on, whoever has begun the chord.
    Adopt { group: Str, header: Blob, body: Blob, size: u64, lifetime: Option<u64> },
    /// These are the tasks of a header: those are counted that have a result and were not.
    Ended { group: Str, tasks: Vec<Str>, token: Str },
    /// The header.
    Header { group: Str },
    /// Parts, behind this place and task.
    Parts { group: Str, after: (i64, Str) },
    /// More time is wanted.
    Extend { group: Str, token: Str },
    /// The chord is done.
    Finish { group: Str, token: Str },
    /// Chords that somebody has to look at: those that can go on, and those that were idle for so many milliseconds, or that `celery.chord_unlock` has
    /// left idle.
    Lost { token: Str, idle: u64, unlocked: u64 },
}

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// A part was counted.
    Counted { last: bool, known: bool },
    /// A header.
    Header(Option<Blob>),
    /// Place, task and result of parts; the result is empty where it has to be looked for.
    Parts(Vec<(i64, Str, Blob)>),
    /// Who goes on.
    Held(Hold),
    /// Chords to be gone on with (with their bodies, and whether they are overdue), and those that are idle, with their headers.
    Lost { ready: Vec<(Str, Blob, bool)>, idle: Vec<(Str, Blob)> },
}

/// Who goes on with a chord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Hold {
    /// Whoever asks.
    Ours,
    /// Whoever asks has done so.
    Finished,
    /// Somebody else, or it is done.
    Theirs,
}

/// The place of a part that has none: behind all others.
pub(crate) const LAST: i64 = i64::MAX;

/// How many parts are in one answer, and so many bytes where one does not have more.
pub(crate) const PAGE: usize = 1000;
pub(crate) const PAGE_BYTES: usize = 4 << 20;

/// A value as it is kept: the number of a serializer stands in front.
fn packed(value: &Value, serializer: Serializer, settings: &Settings) -> Result<Bytes> {
    let encoded = serializer.encode(value, settings).map(|encoded| (serializer, encoded));
    // What it cannot carry does not have to be read by others.
    let encoded = encoded.or_else(|error| match serializer {
        Serializer::Json => Serializer::Pickle.encode(value, settings).map(|encoded| (Serializer::Pickle, encoded)),
        _ => Err(error),
    });
    let (serializer, encoded) = encoded.map_err(|error| {
        Error::with_source(Kind::Misuse, format!("a part of a chord cannot be encoded: {error}"), error)
    })?;
    let number = Serializer::ALL.iter().position(|one| *one == serializer).unwrap_or_default();
    let mut packed = Vec::with_capacity(1 + encoded.len());
    packed.push(u8::try_from(number).unwrap_or_default());
    packed.extend_from_slice(&encoded);
    Ok(packed.into())
}

/// The value that was packed.
fn unpacked(packed: &Bytes, settings: &Settings) -> Result<Value> {
    let wrong = || Error::new(Kind::Message, "what is stored is no part of a chord");
    let number = packed.first().copied().ok_or_else(wrong)?;
    let serializer = Serializer::ALL.get(usize::from(number)).ok_or_else(wrong)?;
    Ok(serializer.decode(&packed.slice(1..), settings)?)
}
