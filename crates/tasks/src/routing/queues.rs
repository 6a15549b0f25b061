//! [`Queues`]: the queues that an application knows.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use salamander_value::Str;

use crate::app::Settings;
use crate::broker::{Exchange, ExchangeKind, Queue};
use crate::call::new_id;
use crate::error::{Error, Kind, Result};

/// After how long a queue goes that only brought its exchange along.
const PASSING: Duration = Duration::from_secs(10);

/// The queue that a worker has for itself where `worker_direct` is set, by the worker's whole name, `NAME@HOST`.
///
/// ```
/// # use salamander_tasks::routing::worker_direct;
/// let queue = worker_direct("one@example.com");
/// assert_eq!((&*queue.exchange.name, &*queue.routing_key), ("C.dq2", "one@example.com"));
/// ```
///
/// # Wire
/// As `celery.utils.nodenames.worker_direct`.
pub fn worker_direct(worker: &str) -> Queue {
    let exchange = Exchange::new("C.dq2", ExchangeKind::Direct);
    Queue { exchange, routing_key: worker.into(), ..Queue::new(format!("{worker}.dq2")) }
}

/// The queues by their names, in the order in which they were given; others are made when they are first named, unless that is
/// switched off.
#[derive(Debug)]
pub struct Queues {
    known: RwLock<Known>,
    default_queue: Str,
    default_exchange: Exchange,
    default_routing_key: Str,
    create_missing: bool,
    missing_kind: ExchangeKind,
    missing_type: Option<Str>,
    default_type: Option<Str>,
    max_priority: Option<u8>,
    /// Those of which each worker has one of its own, and what is declared before they are sent to.
    broadcast: Vec<(Str, Arc<Queue>)>,
}

#[derive(Debug, Default)]
struct Known {
    by_name: HashMap<Str, Arc<Queue>>,
    /// Those that a worker consumes where nothing else is said.
    given: Vec<Str>,
}

impl Default for Queues {
    fn default() -> Self {
        Self::new("celery")
    }
}

impl Queues {
    /// One queue, with an exchange and a routing key of its own name.
    pub fn new(default: impl Into<Str>) -> Self {
        let name = default.into();
        Self {
            known: RwLock::default(),
            default_exchange: Exchange::new(name.clone(), ExchangeKind::Direct),
            default_routing_key: name.clone(),
            default_queue: name,
            create_missing: true,
            missing_kind: ExchangeKind::Direct,
            missing_type: None,
            default_type: None,
            max_priority: None,
            broadcast: Vec::new(),
        }
    }

    /// The defaults that settings give.
    pub(crate) fn of_settings(settings: &Settings) -> Self {
        let kind = settings.task_create_missing_queue_exchange_type.unwrap_or_default();
        let mut queues = Self::new(settings.task_default_queue.clone())
            .defaults(
                settings.task_default_exchange.clone(),
                settings.task_default_exchange_type,
                settings.task_default_routing_key.clone(),
            )
            .missing(settings.task_create_missing_queues, kind, Some(settings.task_create_missing_queue_type.clone()))
            .max_priority(settings.task_queue_max_priority);
        queues.default_type = Some(settings.task_default_queue_type.clone()).filter(|name| *name != "classic");
        queues
    }

    /// With these for queues that name none, the default queue among them: `task_default_exchange`, `task_default_exchange_type`,
    /// `task_default_routing_key`.
    #[must_use]
    pub fn defaults(mut self, exchange: Option<Str>, kind: ExchangeKind, routing_key: Option<Str>) -> Self {
        self.default_exchange = Exchange::new(exchange.unwrap_or_else(|| self.default_queue.clone()), kind);
        self.default_routing_key = routing_key.unwrap_or_else(|| self.default_queue.clone());
        self
    }

    /// How queues are made that were not given: `task_create_missing_queues`, `task_create_missing_queue_exchange_type`,
    /// `task_create_missing_queue_type`.
    #[must_use]
    pub fn missing(mut self, create: bool, kind: ExchangeKind, queue_type: Option<Str>) -> Self {
        self.create_missing = create;
        self.missing_kind = kind;
        self.missing_type = queue_type.filter(|name| *name != "classic");
        self
    }

    /// How many priorities queues have that say nothing of it: `task_queue_max_priority`.
    #[must_use]
    pub fn max_priority(mut self, most: Option<u8>) -> Self {
        self.max_priority = most;
        self
    }

    /// A queue that is given: `task_queues`.
    #[must_use]
    pub fn with(mut self, mut queue: Queue) -> Self {
        if queue.exchange.name.is_empty() {
            queue.exchange = self.default_exchange.clone();
        }
        if queue.routing_key.is_empty() {
            queue.routing_key = self.default_routing_key.clone();
        }
        queue.max_priority = queue.max_priority.or(self.max_priority);
        let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
        if known.by_name.insert(queue.name.clone(), Arc::new(queue.clone())).is_none() {
            known.given.push(queue.name);
        }
        self
    }

    /// A queue whose tasks all workers run: each has a queue of its own on its exchange.
    #[must_use]
    pub fn broadcast(mut self, name: impl Into<Str>) -> Self {
        let name = name.into();
        let exchange = Exchange::new(name.clone(), ExchangeKind::Fanout);
        // The exchange has to be there, and is declared with a queue; this one goes by itself.
        let passing = Queue {
            exchange: exchange.clone(),
            routing_key: Str::default(),
            durable: false,
            auto_delete: true,
            expires: Some(PASSING),
            ..Queue::new(format!("bcast.{}", new_id()))
        };
        self.broadcast.push((name.clone(), Arc::new(passing)));
        // As Celery's: it is bound by the default routing key.
        self.with(Queue { exchange, routing_key: Str::default(), ..Queue::new(name) })
    }

    /// Whether each worker has a queue of its own for this one.
    pub fn is_broadcast(&self, name: &str) -> bool {
        self.announcement(name).is_some()
    }

    /// What is declared before such a queue is sent to.
    pub(crate) fn announcement(&self, name: &str) -> Option<Arc<Queue>> {
        self.broadcast.iter().find(|(other, _)| *other == *name).map(|(_, passing)| passing.clone())
    }

    /// A queue.
    ///
    /// # Errors
    /// [`Kind::Misuse`] where it was not given, and none are made.
    pub fn get(&self, name: &str) -> Result<Arc<Queue>> {
        if let Some(queue) = self.known.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name) {
            return Ok(queue.clone());
        }
        if name == &*self.default_queue {
            return self.default_queue();
        }
        if !self.create_missing {
            return Err(Error::new(Kind::Misuse, format!("Queue '{name}' missing from task_queues")));
        }
        let mut queue = Queue::new(name);
        queue.exchange.kind = self.missing_kind;
        if let Some(kind) = &self.missing_type {
            queue.arguments.insert("x-queue-type", kind.clone());
        }
        Ok(self.remember(queue))
    }

    /// The queue of tasks of which nothing is said.
    ///
    /// # Errors
    /// As [`Queues::get`], where others were given, and it was not.
    pub fn default_queue(&self) -> Result<Arc<Queue>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = known.by_name.get(&*self.default_queue) {
            return Ok(queue.clone());
        }
        let others = !known.given.is_empty();
        drop(known);
        let name = self.default_queue.clone();
        if others {
            if !self.create_missing {
                return Err(Error::new(Kind::Misuse, format!("Queue '{name}' missing from task_queues")));
            }
            let mut queue = Queue::new(name);
            queue.exchange.kind = self.missing_kind;
            return Ok(self.remember(queue));
        }
        let (exchange, routing_key) = (self.default_exchange.clone(), self.default_routing_key.clone());
        let mut queue = Queue { exchange, routing_key, ..Queue::new(name) };
        if let Some(kind) = &self.default_type {
            queue.arguments.insert("x-queue-type", kind.clone());
        }
        Ok(self.remember(queue))
    }

    /// Those that a worker consumes where nothing else is said: the given ones, or the default one.
    ///
    /// # Errors
    /// As [`Queues::default_queue`].
    pub fn consumed(&self) -> Result<Vec<Arc<Queue>>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.given.is_empty() {
            drop(known);
            return Ok(vec![self.default_queue()?]);
        }
        Ok(known.given.iter().filter_map(|name| known.by_name.get(name).cloned()).collect())
    }

    /// The exchange of queues that name none.
    pub fn default_exchange(&self) -> &Exchange {
        &self.default_exchange
    }

    /// The routing key of queues that name none.
    pub fn default_routing_key(&self) -> &Str {
        &self.default_routing_key
    }

    fn remember(&self, mut queue: Queue) -> Arc<Queue> {
        queue.max_priority = queue.max_priority.or(self.max_priority);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.by_name.entry(queue.name.clone()).or_insert_with(|| Arc::new(queue)).clone()
    }
}
