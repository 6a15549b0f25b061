//! [`Local`]: the objects of a registry as a place that takes calls.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use salamander_codec::{Args, Output};
use salamander_value::{Exception, Reader, Value, ValueReader};
use tower_service::Service;

use crate::call::{Call, Encoded, Outcome, Payload};
use crate::dispatch::{resolve, run_now};
use crate::{
    ErrorHook, Format, Invocation, Member, Object, Pending, Registry, Request, Step, caught_future, failed,
    unknown_object,
};

/// Takes calls for the objects of this process; a `tower` service, for layers to be put in front of it.
///
/// A call runs when it is made; the future that comes back has its outcome. An unknown object is Pyro's `DaemonError`.
#[derive(Clone, Debug)]
pub struct Local {
    registry: Arc<Registry>,
    on_error: ErrorHook,
}

/// A call that has been made.
pub enum Started {
    /// It is done.
    Done(Outcome),
    /// It goes on while this is polled.
    Waits(Pending),
}

/// A call that has been taken.
pub type Taken = std::pin::Pin<Box<dyn Future<Output = Result<Outcome, Infallible>> + Send>>;

impl Local {
    /// The objects of this registry.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry, on_error: ErrorHook::default() }
    }

    /// With a hook that is told of the exceptions that methods raise.
    #[must_use]
    pub fn on_error(mut self, hook: ErrorHook) -> Self {
        self.on_error = hook;
        self
    }

    /// Makes a call, which runs here and now unless it has to wait.
    pub fn run(&self, call: Call) -> Started {
        self.start(call).unwrap_or_else(|exception| Started::Done(Outcome::Exception(exception)))
    }

    fn start(&self, call: Call) -> Result<Started, Exception> {
        let Call { object: id, method, arguments, context, format } = call;
        let request = Request::of_context(context, format.clone()).on_error(self.on_error.clone());
        let object = self.registry.get(&id).ok_or_else(unknown_object)?;
        let object = object.instance(&request)?.unwrap_or(object);
        let run = |args: &mut dyn Reader<'_>| {
            let member = resolve(object.members(), &method, args)?;
            Started::of(&object, member, args, &request)
        };
        match &arguments {
            Payload::Encoded(encoded) => {
                let (_, mut args) = encoded.codec.call_reader(&encoded.bytes, &format.settings)?;
                run(&mut args)
            }
            Payload::Values(Args { positional, keywords }) => {
                let values = Value::List(vec![Value::Tuple(positional.clone()), Value::from(keywords.clone())]);
                let mut args = ValueReader::new(&values);
                args.next()?;
                run(&mut args)
            }
        }
    }
}

impl Started {
    /// Calls a member with the arguments that this reader gives. The result is encoded as the request says.
    ///
    /// # Errors
    /// None but what encoding can give; what the member raises is its outcome.
    pub fn of(
        object: &Arc<dyn Object>,
        member: Member,
        args: &mut dyn Reader<'_>,
        request: &Request,
    ) -> Result<Self, Exception> {
        let mut out = Output::new();
        let mut step = Step::Done;
        let Format { codec, settings } = &request.format;
        codec.write(&mut out, settings, |reply| {
            step = run_now(&**object, member, &mut Invocation { args, reply, request });
            Ok(())
        })?;
        Ok(match step {
            Step::Done => {
                Started::Done(Outcome::Value(Encoded { codec: *codec, bytes: Bytes::from(out.into_vec()) }))
            }
            Step::Failed(exception) | Step::Unwritable(exception) => Started::Done(Outcome::Exception(exception)),
            Step::Stream(items) => Started::Done(Outcome::Stream(items)),
            Step::Pending(pending) => {
                let (object, request) = (object.clone(), request.clone());
                Started::Waits(Box::pin(async move {
                    match caught_future(pending).await {
                        Ok(Outcome::Exception(exception)) | Err(exception) => {
                            Outcome::Exception(failed(&request, object.members(), member, exception))
                        }
                        Ok(outcome) => outcome,
                    }
                }))
            }
        })
    }
}

impl Service<Call> for Local {
    type Response = Outcome;
    type Error = Infallible;
    type Future = Taken;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Taken {
        match self.run(call) {
            Started::Done(outcome) => Box::pin(std::future::ready(Ok(outcome))),
            Started::Waits(pending) => Box::pin(async move { Ok(pending.await) }),
        }
    }
}
