//! [`HubConsumer`]: the trait's consumer, over a subscription.

use std::sync::Arc;

use salamander_value::Str;

use super::{Hub, Owner, Parcel, Subscription, Taken};
use crate::Waits;
use crate::broker::{Consumer, Delivery, Queue, Settle, Settlement, Topology};

/// A consumer in this process.
pub(crate) struct HubConsumer {
    hub: Arc<Hub>,
    owner: Owner,
    subscription: Subscription,
    settle: Arc<dyn Settle>,
    /// What was taken, kept for its space.
    taken: Vec<Taken>,
}

impl HubConsumer {
    pub(crate) fn new(hub: Arc<Hub>, owner: Owner, subscription: Subscription) -> Self {
        let settle = subscription.settle();
        Self { hub, owner, subscription, settle, taken: Vec::new() }
    }
}

/// What was taken as a delivery. What is no message is logged and thrown away.
pub(crate) fn delivered(taken: Taken, settle: &Arc<dyn Settle>) -> Option<Delivery> {
    let Taken { tag, envelope, queue, deliveries } = taken;
    match Parcel::unpack(&envelope) {
        Ok(mut message) => {
            let redelivered = deliveries > 0;
            message.properties.delivery_info.redelivered |= redelivered;
            let settlement = Settlement::new(settle.clone(), tag);
            Some(Delivery { message, queue, redelivered, deliveries: Some(deliveries), settlement })
        }
        Err(error) => {
            tracing::error!("{error}; it is thrown away, out of the queue {queue}");
            settle.reject(tag, false);
            None
        }
    }
}

impl Consumer for HubConsumer {
    fn receive<'a>(&'a mut self, into: &'a mut Vec<Delivery>) -> Waits<'a, ()> {
        Box::pin(async move {
            let before = into.len();
            while into.len() == before {
                self.subscription.take(usize::MAX, &mut self.taken).await?;
                into.extend(self.taken.drain(..).filter_map(|taken| delivered(taken, &self.settle)));
            }
            Ok(())
        })
    }

    fn set_prefetch(&mut self, prefetch: u32) {
        self.subscription.set_prefetch(prefetch);
    }

    fn add(&mut self, queue: Queue) -> Waits<'_, ()> {
        Box::pin(async move {
            let name: Str = queue.name.clone();
            self.hub.declare(&Topology::from(queue), self.owner).await?;
            self.subscription.add(&name, self.owner)
        })
    }

    fn cancel<'a>(&'a mut self, queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            self.subscription.cancel(queue);
            Ok(())
        })
    }
}
