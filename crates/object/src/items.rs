//! Item streams: results that come one by one, when they are asked for.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use salamander_value::{Exception, Writer, to_writer};
use serde::Serialize;

use crate::caught;

/// What asking for an item gave.
#[derive(Debug)]
pub enum Next {
    /// The item has been written.
    Item,
    /// There are no more.
    End,
    /// The stream failed, and is over.
    Failed(Exception),
}

/// Something that gives items on demand.
pub trait ItemSource: Send {
    /// Writes the next item, if it is there.
    fn poll_next(&mut self, cx: &mut Context<'_>, out: &mut dyn Writer) -> Poll<Next>;
}

/// A stream of items of any type.
pub struct Items(Box<dyn ItemSource>);

impl Items {
    /// Items from any source.
    pub fn new(source: impl ItemSource + 'static) -> Self {
        Self(Box::new(source))
    }

    /// Writes the next item, if it is there. A panic is a failure of the stream.
    pub fn poll_next(&mut self, cx: &mut Context<'_>, out: &mut dyn Writer) -> Poll<Next> {
        caught(|| self.0.poll_next(cx, out)).unwrap_or_else(|exception| Poll::Ready(Next::Failed(exception)))
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

fn write<T: Serialize>(item: &T, out: &mut dyn Writer) -> Next {
    match to_writer(item, out) {
        Ok(()) => Next::Item,
        Err(error) => Next::Failed(error.exception()),
    }
}

/// The items of an iterator.
pub struct IterItems<I>(pub I);

impl<I> ItemSource for IterItems<I>
where
    I: Iterator + Send,
    I::Item: Serialize,
{
    fn poll_next(&mut self, _cx: &mut Context<'_>, out: &mut dyn Writer) -> Poll<Next> {
        Poll::Ready(self.0.next().map_or(Next::End, |item| write(&item, out)))
    }
}

/// The items of an asynchronous stream.
pub struct StreamItems<S>(pub Pin<Box<S>>);

impl<S> ItemSource for StreamItems<S>
where
    S: Stream + Send,
    S::Item: Serialize,
{
    fn poll_next(&mut self, cx: &mut Context<'_>, out: &mut dyn Writer) -> Poll<Next> {
        Poll::Ready(ready!(self.0.as_mut().poll_next(cx)).map_or(Next::End, |item| write(&item, out)))
    }
}

/// Items of which each may be an error, which ends the stream.
pub struct FallibleItems<S>(pub S);

impl<I, T, E> ItemSource for FallibleItems<IterItems<I>>
where
    I: Iterator<Item = Result<T, E>> + Send,
    T: Serialize,
    E: Into<Exception>,
{
    fn poll_next(&mut self, _cx: &mut Context<'_>, out: &mut dyn Writer) -> Poll<Next> {
        Poll::Ready(match self.0.0.next() {
            None => Next::End,
            Some(Ok(item)) => write(&item, out),
            Some(Err(error)) => Next::Failed(error.into()),
        })
    }
}

impl<S, T, E> ItemSource for FallibleItems<StreamItems<S>>
where
    S: Stream<Item = Result<T, E>> + Send,
    T: Serialize,
    E: Into<Exception>,
{
    fn poll_next(&mut self, cx: &mut Context<'_>, out: &mut dyn Writer) -> Poll<Next> {
        Poll::Ready(match ready!(self.0.0.as_mut().poll_next(cx)) {
            None => Next::End,
            Some(Ok(item)) => write(&item, out),
            Some(Err(error)) => Next::Failed(error.into()),
        })
    }
}
