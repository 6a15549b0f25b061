//! The door for Pyro of both generations: a message becomes a call of an object, and what that gives a message again.

use std::sync::Arc;

use salamander_codec::{Args, CallHead, Codec, Output};
use salamander_object::{
    Encoded, Format, Invocation, Member, Object, Payload, Request, Session, Step, resolve, run_now, unknown_object,
};
use salamander_value::{Dict, Exception, Reader, Value, ValueReader};
use salamander_wire::pyro5::{Annotations, Flags, Header, Message, MessageType};
use tracing::Instrument;
use uuid::Uuid;

use super::answer::{Answer, Later};
use super::ids::CorrelationIds;
use super::shared::Shared;
use super::{items, routed};
use crate::blob::SerializedBlob;
use crate::dialect::{Dialect, finish};
use crate::{DAEMON_NAME, wirelog};

/// Answers the messages of one connection.
pub(super) struct Door {
    shared: Arc<Shared>,
    dialect: Arc<Dialect>,
    session: Arc<Session>,
    /// The object that was called last, which is the one called next.
    last: Option<Known>,
    /// What the last request left, to be filled anew.
    request: Option<Request>,
    ids: CorrelationIds,
}

/// An object as the registry had it at some time.
struct Known {
    generation: u64,
    id: String,
    object: Arc<dyn Object>,
}

/// What became of a message.
pub(super) enum Handled {
    /// It is answered, or needs no answer.
    Done,
    /// It is under way.
    Later(Box<Later>),
}

/// What a call has come to, and what was called.
struct Called {
    step: Step,
    member: Option<(Arc<dyn Object>, Member)>,
}

impl Door {
    pub(super) fn new(shared: Arc<Shared>, dialect: Arc<Dialect>, session: Arc<Session>) -> Self {
        Self { shared, dialect, session, last: None, request: None, ids: CorrelationIds::new() }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Answers one message, or begins to.
    ///
    /// # Errors
    /// Where the connection is of no further use.
    pub(super) fn handle(&mut self, message: Message, out: &mut Output) -> Result<Handled, String> {
        if self.shared.config.logwire {
            wirelog::received("daemon wiredata received", &message, self.dialect.generation);
        }
        let correlation = message.header.correlation().unwrap_or_else(|| self.ids.next());
        if message.message_type() == MessageType::Ping {
            return self.pong(&message, correlation, out).map_err(|error| error.to_string());
        }
        let codec = self
            .dialect
            .codec(message.header.serializer)
            .ok_or_else(|| format!("unknown serializer {}", message.header.serializer))?;
        let flags = message.flags();
        let mut header = self
            .dialect
            .header(MessageType::Result, codec, message.header.sequence)
            .with_correlation(Some(correlation));
        if flags.contains(Flags::BATCH) {
            header.flags.insert(Flags::BATCH);
        }
        let request = self.request(codec, correlation, &message);
        let (shared, dialect) = (self.shared.clone(), self.dialect.clone());
        let answer = Answer { shared: &shared, dialect: &dialect, codec, header, session: self.session.id() };
        let called = match self.call(&message, flags, &answer, &request, out) {
            Ok(called) => called,
            Err(exception) => Called { step: Step::Failed(exception), member: None },
        };
        Ok(self.called(called, &answer, request, flags.contains(Flags::ONEWAY), out))
    }

    fn pong(
        &self,
        message: &Message,
        correlation: [u8; 16],
        out: &mut Output,
    ) -> Result<Handled, salamander_wire::WireError> {
        let header = Header::new(MessageType::Ping, message.header.serializer, message.header.sequence)
            .with_correlation(Some(correlation));
        let started = self.dialect.begin(out, &header, &Annotations::new())?;
        out.extend_from_slice(b"pong");
        finish(out, started, self.shared.config.max_message_size, false)?;
        Ok(Handled::Done)
    }

    /// Finds what is called and calls it.
    fn call(
        &mut self,
        message: &Message,
        flags: Flags,
        answer: &Answer<'_>,
        request: &Request,
        out: &mut Output,
    ) -> Result<Called, Exception> {
        if !answer.shared.config.accepts(answer.codec) {
            return Err(not_accepted(message.header.serializer));
        }
        if flags.contains(Flags::KEEP_SERIALIZED) {
            return self.call_with_blob(message, flags, answer, request, out);
        }
        let (head, mut args) = answer.codec.call_reader(&message.body, &answer.dialect.codec_settings)?;
        if let Some(route) = &self.shared.route
            && &*head.object != DAEMON_NAME
        {
            let arguments = Payload::Encoded(Encoded { codec: answer.codec, bytes: message.body.clone() });
            let step = routed::start(route, &head, &mut args, arguments, flags, request)?;
            return Ok(Called { step, member: None });
        }
        self.call_object(&head, &mut args, flags, answer, request, out)
    }

    /// A call whose only argument stays as it is.
    fn call_with_blob(
        &mut self,
        message: &Message,
        flags: Flags,
        answer: &Answer<'_>,
        request: &Request,
        out: &mut Output,
    ) -> Result<Called, Exception> {
        let encoded = Encoded { codec: answer.codec, bytes: message.body.clone() };
        let (blob, object, method) = SerializedBlob::of_message(&message.annotations, encoded)?;
        let (Some(object), Some(method)) = (object.as_str(), method.as_str()) else {
            return Err(Exception::type_error("a blob is for an object and a method, which are strings"));
        };
        let head = CallHead { object: object.into(), method: method.into() };
        let positional = vec![Value::from(blob)];
        if let Some(route) = &self.shared.route {
            let arguments = Payload::Values(Args { positional, ..Args::default() });
            let step = routed::start(route, &head, &mut ValueReader::new(&Value::None), arguments, flags, request)?;
            return Ok(Called { step, member: None });
        }
        let arguments = Value::Tuple(vec![Value::Tuple(positional), Dict::new().into()]);
        let mut args = ValueReader::new(&arguments);
        args.next()?;
        self.call_object(&head, &mut args, flags, answer, request, out)
    }

    /// Calls an object that is here.
    fn call_object<'de>(
        &mut self,
        head: &CallHead<'_>,
        args: &mut impl Reader<'de>,
        flags: Flags,
        answer: &Answer<'_>,
        request: &Request,
        out: &mut Output,
    ) -> Result<Called, Exception> {
        let object = self.object(&head.object)?;
        // What methods log carries the call and its correlation id, where anybody listens.
        let span = tracing::debug_span!(
            "call",
            object = &*head.object,
            method = &*head.method,
            correlation_id = %request.correlation_id
        );
        let entered = span.enter();
        let instance = object.instance(request)?;
        let object = instance.as_ref().unwrap_or(object);
        let mark = out.mark();
        let step = if flags.contains(Flags::BATCH) {
            answer.batch(out, request, object, args).map(|step| Called { step, member: None })
        } else if &*head.object == DAEMON_NAME
            && let Some(step) = items::ask(&head.method, args, answer, request, out)?
        {
            Ok(Called { step, member: None })
        } else {
            let member = resolve(object.members(), &head.method, args)?;
            let step = answer
                .write(out, request, |reply| run_now(&**object, member, &mut Invocation { args, reply, request }));
            step.map(|step| {
                let member = matches!(step, Step::Pending(_)).then(|| (object.clone(), member));
                Called { step, member }
            })
        };
        if flags.contains(Flags::ONEWAY) {
            // Nobody wants the result.
            out.rewind(mark);
        }
        drop(entered);
        step.map(|Called { step, member }| match step {
            Step::Pending(pending) if !span.is_disabled() => {
                Called { step: Step::Pending(Box::pin(pending.instrument(span))), member }
            }
            step => Called { step, member },
        })
    }

    /// Deals with what a call has come to.
    fn called(
        &mut self,
        called: Called,
        answer: &Answer<'_>,
        request: Request,
        oneway: bool,
        out: &mut Output,
    ) -> Handled {
        match called.step {
            Step::Pending(pending) => {
                return Handled::Later(Box::new(Later::new(pending, answer, request, oneway, called.member)));
            }
            Step::Failed(exception) | Step::Unwritable(exception) if oneway => {
                tracing::debug!("a one-way call failed: {exception}");
            }
            Step::Failed(exception) | Step::Unwritable(exception) => answer.exception(out, &request, exception),
            Step::Stream(items) if !oneway => answer.stream(out, &request, items),
            Step::Done | Step::Stream(_) => {}
        }
        self.request = Some(request);
        Handled::Done
    }

    /// The object of an id, which is kept for the next call.
    fn object(&mut self, id: &str) -> Result<&Arc<dyn Object>, Exception> {
        let generation = self.shared.registry.generation();
        let known = self.last.take().filter(|known| known.generation == generation && known.id == id);
        let known = match known {
            Some(known) => known,
            None => {
                let object = self.shared.registry.get(id).ok_or_else(|| {
                    tracing::debug!("unknown object requested: {id}");
                    unknown_object()
                })?;
                Known { generation, id: id.to_owned(), object }
            }
        };
        Ok(&self.last.insert(known).object)
    }

    /// The request of a message, made of what the last one left.
    fn request(&mut self, codec: Codec, correlation: [u8; 16], message: &Message) -> Request {
        let mut request = match self.request.take() {
            Some(request) if request.format.codec == codec => request,
            _ => {
                let format = Format { codec, settings: self.dialect.codec_settings.clone() };
                let session = Some(self.session.clone());
                Request::new(session, Uuid::nil(), Vec::new(), format).on_error(self.shared.hooks.error.clone())
            }
        };
        request.renew(
            Uuid::from_bytes(correlation),
            message.annotations.iter().map(|(id, data)| (id.bytes(), data.clone())),
        );
        request
    }
}

/// What Pyro 4 says of a serializer that its settings do not name.
#[cold]
pub(super) fn not_accepted(serializer: u8) -> Exception {
    let message = format!("message used serializer that is not accepted: {serializer}");
    Exception::pyro("SerializeError", message)
}
