//! [`Transfer`]: files to and from a [`FileServer`](crate::FileServer).

mod receive;
mod send;

use std::fmt;
use std::sync::Arc;

use salamander_net::{Codec, Proxy};
use serde::Deserialize;

use crate::error::Result;

/// How files are sent to a [`FileServer`](crate::FileServer), and received from it.
///
/// Where an earlier transfer of the same file was cut, it goes on behind what has come: both ends sum the beginning, and where these
/// checksums differ it begins anew.
#[derive(Clone)]
pub struct Transfer {
    proxy: Proxy,
    chunk: u64,
    restart: bool,
    overwrite: bool,
    fsync: bool,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many bytes have come, those of earlier transfers included.
    pub done: u64,
    /// How many bytes the file has.
    pub size: u64,
    /// How many bytes were there from earlier transfers.
    pub resumed: u64,
}

/// What a transfer has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many bytes the file has.
    pub size: u64,
    /// How many of them were there from earlier transfers.
    pub resumed: u64,
    /// The SHA-256 of the file, in hexadecimal digits, on which both ends agree.
    pub checksum: String,
}

/// What the server tells of a file.
#[derive(Deserialize)]
struct Stat {
    size: u64,
}

/// Bytes in a message. Large enough that messages cost nothing, small enough for caches.
const CHUNK: u64 = 256 * 1024;
/// How many chunks are under way at once.
const WINDOW: usize = 8;

impl Transfer {
    /// Transfers by way of this object, over connections of their own.
    pub fn new(server: &Proxy) -> Self {
        // Of the serializers that every daemon has, the one that carries bytes as they are.
        let proxy = server.with_serializer(Codec::Msgpack);
        Self { proxy, chunk: CHUNK, restart: false, overwrite: true, fsync: false, progress: None }
    }

    /// Whether to begin anew, whatever has come before.
    #[must_use]
    pub fn restart(self, restart: bool) -> Self {
        Self { restart, ..self }
    }

    /// Whether a file that is received may take the place of one that is there; otherwise it may. Whether one that is sent may, the server
    /// says.
    #[must_use]
    pub fn overwrite(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }

    /// Whether to wait in the end until the disk has the file, at whichever end it is written.
    #[must_use]
    pub fn fsync(self, fsync: bool) -> Self {
        Self { fsync, ..self }
    }

    /// How many bytes are in a message: 1 KiB to 1 MiB.
    #[must_use]
    pub fn chunk(self, bytes: u64) -> Self {
        Self { chunk: bytes.clamp(1024, 1024 * 1024), ..self }
    }

    /// Calls this as the transfer goes on.
    #[must_use]
    pub fn on_progress(self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self { progress: Some(Arc::new(progress)), ..self }
    }

    fn tell(&self, done: u64, size: u64, resumed: u64) {
        if let Some(progress) = &self.progress {
            progress(Progress { done, size, resumed });
        }
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Transfer by {:?}>", self.proxy)
    }
}

/// Work that waits for the disk, on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
