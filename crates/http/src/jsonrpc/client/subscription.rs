//! [`Subscription`]: the items of a stream.

use std::fmt;
use std::marker::PhantomData;

use futures_util::{SinkExt, StreamExt};
use salamander_codec::Settings;
use salamander_net::Result;
use salamander_value::{Value, from_value};
use serde::de::DeserializeOwned;

use super::live::{Live, Messages};
use super::message::{self, Received, broken};
use crate::jsonrpc::conversation::Incoming;

/// The items of a stream that somebody has subscribed to. It has a connection of its own, which is read when an item is asked for: a
/// slow reader holds up the server's stream and nothing else. Dropped, it ends the stream.
pub struct Subscription<T> {
    /// None when it is over.
    begun: Option<Begun>,
    items: PhantomData<fn() -> T>,
}

/// A stream, and the number that the server has given it.
pub(super) struct Begun {
    messages: Messages,
    id: Value,
}

impl Live {
    /// Subscribes, on a connection of its own.
    pub(super) async fn subscribe(&self, method: &str, params: &[u8], settings: &Settings) -> Result<Begun> {
        let mut messages = self.open().await?;
        messages.send(message::request(Some(0), method, params, settings).into()).await?;
        loop {
            match receive(&mut messages).await?.ok_or_else(|| broken("the connection ends before a response"))? {
                Received::Response(response) => return Ok(Begun { messages, id: response.result? }),
                _ => continue,
            }
        }
    }
}

async fn receive(messages: &mut Messages) -> Result<Option<Received>> {
    match messages.next().await {
        Some(Ok(Incoming::Message(bytes))) => message::read(&bytes, &Settings::default()).map(Some),
        Some(Ok(Incoming::TooLarge)) => Err(broken("a message is larger than is allowed")),
        Some(Err(error)) => Err(error.into()),
        None => Ok(None),
    }
}

impl<T: DeserializeOwned> Subscription<T> {
    pub(super) fn new(begun: Begun) -> Self {
        Self { begun: Some(begun), items: PhantomData }
    }

    /// The next item; none when there are no more. An error ends the stream, unless it is that an item is of another type.
    ///
    /// # Errors
    /// Of the kind [`Kind::Remote`](salamander_net::Kind::Remote) where the stream failed.
    pub async fn next(&mut self) -> Option<Result<T>> {
        match self.item().await {
            Ok(Some(item)) => Some(from_value(&item).map_err(Into::into)),
            Ok(None) => {
                self.begun = None;
                None
            }
            Err(error) => {
                self.begun = None;
                Some(Err(error))
            }
        }
    }

    async fn item(&mut self) -> Result<Option<Value>> {
        let Some(Begun { messages, id }) = &mut self.begun else { return Ok(None) };
        loop {
            match receive(messages).await? {
                Some(Received::Item { subscription, item }) if subscription == *id => return item,
                Some(_) => continue,
                None => {
                    return Err(salamander_net::Error::new(
                        salamander_net::Kind::Connection,
                        "the server has closed the connection",
                    ));
                }
            }
        }
    }

    /// It as a [`Stream`](futures_core::Stream).
    pub fn into_stream(self) -> impl futures_core::Stream<Item = Result<T>> + Send {
        futures_util::stream::unfold(self, |mut this| async move { this.next().await.map(|item| (item, this)) })
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<jsonrpc::Subscription>")
    }
}
