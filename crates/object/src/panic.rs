//! A method that panics is a call that fails, not a daemon that stops.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use salamander_value::Exception;

/// Runs a closure; a panic becomes a `RuntimeError`.
///
/// # Errors
/// Where the closure panicked.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Exception> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| of_panic(&*payload))
}

/// Awaits a future; a panic becomes a `RuntimeError`.
///
/// # Errors
/// Where the future panicked.
pub async fn caught_future<F: Future>(future: F) -> Result<F::Output, Exception> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| of_panic(&*payload))
}

pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Exception {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
    tracing::error!("a method panicked: {text}");
    Exception::runtime_error(format!("the method panicked: {text}"))
}
