//! [`Events`]: the items of a stream as server-sent events.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use salamander_codec::{Codec, Settings};
use salamander_net::{Exception, ItemStream, Value};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::taken::Taken;

/// How often something is sent while no item comes, so that both ends notice where the other has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The items of a stream, each an event with its JSON for data; then one event `end`, or `exception`.
///
/// An item is asked for when the one before has been taken over by the connection, and not before. Dropped, it closes the
/// stream.
pub(crate) struct Events {
    /// Until the end.
    items: Option<ItemStream<Value>>,
    keep_alive: Interval,
    /// The server stops.
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    /// What the connection has taken; none on connections of others, which take what they have room for.
    taken: Option<Taken>,
    _place: OwnedSemaphorePermit,
}

impl Events {
    pub(crate) fn new(
        items: ItemStream<Value>,
        stopping: WaitForCancellationFutureOwned,
        taken: Option<Taken>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let mut keep_alive = interval_at(tokio::time::Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let items = Some(items.with_prefetch(1));
        Self { items, keep_alive, stopping: Box::pin(stopping), taken, _place: place }
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(taken) = &self.taken {
            ready!(taken.poll(cx));
        }
        let event = ready!(self.poll_event(cx));
        if let (Some(taken), Some(_)) = (&self.taken, &event) {
            taken.hand();
        }
        Poll::Ready(event)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(items) = &mut self.items else { return Poll::Ready(None) };
        if self.stopping.as_mut().poll(cx).is_ready() {
            self.items = None;
            return Poll::Ready(None);
        }
        let next = match Pin::new(items).poll_next(cx) {
            Poll::Ready(next) => next,
            Poll::Pending => return self.keep_alive.poll_tick(cx).map(|_| Some(Bytes::from_static(b":\n\n"))),
        };
        self.keep_alive.reset();
        let item = match next {
            Some(item) => item.map_err(Exception::from).and_then(|item| json(&item).map_err(|e| e.exception())),
            None => {
                self.items = None;
                return Poll::Ready(Some(event("event: end\n", b"null")));
            }
        };
        Poll::Ready(Some(match item {
            Ok(item) => event("", &item),
            Err(exception) => {
                self.items = None;
                event("event: exception\n", &exception_json(&exception))
            }
        }))
    }
}

/// An event. JSON has no line breaks: those in strings are escaped.
fn event(head: &str, data: &[u8]) -> Bytes {
    [head.as_bytes(), b"data: ", data, b"\n\n"].concat().into()
}

/// A value as Pyro's serializer writes it.
pub(crate) fn json(value: &Value) -> Result<Vec<u8>, salamander_value::Error> {
    Codec::Json.encode_value(value, &Settings::default())
}

/// An exception as Pyro's serializer writes it; without what cannot be written, where something cannot.
pub(crate) fn exception_json(exception: &Exception) -> Vec<u8> {
    let plain = || Exception::new(exception.class(), exception.message());
    json(&exception.to_dict().into()).or_else(|_| json(&plain().to_dict().into())).unwrap_or_else(|_| {
        b"{\"__class__\": \"builtins.Exception\", \"__exception__\": true, \"args\": []}".to_vec()
    })
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Events of {:?}>", self.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_data() {
        let item = json(&"two\nlines\r".into()).unwrap();
        assert_eq!(event("", &item), &b"data: \"two\\nlines\\r\"\n\n"[..]);
    }

    #[test]
    fn every_exception_has_json() {
        let exception = Exception::value_error("bad").with_attribute("raw", &b"\xff"[..]);
        let text = String::from_utf8(exception_json(&exception)).unwrap();
        assert_eq!(
            text,
            "{\"__class__\": \"builtins.ValueError\", \"__exception__\": true, \"args\": [\"bad\"], \"attributes\": {}}"
        );
    }
}
