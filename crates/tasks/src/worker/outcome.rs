//! What becomes of a job that has ended: what is stored, said, and settled, in Celery's order.

use std::sync::Arc;
use std::time::Duration;

use salamander_codec::Codec;
use salamander_object::{Encoded, Outcome};
use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{DeliveryInfo, ResultMeta, ResultValue, Serializer, State};

use super::follow::as_exception;
use super::job::{Ended, How, Job};
use super::{Shared, log, time};
use crate::Result;
use crate::backend::Update;
use crate::broker::{Publication, Queue, Topology};
use crate::builtin::CHORD_UNLOCK;
use crate::canvas::Options;
use crate::task::{Reject, Retrying, Verdict};

/// The header by which it is counted how often a task took its process with it.
const LOST: &str = "x-salamander-lost";

/// All that is left to do when a job has ended.
pub(super) async fn conclude(shared: Arc<Shared>, ended: Ended) {
    let Ended { job, how, runtime } = ended;
    // What the task said of itself comes before what became of it.
    job.context.flush().await;
    match how {
        How::Of(outcome) => {
            let verdict = job.context.verdict(&job.known.options, outcome);
            shared.verdict(&job, verdict, runtime).await;
        }
        How::Lost(status) => shared.lost(&job, &status).await,
        // Whoever stopped it has said what there is to say.
        How::Stopped | How::Expired => {}
    }
}

/// Whether nothing is left to do that waits; then it is done.
pub(super) fn concluded(shared: &Shared, ended: &Ended) -> bool {
    let job = &ended.job;
    match &ended.how {
        How::Of(Outcome::Value(encoded))
            if job.ignore_result && job.embed.is_none() && &**job.known.name() != CHORD_UNLOCK =>
        {
            log::succeeded(job, ended.runtime, encoded, &shared.settings);
            job.ack();
            true
        }
        How::Stopped => true,
        _ => false,
    }
}

impl Shared {
    async fn verdict(self: &Arc<Self>, job: &Arc<Job>, verdict: Verdict, runtime: Duration) {
        match verdict {
            Verdict::Success(encoded) => self.succeeded(job, encoded, runtime).await,
            Verdict::Retry(retrying) => self.retry(job, *retrying).await,
            Verdict::Failure(exception) => self.failed(job, &exception).await,
            Verdict::Replaced(canvas) => {
                match self.send_within(&job.context, &canvas, &[], &Options::default()).await {
                    Ok(()) => {
                        log::ignored(job);
                        job.ack();
                    }
                    Err(error) => self.failed(job, &as_exception(error)).await,
                }
            }
            Verdict::Ignored => {
                log::ignored(job);
                job.ack();
            }
            Verdict::Rejected(reject) => self.rejected(job, reject).await,
        }
    }

    async fn succeeded(self: &Arc<Self>, job: &Arc<Job>, encoded: Encoded, runtime: Duration) {
        // What follows is sent before the result is stored, so that this tells of its children.
        if let Err(exception) = self.lead_on(job, &encoded).await {
            return self.failed(job, &exception).await;
        }
        if &**job.known.name() == CHORD_UNLOCK
            && let Err(exception) = self.unlock(job).await
        {
            return self.failed(job, &exception).await;
        }
        let part = job.embed.as_ref().is_some_and(|embed| embed.chord.truth());
        if !job.ignore_result || part {
            let result = match self.decoded {
                // The backend's serializer is none that results are encoded by.
                true => match encoded.decode(&self.settings) {
                    Ok(value) => ResultValue::Value(value),
                    Err(error) => return self.failed(job, &error.exception()).await,
                },
                false => ResultValue::Encoded(encoded.bytes.clone()),
            };
            if !job.ignore_result {
                let mut meta = self.meta(job, State::Success);
                meta.result = result.clone();
                self.store(job, meta).await;
            }
            self.count(job, State::Success, result).await;
        }
        log::succeeded(job, runtime, &encoded, &self.settings);
        self.remember_body(job);
        job.ack();
    }

    pub(super) async fn failed(self: &Arc<Self>, job: &Arc<Job>, exception: &Exception) {
        self.store_failure(job, State::Failure, exception).await;
        self.fail_on(job, exception).await;
        log::failed(job, exception);
        self.remember_body(job);
        match job.known.acks_on_failure {
            true => job.ack(),
            false => job.reject(false),
        }
    }

    async fn retry(self: &Arc<Self>, job: &Arc<Job>, retrying: Retrying) {
        let mut message = retrying.message;
        let info = std::mem::take(&mut message.properties.delivery_info);
        if let Err(error) = self.publish(info.clone(), message.into_message(), None).await {
            // As Celery: it fails, and a message that is not acknowledged yet goes to where the broker puts what is dead.
            let reject = Reject { reason: error.to_string().into(), requeue: false };
            return self.rejected(job, reject).await;
        }
        let cause = retrying.cause.unwrap_or(retrying.retry);
        self.store_failure(job, State::Retry, &cause).await;
        log::retried(job, &retrying.text);
        job.ack();
    }

    async fn rejected(self: &Arc<Self>, job: &Arc<Job>, reject: Reject) {
        let requeue = reject.requeue;
        let exception = Exception::from(reject);
        log::rejected(job, &exception);
        if !requeue {
            // It will never run again, and nobody is to wait for ever.
            self.store_failure(job, State::Failure, &exception).await;
            self.fail_on(job, &exception).await;
        }
        job.reject(requeue);
    }

    /// The process that ran it is gone.
    async fn lost(self: &Arc<Self>, job: &Arc<Job>, status: &str) {
        let message = format!("Worker exited prematurely: {status} Job: {}.", job.number);
        let exception = Exception::new("billiard.exceptions.WorkerLostError", message);
        if job.known.acks_late && job.known.reject_on_worker_lost {
            match self.again_or_dead(job, &exception).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!("{}[{}] could not be sent to where it goes: {error}", job.shown(), job.id());
                    return job.reject(true);
                }
            }
        }
        self.store_failure(job, State::Failure, &exception).await;
        self.fail_on(job, &exception).await;
        log::handler_raised(&exception);
        match job.known.acks_on_failure {
            true => job.ack(),
            false => job.reject(false),
        }
    }

    /// Sends a task that took its process with it back to its queue, or to that of the dead. Whether it is to be run again.
    async fn again_or_dead(self: &Arc<Self>, job: &Arc<Job>, exception: &Exception) -> Result<bool> {
        let headers = &job.message().headers;
        let told = headers.other.get(LOST).and_then(Value::as_int).and_then(|times| u32::try_from(times).ok());
        let counts = self.app.broker().capabilities().counts_deliveries;
        let before = told.unwrap_or_default().max(job.deliveries.unwrap_or_default());
        let times = before.saturating_add(1);
        let dead = times >= self.dead_letter_after.max(1);
        if !dead && counts {
            log::lost_again(job, exception, times);
            job.reject(true);
            return Ok(true);
        }
        let mut message = job.message().as_ref().clone();
        message.headers.other.insert(LOST, i64::from(times));
        let queue = match dead {
            true => Str::from(self.dead_letter_queue.replace("%q", &job.queue)),
            false => job.queue.clone(),
        };
        message.properties.delivery_info = DeliveryInfo::default();
        message.properties.delivery_tag = None;
        if dead {
            self.app.broker().declare(&Topology::from(Queue::new(queue.clone()))).await?;
        }
        self.publish(DeliveryInfo::new("", queue.clone()), message.into_message(), None).await?;
        match dead {
            true => log::dead(job, times, &queue),
            false => log::lost_again(job, exception, times),
        }
        if !dead {
            job.ack();
        }
        Ok(!dead)
    }

    /// Says that a task will not be run, or not any further.
    pub(super) async fn revoke(self: &Arc<Self>, job: &Arc<Job>, reason: &str) {
        let exception = Exception::new("celery.exceptions.TaskRevokedError", reason);
        self.store_failure(job, State::Revoked, &exception).await;
        self.count(job, State::Revoked, ResultValue::Exception((&exception).into())).await;
        job.ack();
    }

    /// Its time limit has passed, and it was stopped.
    pub(super) async fn timed_out(self: &Arc<Self>, job: &Arc<Job>, limit: Duration) {
        let limit = match limit.subsec_nanos() {
            0 => Value::from(i64::try_from(limit.as_secs()).unwrap_or(i64::MAX)),
            _ => Value::from(limit.as_secs_f64()),
        };
        let exception = Exception::new("billiard.exceptions.TimeLimitExceeded", limit);
        self.store_failure(job, State::Failure, &exception).await;
        self.fail_on(job, &exception).await;
        match job.known.acks_on_timeout {
            true => job.ack(),
            false => job.reject(true),
        }
    }

    /// The worker ends without waiting for it, and its message has been acknowledged.
    pub(super) async fn cancelled(self: &Arc<Self>, job: &Arc<Job>) {
        let exception = Exception::new("celery.exceptions.Retry", "cancelled by Celery");
        self.store_failure(job, State::Retry, &exception).await;
    }

    /// It has begun.
    pub(super) async fn started(self: Arc<Self>, job: Arc<Job>, pid: u32) {
        let mut meta = self.meta(&job, State::Started);
        let what = [("pid", Value::from(i64::from(pid))), ("hostname", self.name.clone().into())];
        meta.result = ResultValue::Value(salamander_value::Dict::from_iter(what).into());
        self.store(&job, meta).await;
    }

    async fn store_failure(&self, job: &Arc<Job>, state: State, exception: &Exception) {
        if !job.store_errors() {
            return;
        }
        let mut meta = self.meta(job, state);
        meta.result = ResultValue::Exception(exception.into());
        let traceback = exception.traceback().concat();
        meta.traceback = Some(traceback).filter(|traceback| !traceback.is_empty()).map(Str::from);
        self.store(job, meta).await;
    }

    fn meta(&self, job: &Arc<Job>, state: State) -> ResultMeta {
        let headers = &job.message().headers;
        let mut meta = ResultMeta { task_id: headers.id.clone(), ..ResultMeta::default() };
        if state.is_ready() {
            meta.date_done = Some(time::iso_utc(time::now_micros()).into());
        }
        meta.status = state;
        meta.children = job.context.children();
        meta.parent_id = headers.parent_id.clone();
        meta.group_id = headers.group.clone();
        if self.result_extended {
            self.extend(job, &mut meta);
        }
        meta
    }

    /// What the setting `result_extended` adds.
    fn extend(&self, job: &Arc<Job>, meta: &mut ResultMeta) {
        let request = job.context.request();
        let arguments = request.arguments().unwrap_or_default();
        for (name, value) in [
            ("name", Value::from(request.headers().task.clone())),
            ("args", Value::List(arguments.positional)),
            ("kwargs", Value::from(arguments.keywords)),
            ("worker", self.name.clone().into()),
            ("retries", i64::from(request.retries()).into()),
            ("queue", request.delivery_info().routing_key.clone().into()),
        ] {
            meta.other.insert(name, value);
        }
        if let Some(stamped) = &request.headers().stamped_headers {
            meta.other.insert("stamped_headers", Value::from(stamped.clone()));
            for name in stamped {
                meta.other.insert(&**name, request.headers().stamps.get(name).cloned().unwrap_or_default());
            }
        }
    }

    async fn store(&self, job: &Arc<Job>, meta: ResultMeta) {
        let request = job.context.request();
        let (reply_to, correlation_id) = (request.reply_to().map(Str::from), request.correlation_id().map(Str::from));
        self.store_meta(Update { meta, reply_to, correlation_id }).await;
    }

    pub(super) async fn store_meta(&self, update: Update) {
        let Some(backend) = self.app.backend() else { return };
        let id = update.meta.task_id.clone();
        if let Err(error) = backend.store(update).await {
            tracing::error!("the state of task {id} was not stored: {error}");
        }
    }

    async fn publish(
        &self,
        to: DeliveryInfo,
        message: salamander_wire::celery::Message,
        delay: Option<Duration>,
    ) -> Result<()> {
        let publication = Publication { exchange: to.exchange, routing_key: to.routing_key, message, delay };
        self.app.broker().publish(publication).await
    }
}

/// The codec of results, and whether backends get them decoded, because their serializer has no codec.
pub(super) fn codec_of(serializer: &str) -> (Codec, bool) {
    match Serializer::from_name(serializer).ok().and_then(|serializer| serializer.codec()) {
        Some(codec @ (Codec::Json | Codec::Msgpack)) => (codec, false),
        Some(codec) => (codec, true),
        None => (Codec::Json, true),
    }
}
