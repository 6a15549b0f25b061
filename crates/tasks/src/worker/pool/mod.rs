//! Pools: where jobs run.
//!
//! A pool has so many *lanes*. A lane takes one job after the other and says how each ended; it exists only while there is something to
//! do. What the pools differ in is where a lane runs: as a task of tokio, on a thread, or in front of a child process.

mod lanes;
mod prefork;
mod run;

use std::fmt;
use std::str::FromStr;

pub(crate) use lanes::{Lanes, Places};
pub(crate) use prefork::{ChildOptions, Children, Order, is_child, serve_child};

use crate::{Error, Kind};

/// How a worker runs its tasks.
///
/// | | async functions | plain functions | soft limit | hard limit, terminate |
/// |---|---|---|---|---|
/// | `async` | tasks of tokio | threads | the context tells; a function that does not ask for it ends at its next await | ends at its next await; a plain function goes on, and its result is thrown away |
/// | `threads` | threads | threads | as above | as above |
/// | `solo` | one thread | one thread | as above | as above |
/// | `prefork` | child processes | child processes | as above | the child is killed, and another takes its place |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolKind {
    /// Tasks of tokio.
    #[default]
    Async,
    /// Threads.
    Threads,
    /// One at a time.
    Solo,
    /// Child processes.
    Prefork,
}

impl PoolKind {
    /// The name of the option.
    pub fn name(self) -> &'static str {
        match self {
            Self::Async => "async",
            Self::Threads => "threads",
            Self::Solo => "solo",
            Self::Prefork => "prefork",
        }
    }
}

impl fmt::Display for PoolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PoolKind {
    type Err = Error;

    /// Celery's names for pools of green threads mean `async`.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "async" | "eventlet" | "gevent" => Ok(Self::Async),
            "threads" => Ok(Self::Threads),
            "solo" => Ok(Self::Solo),
            "prefork" | "processes" => Ok(Self::Prefork),
            _ => Err(Error::new(
                Kind::Misuse,
                format!("there is no pool {name}; there are async, threads, solo and prefork"),
            )),
        }
    }
}
