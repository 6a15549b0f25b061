//! [`Request`]: a call with more to say than its arguments.

use std::time::Duration;

use bytes::Bytes;
use salamander_codec::Args;
use salamander_value::{Value, to_value};
use salamander_wire::pyro5::{AnnotationId, Annotations};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::items::ItemStream;
use super::proxy::{Extras, Proxy};
use super::raw::{RawAnswer, RawReply};
use crate::error::{Error, Result};

/// A call that is put together step by step.
///
/// ```no_run
/// # async fn example(proxy: salamander_net::Proxy) -> salamander_net::Result<()> {
/// use std::time::Duration;
///
/// let text: String = proxy
///     .request("get_fortune")
///     .kwarg("name", "Ada")
///     .deadline(Duration::from_secs(5))
///     .send()
///     .await?
///     .value;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request is made by `send`"]
pub struct Request {
    proxy: Proxy,
    method: String,
    args: Args,
    extras: Extras,
    wrong: Option<Error>,
}

/// What came back: the result, and the annotations beside it.
#[derive(Clone, Debug)]
pub struct Response<T> {
    /// The result.
    pub value: T,
    annotations: Annotations,
}

/// What came back, where it may be either.
#[derive(Debug)]
pub enum Answer<T> {
    /// A result.
    Value(Response<T>),
    /// Items, to be asked for.
    Items(ItemStream<T>),
}

impl<T> Response<T> {
    /// An annotation that came with the reply.
    pub fn annotation(&self, id: &str) -> Option<&Bytes> {
        AnnotationId::try_from(id).ok().and_then(|id| self.annotations.get(id))
    }
}

impl Request {
    pub(crate) fn new(proxy: Proxy, method: String) -> Self {
        Self { proxy, method, args: Args::default(), extras: Extras::default(), wrong: None }
    }

    /// Adds a positional argument.
    pub fn arg(mut self, value: impl Serialize) -> Self {
        match to_value(&value) {
            Ok(value) => self.args.positional.push(value),
            Err(error) => self.wrong = Some(error.into()),
        }
        self
    }

    /// Adds positional arguments.
    pub fn args(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.args.positional.extend(values);
        self
    }

    /// Adds an argument by keyword.
    pub fn kwarg(mut self, name: &str, value: impl Serialize) -> Self {
        match to_value(&value) {
            Ok(value) => {
                self.args.keywords.insert(name, value);
            }
            Err(error) => self.wrong = Some(error.into()),
        }
        self
    }

    /// Sends an annotation along; its id is four ASCII characters.
    pub fn annotation(mut self, id: &str, data: impl Into<Bytes>) -> Self {
        match AnnotationId::try_from(id) {
            Ok(id) => self.extras.annotations.insert(id, data),
            Err(error) => self.wrong = Some(error.into()),
        }
        self
    }

    /// Gives the call this id, which all calls that it leads to carry as well. Without one, a call made while serving a call has the id of
    /// that, and the daemon gives an id to any other.
    pub fn correlation_id(mut self, id: Uuid) -> Self {
        self.extras.correlation_id = Some(id);
        self
    }

    /// Waits so long at most, whatever the proxy's own timeout is.
    pub fn deadline(mut self, within: Duration) -> Self {
        self.extras.timeout = Some(within);
        self
    }

    /// Makes the call.
    ///
    /// # Errors
    /// As [`Proxy::call`].
    pub async fn send<T: DeserializeOwned>(self) -> Result<Response<T>> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        let (value, annotations) = self.proxy.call_with(&self.method, &self.args, &self.extras).await?;
        Ok(Response { value, annotations })
    }

    /// Makes the call and gives the reply as it came: exceptions are not raised, nothing is decoded. None for a one-way method.
    ///
    /// # Errors
    /// As [`Proxy::call`], but for the exceptions of the method.
    pub async fn raw(self) -> Result<Option<RawReply>> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        let reply = self.proxy.invoke(&self.method, &self.args, &self.extras).await?;
        Ok(reply.map(|(reply, _)| RawReply::of(reply)))
    }

    /// Makes a call of which it is not known whether it gives a value or a stream of items.
    ///
    /// # Errors
    /// As [`Proxy::call`].
    pub async fn answer<T: DeserializeOwned>(self) -> Result<Answer<T>> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        match self.proxy.invoke(&self.method, &self.args, &self.extras).await? {
            Some((reply, connection)) if reply.is_stream() => {
                let id = reply.stream_id(&connection)?;
                Ok(Answer::Items(ItemStream::new(self.proxy, connection, id)))
            }
            Some((reply, connection)) => {
                let annotations = reply.annotations().clone();
                Ok(Answer::Value(Response { value: reply.result(&connection)?, annotations }))
            }
            None => {
                let value = salamander_value::from_value(&Value::None)?;
                Ok(Answer::Value(Response { value, annotations: Annotations::new() }))
            }
        }
    }

    /// Makes a call for somebody else: what comes back is not decoded, and may be a stream of items.
    ///
    /// # Errors
    /// As [`Proxy::call`], but for the exceptions of the method.
    pub async fn raw_answer(self) -> Result<RawAnswer> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        match self.proxy.invoke(&self.method, &self.args, &self.extras).await? {
            Some((reply, connection)) if reply.is_stream() => {
                let id = reply.stream_id(&connection)?;
                Ok(RawAnswer::Items(ItemStream::new(self.proxy, connection, id), RawReply::of(reply)))
            }
            Some((reply, _)) => Ok(RawAnswer::Reply(RawReply::of(reply))),
            None => Ok(RawAnswer::Nothing),
        }
    }

    /// Sends the call and does not wait for it.
    ///
    /// # Errors
    /// Where it cannot be sent.
    pub async fn oneway(mut self) -> Result<()> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        self.extras.oneway = true;
        self.proxy.invoke(&self.method, &self.args, &self.extras).await.map(drop)
    }
}
