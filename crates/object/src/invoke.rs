//! How an object is called: arguments to read, a writer for the result, and what became of it.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use salamander_codec::{Codec, Output, Settings};
use salamander_value::{Exception, Reader, Writer, to_writer};
use serde::Serialize;
use uuid::Uuid;

use crate::call::{Encoded, Outcome};
use crate::{Annotations, CallContext, ErrorHook, Items, Member, Members, Session};

/// Something that can be called.
pub trait Object: Any + Send + Sync {
    /// What it exposes.
    fn members(&self) -> &'static Members;

    /// A client has connected to call this object.
    fn greeted(&self, _session: &Arc<Session>) {}

    /// What serves a request, where that is another object: an instance that is made for it. All calls of a batch are one request.
    ///
    /// # Errors
    /// Where there is none.
    fn instance(&self, _request: &Request) -> Result<Option<Arc<dyn Object>>, Exception> {
        Ok(None)
    }

    /// Whether it is there no more, although it is still registered.
    fn is_gone(&self) -> bool {
        false
    }

    /// Calls a member. A plain method runs here and now; what has to wait comes back as a future.
    fn invoke(&self, member: Member, call: &mut Invocation<'_, '_>) -> Step;
}

/// One call of one member.
pub struct Invocation<'c, 'de> {
    /// The arguments: a sequence of positional ones, then a dict of those by keyword, or `None`.
    pub args: &'c mut dyn Reader<'de>,
    /// Takes the result.
    pub reply: &'c mut dyn Writer,
    /// Who calls.
    pub request: &'c Request,
}

/// What is known of a call beside its arguments, while it is not yet needed as a [`CallContext`].
#[derive(Clone, Debug)]
pub struct Request {
    /// The session of the client.
    pub session: Option<Arc<Session>>,
    /// The correlation id.
    pub correlation_id: Uuid,
    /// The annotations that came with it.
    pub annotations: Annotations,
    /// How the reply is encoded where it is not written at once.
    pub format: Format,
    /// Is told of the exceptions that methods raise.
    pub on_error: ErrorHook,
    context: std::sync::OnceLock<CallContext>,
}

impl Request {
    /// A request from a session.
    pub fn new(
        session: Option<Arc<Session>>,
        correlation_id: Uuid,
        annotations: Annotations,
        format: Format,
    ) -> Self {
        let context = std::sync::OnceLock::new();
        Self { session, correlation_id, annotations, format, on_error: ErrorHook::default(), context }
    }

    /// The request of a call whose context is there.
    pub fn of_context(context: CallContext, format: Format) -> Self {
        Self {
            session: context.session().cloned(),
            correlation_id: context.correlation_id(),
            annotations: context.annotations().clone(),
            format,
            on_error: ErrorHook::default(),
            context: context.into(),
        }
    }

    /// With a hook that is told of the exceptions that methods raise.
    #[must_use]
    pub fn on_error(mut self, hook: ErrorHook) -> Self {
        self.on_error = hook;
        self
    }

    /// The same for the next request of the same session and format.
    pub fn renew(&mut self, correlation_id: Uuid, annotations: impl IntoIterator<Item = ([u8; 4], Bytes)>) {
        self.correlation_id = correlation_id;
        self.annotations.clear();
        self.annotations.extend(annotations);
        self.context.take();
    }

    /// The context of the call, made when it is first asked for.
    pub fn context(&self) -> &CallContext {
        self.context
            .get_or_init(|| CallContext::new(self.session.clone(), self.correlation_id, self.annotations.clone()))
    }

    /// The annotations for the reply, if the method has set any.
    pub fn take_reply_annotations(&self) -> Annotations {
        self.context.get().map(CallContext::take_reply_annotations).unwrap_or_default()
    }
}

/// How a result is encoded that is ready only later.
#[derive(Clone, Debug)]
pub struct Format {
    /// The codec of the call, which the reply uses too.
    pub codec: Codec,
    /// Its settings.
    pub settings: Arc<Settings>,
}

impl Format {
    /// Encodes a result.
    pub fn outcome<T: Serialize + ?Sized>(&self, value: &T) -> Outcome {
        let mut out = Output::new();
        match self.codec.write(&mut out, &self.settings, |writer| to_writer(value, writer)) {
            Ok(()) => Outcome::Value(Encoded { codec: self.codec, bytes: Bytes::from(out.into_vec()) }),
            Err(error) => Outcome::Exception(error.exception()),
        }
    }
}

/// A call that is not done yet.
pub type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What became of a call.
pub enum Step {
    /// It is done, and its result stands in the reply.
    Done,
    /// It failed, and nothing was written.
    Failed(Exception),
    /// Its result cannot be encoded. What stands in the reply is to be thrown away.
    Unwritable(Exception),
    /// Its result is a stream of items.
    Stream(Items),
    /// It is under way. It goes on only while the future is polled.
    Pending(Pending),
}

impl Step {
    /// Writes a result.
    pub fn value<T: Serialize + ?Sized>(call: &mut Invocation<'_, '_>, value: &T) -> Self {
        match to_writer(value, call.reply) {
            Ok(()) => Step::Done,
            Err(error) => Step::Unwritable(error.exception()),
        }
    }

    /// Writes a result, or passes an error on.
    pub fn result<T: Serialize, E: Into<Exception>>(call: &mut Invocation<'_, '_>, result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::value(call, &value),
            Err(error) => Step::Failed(error.into()),
        }
    }
}
