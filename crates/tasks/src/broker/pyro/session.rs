//! [`Client`]: what a hub has of one connection, until it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use salamander_net::CallContext;
use salamander_object::Session;
use salamander_value::Exception;

use crate::broker::hub::{Hub, Owner, Subscription};

/// A client with its consumers.
#[derive(Default)]
pub(super) struct Client(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    owner: Option<(Arc<Hub>, Owner)>,
    consumers: HashMap<u64, Arc<Subscription>>,
    last: u64,
}

/// Most consumers of one connection.
const MOST: usize = 10_000;

/// Kept with the session: the connection is over when it is dropped.
struct Ending(Arc<Client>);

impl Client {
    /// The client that makes this call, and what it is known by.
    pub(super) fn of(context: &CallContext, hub: &Arc<Hub>) -> Result<(Arc<Self>, Owner), Exception> {
        let session: &Arc<Session> = context
            .session()
            .ok_or_else(|| Exception::runtime_error("only clients with a connection can consume"))?;
        let client = session.data::<Self>();
        let (owner, new) = {
            let mut inner = client.inner();
            match inner.owner {
                Some((_, owner)) => (owner, false),
                None => {
                    let owner = hub.owner();
                    inner.owner = Some((hub.clone(), owner));
                    (owner, true)
                }
            }
        };
        if new {
            session.track(Ending(client.clone()));
        }
        Ok((client, owner))
    }

    /// Keeps a consumer, and says by what number.
    pub(super) fn add(&self, subscription: Subscription) -> Result<u64, Exception> {
        let mut inner = self.inner();
        if inner.owner.is_none() || inner.consumers.len() >= MOST {
            return Err(Exception::runtime_error("this connection can have no more consumers"));
        }
        inner.last += 1;
        let number = inner.last;
        inner.consumers.insert(number, Arc::new(subscription));
        Ok(number)
    }

    /// A consumer of this connection.
    pub(super) fn consumer(&self, number: u64) -> Result<Arc<Subscription>, Exception> {
        self.inner().consumers.get(&number).cloned().ok_or_else(|| {
            Exception::key_error(format!(
                "this connection has no consumer {number}; what it had went with another one"
            ))
        })
    }

    /// Ends a consumer.
    pub(super) fn end(&self, number: u64) {
        let ended = self.inner().consumers.remove(&number);
        ended.into_iter().for_each(|subscription| subscription.close());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let (owner, consumers) = {
            let mut inner = self.0.inner();
            (inner.owner.take(), std::mem::take(&mut inner.consumers))
        };
        // Calls that wait hold them too; what they hold goes back at once.
        consumers.values().for_each(|subscription| subscription.close());
        drop(consumers);
        if let Some((hub, owner)) = owner {
            hub.leave(owner);
        }
    }
}
