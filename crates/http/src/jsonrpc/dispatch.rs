//! From a message to calls, and from what they gave to the message that answers it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use salamander_codec::{Codec, Output};
use salamander_net::{CallContext, CorrelationIds, DaemonHandle, Session};
use salamander_object::{Call, Encoded, Format, Items, Next, Outcome, Payload};
use salamander_value::{Exception, Uuid, Value};

use super::discover;
use super::options::Inner;
use super::request::{Asked, Message, Params, Refused, Request, read};
use super::response::{Fault, error, result};
use crate::site::Visitor;

/// How many calls of a batch go on side by side.
const SIDE_BY_SIDE: usize = 16;

/// One client, and what its calls need.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) rpc: Arc<Inner>,
    pub(super) daemon: DaemonHandle,
    pub(super) session: Arc<Session>,
    pub(super) ids: Arc<CorrelationIds>,
    /// Where items can come by themselves.
    pub(super) subscribing: Option<Arc<Subscribing>>,
}

impl Caller {
    /// A client that came by HTTP.
    pub(super) fn of(visitor: &Visitor, rpc: Arc<Inner>, subscribing: Option<Arc<Subscribing>>) -> Self {
        let Visitor { daemon, session, ids, .. } = visitor;
        Self { rpc, daemon: daemon.clone(), session: session.clone(), ids: ids.clone(), subscribing }
    }
}

/// The numbers of a connection's subscriptions.
#[derive(Default)]
pub(super) struct Subscribing {
    last: AtomicU64,
    open: AtomicUsize,
}

/// What a message has come to.
#[derive(Default)]
pub(super) struct Answer {
    /// None where it was all notifications.
    pub(super) message: Option<Vec<u8>>,
    /// The streams that begin when the message has been sent.
    pub(super) opened: Vec<Opened>,
    /// The subscriptions that are to end.
    pub(super) closed: Vec<Closing>,
}

/// A stream that somebody has subscribed to.
pub(super) struct Opened {
    pub(super) id: u64,
    pub(super) method: String,
    pub(super) items: Items,
    pub(super) context: CallContext,
    /// As long as it goes on.
    pub(super) _place: Place,
}

/// A subscription that is to end, and the request that asks for it.
pub(super) struct Closing {
    pub(super) subscription: u64,
}

/// Counts a subscription as long as it is kept.
pub(super) struct Place(Arc<Subscribing>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Subscribing {
    fn begin(self: &Arc<Self>, most: usize) -> Result<(u64, Place), Fault> {
        let place = Place(self.clone());
        if self.open.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(Fault::limit(format!("more than {most} subscriptions on a connection")));
        }
        Ok((self.last.fetch_add(1, Ordering::Relaxed) + 1, place))
    }
}

impl Caller {
    /// Answers a message.
    pub(super) async fn respond(self, message: Bytes) -> Answer {
        let mut answer = Answer::default();
        match read(&message, self.rpc.max_depth, self.rpc.max_calls) {
            Err(fault) => answer.message = Some(error(None, &fault, &self.rpc.settings)),
            Ok(Message::Single(asked)) => answer.message = self.one(asked, &mut answer).await,
            Ok(Message::Batch(asked)) => {
                // Begun in order; those that have to wait go on side by side.
                let calls = stream::iter(asked).map(|asked| async {
                    let mut its = Answer::default();
                    let id = asked.as_ref().map_or_else(|refused| refused.id.clone(), |request| request.id.clone());
                    its.message = self.one(asked, &mut its).await;
                    (id, its)
                });
                let mut calls = std::pin::pin!(calls.buffered(SIDE_BY_SIDE));
                let mut all = Vec::new();
                while let Some((id, mut its)) = calls.next().await {
                    if let Some(message) = its.message.take() {
                        let message = match all.len() + message.len() < self.rpc.max_response {
                            true => message,
                            // As short as it can be told; the streams of those before it go on.
                            false => {
                                its.opened.clear();
                                error(id.as_ref(), &self.rpc.too_large(), &self.rpc.settings)
                            }
                        };
                        all.push(if all.is_empty() { b'[' } else { b',' });
                        all.extend_from_slice(&message);
                    }
                    answer.opened.extend(its.opened);
                    answer.closed.extend(its.closed);
                }
                if !all.is_empty() {
                    all.push(b']');
                    answer.message = Some(all);
                }
            }
        }
        answer
    }

    async fn one(&self, asked: Asked, answer: &mut Answer) -> Option<Vec<u8>> {
        let settings = &self.rpc.settings;
        match asked {
            Err(Refused { id, fault }) => Some(error(id.as_ref(), &fault, settings)),
            Ok(Request { id, method, params }) => {
                let done = self.call(method, &params, id.is_some(), answer).await;
                let id = id?;
                let response = match done {
                    Ok(value) => result(&id, &value),
                    Err(fault) => error(Some(&id), &fault, settings),
                };
                Some(match response.len() <= self.rpc.max_response {
                    true => response,
                    false => error(Some(&id), &self.rpc.too_large(), settings),
                })
            }
        }
    }

    /// One call, and its result as JSON.
    async fn call(&self, name: String, params: &Params, waits: bool, answer: &mut Answer) -> Result<Bytes, Fault> {
        if let Some(own) = name.strip_prefix("rpc.") {
            return self.own(own, params, answer);
        }
        let callable = self.daemon.callable(&name).ok_or_else(Fault::method_not_found)?;
        let context = CallContext::new(Some(self.session.clone()), Uuid::from_bytes(self.ids.next()), Vec::new());
        let call = Call {
            object: callable.object,
            method: callable.method,
            arguments: Payload::Encoded(Encoded { codec: Codec::Json, bytes: params.encoded() }),
            context: context.clone(),
            format: Format { codec: Codec::Json, settings: self.rpc.settings.clone() },
        };
        match self.daemon.call(call).await {
            Outcome::Value(encoded) if encoded.codec == Codec::Json => Ok(encoded.bytes),
            // A layer may have answered in its own way.
            Outcome::Value(encoded) => {
                let value = encoded.decode(&self.rpc.settings).map_err(|error| Fault::of(&error.exception()))?;
                self.encoded(&value)
            }
            Outcome::Exception(exception) => Err(Fault::of(&exception)),
            // Nobody would see the items.
            Outcome::Stream(_) if !waits => Ok(Bytes::new()),
            Outcome::Stream(items) => match &self.subscribing {
                Some(subscribing) => {
                    let (id, place) = subscribing.begin(self.rpc.max_subscriptions)?;
                    answer.opened.push(Opened { id, method: name, items, context, _place: place });
                    Ok(id.to_string().into())
                }
                None => self.collected(items, &context).await,
            },
        }
    }

    /// The methods that every server has.
    fn own(&self, name: &str, params: &Params, answer: &mut Answer) -> Result<Bytes, Fault> {
        let values = params.values(&self.rpc.settings).ok_or_else(Fault::invalid_params)?;
        let is_empty = match &values {
            Value::List(values) => values.is_empty(),
            other => other.as_dict().is_some_and(|dict| dict.is_empty()),
        };
        match name {
            "discover" if is_empty => self.encoded(&discover::document(&self.daemon)),
            "unsubscribe" if self.subscribing.is_some() => {
                let subscription = match &values {
                    Value::List(values) if values.len() == 1 => values.first(),
                    other => {
                        other.get("subscription").filter(|_| other.as_dict().is_some_and(|dict| dict.len() == 1))
                    }
                };
                let subscription = subscription.and_then(Value::as_int).and_then(|id| u64::try_from(id).ok());
                let subscription = subscription.ok_or_else(Fault::invalid_params)?;
                answer.closed.push(Closing { subscription });
                Ok(Bytes::from_static(b"true"))
            }
            "discover" => Err(Fault::invalid_params()),
            _ => Err(Fault::method_not_found()),
        }
    }

    fn encoded(&self, value: &Value) -> Result<Bytes, Fault> {
        let encoded = Codec::Json.encode_value(value, &self.rpc.settings);
        encoded.map(Bytes::from).map_err(|error| Fault::of(&error.exception()))
    }

    /// All items of a stream as an array.
    async fn collected(&self, mut items: Items, context: &CallContext) -> Result<Bytes, Fault> {
        let (most, mut count, mut all) = (self.rpc.max_items, 0, vec![b'[']);
        while let Some(item) = next_item(&mut items, context, &self.rpc).await.map_err(|e| Fault::of(&e))? {
            if count == most {
                return Err(Fault::limit(format!(
                    "the stream has more than {most} items; a WebSocket has no such limit"
                )));
            }
            if count > 0 {
                all.push(b',');
            }
            count += 1;
            all.extend_from_slice(&item);
            if all.len() > self.rpc.max_response {
                return Err(self.rpc.too_large());
            }
            if count % 64 == 0 {
                tokio::task::yield_now().await;
            }
        }
        all.push(b']');
        Ok(all.into())
    }
}

impl Inner {
    #[cold]
    pub(super) fn too_large(&self) -> Fault {
        Fault::limit(format!("a response of more than {} bytes", self.max_response))
    }
}

/// The next item of a stream, as JSON; none at its end.
pub(super) async fn next_item(
    items: &mut Items,
    context: &CallContext,
    rpc: &Inner,
) -> Result<Option<Vec<u8>>, Exception> {
    poll_fn(|cx| poll_item(items, context, rpc, cx)).await
}

/// The same, asked once.
pub(super) fn poll_item(
    items: &mut Items,
    context: &CallContext,
    rpc: &Inner,
    cx: &mut std::task::Context<'_>,
) -> std::task::Poll<Result<Option<Vec<u8>>, Exception>> {
    let mut out = Output::new();
    let mut next = std::task::Poll::Pending;
    let written = Codec::Json.write(&mut out, &rpc.settings, |writer| {
        next = context.clone().scope_sync(|| items.poll_next(cx, writer));
        Ok(())
    });
    next.map(|next| match next {
        Next::Item => written.map(|()| Some(out.into_vec())).map_err(|error| error.exception()),
        Next::End => Ok(None),
        Next::Failed(exception) => Err(exception),
    })
}
