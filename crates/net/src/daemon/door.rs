//! The door for Pyro 5: a message becomes a call of an object, and what that gives a message again.

use std::sync::Arc;

use bytes::Bytes;
use salamander_codec::{Codec, Mark, Output};
use salamander_object::{Format, Invocation, Items, Member, Object, Outcome, Pending, Request, Session, Step};
use salamander_object::{find, find_property, run_now, traced};
use salamander_value::{Exception, Reader, Token, Writer};
use salamander_wire::pyro5::{
    AnnotationId, Annotations, Flags, Header, Message, MessageType, Started, begin, finish,
};
use uuid::Uuid;

use super::batch::Batch;
use super::error_reply::write_exception;
use super::shared::{Shared, unknown_object};
use super::{batch, items};
use crate::{DAEMON_NAME, wirelog};

/// Answers the messages of one connection.
pub(super) struct Door {
    shared: Arc<Shared>,
    session: Arc<Session>,
    /// The object that was called last, which is the one called next.
    last: Option<(u64, String, Arc<dyn Object>)>,
    format: Option<Format>,
    ids: CorrelationIds,
}

/// What became of a message.
pub(super) enum Handled {
    /// It is answered, or needs no answer.
    Done,
    /// It is under way.
    Later(Later),
}

/// A call that goes on, and all that is needed to answer it.
pub(super) struct Later {
    pending: Pending,
    answer: Option<Answer>,
    request: Option<Request>,
    /// Where it runs, for the traceback.
    member: Option<(Arc<dyn Object>, Member)>,
}

/// A reply that has been begun.
struct Begun {
    mark: Mark,
    started: Started,
    body: Mark,
}

/// How a call is answered.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) shared: Arc<Shared>,
    pub(super) codec: Codec,
    pub(super) header: Header,
    pub(super) session: u64,
}

impl Door {
    pub(super) fn new(shared: Arc<Shared>, session: Arc<Session>) -> Self {
        Self { shared, session, last: None, format: None, ids: CorrelationIds::new() }
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
            wirelog::received("daemon wiredata received", &message);
        }
        let correlation = message.header.correlation().unwrap_or_else(|| self.ids.next());
        if message.message_type() == MessageType::Ping {
            let header = Header::new(MessageType::Ping, message.header.serializer, message.header.sequence)
                .with_correlation(Some(correlation));
            let started = begin(out, &header, &Annotations::new()).map_err(|error| error.to_string())?;
            out.extend_from_slice(b"pong");
            finish(out, started, self.shared.config.max_message_size, false).map_err(|error| error.to_string())?;
            return Ok(Handled::Done);
        }
        let codec = Codec::from_id(message.header.serializer)
            .ok_or_else(|| format!("unknown serializer {}", message.header.serializer))?;
        let flags = message.flags();
        let mut header =
            Header::new(MessageType::Result, codec.id(), message.header.sequence).with_correlation(Some(correlation));
        if flags.contains(Flags::BATCH) {
            header.flags.insert(Flags::BATCH);
        }
        let answer = Answer { shared: self.shared.clone(), codec, header, session: self.session.id() };
        let oneway = flags.contains(Flags::ONEWAY);
        let request = Request::new(
            Some(self.session.clone()),
            Uuid::from_bytes(correlation),
            message.annotations.iter().map(|(id, data)| (id.bytes(), data.clone())).collect(),
            self.format(codec),
        );
        match self.call(&message, codec, flags, &answer, &request, out) {
            Ok(called) => Ok(self.called(called, answer, request, oneway, out)),
            Err(exception) => {
                if oneway {
                    tracing::debug!("a one-way call failed: {exception}");
                } else {
                    answer.exception(out, &request, exception);
                }
                Ok(Handled::Done)
            }
        }
    }

    /// Finds what is called and calls it.
    fn call(
        &mut self,
        message: &Message,
        codec: Codec,
        flags: Flags,
        answer: &Answer,
        request: &Request,
        out: &mut Output,
    ) -> Result<Called, Exception> {
        if flags.contains(Flags::KEEP_SERIALIZED) {
            return Err(Exception::pyro("SerializeError", "serialized blobs are not supported"));
        }
        let settings = self.shared.codec_settings.clone();
        let (head, mut args) = codec.call_reader(&message.body, &settings)?;
        let object = self.object(&head.object)?;
        if flags.contains(Flags::BATCH) {
            let mark = out.mark();
            let step = answer.batch(out, request, object, &mut args)?;
            if flags.contains(Flags::ONEWAY) {
                out.rewind(mark);
            }
            return Ok(Called { step, member: None });
        }
        if &*head.object == DAEMON_NAME
            && let Some(step) = items::ask(&head.method, &mut args, answer, request, out)?
        {
            return Ok(Called { step, member: None });
        }
        let member = match &*head.method {
            "__getattr__" => property(&*object, &mut args, false)?,
            "__setattr__" => property(&*object, &mut args, true)?,
            name => find(object.members(), name)?,
        };
        let mark = out.mark();
        let step = answer.write(out, request, |reply| {
            run_now(&*object, member, &mut Invocation { args: &mut args, reply, request })
        })?;
        if flags.contains(Flags::ONEWAY) {
            // Nobody wants the result.
            out.rewind(mark);
        }
        Ok(Called { step, member: Some((object, member)) })
    }

    /// Deals with what a call has come to.
    fn called(
        &mut self,
        called: Called,
        answer: Answer,
        request: Request,
        oneway: bool,
        out: &mut Output,
    ) -> Handled {
        match called.step {
            Step::Pending(pending) => Handled::Later(Later {
                pending,
                answer: (!oneway).then_some(answer),
                request: Some(request),
                member: called.member,
            }),
            Step::Failed(exception) | Step::Unwritable(exception) if oneway => {
                tracing::debug!("a one-way call failed: {exception}");
                Handled::Done
            }
            Step::Failed(exception) | Step::Unwritable(exception) => {
                answer.exception(out, &request, exception);
                Handled::Done
            }
            Step::Stream(items) if !oneway => {
                answer.stream(out, &request, items);
                Handled::Done
            }
            Step::Done | Step::Stream(_) => Handled::Done,
        }
    }

    fn object(&mut self, id: &str) -> Result<Arc<dyn Object>, Exception> {
        let generation = self.shared.registry.generation();
        if let Some((known, last, object)) = &self.last
            && *known == generation
            && last == id
        {
            return Ok(object.clone());
        }
        let object = self.shared.registry.get(id).ok_or_else(|| {
            tracing::debug!("unknown object requested: {id}");
            unknown_object()
        })?;
        self.last = Some((generation, id.to_owned(), object.clone()));
        Ok(object)
    }

    fn format(&mut self, codec: Codec) -> Format {
        match &self.format {
            Some(format) if format.codec == codec => format.clone(),
            _ => {
                let format = Format { codec, settings: self.shared.codec_settings.clone() };
                self.format = Some(format.clone());
                format
            }
        }
    }
}

struct Called {
    step: Step,
    member: Option<(Arc<dyn Object>, Member)>,
}

/// The property that `__getattr__` or `__setattr__` names, with the reader left before its value.
fn property(object: &dyn Object, args: &mut dyn Reader<'_>, set: bool) -> Result<Member, Exception> {
    let (opened, name) = (args.next()?, args.next()?);
    match (opened, name) {
        (Token::List(_) | Token::Tuple(_), Token::Str(name)) => find_property(object.members(), &name, set),
        _ => Err(Exception::type_error("attribute name must be string")),
    }
}

impl Answer {
    /// Writes a reply whose body `run` writes; whatever else it gives, nothing is left of the reply.
    pub(super) fn write(
        &self,
        out: &mut Output,
        request: &Request,
        run: impl FnOnce(&mut dyn Writer) -> Step,
    ) -> Result<Step, Exception> {
        let begun = self.begin(out)?;
        let mut step = Step::Done;
        self.codec.write(out, &self.shared.codec_settings, |writer| {
            step = run(writer);
            Ok(())
        })?;
        match step {
            Step::Done => self.end(out, begun, request).map(|()| Step::Done),
            other => {
                out.rewind(begun.mark);
                Ok(other)
            }
        }
    }

    /// Runs a batch and writes its results, as far as that goes without waiting.
    fn batch(
        &self,
        out: &mut Output,
        request: &Request,
        object: Arc<dyn Object>,
        args: &mut dyn Reader<'_>,
    ) -> Result<Step, Exception> {
        let begun = self.begin(out)?;
        let mut batch = Batch::Done;
        self.codec.write(out, &self.shared.codec_settings, |writer| {
            batch = batch::run(&*object, args, writer, request);
            Ok(())
        })?;
        let step = match batch {
            Batch::Done => return self.end(out, begun, request).map(|()| Step::Done),
            Batch::Failed(exception) => Step::Failed(exception),
            Batch::Waiting(rest) => {
                let before = Bytes::from(out.copy_since(begun.body));
                Step::Pending(rest.go_on(object, before, request.clone()))
            }
        };
        out.rewind(begun.mark);
        Ok(step)
    }

    fn begin(&self, out: &mut Output) -> Result<Begun, Exception> {
        let mark = out.mark();
        let started = begin(out, &self.header, &Annotations::new())?;
        Ok(Begun { mark, started, body: out.mark() })
    }

    fn end(&self, out: &mut Output, begun: Begun, request: &Request) -> Result<(), Exception> {
        let config = &self.shared.config;
        let annotations = request.take_reply_annotations();
        if annotations.is_empty() {
            finish(out, begun.started, config.max_message_size, config.compression)?;
        } else {
            // Annotations stand before the body, and are known only now.
            let body = Bytes::from(out.copy_since(begun.body));
            out.rewind(begun.mark);
            self.encoded(out, &of_context(annotations), &body)?;
        }
        self.log(out, begun.mark);
        Ok(())
    }

    /// Writes a reply whose body is there.
    pub(super) fn encoded(&self, out: &mut Output, annotations: &Annotations, body: &Bytes) -> Result<(), Exception> {
        let config = &self.shared.config;
        let started = begin(out, &self.header, annotations)?;
        out.attach(body);
        finish(out, started, config.max_message_size, config.compression)?;
        Ok(())
    }

    /// Writes an exception as the reply.
    fn exception(&self, out: &mut Output, request: &Request, exception: Exception) {
        let annotations = of_context(request.take_reply_annotations());
        self.exception_with(out, Flags::EXCEPTION, &annotations, exception);
    }

    fn exception_with(&self, out: &mut Output, flags: Flags, annotations: &Annotations, exception: Exception) {
        let config = &self.shared.config;
        let mark = out.mark();
        let mut header = self.header;
        header.flags.remove(Flags::BATCH);
        header.flags.insert(flags);
        let written = begin(out, &header, annotations).map_err(Exception::from).and_then(|started| {
            write_exception(out, self.codec, &self.shared.codec_settings, exception)?;
            finish(out, started, config.max_message_size, config.compression).map_err(Exception::from)
        });
        if let Err(error) = written {
            tracing::warn!("an exception could not be sent: {error}");
            out.rewind(mark);
        }
        self.log(out, mark);
    }

    /// Opens a stream and writes its id as the reply.
    fn stream(&self, out: &mut Output, request: &Request, items: Items) {
        let mut annotations = of_context(request.take_reply_annotations());
        if self.shared.config.iter_streaming {
            let id = Uuid::new_v4().to_string();
            annotations.insert(AnnotationId::STREAM, id.clone().into_bytes());
            self.shared.streams.open(id, Some(self.session), items, std::time::Instant::now());
        }
        let exception = Exception::pyro("ProtocolError", "result of call is an iterator");
        self.exception_with(out, Flags::EXCEPTION | Flags::ITEM_STREAM_RESULT, &annotations, exception);
    }

    /// Writes what a call that went on has come to.
    pub(super) fn outcome(&self, out: &mut Output, request: &Request, outcome: Outcome) {
        match outcome {
            Outcome::Value(encoded) => {
                let mark = out.mark();
                let annotations = of_context(request.take_reply_annotations());
                if let Err(exception) = self.encoded(out, &annotations, &encoded.bytes) {
                    self.exception(out, request, exception);
                }
                self.log(out, mark);
            }
            Outcome::Exception(exception) => self.exception(out, request, exception),
            Outcome::Stream(items) => self.stream(out, request, items),
        }
    }

    fn log(&self, out: &Output, mark: salamander_codec::Mark) {
        if self.shared.config.logwire {
            wirelog::sent("daemon wiredata sending", out.since(mark));
        }
    }
}

fn of_context(annotations: salamander_object::Annotations) -> Annotations {
    annotations.into_iter().filter_map(|(id, data)| Some((AnnotationId::new(id)?, data))).collect()
}

impl Later {
    /// Nobody waits for it.
    pub(super) fn is_detached(&self) -> bool {
        self.answer.is_none()
    }

    /// Runs the call to its end and answers it.
    pub(super) async fn finish(self, out: &mut Output) {
        let Self { pending, answer, request, member } = self;
        let outcome = match salamander_object::caught_future(pending).await {
            Ok(outcome) => outcome,
            Err(exception) => Outcome::Exception(exception),
        };
        let outcome = match (outcome, member) {
            (Outcome::Exception(exception), Some((object, member))) => {
                Outcome::Exception(traced(object.members(), member, exception))
            }
            (outcome, _) => outcome,
        };
        match (answer, request) {
            (Some(answer), Some(request)) => answer.outcome(out, &request, outcome),
            _ => {
                if let Outcome::Exception(exception) = outcome {
                    tracing::debug!("a one-way call failed: {exception}");
                }
            }
        }
    }
}

/// Correlation ids for calls that came without: random for each connection, then counted.
struct CorrelationIds {
    base: [u8; 16],
    count: u64,
}

impl CorrelationIds {
    fn new() -> Self {
        Self { base: Uuid::new_v4().into_bytes(), count: 0 }
    }

    fn next(&mut self) -> [u8; 16] {
        self.count += 1;
        let mut id = self.base;
        // The last six bytes have no fixed bits.
        for (byte, count) in id[10..].iter_mut().zip(&self.count.to_be_bytes()[2..]) {
            *byte ^= count;
        }
        id
    }
}
