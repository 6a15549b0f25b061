//! [`Thread`]: where the drivers of stores run, which are asynchronous, while storages are not.

use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::line::Fault;

/// How long a store may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A thread of a storage's own with a runtime. It ends with this.
pub(super) struct Thread {
    runtime: Handle,
    stop: CancellationToken,
}

impl Thread {
    pub(super) fn start(name: &str) -> Result<Self, Fault> {
        let failed = |error: std::io::Error| Fault::Refused(format!("its thread cannot be started: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (handle, stop) = (runtime.handle().clone(), CancellationToken::new());
        let stopped = stop.clone();
        let body = move || runtime.block_on(stopped.cancelled());
        std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(failed)?;
        Ok(Self { runtime: handle, stop })
    }

    /// Runs something there, and waits for it, but not for ever. Many threads may do so at once.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        // Not a channel of tokio's: its waiting is forbidden on a runtime's threads, and this may be one while all starts up.
        let (done, result) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            let worked = tokio::time::timeout(PATIENCE, work).await;
            let _ = done.send(worked.unwrap_or_else(|_| Err(Fault::Lost("it does not answer".to_owned()))));
        });
        result.recv().unwrap_or_else(|_| Err(Fault::Lost("its thread has ended".to_owned())))
    }

    /// Lets something run there until this ends.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.runtime.spawn(async move { stop.run_until_cancelled(work).await });
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
