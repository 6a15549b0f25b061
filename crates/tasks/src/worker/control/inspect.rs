//! The commands that ask.

use std::sync::Arc;

use salamander_value::{Dict, Value};

use super::{Answer, Arguments};
use crate::worker::engine::Engine;
use crate::worker::job::{Job, Known};
use crate::worker::{Shared, time};

pub(super) fn active(engine: &mut Engine, arguments: &Arguments) -> Answer {
    let safe = arguments.flag("safe");
    let jobs = sorted(engine.active.values().filter(|job| job.stop.is_entered()));
    list(jobs.into_iter().map(|job| info(&engine.shared, job, safe)))
}

/// What waits for a place in the pool, or for its rate limit.
pub(super) fn reserved(engine: &mut Engine, _: &Arguments) -> Answer {
    let waiting = engine.active.values().filter(|job| !job.stop.is_entered());
    let jobs = sorted(waiting.chain(engine.buckets.iter()).chain(engine.gate.iter()));
    list(jobs.into_iter().map(|job| info(&engine.shared, job, false)))
}

pub(super) fn scheduled(engine: &mut Engine, _: &Arguments) -> Answer {
    let jobs = sorted(engine.held.iter());
    list(jobs.into_iter().map(|job| {
        let eta = job.context.request().eta().unwrap_or_default();
        // The priority is that of Celery's timer for all of them.
        let request = info(&engine.shared, job, false);
        Dict::from_iter([("eta", Value::from(eta)), ("priority", Value::Int(6)), ("request", request)]).into()
    }))
}

pub(super) fn query_task(engine: &mut Engine, arguments: &Arguments) -> Answer {
    let ids = arguments.texts("ids");
    let active = engine.active.values().map(|job| (if job.stop.is_entered() { "active" } else { "reserved" }, job));
    let waiting = engine.buckets.iter().chain(engine.gate.iter()).map(|job| ("reserved", job));
    let held = engine.held.iter().map(|job| ("scheduled", job));
    let found = active.chain(waiting).chain(held).filter(|(_, job)| ids.contains(job.id()));
    let told: Dict = found
        .map(|(state, job)| (job.id().clone(), vec![state.into(), info(&engine.shared, job, false)].into()))
        .collect::<Vec<(_, Value)>>()
        .into_iter()
        .collect();
    Value::from(told).into()
}

pub(super) fn revoked(engine: &mut Engine, _: &Arguments) -> Answer {
    list(engine.revoked.ids().map(|id| id.clone().into()))
}

pub(super) fn registered(engine: &mut Engine, arguments: &Arguments) -> Answer {
    let mut items = arguments.texts("taskinfoitems");
    if items.is_empty() {
        items = ["exchange", "routing_key", "rate_limit"].map(Into::into).to_vec();
    }
    let (shared, builtins) = (&engine.shared, arguments.flag("builtins"));
    let names = shared.names().into_iter().filter(|name| builtins || !name.starts_with("celery."));
    let shown = names.filter_map(|name| {
        let known = shared.known(&name)?;
        let told = items.iter().filter_map(|item| Some(format!("{item}={}", attribute(engine, &known, item)?)));
        let told: Vec<String> = told.collect();
        Some(if told.is_empty() { name } else { format!("{name} [{}]", told.join(" ")) })
    });
    list(shown.map(Value::from))
}

/// An attribute of a task, as Python shows it.
fn attribute(engine: &Engine, known: &Known, name: &str) -> Option<String> {
    let options = &known.options;
    let flag = |flag: bool| Some(if flag { "True" } else { "False" }.to_owned());
    match name {
        "name" => Some(options.name.to_string()),
        "rate_limit" => engine.buckets.limit_of(known.name()).map(|limit| limit.to_string()),
        "max_retries" => options.max_retries.map(|most| most.to_string()),
        "default_retry_delay" => Some(time::seconds(options.default_retry_delay)),
        "queue" => options.queue.as_ref().map(ToString::to_string),
        "priority" => options.priority.map(|priority| priority.to_string()),
        "serializer" => options.serializer.as_ref().map(ToString::to_string),
        "time_limit" => known.time_limit.map(time::seconds),
        "soft_time_limit" => known.soft_time_limit.map(time::seconds),
        "acks_late" => flag(known.acks_late),
        "reject_on_worker_lost" => flag(known.reject_on_worker_lost),
        "track_started" => flag(known.track_started),
        "ignore_result" => flag(known.ignore_result),
        _ => None,
    }
}

/// The queues, in the form of kombu's `Queue.as_dict(recurse=True)`.
pub(super) fn active_queues(engine: &mut Engine, _: &Arguments) -> Answer {
    let millis = |time: std::time::Duration| Value::from(time.as_secs_f64());
    list(engine.shared.queues.iter().map(|queue| {
        let exchange = Dict::from_iter([
            ("name", Value::from(queue.exchange.name.clone())),
            ("type", queue.exchange.kind.name().into()),
            ("arguments", Value::None),
            ("durable", queue.exchange.durable.into()),
            ("passive", false.into()),
            ("auto_delete", queue.exchange.auto_delete.into()),
            ("delivery_mode", Value::None),
            ("no_declare", false.into()),
        ]);
        Dict::from_iter([
            ("name", Value::from(queue.name.clone())),
            ("exchange", exchange.into()),
            ("routing_key", queue.routing_key.clone().into()),
            ("queue_arguments", queue.arguments.clone().into()),
            ("binding_arguments", Value::None),
            ("consumer_arguments", Value::None),
            ("durable", queue.durable.into()),
            ("exclusive", queue.exclusive.into()),
            ("auto_delete", queue.auto_delete.into()),
            ("no_ack", false.into()),
            ("alias", Value::None),
            ("bindings", Value::List(Vec::new())),
            ("no_declare", Value::None),
            ("expires", queue.expires.map(millis).into()),
            ("message_ttl", queue.message_ttl.map(millis).into()),
            ("max_length", Value::None),
            ("max_length_bytes", Value::None),
            ("max_priority", queue.max_priority.map(i64::from).into()),
        ])
        .into()
    }))
}

pub(super) fn clock(engine: &mut Engine, _: &Arguments) -> Answer {
    let clock = engine.shared.app.clock().value();
    Value::from(Dict::from_iter([("clock", Value::Int(clock))])).into()
}

/// Another worker begins, and tells of the revoked tasks that it knows.
pub(super) fn hello(engine: &mut Engine, arguments: &Arguments) -> Answer {
    let from = arguments.text("from_node");
    if *from == *engine.shared.name {
        return Value::None.into();
    }
    tracing::info!(target: "celery.worker.control", "sync with {from}");
    let revoked = engine.revoked.ids().map(|id| id.clone().into()).collect();
    for id in arguments.texts("revoked") {
        engine.revoked.add(&id);
    }
    let clock = engine.shared.app.clock().forward();
    Value::from(Dict::from_iter([("revoked", Value::List(revoked)), ("clock", Value::Int(clock))])).into()
}

pub(super) fn stats(engine: &mut Engine, _: &Arguments) -> Answer {
    let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let shared = &engine.shared;
    let total: Dict = engine.totals.iter().map(|(name, count)| (name.clone(), number(*count))).collect();
    let pool = Dict::from_iter([
        ("implementation", Value::from(format!("salamander:{}", shared.pool))),
        ("max-concurrency", number(shared.concurrency as u64)),
    ]);
    let broker = Dict::from_iter([("uri", Value::from(shared.app.broker().url()))]);
    Value::from(Dict::from_iter([
        ("total", Value::from(total)),
        ("pid", i64::from(std::process::id()).into()),
        ("clock", shared.app.clock().value().to_string().into()),
        ("uptime", number(engine.began.elapsed().as_secs())),
        ("pool", pool.into()),
        ("broker", broker.into()),
        ("prefetch_count", i64::from(shared.prefetch).into()),
    ]))
    .into()
}

/// What is said of a task, as Celery's `Request.info()`; `safe` has arguments as text.
fn info(shared: &Shared, job: &Job, safe: bool) -> Value {
    let request = job.context.request();
    let way = request.delivery_info();
    let (positional, keywords) = match safe {
        true => (request.argsrepr().into(), request.kwargsrepr().into()),
        false => {
            let arguments = request.arguments().unwrap_or_default();
            (Value::List(arguments.positional), arguments.keywords.into())
        }
    };
    let delivery = Dict::from_iter([
        ("exchange", Value::from(way.exchange.clone())),
        ("routing_key", way.routing_key.clone().into()),
        ("priority", request.priority().map(i64::from).into()),
        ("redelivered", job.redelivered.into()),
    ]);
    let began = job.began.get();
    let process = || began.and_then(|began| began.process).unwrap_or_else(std::process::id);
    Dict::from_iter([
        ("id", Value::from(job.id().clone())),
        ("name", job.shown().into()),
        ("args", positional),
        ("kwargs", keywords),
        ("type", request.task().into()),
        ("hostname", shared.name.clone().into()),
        ("time_start", began.map(|began| time::now_seconds() - began.at.elapsed().as_secs_f64()).into()),
        ("acknowledged", job.is_settled().into()),
        ("delivery_info", delivery.into()),
        ("worker_pid", began.map(|_| i64::from(process())).into()),
    ])
    .into()
}

/// In the order in which they came.
fn sorted<'a>(jobs: impl Iterator<Item = &'a Arc<Job>>) -> Vec<&'a Arc<Job>> {
    let mut jobs: Vec<&Arc<Job>> = jobs.collect();
    jobs.sort_unstable_by_key(|job| job.number);
    jobs
}

fn list(items: impl Iterator<Item = Value>) -> Answer {
    Value::List(items.collect()).into()
}
