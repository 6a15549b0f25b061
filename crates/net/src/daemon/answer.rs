//! How calls are answered: with a result, an exception or a stream, now or later.

use std::sync::Arc;

use bytes::Bytes;
use salamander_codec::{Codec, Mark, Output};
use salamander_object::{Items, Member, Object, Outcome, Pending, Request, Step, caught_future, failed};
use salamander_value::{Exception, Reader, Writer};
use salamander_wire::pyro5::{AnnotationId, Annotations, Flags, Header};
use uuid::Uuid;

use super::batch::{self, Batch};
use super::error_reply::write_exception;
use super::shared::Shared;
use crate::dialect::{Dialect, Started, finish};
use crate::wirelog;

/// How a call is answered.
pub(super) struct Answer<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) dialect: &'a Arc<Dialect>,
    pub(super) codec: Codec,
    pub(super) header: Header,
    pub(super) session: u64,
}

/// A call that goes on, and all that is needed to answer it.
pub(super) struct Later {
    pending: Pending,
    shared: Arc<Shared>,
    dialect: Arc<Dialect>,
    codec: Codec,
    header: Header,
    session: u64,
    request: Request,
    /// Nobody waits for it.
    oneway: bool,
    /// Where it runs, for the traceback.
    member: Option<(Arc<dyn Object>, Member)>,
}

/// A reply that has been begun.
struct Begun {
    mark: Mark,
    started: Started,
    body: Mark,
}

impl Answer<'_> {
    /// Writes a reply whose body `run` writes; whatever else it gives, nothing is left of the reply.
    pub(super) fn write(
        &self,
        out: &mut Output,
        request: &Request,
        run: impl FnOnce(&mut dyn Writer) -> Step,
    ) -> Result<Step, Exception> {
        let begun = self.begin(out)?;
        let mut step = Step::Done;
        self.codec.write(out, &self.dialect.codec_settings, |writer| {
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
    pub(super) fn batch(
        &self,
        out: &mut Output,
        request: &Request,
        object: &Arc<dyn Object>,
        args: &mut dyn Reader<'_>,
    ) -> Result<Step, Exception> {
        let begun = self.begin(out)?;
        let mut batch = Batch::Done;
        self.codec.write(out, &self.dialect.codec_settings, |writer| {
            batch = batch::run(&**object, args, writer, request);
            Ok(())
        })?;
        let step = match batch {
            Batch::Done => return self.end(out, begun, request).map(|()| Step::Done),
            Batch::Failed(exception) => Step::Failed(exception),
            Batch::Waiting(rest) => {
                let before = Bytes::from(out.copy_since(begun.body));
                Step::Pending(rest.go_on(object.clone(), before, request.clone()))
            }
        };
        out.rewind(begun.mark);
        Ok(step)
    }

    fn begin(&self, out: &mut Output) -> Result<Begun, Exception> {
        let mark = out.mark();
        let started = self.dialect.begin(out, &self.header, &Annotations::new())?;
        Ok(Begun { mark, started, body: out.mark() })
    }

    fn end(&self, out: &mut Output, begun: Begun, request: &Request) -> Result<(), Exception> {
        let config = &self.shared.config;
        let annotations = self.annotations(request);
        if annotations.is_empty() {
            finish(out, begun.started, config.max_message_size, config.compression)?;
        } else {
            // Annotations stand before the body, and are known only now.
            let body = Bytes::from(out.copy_since(begun.body));
            out.rewind(begun.mark);
            self.encoded(out, &annotations, &body)?;
        }
        self.log(out, begun.mark);
        Ok(())
    }

    /// Writes a reply whose body is there.
    pub(super) fn encoded(&self, out: &mut Output, annotations: &Annotations, body: &Bytes) -> Result<(), Exception> {
        let config = &self.shared.config;
        let started = self.dialect.begin(out, &self.header, annotations)?;
        out.attach(body);
        finish(out, started, config.max_message_size, config.compression)?;
        Ok(())
    }

    /// Writes an exception as the reply.
    pub(super) fn exception(&self, out: &mut Output, request: &Request, exception: Exception) {
        let annotations = self.annotations(request);
        self.exception_with(out, Flags::EXCEPTION, &annotations, exception);
    }

    fn exception_with(&self, out: &mut Output, flags: Flags, annotations: &Annotations, exception: Exception) {
        let config = &self.shared.config;
        let mark = out.mark();
        let mut header = self.header;
        header.flags.remove(Flags::BATCH);
        header.flags.insert(flags);
        let written = self.dialect.begin(out, &header, annotations).map_err(Exception::from).and_then(|started| {
            write_exception(out, self.codec, &self.dialect.codec_settings, exception)?;
            finish(out, started, config.max_message_size, config.compression).map_err(Exception::from)
        });
        if let Err(error) = written {
            tracing::warn!("an exception could not be sent: {error}");
            out.rewind(mark);
        }
        self.log(out, mark);
    }

    /// Opens a stream and writes its id as the reply.
    pub(super) fn stream(&self, out: &mut Output, request: &Request, items: Items) {
        let mut annotations = self.annotations(request);
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
                let annotations = self.annotations(request);
                if let Err(exception) = self.encoded(out, &annotations, &encoded.bytes) {
                    self.exception(out, request, exception);
                }
                self.log(out, mark);
            }
            Outcome::Exception(exception) => self.exception(out, request, exception),
            Outcome::Stream(items) => self.stream(out, request, items),
        }
    }

    /// The annotations of the daemon, and over them those that the method has set.
    fn annotations(&self, request: &Request) -> Annotations {
        let of_daemon = self.shared.hooks.annotations.as_ref().map(|annotations| annotations()).unwrap_or_default();
        let all = of_daemon.into_iter().chain(request.take_reply_annotations());
        all.filter_map(|(id, data)| Some((AnnotationId::new(id)?, data))).collect()
    }

    fn log(&self, out: &Output, mark: salamander_codec::Mark) {
        if self.shared.config.logwire {
            wirelog::sent("daemon wiredata sending", &out.copy_since(mark));
        }
    }
}

impl Later {
    pub(super) fn new(
        pending: Pending,
        answer: &Answer<'_>,
        request: Request,
        oneway: bool,
        member: Option<(Arc<dyn Object>, Member)>,
    ) -> Self {
        let Answer { shared, dialect, codec, header, session } = answer;
        let (shared, dialect) = (Arc::clone(shared), Arc::clone(dialect));
        let (codec, header, session) = (*codec, *header, *session);
        Self { pending, shared, dialect, codec, header, session, request, oneway, member }
    }

    /// Nobody waits for it.
    pub(super) fn is_detached(&self) -> bool {
        self.oneway
    }

    /// Runs the call to its end and answers it.
    pub(super) async fn finish(self, out: &mut Output) {
        let Self { pending, shared, dialect, codec, header, session, request, oneway, member } = self;
        let outcome = caught_future(pending).await.unwrap_or_else(Outcome::Exception);
        let outcome = match (outcome, member) {
            (Outcome::Exception(exception), Some((object, member))) => {
                Outcome::Exception(failed(&request, object.members(), member, exception))
            }
            (outcome, _) => outcome,
        };
        match outcome {
            Outcome::Exception(exception) if oneway => tracing::debug!("a one-way call failed: {exception}"),
            _ if oneway => {}
            outcome => {
                let answer = Answer { shared: &shared, dialect: &dialect, codec, header, session };
                answer.outcome(out, &request, outcome);
            }
        }
    }
}
