//! From a task to the queue that it waits in.

pub(crate) mod pattern;
mod queues;
mod routes;

use std::sync::Arc;

use salamander_codec::Args;
use salamander_value::Str;

pub use queues::{Queues, worker_direct};
pub use routes::{Query, Routes};

use crate::broker::{ExchangeKind, Queue};
use crate::call::SendOptions;
use crate::error::Result;

/// Finds the destination of each task: by its options, by the routes, or the default.
#[derive(Debug, Default)]
pub struct Router {
    /// The queues that there are.
    pub queues: Queues,
    /// In their order; the first that knows a task decides.
    pub routes: Vec<Routes>,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Destination {
    pub(crate) exchange: Str,
    pub(crate) routing_key: Str,
    /// What has to be there before.
    pub(crate) declare: Option<Arc<Queue>>,
    /// The name of the queue, if it is known.
    pub(crate) queue: Option<Str>,
}

impl Router {
    /// Fills in what the routes say of a task, and says where it goes.
    ///
    /// # Errors
    /// [`Kind::Misuse`](crate::Kind::Misuse) for a queue that is not known, where those are not made.
    ///
    /// # Wire
    /// As Celery's router and its sender: a queue with a direct exchange is sent to by its name, through the exchange without one.
    pub(crate) fn route(&self, task: &str, arguments: &Args, options: &mut SendOptions) -> Result<Destination> {
        let query = Query { task, arguments, options };
        let routed = self.routes.iter().find_map(|routes| routes.find(&query));
        if let Some(route) = &routed {
            options.fill(route);
        }
        let queue = match &options.queue {
            Some(name) => Some(self.queues.get(name)?),
            None if routed.is_none() => Some(self.queues.default_queue()?),
            None => None,
        };
        let kind = options.exchange_type.or(queue.as_ref().map(|queue| queue.exchange.kind)).unwrap_or_default();
        let named = |text: &Option<Str>| text.clone().filter(|text| !text.is_empty());
        let (exchange, routing_key) = (named(&options.exchange), named(&options.routing_key));
        let name = queue.as_ref().map(|queue| queue.name.clone());
        let (exchange, routing_key) = match (exchange, routing_key) {
            (Some(exchange), Some(key)) => (exchange, key),
            (_, _) if kind == ExchangeKind::Direct => {
                let queue = match &queue {
                    Some(queue) => queue.clone(),
                    // A route to an exchange without a routing key, or the other way round.
                    None => self.queues.default_queue()?,
                };
                return Ok(Destination {
                    exchange: Str::default(),
                    routing_key: queue.name.clone(),
                    queue: Some(queue.name.clone()),
                    declare: Some(queue),
                });
            }
            (exchange, key) => {
                let of_queue = queue.as_ref().map(|queue| (queue.exchange.name.clone(), queue.routing_key.clone()));
                let (own, own_key) = of_queue.unwrap_or_default();
                let exchange = exchange.unwrap_or(own);
                let exchange =
                    if exchange.is_empty() { self.queues.default_exchange().name.clone() } else { exchange };
                let key = key.unwrap_or(own_key);
                let key = if key.is_empty() { self.queues.default_routing_key().clone() } else { key };
                (exchange, key)
            }
        };
        let declare = queue.map(|queue| self.queues.announcement(&queue.name).unwrap_or(queue));
        Ok(Destination { exchange, routing_key, declare, queue: name })
    }
}
