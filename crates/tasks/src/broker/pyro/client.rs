//! [`Pyro`]: the queues of another process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use salamander_value::{Blob, Str};
use salamander_wire::celery::Message;

use super::consumer::{PyroConsumer, Shared};
use super::link::{Fault, Link, closed};
use super::outbox::Outbox;
use super::terms::{Declared, DeclaredExchange, Held, Sent};
use crate::broker::hub::{Local, Parcel, Posting};
use crate::broker::{Broker, Capabilities, Consume, Consumer, Publication, Queue, Topology};
use crate::permits::{Permit, Permits, Taken};
use crate::{Error, Kind, Result, Waits};

/// A broker that is a remote object: the queues of an [`Embedded`](crate::broker::Embedded) broker in another process, by a URL such as
/// `pyro://host:9090/kombu.broker`.
///
/// It can do all that those queues can; waiting is done at the other end, and nothing polls. When the connection breaks, what was published
/// and not confirmed is published again, so that it may be there twice.
#[derive(Clone)]
pub struct Pyro(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) link: Arc<Link>,
    published: Outbox<Sent>,
    /// The queues that were declared, some of which go with the connection.
    declared: Mutex<HashMap<Str, Queue>>,
    consumers: Mutex<Vec<Weak<Shared>>>,
}

impl Pyro {
    /// A connection by a URL; it is made when it is first used, on a runtime of tokio.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for a URL that is none.
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            link: Arc::new(Link::new(url.as_ref())?),
            published: Outbox::new("publish"),
            declared: Mutex::default(),
            consumers: Mutex::default(),
        })))
    }

    async fn with_permits<T>(&self, method: &'static str, permits: Vec<Permit>) -> Result<T>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        let (link, held) = (self.0.link.clone(), permits.into_iter().map(Held::from).collect::<Vec<_>>());
        apart(async move { link.call(method, (held,)).await }).await?.map_err(Fault::error)
    }

    /// A call that has no session of its own to mind; none where there is nothing of that name.
    async fn ask<T>(&self, method: &'static str, queue: &str) -> Result<Option<T>>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        let (link, queue) = (self.0.link.clone(), queue.to_owned());
        let asked = apart(async move { link.call(method, (queue,)).await }).await?;
        match asked {
            Ok(answer) => Ok(Some(answer)),
            Err(Fault::Unknown(_)) => Ok(None),
            Err(fault) => Err(fault.error()),
        }
    }
}

/// Runs something outside of the call that this task may serve.
pub(super) async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.map_err(|_| closed())
}

impl Inner {
    fn declared(&self) -> MutexGuard<'_, HashMap<Str, Queue>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consumers(&self) -> MutexGuard<'_, Vec<Weak<Shared>>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new connection has to be told of these queues.
    pub(super) fn known(&self, queues: &[Queue]) -> Vec<Declared> {
        let declared = self.declared();
        queues.iter().filter_map(|queue| declared.get(&queue.name)).map(Declared::from).collect()
    }
}

impl Broker for Pyro {
    fn capabilities(&self) -> Capabilities {
        Local::capabilities(true)
    }

    fn url(&self) -> String {
        self.0.link.shown_url()
    }

    fn trouble(&self) -> Option<Error> {
        self.0.link.trouble()
    }

    fn place(&self) -> Option<Str> {
        Some(self.0.link.url().into())
    }

    fn declare<'a>(&'a self, topology: &'a Topology) -> Waits<'a, ()> {
        Box::pin(async move {
            let queues: Vec<Declared> = topology.queues.iter().map(Declared::from).collect();
            let exchanges: Vec<DeclaredExchange> = topology.exchanges.iter().map(DeclaredExchange::from).collect();
            let link = self.0.link.clone();
            let declared = async move { link.call::<()>("declare", (&queues, &exchanges)).await };
            apart(declared).await?.map_err(Fault::error)?;
            let mut declared = self.0.declared();
            declared.extend(topology.queues.iter().map(|queue| (queue.name.clone(), queue.clone())));
            Ok(())
        })
    }

    fn publish(&self, publication: Publication) -> Waits<'_, ()> {
        Box::pin(async move {
            let posting = Posting::of(publication)?;
            let size = posting.parcel.envelope.len();
            let sent = Sent::from(posting);
            self.0.published.send(&self.0.link, sent, size).await
        })
    }

    fn consume(&self, consume: Consume) -> Waits<'_, Box<dyn Consumer>> {
        Box::pin(async move {
            let inner = self.0.clone();
            let (consumer, shared) = apart(async move { PyroConsumer::begin(inner, consume).await }).await??;
            let mut consumers = self.0.consumers();
            consumers.retain(|consumer| consumer.strong_count() > 0);
            consumers.push(shared);
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        })
    }

    fn take<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<Message>> {
        Box::pin(async move {
            let taken: Option<Option<Blob>> = self.ask("take", queue).await?;
            let taken = taken.ok_or_else(|| Error::new(Kind::Refused, format!("there is no queue {queue}")))?;
            taken.map(|envelope| Parcel::unpack(&envelope.into_bytes())).transpose()
        })
    }

    fn purge<'a>(&'a self, queue: &'a str) -> Waits<'a, u64> {
        Box::pin(async move { Ok(self.ask("purge", queue).await?.unwrap_or(0)) })
    }

    fn len<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<u64>> {
        Box::pin(self.ask("size", queue))
    }

    fn delete<'a>(&'a self, queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            self.0.declared().remove(queue);
            self.ask::<()>("delete", queue).await.map(drop)
        })
    }

    fn permits(&self) -> Option<&dyn Permits> {
        Some(self)
    }

    fn close(&self) -> Waits<'_, ()> {
        Box::pin(async move {
            let consumers: Vec<_> = self.0.consumers().drain(..).filter_map(|consumer| consumer.upgrade()).collect();
            for consumer in consumers {
                consumer.end(closed()).await;
            }
            self.0.link.close();
            self.0.link.release();
            Ok(())
        })
    }
}

/// Those of the process that has the queues.
impl Permits for Pyro {
    fn take(&self, wanted: Vec<Permit>) -> Waits<'_, Taken> {
        Box::pin(async move {
            let refused: Option<(Str, Str, i64)> = self.with_permits("take_permits", wanted).await?;
            Ok(refused.map_or(Taken::Granted, |(name, holder, left)| Taken::refused(name, holder, left)))
        })
    }

    fn renew(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(self.with_permits("renew_permits", held))
    }

    fn give_back(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(self.with_permits("give_permits_back", held))
    }
}

impl std::fmt::Debug for Pyro {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pyro").field(&self.0.link.shown_url()).finish()
    }
}
