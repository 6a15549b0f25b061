//! [`Embedded`]: a broker in this process that keeps its queues in a file.

mod load;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use super::hub::{Earlier, Hub, Local, local_broker};
use crate::Result;
use crate::backend::Kept;
use crate::permits::KeptPermits;
pub(crate) use store::{Found, MOST_BYTES, Store};

/// How an [`Embedded`] broker keeps its file.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// What is confirmed survives a power cut. Else it survives that the process is killed, and costs less.
    pub fsync: bool,
}

/// A broker that keeps its queues in a file of SQLite, which belongs to this process alone.
///
/// What is published is confirmed when it is written; what many publish and acknowledge meanwhile is one transaction. A consumer may have
/// a message before that. What was taken and not acknowledged when the process ends comes again, counted.
///
/// Clones are the same connection; [`Embedded::connect`] makes another one to the same queues.
#[derive(Clone)]
pub struct Embedded {
    local: Local,
    results: Arc<Kept>,
    permits: Arc<KeptPermits>,
    store: Arc<Store>,
}

impl Embedded {
    /// Opens the file, or makes it. Of what lies in its queues so much is held in memory as comes next.
    ///
    /// # Errors
    /// [`Kind::Refused`](crate::Kind::Refused) where it cannot be opened, is in use, or is something else.
    pub fn open(file: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self> {
        Self::begin(file.as_ref(), options, Earlier::new())
    }

    fn begin(file: &Path, options: EmbeddedOptions, mut earlier: Earlier) -> Result<Self> {
        let mut permits = Vec::new();
        let store = Arc::new(Store::open(file, options.fsync, &mut earlier, &mut permits)?);
        let hub = Hub::journaled(store.journal(), store.clone(), earlier);
        let results = Arc::new(Kept::in_file(store.clone(), hub.clone()));
        let permits = Arc::new(KeptPermits::journaled(store.permits(), permits));
        Ok(Self { local: Local::new(hub), results, permits, store })
    }

    /// Another connection to the same queues: what is exclusive is another's, and it is closed by itself.
    #[must_use]
    pub fn connect(&self) -> Self {
        Self { local: self.local.connect(), ..self.clone() }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        self.local.hub()
    }

    /// The results that are kept beside the queues.
    pub(crate) fn results(&self) -> &Arc<Kept> {
        &self.results
    }

    /// What is kept of permits.
    pub(crate) fn kept_permits(&self) -> &Arc<KeptPermits> {
        &self.permits
    }

    fn location(&self) -> String {
        format!("embedded://{}", self.store.path().display())
    }
}

local_broker!(Embedded, durable: true);

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("file", &self.store.path()).finish_non_exhaustive()
    }
}
