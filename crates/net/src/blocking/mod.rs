//! The same without `async`: every name of the asynchronous side, for programs and threads that wait.
//!
//! Calls run on a runtime of their own, which is started when it is first used. They must not be made from asynchronous
//! code, which would wait for itself; they are fine in `#[blocking]` methods.

mod items;
mod proxy;

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

pub use items::ItemStream;
pub use proxy::{Batch, Daemon, NameServer, Proxy, Request};

use crate::error::{Error, Result};

/// Waits for a future on the runtime of the blocking side.
pub(crate) fn wait<F: Future>(future: F) -> Result<F::Output> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = match RUNTIME.get() {
        Some(runtime) => runtime,
        None => {
            let runtime =
                Builder::new_multi_thread().worker_threads(1).thread_name("salamander").enable_all().build();
            let runtime = runtime.map_err(|error| Error::connection(format!("no runtime: {error}")))?;
            RUNTIME.get_or_init(|| runtime)
        }
    };
    if Handle::try_current().is_ok() && !in_blocking_call() {
        return Err(Error::misuse("a blocking call in asynchronous code: use the asynchronous name, or #[blocking]"));
    }
    Ok(runtime.block_on(future))
}

/// Whether this is a thread on which a method may block.
fn in_blocking_call() -> bool {
    // Threads for blocking work have a handle of the runtime too, but are no task.
    tokio::task::try_id().is_none()
}
