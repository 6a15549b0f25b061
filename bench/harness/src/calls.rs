//! The loads that are calls of `add`, for any system that can make them.

use std::sync::Arc;

use crate::{Args, Failure, SUM, Step};

/// A system that clients connect to.
pub trait System: Send + Sync + 'static {
    /// One connection.
    type Caller: Caller;
    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = Result<Self::Caller, Failure>> + Send;
}

/// A connection that calls are made over; clones share it.
pub trait Caller: Clone + Send + Sync + 'static {
    /// Calls `add`.
    fn add(&self, x: i64, y: i64) -> impl Future<Output = Result<i64, Failure>> + Send;
}

/// The callers of a load that `load=` names: `sequential`, one caller; `shared`, as many as `count=` says on one connection;
/// `connections`, as many, each on its own; `connect`, one that connects for each call.
pub async fn callers<S: System>(args: &Args, system: S) -> Result<Vec<Calls<S>>, Failure> {
    let count = args.get("count")?.unwrap_or(1);
    let mut callers = Vec::new();
    match args.text("load")? {
        "sequential" => callers.push(Calls::Over(system.connect().await?)),
        "shared" => {
            let caller = system.connect().await?;
            callers.extend((0..count).map(|_| Calls::Over(caller.clone())));
        }
        "connections" => {
            for _ in 0..count {
                callers.push(Calls::Over(system.connect().await?));
            }
        }
        "connect" => callers.push(Calls::Connecting(Arc::new(system))),
        other => return Err(format!("there is no load {other}").into()),
    }
    Ok(callers)
}

/// One caller.
pub enum Calls<S: System> {
    /// Calls over a connection.
    Over(S::Caller),
    /// Opens a connection for each call.
    Connecting(Arc<S>),
}

/// So many calls are made between two looks at the clock.
const CALLS: u64 = 16;

impl<S: System> Step for Calls<S> {
    async fn step(&mut self) -> Result<u64, Failure> {
        match self {
            Calls::Over(caller) => {
                for _ in 0..CALLS {
                    add(caller).await?;
                }
                Ok(CALLS)
            }
            Calls::Connecting(system) => {
                add(&system.connect().await?).await?;
                Ok(1)
            }
        }
    }
}

async fn add(caller: &impl Caller) -> Result<(), Failure> {
    let (x, y, expected) = SUM;
    let sum = caller.add(x, y).await?;
    if sum == expected { Ok(()) } else { Err(format!("{x} + {y} is {sum}?").into()) }
}
