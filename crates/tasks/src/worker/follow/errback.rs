//! Errbacks: those that take more than an id are called here, the others are sent.

use std::sync::Arc;

use salamander_codec::{Args, Codec};
use salamander_object::{Object, Outcome, ParamKind, Started};
use salamander_value::{Dict, Exception, Value};
use tokio::runtime::Handle;

use super::super::Shared;
use super::super::job::Job;
use super::Ending;
use crate::canvas::{Canvas, Options, Shape, group};
use crate::error::Result;
use crate::task::{TaskContext, exception_repr};

impl Shared {
    /// Calls the errbacks of a task that has failed.
    ///
    /// # Wire
    /// As Celery: a task that this worker has, and that takes more than one argument, is called here and now with the request, the
    /// exception and the traceback. All others are sent as one group, with the id of the task.
    pub(super) async fn call_errbacks(&self, ending: &Ending<'_>, exception: &Exception) {
        let mut others = Vec::new();
        for errback in ending.embed.errbacks.as_slice().unwrap_or_default() {
            let errback = match Canvas::from_value(errback) {
                Ok(errback) => errback,
                Err(error) => {
                    tracing::error!("an errback of {} cannot be called: {error}", ending.id);
                    continue;
                }
            };
            match self.called_here(&errback) {
                Some((object, arguments)) => {
                    let arguments = given(arguments, &errback, ending, exception);
                    if let Outcome::Exception(raised) = call(ending.within.clone(), object, arguments).await {
                        tracing::error!(
                            "Errback '{}' raised an exception: {}",
                            errback.task(),
                            exception_repr(&raised)
                        );
                    }
                }
                None => others.push(errback),
            }
        }
        if !others.is_empty()
            && let Err(error) = self.send_errbacks(ending, others).await
        {
            tracing::error!("the errbacks of {} were not sent: {error}", ending.id);
        }
    }

    async fn send_errbacks(&self, ending: &Ending<'_>, errbacks: Vec<Canvas>) -> Result<()> {
        let mut options = Options::default();
        options.set("parent_id", ending.id.clone().into());
        options.set("root_id", ending.root_id.clone().unwrap_or_else(|| ending.id.clone()).into());
        self.send_within(ending.within, &group(errbacks), &[ending.id.clone().into()], &options).await
    }

    /// The function of an errback that is called here, with the arguments that it has already.
    fn called_here(&self, errback: &Canvas) -> Option<(Arc<dyn Object>, Args)> {
        let Shape::Task { task, kwargs } = &errback.shape else { return None };
        let known = self.known(task)?;
        let params = known.object.members().methods.first()?.params;
        let named = |name: &str| !errback.immutable && kwargs.contains_key(name);
        let positional = params
            .iter()
            .filter(|param| matches!(param.kind, ParamKind::Required | ParamKind::Optional) && !named(param.name));
        let stored = if errback.immutable { 0 } else { errback.args.len() };
        let variadic = params.iter().any(|param| param.kind == ParamKind::Args);
        let arguments = Args { positional: errback.args.clone(), keywords: kwargs.clone() };
        (variadic || positional.count() > stored + 1).then(|| (known.object.clone(), arguments))
    }
}

/// The arguments of a call: in front of its own, unless it takes no others.
fn given(own: Args, errback: &Canvas, ending: &Ending<'_>, exception: &Exception) -> Args {
    if errback.immutable {
        return own;
    }
    let traceback = Some(exception.traceback().concat()).filter(|traceback| !traceback.is_empty());
    let mut positional =
        vec![Value::from(ending.request.clone()), Value::Exception(Box::new(exception.clone())), traceback.into()];
    positional.extend(own.positional);
    Args { positional, keywords: own.keywords }
}

/// It may block.
async fn call(within: TaskContext, object: Arc<dyn Object>, arguments: Args) -> Outcome {
    let run = move || match within.call(&object, Codec::Json, arguments) {
        Started::Done(outcome) => outcome,
        Started::Waits(pending) => Handle::current().block_on(pending),
    };
    match tokio::task::spawn_blocking(run).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Exception(Exception::runtime_error(error.to_string())),
    }
}

/// What there is to know of a task, as an errback gets it.
pub(super) fn request(job: &Job) -> Dict {
    let request = job.context.request();
    let headers = request.headers();
    let arguments = request.arguments().unwrap_or_default();
    Dict::from_iter([
        ("id", Value::from(headers.id.clone())),
        ("task", headers.task.clone().into()),
        ("args", Value::List(arguments.positional)),
        ("kwargs", arguments.keywords.into()),
        ("retries", i64::from(headers.retries).into()),
        ("root_id", headers.root_id.clone().into()),
        ("parent_id", headers.parent_id.clone().into()),
        ("group", headers.group.clone().into()),
        ("group_index", headers.group_index.into()),
        ("hostname", request.hostname.clone().into()),
    ])
}
