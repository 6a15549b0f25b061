//! The commands that change what becomes of tasks.

use std::sync::Arc;
use std::time::Instant;

use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{ResultMeta, State};

use super::{Answer, Arguments, error, ok};
use crate::backend::{Found, Update};
use crate::task::{RateLimit, Stop};
use crate::worker::engine::Engine;
use crate::worker::job::Job;
use crate::worker::{log, signals, time};

/// `revoke`: tasks are not to be run, and with `terminate` ended where they run.
pub(super) fn revoke(engine: &mut Engine, arguments: &Arguments) -> Answer {
    let terminate = arguments.flag("terminate");
    let signal = match arguments.get("signal") {
        // One that is not sent need not be known here.
        None => signals::TERM,
        Some(_) if !terminate => signals::TERM,
        Some(Value::Str(name)) => match signals::named(name) {
            Some(signal) => signal,
            None => return error(format!("there is no signal {name}")),
        },
        Some(number) => match number.as_int().and_then(|number| i32::try_from(number).ok()) {
            Some(signal) if signals::name(signal).is_some() => signal,
            _ => return error(format!("there is no signal {number}")),
        },
    };
    engine.revoke(&arguments.texts("task_id"), terminate.then_some(signal))
}

/// `terminate`: the same as `revoke` with `terminate`.
pub(super) fn terminate(engine: &mut Engine, arguments: &Arguments) -> Answer {
    let mut arguments = Arguments(arguments.0.clone());
    arguments.0.insert("terminate", true);
    revoke(engine, &arguments)
}

impl Engine {
    /// Marks tasks as not to be run; those that run are ended by this signal, if there is one.
    fn revoke(&mut self, ids: &[Str], terminate: Option<i32>) -> Answer {
        ids.iter().for_each(|id| self.revoked.add(id));
        let is_meant = |job: &Arc<Job>| ids.contains(job.id());
        let mut mine: Vec<Arc<Job>> = self.active.values().filter(|job| is_meant(job)).cloned().collect();
        let mut known: Vec<Str> = Vec::new();
        // What has not begun needs not wait for its time or its turn to be thrown away.
        let mut waiting = self.held.remove(is_meant);
        waiting.extend(self.buckets.remove(is_meant));
        waiting.extend(self.gate.remove(is_meant));
        mine.retain(|job| {
            let skipped = job.stop.skip();
            if skipped {
                self.active.remove(&job.number);
                waiting.push(job.clone());
            }
            !skipped
        });
        for job in waiting {
            self.leave_gate(job.number);
            known.push(job.id().clone());
            log::discarded(&job);
            self.revoke_job(job, "revoked");
        }
        for job in mine {
            known.push(job.id().clone());
            if let Some(signal) = terminate {
                tracing::info!(target: "celery.worker.control", "Terminating {} ({signal})", job.id());
                self.stop_job(&job, Stop::Revoked, signal);
                self.revoke_job(job, "terminated");
            }
        }
        ids.iter().filter(|id| !known.contains(id)).for_each(|id| self.mark_revoked(id.clone()));
        if terminate.is_some() {
            return match known.is_empty() {
                true => ok("terminate: tasks unknown"),
                false => ok(format!("terminate: {}", known.join(", "))),
            };
        }
        tracing::info!(target: "celery.worker.control", "Tasks flagged as revoked: {}", ids.join(", "));
        let shown: Vec<String> = ids.iter().map(|id| Value::from(id.clone()).to_string()).collect();
        match shown.is_empty() {
            true => ok("tasks set() flagged as revoked"),
            false => ok(format!("tasks {{{}}} flagged as revoked", shown.join(", "))),
        }
    }

    /// Whoever waits for a task that nobody has begun learns at once that nobody will.
    fn mark_revoked(&mut self, id: Str) {
        let shared = self.shared.clone();
        self.later(async move {
            let Some(backend) = shared.app.backend() else { return };
            let untouched = match backend.get(&id).await {
                Ok(Found::Pending) => true,
                Ok(Found::Known(meta)) => {
                    matches!(meta.status, State::Pending | State::Received | State::Retry | State::Rejected)
                }
                _ => false,
            };
            if untouched && backend.capabilities().shared {
                let exception = Exception::new("celery.exceptions.TaskRevokedError", "revoked");
                let mut meta = ResultMeta::failed(id, State::Revoked, &exception);
                meta.date_done = Some(time::iso_utc(time::now_micros()).into());
                shared.store_meta(Update { meta, reply_to: None, correlation_id: None }).await;
            }
        });
    }
}

/// `rate_limit`: how often a task may begin; 0 or nothing for as often as it likes.
pub(super) fn rate_limit(engine: &mut Engine, arguments: &Arguments) -> Answer {
    let name = arguments.text("task_name");
    let text = match arguments.get("rate_limit") {
        Some(Value::Str(text)) => text.to_string(),
        Some(number) => number.to_string(),
        None => String::new(),
    };
    let limit = match text.as_str() {
        "" | "0" => None,
        text => match text.parse::<RateLimit>() {
            Ok(limit) => Some(limit),
            Err(_) => return error(format!("Invalid rate limit string: ValueError(\"{text}\")")),
        },
    };
    if engine.shared.known(name).is_none() {
        tracing::error!(target: "celery.worker.control", "Rate limit attempt for unknown task {name}");
        return error("unknown task");
    }
    let freed = engine.buckets.limit(name, limit, Instant::now());
    freed.into_iter().for_each(|job| engine.gated(job));
    match limit {
        None => {
            tracing::info!(target: "celery.worker.control", "Rate limits disabled for tasks of type {name}");
            ok("rate limit disabled successfully")
        }
        Some(_) => {
            tracing::info!(target: "celery.worker.control", "New rate limit for tasks of type {name}: {text}.");
            ok("new rate limit set successfully")
        }
    }
}
