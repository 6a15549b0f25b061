//! Calls by way of a service: what happens where there are layers in front of the objects.

use std::pin::Pin;
use std::sync::Arc;

use salamander_codec::{Args, CallHead};
use salamander_object::{Call, Local, Outcome, Payload, Pending, Request, Step};
use salamander_value::{Dict, Exception, Reader, Value, read_value};
use salamander_wire::pyro5::Flags;
use tower_service::Service;

use super::batch;

/// Takes a call and gives its outcome.
pub(crate) type Route = Arc<dyn Fn(Call) -> Pending + Send + Sync>;

/// Makes a route of the objects.
pub(super) type BoxLayer = Box<dyn FnOnce(Local) -> Route + Send>;

/// A service as a route. Each call has a clone of the service, which waits until it is ready.
pub(super) fn route<S>(service: S) -> Route
where
    S: Service<Call, Response = Outcome> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<Exception>,
{
    Arc::new(move |call| {
        let mut service = service.clone();
        Box::pin(async move {
            let done = async {
                std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(call).await
            };
            done.await.unwrap_or_else(|error| Outcome::Exception(error.into()))
        })
    })
}

/// Sends a call, or each call of a batch, on its route.
pub(super) fn start(
    route: &Route,
    head: &CallHead<'_>,
    args: &mut dyn Reader<'_>,
    arguments: Payload,
    flags: Flags,
    request: &Request,
) -> Result<Step, Exception> {
    let call = |method: &str, arguments| Call {
        object: head.object.as_ref().into(),
        method: method.into(),
        arguments,
        context: request.context().clone(),
        format: request.format.clone(),
    };
    if !flags.contains(Flags::BATCH) {
        return Ok(Step::Pending(route(call(&head.method, arguments))));
    }
    let (Value::List(items) | Value::Tuple(items)) = read_value(args)? else {
        return Err(Exception::type_error("a batch should be a list"));
    };
    let calls =
        items.into_iter().map(|item| batch_item(item).map(|(method, args)| call(&method, Payload::Values(args))));
    let calls = calls.collect::<Result<Vec<_>, _>>()?;
    Ok(Step::Pending(each(route.clone(), calls, request.clone())))
}

/// Makes calls one after the other, up to the first that fails.
fn each(route: Route, calls: Vec<Call>, request: Request) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let mut results = Vec::with_capacity(calls.len());
        for call in calls {
            match batch::of_outcome(route(call).await, &request) {
                Ok(Ok(value)) => results.push(value),
                Ok(Err(exception)) => {
                    results.push(batch::wrapped(exception));
                    break;
                }
                Err(exception) => return Outcome::Exception(exception),
            }
        }
        request.format.outcome(&results)
    })
}

/// `(method, args, kwargs)`
fn batch_item(item: Value) -> Result<(String, Args), Exception> {
    let wrong = || Exception::type_error("a call in a batch should be a tuple of method, args and kwargs");
    let parts = item.as_slice().ok_or_else(wrong)?;
    let [method, positional, keywords] = parts else { return Err(wrong()) };
    let keywords = match keywords {
        Value::None => Dict::new(),
        Value::Dict(keywords) => (**keywords).clone(),
        _ => return Err(wrong()),
    };
    let positional = positional.as_slice().ok_or_else(wrong)?.to_vec();
    Ok((method.as_str().ok_or_else(wrong)?.to_owned(), Args { positional, keywords }))
}
