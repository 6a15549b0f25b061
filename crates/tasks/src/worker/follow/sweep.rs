//! [`Sweeper`]: looks for chords with which nobody goes on.

use std::sync::Arc;

use salamander_value::Str;
use salamander_wire::celery::{TaskBody, TaskHeaders, TaskMessage};
use tokio::task::JoinHandle;

use super::super::Shared;
use crate::task::{TaskContext, TaskRequest};

/// Looks for what is lost as long as it is there. Each worker has one where results are kept that count chords.
pub(in super::super) struct Sweeper(JoinHandle<()>);

impl Sweeper {
    pub(in super::super) fn start(shared: &Arc<Shared>) -> Option<Self> {
        let pause = shared.chords()?.pause();
        let shared = Arc::clone(shared);
        Some(Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                shared.sweep().await;
            }
        })))
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        // What it has a claim of, another one finds.
        self.0.abort();
    }
}

impl Shared {
    async fn sweep(&self) {
        let Some(chords) = self.chords() else { return };
        match chords.lost().await {
            Ok(lost) => {
                for lost in lost {
                    self.go_on(chords, lost).await;
                }
            }
            Err(error) => tracing::warn!("it cannot be looked which chords are lost: {error}"),
        }
    }

    /// What runs within no task of this worker, but for a chord.
    pub(super) fn within(&self, group_id: &Str, root_id: Option<Str>) -> TaskContext {
        let headers = TaskHeaders {
            id: group_id.clone(),
            task: crate::builtin::CHORD_UNLOCK.into(),
            root_id: root_id.or_else(|| Some(group_id.clone())),
            ..TaskHeaders::default()
        };
        let message = TaskMessage::new(headers, TaskBody::default());
        TaskContext::new(self.app.clone(), TaskRequest::new(message, self.name.clone()))
    }
}
