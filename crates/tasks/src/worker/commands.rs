//! What a worker is asked while it works: by its program, and by remote control.

use std::sync::Arc;
use std::time::Instant;

use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{ResultMeta, State};
use tokio::sync::{mpsc, oneshot};

use super::engine::Engine;
use super::job::Job;
use super::shutdown::ShutdownKind;
use super::{log, signals, time};
use crate::backend::{Found, Update};
use crate::broker::Consumer;
use crate::task::{RateLimit, Stop};

/// What a worker is asked.
pub(super) enum Command {
    /// To end.
    Shutdown(ShutdownKind),
    /// By the name and the arguments that remote control has for it.
    Call { method: Str, arguments: Dict, reply: oneshot::Sender<Value> },
}

/// A worker as others in its program see it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkerHandle {
    commands: mpsc::UnboundedSender<Command>,
    name: Str,
}

impl WorkerHandle {
    pub(super) fn new(commands: mpsc::UnboundedSender<Command>, name: Str) -> Self {
        Self { commands, name }
    }

    /// The worker's name, as `celery@host`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks the worker to end. It has ended when [`Worker::run`](super::Worker::run) has.
    pub fn shutdown(&self, kind: ShutdownKind) {
        // One that has ended already is not asked.
        _ = self.commands.send(Command::Shutdown(kind));
    }

    /// Makes a command of remote control, such as `ping` or `revoke`, and gives what the worker answers; none where it has ended.
    ///
    /// # Wire
    /// Commands and answers are those of Celery 5.7: `ping`, `registered`, `revoke`, `terminate`, `active`, `reserved`, `scheduled`,
    /// `revoked`, `query_task`, `active_queues`, `stats`, `rate_limit`, `hello`, `shutdown`.
    pub async fn control(&self, method: &str, arguments: Dict) -> Option<Value> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Call { method: method.into(), arguments, reply }).ok()?;
        answer.await.ok()
    }
}

fn ok(what: impl Into<Value>) -> Value {
    Dict::from_iter([("ok", what.into())]).into()
}

fn error(what: impl Into<Value>) -> Value {
    Dict::from_iter([("error", what.into())]).into()
}

impl Engine {
    pub(super) async fn command(&mut self, command: Command, consumer: &mut dyn Consumer) {
        match command {
            Command::Shutdown(kind) => self.shut_down(kind, consumer).await,
            Command::Call { method, arguments, reply } => {
                let answer = self.call(&method, &arguments, consumer).await;
                // Whoever asked may be gone.
                _ = reply.send(answer);
            }
        }
    }

    async fn call(&mut self, method: &str, arguments: &Dict, consumer: &mut dyn Consumer) -> Value {
        match method {
            "ping" => ok("pong"),
            "registered" | "registered_tasks" | "dump_tasks" => names(self.shared.names()),
            "revoke" => self.revoke(arguments),
            "terminate" => {
                let mut arguments = arguments.clone();
                arguments.insert("terminate", true);
                self.revoke(&arguments)
            }
            "active" => self.jobs(|job| job.stop.is_entered()),
            "reserved" => self.jobs(|job| !job.stop.is_entered()),
            "scheduled" => Value::List(self.held.iter().map(|job| self.scheduled(job)).collect()),
            "revoked" => Value::List(self.revoked.ids().map(|id| id.clone().into()).collect()),
            "query_task" => self.query(arguments),
            "active_queues" => {
                let queues = self.shared.queues.iter();
                Value::List(
                    queues.map(|name| Dict::from_iter([("name", Value::from(name.clone()))]).into()).collect(),
                )
            }
            "stats" => self.stats(),
            "rate_limit" => self.rate_limit(arguments),
            "hello" => {
                let now = time::now_seconds();
                let revoked: Dict = self.revoked.ids().map(|id| (id.clone(), Value::from(now))).collect();
                Dict::from_iter([("revoked", Value::from(revoked)), ("clock", Value::Int(0))]).into()
            }
            "shutdown" => {
                self.shut_down(ShutdownKind::Warm, consumer).await;
                ok("shutting down")
            }
            _ => {
                tracing::error!("No such control command: {method}");
                error(format!("KeyError('{method}')"))
            }
        }
    }

    /// Marks tasks as not to be run, and stops those that run if that is wanted.
    fn revoke(&mut self, arguments: &Dict) -> Value {
        let ids = texts(arguments.get("task_id"));
        let terminate = arguments.get("terminate").is_some_and(Value::truth);
        let signal = match arguments.get("signal") {
            None | Some(Value::None) => signals::TERM,
            Some(Value::Str(name)) => match signals::named(name) {
                Some(signal) => signal,
                None => return error(format!("no signal {name}")),
            },
            Some(number) => number.as_int().and_then(|number| i32::try_from(number).ok()).unwrap_or(signals::TERM),
        };
        ids.iter().for_each(|id| self.revoked.add(id));
        let mine: Vec<Arc<Job>> = self.active.values().filter(|job| ids.contains(job.id())).cloned().collect();
        let mut terminated: Vec<Str> = Vec::new();
        for job in mine {
            if job.stop.skip() {
                self.active.remove(&job.number);
                log::discarded(&job);
                self.revoke_job(job, "revoked");
            } else if terminate {
                tracing::info!(target: "celery.worker.control", "Terminating {} ({signal})", job.id());
                terminated.push(job.id().clone());
                self.stop_job(&job, Stop::Revoked, signal);
                self.revoke_job(job, "terminated");
            }
        }
        ids.iter().filter(|id| !terminated.contains(id)).for_each(|id| self.mark_revoked(id.clone()));
        if terminate {
            return match terminated.is_empty() {
                true => ok("terminate: tasks unknown"),
                false => ok(format!("terminate: {}", terminated.join(", "))),
            };
        }
        tracing::info!(target: "celery.worker.control", "Tasks flagged as revoked: {}", ids.join(", "));
        let shown: Vec<String> = ids.iter().map(|id| Value::from(id.clone()).to_string()).collect();
        ok(format!("tasks {{{}}} flagged as revoked", shown.join(", ")))
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
                let exception = salamander_value::Exception::new("celery.exceptions.TaskRevokedError", "revoked");
                let mut meta = ResultMeta::failed(id, State::Revoked, &exception);
                meta.date_done = Some(time::iso_utc(time::now_micros()).into());
                shared.store_meta(Update { meta, reply_to: None, correlation_id: None }).await;
            }
        });
    }

    fn jobs(&self, wanted: impl Fn(&Job) -> bool) -> Value {
        let mut jobs: Vec<&Arc<Job>> = self.active.values().filter(|job| wanted(job)).collect();
        jobs.sort_unstable_by_key(|job| job.number);
        Value::List(jobs.into_iter().map(|job| self.info(job)).collect())
    }

    /// What is said of a task, as Celery's `Request.info()`.
    fn info(&self, job: &Job) -> Value {
        let request = job.context.request();
        let info = request.delivery_info();
        let arguments = request.arguments().unwrap_or_default();
        let delivery = Dict::from_iter([
            ("exchange", Value::from(info.exchange.clone())),
            ("routing_key", info.routing_key.clone().into()),
            ("priority", request.priority().map(i64::from).into()),
            ("redelivered", job.redelivered.into()),
        ]);
        Dict::from_iter([
            ("id", Value::from(job.id().clone())),
            ("name", job.shown().into()),
            ("args", Value::List(arguments.positional)),
            ("kwargs", arguments.keywords.into()),
            ("type", request.task().into()),
            ("hostname", self.shared.name.clone().into()),
            ("time_start", Value::None),
            ("acknowledged", (!job.renew()).into()),
            ("delivery_info", delivery.into()),
            ("worker_pid", i64::from(std::process::id()).into()),
        ])
        .into()
    }

    fn scheduled(&self, job: &Job) -> Value {
        let eta = job.context.request().eta().unwrap_or_default();
        Dict::from_iter([("eta", Value::from(eta)), ("priority", Value::Int(6)), ("request", self.info(job))]).into()
    }

    fn query(&self, arguments: &Dict) -> Value {
        let ids = texts(arguments.get("ids"));
        let mut found = Dict::new();
        for job in self.active.values().chain(self.held.iter()).filter(|job| ids.contains(job.id())) {
            let state = match (self.active.contains_key(&job.number), job.stop.is_entered()) {
                (true, true) => "active",
                (true, false) => "reserved",
                (false, _) => "scheduled",
            };
            found.insert(job.id().clone(), Value::List(vec![state.into(), self.info(job)]));
        }
        found.into()
    }

    fn stats(&self) -> Value {
        let total: Dict = self
            .totals
            .iter()
            .map(|(name, count)| (name.clone(), Value::from(i64::try_from(*count).unwrap_or(i64::MAX))))
            .collect();
        let concurrency = i64::try_from(self.shared.concurrency).unwrap_or(i64::MAX);
        let pool = Dict::from_iter([
            ("implementation", Value::from(format!("salamander:{}", self.shared.pool))),
            ("max-concurrency", concurrency.into()),
        ]);
        Dict::from_iter([
            ("total", Value::from(total)),
            ("pid", i64::from(std::process::id()).into()),
            ("prefetch_count", i64::from(self.shared.prefetch).into()),
            ("pool", pool.into()),
        ])
        .into()
    }

    fn rate_limit(&mut self, arguments: &Dict) -> Value {
        let name = arguments.get("task_name").and_then(Value::as_str).unwrap_or_default();
        let text = match arguments.get("rate_limit") {
            Some(Value::Str(text)) => text.to_string(),
            Some(Value::None) | None => String::new(),
            Some(number) => number.to_string(),
        };
        let limit = match text.as_str() {
            "" | "0" => None,
            text => match text.parse::<RateLimit>() {
                Ok(limit) => Some(limit),
                Err(_) => return error(format!("Invalid rate limit string: ValueError(\"{text}\")")),
            },
        };
        if self.shared.known(name).is_none() {
            return error("unknown task");
        }
        let freed = self.buckets.limit(name, limit, Instant::now());
        freed.into_iter().for_each(|job| self.submit(job));
        ok(if limit.is_none() { "rate limit disabled successfully" } else { "new rate limit set successfully" })
    }
}

fn names(names: Vec<String>) -> Value {
    Value::List(names.into_iter().map(Value::from).collect())
}

/// One text, or a list of them.
fn texts(value: Option<&Value>) -> Vec<Str> {
    match value {
        Some(Value::Str(text)) => vec![text.clone()],
        Some(value) => value.as_slice().into_iter().flatten().filter_map(Value::as_str).map(Str::from).collect(),
        None => Vec::new(),
    }
}
