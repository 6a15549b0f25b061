//! The items of a remote generator, as an iterator.

use serde::de::DeserializeOwned;

use super::wait;
use crate::client;
use crate::error::Result;
use crate::naming;

/// A stream of items from a remote iterator; the blocking twin of [`ItemStream`](crate::ItemStream), and an iterator.
#[derive(Debug)]
pub struct ItemStream<T>(client::ItemStream<T>);

impl<T: DeserializeOwned + Unpin> ItemStream<T> {
    pub(super) fn new(items: client::ItemStream<T>) -> Self {
        Self(items)
    }

    /// Asks for so many items at once, at most.
    #[must_use]
    pub fn with_prefetch(self, items: usize) -> Self {
        Self(self.0.with_prefetch(items))
    }
}

impl<T: DeserializeOwned + Unpin + Send + 'static> Iterator for ItemStream<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(self.0.next()).and_then(|item| item).transpose()
    }
}

/// The changes of the names of a name server; the blocking twin of [`Watch`](crate::Watch), and an iterator.
#[derive(Debug)]
pub struct Watch(naming::Watch);

impl Watch {
    pub(super) fn new(watch: naming::Watch) -> Self {
        Self(watch)
    }
}

impl Iterator for Watch {
    type Item = Result<naming::Change>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(self.0.next()).and_then(|item| item).transpose()
    }
}
