//! The same without `async`: every name of the asynchronous side, for programs and threads that wait.
//!
//! Calls run on a runtime of their own, which is started when it is first used. They must not be made from asynchronous
//! code, which would wait for itself; they are fine in `#[blocking]` methods. What has no twin here is waited for by [`wait`]; twins of what
//! other crates have are in modules of the same name there.

mod items;
pub mod multiprocessing;
mod proxy;
mod rpc;
mod twin;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

pub use items::{ItemStream, Watch};
pub use proxy::{Batch, Daemon, NameServer, Proxy, Request};
pub use rpc::RpcProxy;

use crate::error::{Error, Result};

/// Waits for a future, which runs on the runtime of the blocking side.
///
/// # Errors
/// [`Misuse`](crate::Kind::Misuse) where it is called in asynchronous code.
pub fn wait<F: Future>(future: F) -> Result<F::Output> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = match RUNTIME.get() {
        Some(runtime) => runtime,
        None => {
            let runtime =
                Builder::new_multi_thread().worker_threads(1).thread_name("salamander").enable_all().build();
            let runtime = runtime.map_err(|error| Error::connection(format!("no runtime: {error}")))?;
            if let Err(late) = RUNTIME.set(runtime) {
                // Another thread was faster. Asynchronous code may be here by mistake, where a runtime must not be dropped.
                late.shutdown_background();
            }
            match RUNTIME.get() {
                Some(runtime) => runtime,
                None => return Err(Error::connection("no runtime")),
            }
        }
    };
    // A runtime that cannot be entered here panics before it polls anything.
    let mut entered = false;
    let done = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            entered = true;
            future.await
        })
    }));
    match done {
        Ok(done) => Ok(done),
        Err(panic) if entered => resume_unwind(panic),
        Err(_) => {
            Err(Error::misuse("a blocking call in asynchronous code: use the asynchronous name, or #[blocking]"))
        }
    }
}
