//! [`Local`]: a connection to a hub in this process.

use std::sync::{Arc, Mutex, PoisonError};

use salamander_wire::celery::Message;

use super::{Hub, HubConsumer, Owner, Parcel, Posting};
use crate::broker::{Capabilities, Consume, Consumer, Publication, Topology};
use crate::{Error, Kind, Result};

/// A connection to a hub. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Local(Arc<Inner>);

struct Inner {
    hub: Arc<Hub>,
    owner: Owner,
    closing: Mutex<Closing>,
}

/// What is to be closed together.
#[derive(Default)]
struct Closing {
    closed: bool,
    consumers: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl Local {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        let owner = hub.owner();
        Self(Arc::new(Inner { hub, owner, closing: Mutex::default() }))
    }

    /// Another connection to the same hub.
    pub(crate) fn connect(&self) -> Self {
        Self::new(self.0.hub.clone())
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// What hubs can do.
    pub(crate) fn capabilities(durable: bool) -> Capabilities {
        Capabilities {
            durable,
            redelivery: true,
            counts_deliveries: true,
            priorities: 10,
            greater_is_more_urgent: true,
            delay: true,
            topic: true,
            fanout: true,
            message_ttl: true,
            queue_ttl: true,
        }
    }

    fn open(&self) -> Result<()> {
        let closing = self.0.closing.lock().unwrap_or_else(PoisonError::into_inner);
        if closing.closed { Err(Error::new(Kind::Closed, "the broker is closed")) } else { Ok(()) }
    }

    pub(crate) async fn declare(&self, topology: &Topology) -> Result<()> {
        self.open()?;
        self.0.hub.declare(topology, self.0.owner).await
    }

    pub(crate) async fn publish(&self, publication: Publication) -> Result<()> {
        self.open()?;
        self.0.hub.publish([Posting::of(publication)?]).await.map(drop)
    }

    pub(crate) fn consume(&self, consume: &Consume) -> Result<Box<dyn Consumer>> {
        let Inner { hub, owner, closing } = &*self.0;
        self.open()?;
        let subscription = hub.subscribe(&consume.queues, consume.prefetch, consume.no_ack, *owner)?;
        let mut closing = closing.lock().unwrap_or_else(PoisonError::into_inner);
        closing.consumers.push(Box::new(subscription.closer()));
        drop(closing);
        Ok(Box::new(HubConsumer::new(hub.clone(), *owner, subscription)))
    }

    pub(crate) async fn take(&self, queue: &str) -> Result<Option<Message>> {
        self.open()?;
        let taken = self.0.hub.take(queue).await.ok_or_else(|| no_queue(queue))?;
        taken.map(|parcel| Parcel::unpack(&parcel.envelope)).transpose()
    }

    pub(crate) fn purge(&self, queue: &str) -> Result<u64> {
        self.open()?;
        Ok(self.0.hub.purge(queue).unwrap_or(0))
    }

    pub(crate) fn len(&self, queue: &str) -> Result<Option<u64>> {
        self.open()?;
        Ok(self.0.hub.len(queue))
    }

    pub(crate) async fn delete(&self, queue: &str) -> Result<()> {
        self.open()?;
        self.0.hub.delete(queue);
        self.0.hub.flush().await
    }

    pub(crate) async fn close(&self) -> Result<()> {
        let Inner { hub, owner, closing } = &*self.0;
        let consumers = {
            let mut closing = closing.lock().unwrap_or_else(PoisonError::into_inner);
            closing.closed = true;
            std::mem::take(&mut closing.consumers)
        };
        consumers.iter().for_each(|close| close());
        hub.leave(*owner);
        hub.flush().await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hub.leave(self.owner);
    }
}

fn no_queue(queue: &str) -> Error {
    Error::new(Kind::Refused, format!("there is no queue {queue}"))
}

/// A broker whose connection is a [`Local`] in its field `local`.
macro_rules! local_broker {
    ($broker:ty, durable: $durable:literal) => {
        impl $crate::broker::Broker for $broker {
            fn capabilities(&self) -> $crate::broker::Capabilities {
                $crate::broker::hub::Local::capabilities($durable)
            }

            fn url(&self) -> String {
                self.location()
            }

            fn place(&self) -> Option<salamander_value::Str> {
                Some(self.local.hub().place())
            }

            fn declare<'a>(&'a self, topology: &'a $crate::broker::Topology) -> $crate::Waits<'a, ()> {
                Box::pin(self.local.declare(topology))
            }

            fn publish(&self, publication: $crate::broker::Publication) -> $crate::Waits<'_, ()> {
                Box::pin(self.local.publish(publication))
            }

            fn consume(
                &self,
                consume: $crate::broker::Consume,
            ) -> $crate::Waits<'_, Box<dyn $crate::broker::Consumer>> {
                Box::pin(std::future::ready(self.local.consume(&consume)))
            }

            fn take<'a>(&'a self, queue: &'a str) -> $crate::Waits<'a, Option<salamander_wire::celery::Message>> {
                Box::pin(self.local.take(queue))
            }

            fn purge<'a>(&'a self, queue: &'a str) -> $crate::Waits<'a, u64> {
                Box::pin(std::future::ready(self.local.purge(queue)))
            }

            fn len<'a>(&'a self, queue: &'a str) -> $crate::Waits<'a, Option<u64>> {
                Box::pin(std::future::ready(self.local.len(queue)))
            }

            fn delete<'a>(&'a self, queue: &'a str) -> $crate::Waits<'a, ()> {
                Box::pin(self.local.delete(queue))
            }

            fn permits(&self) -> Option<&dyn $crate::permits::Permits> {
                Some(&*self.permits)
            }

            fn close(&self) -> $crate::Waits<'_, ()> {
                Box::pin(self.local.close())
            }
        }
    };
}
pub(crate) use local_broker;
