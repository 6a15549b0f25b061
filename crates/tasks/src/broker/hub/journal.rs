//! [`Journal`]: what is told of each change, so that it lasts.

use bytes::Bytes;
use salamander_value::Str;
use tokio::sync::oneshot;

use crate::broker::{Exchange, Queue};
use crate::{Error, Kind, Result};

/// Writes changes down, in the order in which it is told of them. It is told under a lock: it must not wait.
pub(crate) trait Journal: Send + Sync {
    /// Takes a change.
    fn add(&self, entry: Entry);
}

/// A change.
pub(crate) enum Entry {
    /// A queue is there, or is now as it is here.
    Queue { number: u64, queue: Box<Queue>, plain: bool },
    /// It is gone, with its messages and bindings.
    QueueGone { number: u64 },
    /// An exchange is there.
    Exchange(Exchange),
    /// It is gone, with its bindings.
    ExchangeGone(Str),
    /// A queue is bound.
    Bind { exchange: Str, routing_key: Str, queue: u64 },
    /// A message lies in a queue.
    Insert(Box<Message>),
    /// A message was delivered once more.
    Taken { id: u64, deliveries: u32 },
    /// A message is done.
    Remove { id: u64 },
    /// Somebody waits until all that came before is written, and learns whether it is.
    Confirm(oneshot::Sender<Result<()>>),
}

/// A message in a queue, as it is written.
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) queue: u64,
    pub(crate) priority: u8,
    /// Milliseconds since 1970.
    pub(crate) due: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) deliveries: u32,
    pub(crate) task: Option<Str>,
    pub(crate) envelope: Bytes,
}

/// What was written earlier. Queues come before their bindings and messages.
pub(crate) enum Journaled {
    Queue { number: u64, queue: Box<Queue>, plain: bool },
    Exchange(Exchange),
    Bind { exchange: Str, routing_key: Str, queue: u64 },
    Message(Box<Message>),
}

/// Whether what was done is written.
pub(crate) struct Confirmed(Option<oneshot::Receiver<Result<()>>>);

impl Confirmed {
    /// Nothing has to be written.
    pub(super) fn now() -> Self {
        Self(None)
    }

    pub(super) fn by(receiver: oneshot::Receiver<Result<()>>) -> Self {
        Self(Some(receiver))
    }

    /// Waits until it is.
    pub(crate) async fn wait(self) -> Result<()> {
        match self.0 {
            None => Ok(()),
            Some(receiver) => {
                receiver.await.unwrap_or_else(|_| Err(Error::new(Kind::Closed, "the queue's file is closed")))
            }
        }
    }
}
