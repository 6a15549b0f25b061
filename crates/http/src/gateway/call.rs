//! [`Call`]: one request that calls an object.

use std::sync::Arc;

use bytes::Buf;
use http::header::ACCEPT;
use http::{HeaderMap, Method, Request, Response};
use salamander_codec::Args;
use salamander_net::{CallContext, Error, Exception, Kind, Metadata, RawAnswer, Value};
use salamander_value::{Dict, Uuid};

use super::answer::CORRELATION_ID;
use super::objects::Remote;
use super::request::Refused;
use super::{Inner, arguments, openapi};
use crate::body::Body;
use crate::events::{Events, json};
use crate::server::Serving;

/// What a request calls.
pub(super) struct Call {
    object: String,
    member: String,
    args: Args,
    oneway: bool,
    /// The client takes server-sent events.
    events: bool,
    correlation: Option<String>,
    /// The connection, where it is one of our servers.
    serving: Option<Serving>,
}

impl Call {
    /// The call that a request asks for.
    ///
    /// # Errors
    /// The answer to a request that cannot be understood.
    pub(super) async fn of<B>(
        inner: &Inner,
        object: String,
        member: String,
        query: Dict,
        request: Request<B>,
    ) -> Result<Self, Response<Body>>
    where
        B: http_body::Body<Data: Buf>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let (headers, serving) = (head.headers, head.extensions.get::<Serving>().cloned());
        let args = if head.method == Method::POST {
            let body = arguments::read_body(&headers, body, &inner.options).await;
            let body = body.map_err(|refused| inner.answers.refused(refused))?;
            if !body.is_empty() && !arguments::is_json(&headers) {
                return Err(inner.answers.refused(Refused::NotJson));
            }
            arguments::with_body(query, &body).map_err(|exception| inner.answers.bad_request(&exception))?
        } else {
            Args { positional: Vec::new(), keywords: query }
        };
        let option = |text: &str| text.split(',').any(|option| option.trim() == "oneway");
        let oneway = header(&headers, "x-pyro-options").is_some_and(|text| option(&text));
        let correlation = header(&headers, CORRELATION_ID.as_str()).filter(|id| !id.is_empty());
        Ok(Self { object, member, args, oneway, events: takes_events(&headers), correlation, serving })
    }

    /// Makes the call.
    pub(super) async fn make(self, inner: &Arc<Inner>) -> Response<Body> {
        let known = inner.objects.is_known(&self.object);
        let mut done = self.attempt(inner).await;
        if known && done.as_ref().is_err_and(Error::is_unsent) {
            // Nobody is there any more: the name may lead to another place by now.
            inner.objects.forget(&self.object);
            done = self.attempt(inner).await;
        }
        match done {
            Ok(answer) => answer,
            Err(error) => {
                tracing::info!("{}/{}: {error}", self.object, self.member);
                if matches!(error.kind(), Kind::Connection | Kind::Refused) {
                    inner.objects.forget(&self.object);
                }
                inner.answers.exception(&error.into())
            }
        }
    }

    async fn attempt(&self, inner: &Arc<Inner>) -> Result<Response<Body>, Error> {
        let mut object = inner.objects.find(&self.object).await?;
        let correlation = match &self.correlation {
            Some(text) => arguments::uuid(text)?,
            None => Uuid::new_v4(),
        };
        let metadata = object.proxy.metadata().await?;
        match &*self.member {
            "$meta" => return Ok(inner.answers.result(meta(metadata)?, correlation)),
            "$interface" => {
                let interface = object.proxy.interface().await?;
                let value = salamander_value::to_value(&interface)?;
                return Ok(inner.answers.result(json(&value)?, correlation));
            }
            "$openapi.json" => return openapi::of_one(inner, &self.object, &object).await,
            _ => {}
        }
        if !self.is_in(metadata)
            && let Some(renewed) = inner.objects.renewed(&self.object, &object)?
        {
            object = renewed;
        }
        let metadata = object.proxy.metadata().await?;
        if !self.is_in(metadata) {
            let message =
                format!("remote object '{}' has no exposed attribute or method '{}'", object.uri, self.member);
            return Err(Exception::attribute_error(message).into());
        }
        // A call that serves another has a connection for itself: a slow one holds up nobody, and correlation ids are
        // carried on.
        let context = CallContext::new(None, correlation, Vec::new());
        let answer = context.scope(self.send(&object, metadata)).await?;
        Ok(self.answered(inner, answer, correlation))
    }

    fn is_in(&self, metadata: &Metadata) -> bool {
        metadata.methods.contains(&self.member) || metadata.attrs.contains(&self.member)
    }

    async fn send(&self, object: &Remote, metadata: &Metadata) -> Result<RawAnswer, Error> {
        let _place = object.calls.acquire().await;
        if metadata.attrs.contains(&self.member) {
            if !self.args.positional.is_empty() || !self.args.keywords.is_empty() {
                let message = "attribute lookup can't have query parameters";
                return Err(Exception::new("builtins.AssertionError", message).into());
            }
            return object.proxy.request("__getattr__").arg(&*self.member).raw_answer().await;
        }
        let mut request = object.proxy.request(&*self.member).args(self.args.positional.iter().cloned());
        for (name, value) in self.args.keywords.iter() {
            request = request.kwarg(name.as_str().unwrap_or_default(), value);
        }
        if self.oneway {
            return request.oneway().await.map(|()| RawAnswer::Nothing);
        }
        request.raw_answer().await
    }

    fn answered(&self, inner: &Arc<Inner>, answer: RawAnswer, correlation: Uuid) -> Response<Body> {
        let answers = &inner.answers;
        match answer {
            RawAnswer::Nothing => answers.result("", correlation),
            _ if self.oneway => answers.result("", correlation),
            RawAnswer::Reply(reply) if reply.is_exception() => answers.raised(reply.body),
            RawAnswer::Reply(reply) => answers.result(reply.body, correlation),
            // Dropped here, the stream is closed.
            RawAnswer::Items(_, reply) if !self.events => answers.raised(reply.body),
            RawAnswer::Items(items, _) => match inner.streams.clone().try_acquire_owned() {
                Ok(place) => {
                    let stopping = self.serving.as_ref().map_or(&inner.stopping, |serving| &serving.stopping);
                    let (stopping, taken) =
                        (stopping.clone().cancelled_owned(), self.serving.as_ref().map(|it| it.taken.clone()));
                    answers.events(Events::new(items, stopping, taken, place), correlation)
                }
                Err(_) => answers.refused(Refused::Busy),
            },
        }
    }
}

/// What Pyro's gateway tells of an object.
fn meta(metadata: &Metadata) -> Result<Vec<u8>, Error> {
    let names = |names: &[String]| Value::List(names.iter().map(|name| Value::from(&**name)).collect());
    let meta = Dict::from_iter([("methods", names(&metadata.methods)), ("attributes", names(&metadata.attrs))]);
    Ok(json(&meta.into())?)
}

/// The text of a header, as far as it is text.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Whether the client takes server-sent events: it says so, or takes anything.
fn takes_events(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(ACCEPT).iter().filter_map(|kinds| kinds.to_str().ok()).peekable();
    let is_events =
        |kind: &str| matches!(kind.split(';').next().unwrap_or_default().trim(), "text/event-stream" | "*/*");
    kinds.peek().is_none() || kinds.flat_map(|kinds| kinds.split(',')).any(is_events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_for_those_who_take_them() {
        let takes = |kinds: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for kinds in kinds {
                headers.append(ACCEPT, http::HeaderValue::from_static(kinds));
            }
            takes_events(&headers)
        };
        assert!(takes(&[]) && takes(&["*/*"]) && takes(&["text/event-stream"]));
        assert!(takes(&["application/json", "text/event-stream;q=0.5"]) && takes(&["text/html, */*;q=0.1"]));
        assert!(!takes(&["application/json"]) && !takes(&["text/html, application/json"]));
    }
}
