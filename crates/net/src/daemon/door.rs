//! The door for Pyro 5: a message becomes a call of an object, and what that gives a message again.

use std::sync::Arc;

use salamander_codec::{Codec, Output};
use salamander_object::{Format, Invocation, Member, Object, Request, Session, Step, resolve, run_now};
use salamander_value::Exception;
use salamander_wire::pyro5::{Annotations, Flags, Header, Message, MessageType, begin, finish};
use uuid::Uuid;

use super::answer::{Answer, Later};
use super::shared::{Shared, unknown_object};
use super::{items, routed};
use crate::{DAEMON_NAME, wirelog};

/// Answers the messages of one connection.
pub(super) struct Door {
    shared: Arc<Shared>,
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
    Later(Later),
}

/// What a call has come to, and what was called.
struct Called {
    step: Step,
    member: Option<(Arc<dyn Object>, Member)>,
}

impl Door {
    pub(super) fn new(shared: Arc<Shared>, session: Arc<Session>) -> Self {
        Self { shared, session, last: None, request: None, ids: CorrelationIds::new() }
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
            return self.pong(&message, correlation, out).map_err(|error| error.to_string());
        }
        let codec = Codec::from_id(message.header.serializer)
            .ok_or_else(|| format!("unknown serializer {}", message.header.serializer))?;
        let flags = message.flags();
        let mut header =
            Header::new(MessageType::Result, codec.id(), message.header.sequence).with_correlation(Some(correlation));
        if flags.contains(Flags::BATCH) {
            header.flags.insert(Flags::BATCH);
        }
        let request = self.request(codec, correlation, &message);
        let shared = self.shared.clone();
        let answer = Answer { shared: &shared, codec, header, session: self.session.id() };
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
        let started = begin(out, &header, &Annotations::new())?;
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
        if flags.contains(Flags::KEEP_SERIALIZED) {
            return Err(Exception::pyro("SerializeError", "serialized blobs are not supported"));
        }
        let (head, mut args) = answer.codec.call_reader(&message.body, &answer.shared.codec_settings)?;
        if let Some(route) = &self.shared.route
            && &*head.object != DAEMON_NAME
        {
            let step = routed::start(route, &head, &mut args, message, flags, request)?;
            return Ok(Called { step, member: None });
        }
        let object = self.object(&head.object)?;
        let mark = out.mark();
        let step = if flags.contains(Flags::BATCH) {
            answer.batch(out, request, object, &mut args).map(|step| Called { step, member: None })
        } else if &*head.object == DAEMON_NAME
            && let Some(step) = items::ask(&head.method, &mut args, answer, request, out)?
        {
            Ok(Called { step, member: None })
        } else {
            let member = resolve(object.members(), &head.method, &mut args)?;
            let step = answer.write(out, request, |reply| {
                run_now(&**object, member, &mut Invocation { args: &mut args, reply, request })
            });
            step.map(|step| {
                let member = matches!(step, Step::Pending(_)).then(|| (object.clone(), member));
                Called { step, member }
            })
        };
        if flags.contains(Flags::ONEWAY) {
            // Nobody wants the result.
            out.rewind(mark);
        }
        step
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
                return Handled::Later(Later::new(pending, answer, request, oneway, called.member));
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
                let format = Format { codec, settings: self.shared.codec_settings.clone() };
                Request::new(Some(self.session.clone()), Uuid::nil(), Vec::new(), format)
            }
        };
        request.renew(
            Uuid::from_bytes(correlation),
            message.annotations.iter().map(|(id, data)| (id.bytes(), data.clone())),
        );
        request
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
