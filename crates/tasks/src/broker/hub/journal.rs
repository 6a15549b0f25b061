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

    /// Takes a question for messages as they are after all changes before it, and before those behind it. It is answered from elsewhere.
    fn page(&self, page: Page);
}

/// Messages that are asked for, in their order, without gaps.
pub(crate) struct Page {
    pub(crate) queue: u64,
    pub(crate) from: Place,
    /// The most messages, and the most bytes where that is more than one message.
    pub(crate) most: usize,
    pub(crate) bytes: usize,
    pub(crate) answer: Answer<Message>,
}

/// Where messages begin: those that are ready of one priority, or those that are due later.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Ready { priority: u8, id: u64 },
    Later { due: i64, id: u64 },
}

/// What takes an answer.
pub(crate) type Answer<T> = Box<dyn FnOnce(Vec<T>) + Send>;

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
    /// A message that was due later is ready.
    Ready { id: u64 },
    /// A message is done.
    Remove { id: u64 },
    /// The messages of a queue are gone, but for these; it is to be told which tasks they were for.
    Purge { queue: u64, keep: Vec<u64>, tasks: Answer<Str> },
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

/// What was written earlier. Queues come before their bindings and messages; messages stay where they are, and are asked for.
pub(crate) enum Journaled {
    Queue { number: u64, queue: Box<Queue>, plain: bool },
    Exchange(Exchange),
    Bind { exchange: Str, routing_key: Str, queue: u64 },
    Message { id: u64, queue: u64, priority: u8, due: Option<i64>, expires: bool, task: Option<String> },
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
