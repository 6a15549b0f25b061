//! [`AmqpConsumer`]: takes deliveries.

use std::sync::Arc;
use std::task::Poll;

use salamander_wire::WireError;
use salamander_wire::amqp::Request;
use tokio::sync::oneshot;

use super::channel::{Failure, Slot};
use super::state::{Phase, State, refusal};
use super::subscription::{Subscription, counts_itself};
use super::{Shared, of_wire};
use crate::Waits;
use crate::broker::{Consumer, Delivery, Queue};

/// A consumer, for whoever consumes.
pub(super) struct AmqpConsumer {
    pub(super) shared: Arc<Shared>,
    pub(super) subscription: Arc<Subscription>,
}

impl Consumer for AmqpConsumer {
    fn receive<'a>(&'a mut self, into: &'a mut Vec<Delivery>) -> Waits<'a, ()> {
        Box::pin(std::future::poll_fn(move |context| {
            let mut inner = self.subscription.lock();
            if !inner.buffer.is_empty() {
                let size = inner.buffer.iter().map(|delivery| delivery.message.body.len()).sum();
                into.extend(inner.buffer.drain(..));
                self.shared.taken(size);
                return Poll::Ready(Ok(()));
            }
            if let Some(error) = &inner.failed {
                return Poll::Ready(Err(error.clone()));
            }
            if !inner.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                inner.waker = Some(context.waker().clone());
            }
            Poll::Pending
        }))
    }

    fn set_prefetch(&mut self, prefetch: u32) {
        let mut state = self.shared.lock();
        self.subscription.lock().consume.prefetch = prefetch;
        if let Err(error) = limit(&mut state, &self.subscription) {
            tracing::error!(%error, "the prefetch limit cannot be changed");
        }
        drop(state);
        self.shared.wake.notify_one();
    }

    fn add(&mut self, queue: Queue) -> Waits<'_, ()> {
        Box::pin(async move {
            let reply = {
                let mut state = self.shared.lock();
                let counts_itself = counts_itself(&queue);
                let shares = {
                    let inner = self.subscription.lock();
                    if inner.consume.queues.iter().any(|one| one.name == queue.name) {
                        return Ok(());
                    }
                    !(inner.together || inner.each || counts_itself)
                };
                if shares {
                    limit(&mut state, &self.subscription).map_err(of_wire)?;
                }
                let channel = {
                    let mut inner = self.subscription.lock();
                    inner.each |= counts_itself;
                    inner.consume.queues.push(queue.clone());
                    inner.channel
                };
                let Some(channel) = channel else { return Ok(()) };
                let (reply, receiver) = oneshot::channel();
                let asked = state.consume(channel, &self.subscription, &queue.name, Slot::Reply(reply));
                if let Err(error) = asked {
                    self.subscription.lock().consume.queues.retain(|one| one.name != queue.name);
                    return Err(of_wire(error));
                }
                receiver
            };
            self.shared.wake.notify_one();
            match reply.await {
                Ok(Err(Failure::Refused(closed))) => {
                    self.subscription.lock().consume.queues.retain(|one| one.name != queue.name);
                    Err(refusal(&closed))
                }
                // Where the connection is lost, it is consumed with the others when there is another one.
                _ => Ok(()),
            }
        })
    }

    fn cancel<'a>(&'a mut self, queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            let mut replies = Vec::new();
            {
                let mut state = self.shared.lock();
                let (channel, tags) = {
                    let mut inner = self.subscription.lock();
                    inner.consume.queues.retain(|one| &*one.name != queue);
                    let tags: Vec<_> =
                        inner.tags.iter().filter(|(_, of)| &***of == queue).map(|(tag, _)| tag.clone()).collect();
                    (inner.channel, tags)
                };
                let Some(channel) = channel else { return Ok(()) };
                for tag in tags {
                    let (reply, receiver) = oneshot::channel();
                    let request = Request::Cancel { consumer: &tag };
                    state.request(channel, &request, Slot::Reply(reply)).map_err(of_wire)?;
                    replies.push(receiver);
                }
            }
            self.shared.wake.notify_one();
            for reply in replies {
                let _ = reply.await;
            }
            // What has come and nobody has seen goes back.
            let mut inner = self.subscription.lock();
            inner.tags.retain(|_, of| &**of != queue);
            let (gone, stays): (Vec<_>, Vec<_>) =
                inner.buffer.drain(..).partition(|delivery| &*delivery.queue == queue);
            inner.buffer.extend(stays);
            drop(inner);
            self.shared.taken(gone.iter().map(|delivery| delivery.message.body.len()).sum());
            gone.into_iter().for_each(|delivery| delivery.settlement.reject(true));
            Ok(())
        })
    }
}

/// Tells the broker of the limit, which is the channel's from now on where that can be. One of each consumer holds from its beginning on:
/// they begin anew.
fn limit(state: &mut State, subscription: &Subscription) -> Result<(), WireError> {
    let (channel, prefetch, each, anew, queues, old) = {
        let mut inner = subscription.lock();
        let anew = !std::mem::replace(&mut inner.together, true) || inner.each;
        let queues: Vec<_> = inner.consume.queues.iter().map(|queue| queue.name.clone()).collect();
        let old: Vec<_> = inner.tags.keys().cloned().collect();
        (inner.channel, inner.prefetch(), inner.each, anew, queues, old)
    };
    let Some(channel) = channel else { return Ok(()) };
    if anew {
        for tag in &old {
            state.request(channel, &Request::Cancel { consumer: tag }, Slot::Ignore)?;
        }
        if !each {
            state.request(channel, &Request::Qos { prefetch: 0, global: false }, Slot::Ignore)?;
        }
    }
    state.request(channel, &Request::Qos { prefetch, global: !each }, Slot::Ignore)?;
    if anew {
        queues.iter().try_for_each(|queue| state.consume(channel, subscription, queue, Slot::Ignore))?;
    }
    Ok(())
}

impl Drop for AmqpConsumer {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.consumers.remove(&self.subscription.id);
        let size = self.subscription.lock().buffer.drain(..).map(|delivery| delivery.message.body.len()).sum();
        self.shared.taken(size);
        if state.phase == Phase::Up {
            // What is settled goes before; what cannot be written is nothing that anybody could do something about.
            let _ = self.subscription.flush(&mut state.out);
            let channel = self.subscription.lock().channel.take();
            if let Some(channel) = channel
                && let Some(open) = state.channels.get_mut(&channel)
            {
                open.closing = true;
                let _ = Request::ChannelClose.write(channel, &mut state.out);
            }
        }
        drop(state);
        self.shared.wake.notify_one();
    }
}
