//! Runs a job in this process.

use std::sync::Arc;

use salamander_codec::Codec;
use salamander_object::{Outcome, Pending, Started};
use tokio::runtime::Handle;

use crate::task::Stop;
use crate::worker::job::{How, Job};

/// Runs a job within a task of tokio.
pub(super) async fn in_task(job: &Arc<Job>, codec: Codec) -> How {
    match job.context.run(&job.known.object, codec) {
        Started::Done(outcome) => How::Of(outcome),
        Started::Waits(pending) => finish(job, pending).await,
    }
}

/// Runs a job on a thread of its own. A plain function may block there, and wait for what is async.
pub(super) fn on_thread(job: &Arc<Job>, codec: Codec) -> How {
    match job.context.run(&job.known.object, codec) {
        Started::Done(outcome) => How::Of(outcome),
        Started::Waits(pending) => Handle::current().block_on(finish(job, pending)),
    }
}

/// Goes on with a job to its end, or until it is stopped.
async fn finish(job: &Job, mut pending: Pending) -> How {
    let mut told = false;
    loop {
        tokio::select! {
            biased;
            outcome = &mut pending => return How::Of(outcome),
            () = job.stop.changed(told) => {
                if job.stop.is_hard() {
                    return How::Stopped;
                }
                told = true;
                // A function that does not ask whether its time is up cannot be told in any other way.
                if !job.context.is_watched() {
                    return How::Of(Outcome::Exception(Stop::SoftTimeLimit.exception()));
                }
            }
        }
    }
}
