//! Tasks that run in place: no queue, no worker, the same states.

use std::sync::Arc;

use salamander_codec::Codec;
use salamander_object::{Outcome, Started};
use salamander_value::Exception;
use salamander_wire::celery::{Accept, Decoding, ResultMeta, ResultValue, State, TaskMessage};

use super::environment::{date_done, hostname};
use super::{AsyncResult, Signature};
use crate::App;
use crate::error::{Error, Kind, Result};
use crate::task::{TaskContext, TaskRequest, Verdict};

impl<T> Signature<T> {
    pub(super) async fn applied(self, app: &App) -> Result<AsyncResult<T>> {
        let parent = TaskContext::current();
        let name = self.task.clone();
        let prepared = self.prepare(app, parent.as_ref())?;
        let unknown = || {
            let exception = Exception::new("celery.exceptions.NotRegistered", name.clone());
            Error::of_task(Kind::Misuse, exception)
        };
        let object = app.registry().get(&name).ok_or_else(unknown)?;
        let options = app.task(&name).ok_or_else(unknown)?;
        // It is read back as it would be out of a queue, by whichever serializer that is.
        let own = Accept::new([&*prepared.publication.message.content_type])?;
        let message = prepared.publication.message;
        let mut message = TaskMessage::from_message(message, &Decoding::default().accepting(own))?;
        let codec = message.body.serializer.codec().unwrap_or(Codec::Json);
        loop {
            let mut request = TaskRequest::new(message, hostname().clone());
            request.is_eager = true;
            let context = TaskContext::new(app.clone(), request);
            let outcome = run(&context, &object, codec).await;
            match context.verdict(&options, outcome) {
                Verdict::Retry(retrying) => message = retrying.message,
                Verdict::Replaced(canvas) => {
                    let task = canvas.alone(app)?.returning::<T>();
                    return Box::pin(task.applied(app)).await;
                }
                verdict => return end(app, &context, verdict, codec),
            }
        }
    }
}

async fn run(context: &TaskContext, object: &Arc<dyn salamander_object::Object>, codec: Codec) -> Outcome {
    match context.run(object, codec) {
        Started::Done(outcome) => outcome,
        Started::Waits(pending) => pending.await,
    }
}

fn end<T>(app: &App, context: &TaskContext, verdict: Verdict, codec: Codec) -> Result<AsyncResult<T>> {
    let id = context.request().headers().id.clone();
    let mut meta = match verdict {
        Verdict::Success(encoded) => {
            let mut meta = ResultMeta::new(id, State::Success, ());
            meta.result = ResultValue::Encoded(encoded.bytes);
            meta
        }
        Verdict::Failure(exception) if app.settings().task_eager_propagates => {
            return Err(Error::of_task(Kind::Task, exception));
        }
        Verdict::Failure(exception) => {
            let mut meta = ResultMeta::failed(id, State::Failure, &exception);
            meta.traceback = Some(exception.traceback().concat().into());
            meta
        }
        Verdict::Rejected(_) => ResultMeta::new(id, State::Rejected, ()),
        Verdict::Ignored | Verdict::Retry(_) | Verdict::Replaced(_) => ResultMeta::new(id, State::Ignored, ()),
    };
    meta.children = context.children();
    meta.date_done = Some(date_done());
    Ok(AsyncResult::eager(meta, codec))
}
