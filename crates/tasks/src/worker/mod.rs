//! [`Worker`]: takes tasks out of queues and runs them, as Celery's does.
//!
//! ```text
//! delivery -> intake -> job -> [held until its time] -> [rate limit] -> pool -> outcome -> stored, said, settled
//! ```
//!
//! The `engine` is the loop; a `pool` is where jobs run. Workers exist on Unix: they are ended by its signals, and talk with child
//! processes over its sockets.

mod banner;
mod commands;
mod control;
mod engine;
mod follow;
mod gate;
mod intake;
mod job;
mod limits;
mod log;
mod options;
mod outcome;
mod pool;
mod revoked;
mod shutdown;
mod signals;
mod time;
mod timer;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use salamander_codec::{Codec, Settings as CodecSettings};
use salamander_value::Str;
use salamander_wire::celery::{Accept, Decoding};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use commands::WorkerHandle;
pub use options::WorkerOptions;
pub use pool::PoolKind;
pub use shutdown::ShutdownKind;

use crate::broker::{Consume, Queue, Topology};
use crate::routing::worker_direct;
use crate::{App, Error, Kind, Result};
use commands::Command;
use control::Mailbox;
use engine::{Engine, Parts};
use follow::{Bodies, Sweeper};
use gate::{Gate, Limits};
use job::Known;
use limits::Buckets;
use pool::{ChildOptions, Children, Lanes, Places};
use revoked::Revoked;
use signals::Signals;

/// A worker: it takes the tasks of an application out of queues, and runs them.
///
/// With [`PoolKind::Prefork`] the program is started again for each child, with the same arguments, and has to come to [`Worker::run`]
/// there as well, which then serves the parent instead of a queue.
#[derive(Debug)]
pub struct Worker {
    app: App,
    options: WorkerOptions,
    name: Str,
    handle: WorkerHandle,
    commands: UnboundedReceiver<Command>,
    catches_signals: bool,
}

/// What all parts of a worker know.
struct Shared {
    app: App,
    name: Str,
    known: HashMap<Str, Arc<Known>>,
    decoding: Decoding,
    /// By which results are encoded, and read for the log.
    settings: CodecSettings,
    codec: Codec,
    /// Backends get results as values.
    decoded: bool,
    result_extended: bool,
    queues: Vec<Queue>,
    pool: PoolKind,
    concurrency: usize,
    prefetch: u32,
    dead_letter_after: u32,
    dead_letter_queue: Str,
    /// The bodies of chords that have come to an end here.
    bodies: Mutex<Bodies>,
}

impl Worker {
    /// A worker for an application.
    pub fn new(app: App, options: WorkerOptions) -> Self {
        let name = named(&options.name);
        let (sender, commands) = unbounded_channel();
        let handle = WorkerHandle::new(sender, name.clone());
        Self { app, options, name, handle, commands, catches_signals: true }
    }

    /// The same where the program takes care of signals, and ends the worker by its [`WorkerHandle`].
    #[must_use]
    pub fn without_signals(mut self) -> Self {
        self.catches_signals = false;
        self
    }

    /// What others can ask it.
    pub fn handle(&self) -> WorkerHandle {
        self.handle.clone()
    }

    /// What it says when it starts: its name, what it is connected to, its queues and tasks.
    pub fn banner(&self) -> Result<String> {
        let queues = self.queues()?;
        Ok(banner::banner(&self.shared(&queues)?, &queues))
    }

    /// Whether this process is a child of a worker, and says nothing of its own.
    pub fn is_child() -> bool {
        pool::is_child()
    }

    /// Works until it is asked to end, by a signal or by its handle.
    ///
    /// SIGTERM, and Ctrl-C once, finish what runs; SIGQUIT, and Ctrl-C twice, stop it.
    ///
    /// # Errors
    /// Queues that cannot be declared, children that do not start, and what the broker cannot recover from.
    pub async fn run(mut self) -> Result<()> {
        let queues = self.queues()?;
        let shared = Arc::new(self.shared(&queues)?);
        if Self::is_child() {
            return pool::serve_child(shared.codec, |order| shared.ordered(order)).await;
        }
        let mut signals = if self.catches_signals { Signals::catch()? } else { Signals::ignored() };
        let settings = self.app.settings();
        let told = settings.worker_state_db.as_deref().map(PathBuf::from);
        let revoked = match self.options.state_db.clone().or(told) {
            None => Revoked::default(),
            Some(file) => Revoked::open(&file).map_err(|error| {
                Error::with_source(Kind::Misuse, format!("cannot read {}: {error}", file.display()), error)
            })?,
        };
        let (sender, events) = engine::channel();
        let places = match self.options.pool {
            PoolKind::Async => Places::Tasks,
            PoolKind::Threads | PoolKind::Solo => Places::Threads,
            PoolKind::Prefork => {
                let told = settings.worker_max_tasks_per_child.map(|most| u32::try_from(most).unwrap_or(u32::MAX));
                let max_tasks = self.options.max_tasks_per_child.or(told);
                let max_memory = self.options.max_memory_per_child.or(settings.worker_max_memory_per_child);
                let start = settings.worker_proc_alive_timeout;
                Places::Children(
                    Children::start(shared.concurrency, ChildOptions { start, max_tasks, max_memory }).await?,
                )
            }
        };
        let teller = sender.clone();
        Gate::check(&self.app, shared.known.values())?;
        let gate = Gate::new(self.app.clone(), sender.clone());
        let lanes = Lanes::new(shared.codec, places, shared.concurrency, sender);
        let mut buckets = Buckets::default();
        let limited = !(self.options.disable_rate_limits || settings.worker_disable_rate_limits);
        for known in shared.known.values().filter(|_| limited) {
            buckets.limit(known.name(), known.rate_limit, Instant::now());
        }
        let broker = self.app.broker().clone();
        broker.declare(&Topology::from(queues.clone())).await?;
        if self.options.purge {
            for queue in &queues {
                let purged = broker.purge(&queue.name).await?;
                tracing::info!("purged {purged} messages from {}", queue.name);
            }
        }
        let consume = Consume { queues, prefetch: shared.prefetch, no_ack: false, tag: self.name.clone() };
        let consumer = broker.consume(consume).await?;
        let (commands, prefetch) = (std::mem::replace(&mut self.commands, unbounded_channel().1), shared.prefetch);
        let soft_shutdown = match self.options.soft_shutdown_timeout {
            Duration::ZERO => self.app.settings().worker_soft_shutdown_timeout,
            told => told,
        };
        let _mailbox = match self.app.settings().worker_enable_remote_control {
            true => Some(Mailbox::open(shared.clone(), self.handle.clone(), !self.options.without_mingle).await),
            false => None,
        };
        let _sweeper = Sweeper::start(&shared);
        tracing::info!(target: "celery.worker", "{} ready.", self.name);
        let parts = Parts { shared, lanes, revoked, events, teller, commands, prefetch, soft_shutdown };
        Engine::new(parts, buckets, gate).run(consumer, &mut signals).await
    }

    fn queues(&self) -> Result<Vec<Queue>> {
        let mut queues = self.options.queues.clone();
        if queues.is_empty() {
            queues.extend(self.app.router().queues.consumed()?.iter().map(|queue| Queue::clone(queue)));
        }
        if self.app.settings().worker_direct {
            queues.push(worker_direct(&self.name));
        }
        Ok(queues)
    }

    fn shared(&self, queues: &[Queue]) -> Result<Shared> {
        let settings = self.app.settings();
        let mut decoding = Decoding::default();
        decoding.accept = Accept::new(settings.accept_content.iter().map(|name| &**name))
            .map_err(|error| Error::with_source(Kind::Misuse, error.to_string(), error))?;
        let (codec, decoded) = outcome::codec_of(&settings.result_serializer);
        let pool = self.options.pool;
        let concurrency = match pool {
            PoolKind::Solo => 1,
            _ => self.options.concurrency.unwrap_or(settings.worker_concurrency).max(1),
        };
        let multiplier = self.options.prefetch_multiplier.unwrap_or(settings.worker_prefetch_multiplier);
        let prefetch = u32::try_from(concurrency).unwrap_or(u32::MAX).saturating_mul(multiplier);
        Ok(Shared {
            app: self.app.clone(),
            name: self.name.clone(),
            known: self.known()?,
            settings: decoding.settings.clone(),
            decoding,
            codec,
            decoded,
            result_extended: settings.result_extended,
            queues: queues.to_vec(),
            pool,
            concurrency,
            prefetch,
            dead_letter_after: self.options.dead_letter_after,
            dead_letter_queue: self.options.dead_letter_queue.clone(),
            bodies: Mutex::default(),
        })
    }

    /// The tasks, with what their options and the settings come to.
    fn known(&self) -> Result<HashMap<Str, Arc<Known>>> {
        let (settings, worker) = (self.app.settings(), &self.options);
        let mut known = HashMap::new();
        for name in self.app.registry().ids() {
            let (Some(object), Some(options)) = (self.app.registry().get(&name), self.app.task(&name)) else {
                continue;
            };
            let method = object.members().methods.first();
            let time_limit = options.time_limit.or(worker.time_limit).or(settings.task_time_limit);
            let soft_time_limit =
                options.soft_time_limit.or(worker.soft_time_limit).or(settings.task_soft_time_limit);
            let ignore_result = options.ignore_result.unwrap_or(settings.task_ignore_result);
            // What is said of one of the two goes before what is said of both.
            let both = options.acks_on_failure_or_timeout.unwrap_or(settings.task_acks_on_failure_or_timeout);
            let acks = |own: Option<bool>, setting: Option<bool>| own.or(setting).unwrap_or(both);
            let task = Known {
                blocks: method.is_some_and(|method| method.plain),
                acks_late: options.acks_late.unwrap_or(settings.task_acks_late),
                acks_on_failure: acks(options.acks_on_failure, settings.task_acks_on_failure),
                acks_on_timeout: acks(options.acks_on_timeout, settings.task_acks_on_timeout),
                reject_on_worker_lost: options.reject_on_worker_lost.unwrap_or(settings.task_reject_on_worker_lost),
                track_started: options.track_started.unwrap_or(settings.task_track_started),
                ignore_result,
                store_errors: options
                    .store_errors_even_if_ignored
                    .unwrap_or(settings.task_store_errors_even_if_ignored),
                time_limit,
                soft_time_limit,
                rate_limit: options.rate_limit.or(settings.task_default_rate_limit),
                limits: Limits::of(&options),
                options,
                object,
            };
            known.insert(Str::from(name), Arc::new(task));
        }
        Ok(known)
    }
}

impl Shared {
    fn known(&self, name: &str) -> Option<Arc<Known>> {
        self.known.get(name).cloned()
    }

    /// The names of all tasks, in order; without Celery's own.
    fn names(&self) -> Vec<String> {
        self.app.task_names()
    }

    fn app_name(&self) -> &str {
        "tasks"
    }
}

/// A worker's name with the host's in it.
fn named(pattern: &str) -> Str {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let (name, domain) = host.split_once('.').unwrap_or((&host, ""));
    let full = pattern.replace("%h", &host).replace("%n", name).replace("%d", domain).replace("%%", "%");
    if full.contains('@') { full.into() } else { format!("{full}@{host}").into() }
}
