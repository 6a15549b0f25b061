//! [`Watch`]: the changes of a name server, as its clients see them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use salamander_value::Value;

use super::changes::Change;
use super::client::NameServer;
use crate::client::ItemStream;
use crate::error::Result;

/// The changes of the names of a name server, one by one, without an end; made by [`NameServer::watch`].
///
/// The name server never waits for its watchers: where more than [`WAITING_CHANGES`](super::WAITING_CHANGES) are waiting for one,
/// it is told how many it misses. Dropped, it is closed.
pub struct Watch(ItemStream<Value>);

impl NameServer {
    /// The changes from now on of the names that begin so (with nothing: of all). Who wants to know what is there as well lists
    /// the names afterwards: then nothing is missed between the two.
    ///
    /// # Errors
    /// An `AttributeError` where the name server is Pyro's own, which cannot be watched.
    pub async fn watch(&self, prefix: &str) -> Result<Watch> {
        self.proxy().stream("watch", (prefix,)).await.map(Watch)
    }
}

impl Watch {
    /// The next change; it waits until there is one.
    ///
    /// # Errors
    /// Where the connection to the name server is lost, or its stream has ended, which ends this.
    pub async fn next(&mut self) -> Result<Option<Change>> {
        self.0.next().await?.map(|value| Change::from_dict(&value)).transpose()
    }
}

impl Stream for Watch {
    type Item = Result<Change>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(item.map(|item| item.and_then(|value| Change::from_dict(&value))))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({:?})", self.0)
    }
}
