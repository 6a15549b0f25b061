//! [`Open`]: whether a backend has been closed.

use tokio::sync::watch;

use crate::{Error, Kind, Result};

/// Says that a backend is open, until it is closed; whoever waits then is told.
#[derive(Debug)]
pub(crate) struct Open(watch::Sender<bool>);

impl Default for Open {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Open {
    /// What comes now is too late if it is closed.
    pub(crate) fn check(&self) -> Result<()> {
        if *self.0.borrow() { Ok(()) } else { Err(closed()) }
    }

    /// Waits for something, but no longer than it is open.
    pub(crate) async fn during<T>(&self, something: impl Future<Output = Result<T>>) -> Result<T> {
        let mut open = self.0.subscribe();
        tokio::select! {
            biased;
            _ = open.wait_for(|open| !*open) => Err(closed()),
            done = something => done,
        }
    }

    pub(crate) fn close(&self) {
        self.0.send_replace(false);
    }
}

fn closed() -> Error {
    Error::new(Kind::Closed, "the result backend is closed")
}
