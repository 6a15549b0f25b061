//! [`Task`]: a function that workers run, and what it can know while it runs.

mod context;
mod key;
mod options;
mod replace;
mod request;
mod run;
mod signals;
mod state;
mod stop;
mod verdict;

use salamander_codec::Arguments;
use salamander_object::Function;

use crate::call::{Place, Signature};

pub use context::TaskContext;
pub(crate) use key::KeyTemplate;
pub use options::{Backoff, RateLimit, Seconds, TaskOptions};
#[doc(hidden)]
pub use options::{backoff, default_name, seconds};
pub use request::TaskRequest;
pub use signals::{Ignore, Reject, Retry};
pub use state::State;
pub(crate) use state::States;
pub use stop::Stop;
pub(crate) use verdict::exception_repr;
pub use verdict::{Retrying, Verdict};

/// A function as a task; `#[task]` on a function makes a type of its name that implements it.
///
/// It is the same type that `#[expose]` makes, and more: it can be registered with a daemon as well as with an
/// [`App`](crate::App).
pub trait Task: Function {
    /// What its result is read as by whoever sent it.
    type Output;

    /// The options that stand in the source.
    fn options(&self) -> TaskOptions;

    /// A call of it that can be given further options, and sent: `add.s((5, 5)).countdown(10).send(&app).await?`.
    ///
    /// The arguments are checked when it is sent.
    fn s(&self, arguments: impl Arguments) -> Signature<Self::Output> {
        Signature::of_task(self.options(), Self::MEMBERS, &arguments)
    }

    /// Sends it: puts a call of it on its queue. With a [`blocking::App`](crate::blocking::App) it waits, else it gives a future.
    ///
    /// # Errors
    /// - [`Kind::Misuse`](crate::Kind::Misuse) with the `TypeError` that Python raises, where the arguments do not fit
    /// - whatever else [`Signature::send`] can give
    fn delay<'a, P: Place>(&self, app: &'a P, arguments: impl Arguments) -> P::Sent<'a, Self::Output>
    where
        Self::Output: 'static,
    {
        self.s(arguments).send(app)
    }
}
