//! [`ItemStream`]: the items of a remote generator, asked for as they are needed.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use salamander_codec::Arguments;
use salamander_wire::pyro5::{Annotations, Flags};
use serde::de::DeserializeOwned;

use super::connection::{Connection, Invoke};
use super::proxy::Proxy;
use super::reply::Reply;
use crate::error::{Error, Result};
use crate::{DAEMON_NAME, features};

/// A stream of items from a remote iterator, generator or stream.
///
/// It gives items by [`ItemStream::next`] or as a `futures` stream. Dropped early, it closes the remote side. From a daemon of
/// ours it asks for many items at once; from a Python daemon for one, since there every item asked for is computed.
pub struct ItemStream<T> {
    source: Option<Source>,
    ready: VecDeque<Result<T>>,
    asking: Option<Asking<T>>,
    prefetch: usize,
}

/// Where the items come from, until there are no more.
#[derive(Clone)]
struct Source {
    proxy: Proxy,
    connection: Arc<Connection>,
    id: Arc<str>,
}

type Asking<T> = Pin<Box<dyn Future<Output = Result<Answer<T>>> + Send>>;

struct Answer<T> {
    items: Vec<Result<T>>,
    more: bool,
}

impl<T> Answer<T> {
    /// The end of a stream shows as the exception by which Python ends an iterator.
    fn of(items: Result<Vec<Result<T>>>) -> Result<Self> {
        match items {
            Ok(items) => Ok(Self { items, more: true }),
            Err(error) if error.is("StopIteration") || error.is("StopAsyncIteration") => {
                Ok(Self { items: Vec::new(), more: false })
            }
            Err(error) => Err(error),
        }
    }
}

/// How many items are asked for at once from a daemon of ours.
const PREFETCH: usize = 256;

impl<T: DeserializeOwned> ItemStream<T> {
    pub(crate) fn new(proxy: Proxy, connection: Arc<Connection>, id: String) -> Self {
        let prefetch = if connection.settings.own_peer { PREFETCH } else { 1 };
        let source = Source { proxy, connection, id: id.into() };
        Self { source: Some(source), ready: VecDeque::new(), asking: None, prefetch }
    }

    /// Asks for so many items at once, at most. One asks for each as it is needed.
    #[must_use]
    pub fn with_prefetch(mut self, items: usize) -> Self {
        self.prefetch = items.max(1);
        self
    }

    /// The next item; nothing at the end.
    ///
    /// # Errors
    /// The exception that the remote side raised instead of an item, which ends the stream.
    pub async fn next(&mut self) -> Result<Option<T>>
    where
        T: Unpin + Send + 'static,
    {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// All items that are left.
    ///
    /// # Errors
    /// As [`ItemStream::next`].
    pub async fn collect(mut self) -> Result<Vec<T>>
    where
        T: Unpin + Send + 'static,
    {
        let mut items = Vec::new();
        while let Some(item) = self.next().await? {
            items.push(item);
        }
        Ok(items)
    }
}

impl Source {
    /// Asks the daemon for the next items.
    async fn ask<T: DeserializeOwned>(self, count: usize) -> Result<Answer<T>> {
        if self.connection.settings.own_peer && count > 1 {
            let reply = self.invoke(features::NEXT_ITEMS, &(&*self.id, count), Flags::NONE).await?;
            return Answer::of(reply.each(&self.connection));
        }
        let reply = self.invoke("get_next_stream_item", &(&*self.id,), Flags::NONE).await?;
        Answer::of(reply.result(&self.connection).map(|item| vec![Ok(item)]))
    }

    /// A call of the daemon on the very connection that the stream belongs to.
    async fn invoke(&self, method: &str, arguments: &(dyn Arguments + Sync), flags: Flags) -> Result<Reply> {
        let invoke = Invoke {
            object: Some(DAEMON_NAME),
            method,
            flags,
            annotations: &Annotations::new(),
            correlation_id: None,
            arguments,
            blob: None,
        };
        if flags.contains(Flags::ONEWAY) {
            self.connection.oneway(invoke).await?;
            return Err(Error::protocol("a one-way call has no reply"));
        }
        let closed = || Error::connection("the proxy for this stream result has been closed");
        Reply::new(
            self.connection.call(invoke).await?.ok_or_else(closed)?,
            self.connection.settings.codec,
            &self.connection,
        )
    }
}

impl<T: DeserializeOwned + Unpin + Send + 'static> Stream for ItemStream<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                if item.is_err() {
                    self.source = None;
                    self.ready.clear();
                }
                return Poll::Ready(Some(item));
            }
            if let Some(asking) = &mut self.asking {
                let answer = ready!(asking.as_mut().poll(cx));
                self.asking = None;
                match answer {
                    Ok(Answer { items, more }) => {
                        self.ready.extend(items);
                        if !more {
                            self.source = None;
                        }
                    }
                    Err(error) => {
                        self.source = None;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                continue;
            }
            let Some(source) = self.source.clone() else { return Poll::Ready(None) };
            let count = self.prefetch;
            self.asking = Some(Box::pin(source.ask(count)));
        }
    }
}

impl<T> Drop for ItemStream<T> {
    fn drop(&mut self) {
        let Some(source) = self.source.take() else { return };
        self.asking = None;
        // Sending needs no waiting, only a runtime, which may be gone when a program ends.
        if tokio::runtime::Handle::try_current().is_ok() {
            tokio::spawn(async move {
                let _ = source.invoke("close_stream", &(&*source.id,), Flags::ONEWAY).await;
            });
        }
    }
}

impl<T> fmt::Debug for ItemStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "<ItemStream of {:?}>", source.proxy),
            None => f.write_str("<ItemStream, over>"),
        }
    }
}
