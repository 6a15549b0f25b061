//! What a worker says of its tasks, in the words that users of Celery look for.

use std::time::Duration;

use salamander_codec::Settings;
use salamander_object::Encoded;
use salamander_value::{Exception, Str};
use tracing::{Level, enabled, error, info, warn};

use super::job::Job;
use super::time;

/// How much of a result is shown.
const SHOWN: usize = 1024;

pub(super) fn received(job: &Job) {
    info!(target: "celery.worker.strategy", "Task {}[{}] received", job.shown(), job.id());
}

pub(super) fn succeeded(job: &Job, runtime: Duration, result: &Encoded, settings: &Settings) {
    if !enabled!(target: "celery.app.trace", Level::INFO) {
        return;
    }
    let shown = match result.decode(settings) {
        Ok(value) => shortened(value.to_string()),
        Err(_) => String::from("?"),
    };
    info!(
        target: "celery.app.trace",
        "Task {}[{}] succeeded in {}s: {shown}", job.shown(), job.id(), time::seconds(runtime)
    );
}

pub(super) fn failed(job: &Job, exception: &Exception) {
    let (shown, traceback) = (repr(exception), exception.traceback().concat());
    let traceback = traceback.trim_end();
    let line = if traceback.is_empty() { "" } else { "\n" };
    error!(target: "celery.app.trace", "Task {}[{}] raised unexpected: {shown}{line}{traceback}", job.shown(), job.id());
}

pub(super) fn retried(job: &Job, text: &str) {
    info!(target: "celery.app.trace", "Task {}[{}] retry: {text}", job.shown(), job.id());
}

pub(super) fn ignored(job: &Job) {
    info!(target: "celery.app.trace", "Task {}[{}] ignored", job.shown(), job.id());
}

pub(super) fn rejected(job: &Job, exception: &Exception) {
    let (reason, requeue) = match exception.args() {
        [reason, requeue, ..] => (reason.to_string(), requeue.to_string()),
        _ => (String::new(), "False".to_owned()),
    };
    warn!(target: "celery.app.trace", "Task {}[{}] reject requeue={requeue}: {reason}", job.shown(), job.id());
}

pub(super) fn discarded(job: &Job) {
    info!(target: "celery.worker.request", "Discarding revoked task: {}[{}]", job.shown(), job.id());
}

pub(super) fn twice(job: &Job) {
    let text = "it is the body of a chord, was sent twice, and has been run";
    info!(target: "celery.worker.request", "Discarding task: {}[{}]: {text}", job.shown(), job.id());
}

pub(super) fn soft_limit(job: &Job, limit: Duration) {
    let limit = time::seconds(limit);
    warn!(target: "celery.worker.request", "Soft time limit ({limit}s) exceeded for {}[{}]", job.shown(), job.id());
}

pub(super) fn hard_limit(job: &Job, limit: Duration) {
    let limit = time::seconds(limit);
    error!(target: "celery.worker.request", "Hard time limit ({limit}s) exceeded for {}[{}]", job.shown(), job.id());
}

/// A plain function on a thread goes on whatever is said.
pub(super) fn unstoppable(job: &Job) {
    warn!(
        target: "celery.worker.request",
        "{}[{}] cannot be stopped in this pool: it goes on until it ends, and its result will be thrown away",
        job.shown(),
        job.id()
    );
}

pub(super) fn handler_raised(exception: &Exception) {
    error!(target: "celery.worker.request", "Task handler raised error: {}", repr(exception));
}

pub(super) fn lost_again(job: &Job, exception: &Exception, times: u32) {
    let shown = repr(exception);
    warn!(
        target: "celery.worker.request",
        "{}[{}] goes back to its queue, having lost its process {times} times: {shown}", job.shown(), job.id()
    );
}

pub(super) fn dead(job: &Job, times: u32, queue: &Str) {
    error!(
        target: "celery.worker.request",
        "{}[{}] has lost its process {times} times, and goes to the queue {queue}", job.shown(), job.id()
    );
}

/// Python's `repr()` of an exception.
pub(super) fn repr(exception: &Exception) -> String {
    let args: Vec<String> = exception.args().iter().map(ToString::to_string).collect();
    shortened(format!("{}({})", exception.class_name(), args.join(", ")))
}

fn shortened(mut text: String) -> String {
    if text.len() > SHOWN {
        let mut end = SHOWN;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("...");
    }
    text
}
