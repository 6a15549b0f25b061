//! [`Signals`]: Ctrl-C and what else asks a program to stop.

use std::future::Future;
use std::io;

use salamander::DaemonHandle;

use crate::failure::Failure;

/// Waits for the user, or the system, to end the program.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on signals do not kill the program, but are to be waited for.
    #[cfg(unix)]
    pub(crate) fn catch() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let caught = || -> io::Result<Self> {
            Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        };
        caught().map_err(|error| Failure::failed(format!("cannot catch signals: {error}")))
    }

    #[cfg(not(unix))]
    pub(crate) fn catch() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Serves until a signal comes; calls under way are finished, unless a second signal comes.
    ///
    /// # Errors
    /// Those of serving, and where calls were cut short.
    pub(crate) async fn serve(
        &mut self,
        daemon: &DaemonHandle,
        serving: impl Future<Output = salamander::Result<()>>,
    ) -> Result<(), Failure> {
        self.until(|| daemon.shutdown(), async { Ok(serving.await?) }).await
    }

    /// The same for any server, and how to stop it.
    ///
    /// # Errors
    /// As [`Signals::serve`].
    pub(crate) async fn until(
        &mut self,
        stop: impl FnOnce(),
        serving: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            done = &mut serving => return done,
            () = self.next() => {}
        }
        tracing::info!("stopping; calls under way are finished");
        stop();
        tokio::select! {
            done = serving => done,
            () = self.next() => Err(Failure::failed("stopped at once, while calls were under way")),
        }
    }
}
