//! [`Place`]: an application as async programs have it, or as blocking ones do.

use std::pin::Pin;

use super::{AsyncResult, Signature};
use crate::App;
use crate::canvas::{Canvas, CanvasResult};
use crate::error::Result;
use crate::waits::Waits;

/// Where signatures are sent: [`App`], which gives a future, or [`blocking::App`](crate::blocking::App), which waits.
pub trait Place: sealed::Sealed {
    /// What sending gives.
    type Sent<'a, T: 'static>
    where
        Self: 'a;

    /// What sending a canvas gives.
    type Begun<'a>
    where
        Self: 'a;

    /// Sends a signature; see [`Signature::send`].
    fn send<T: 'static>(&self, signature: Signature<T>) -> Self::Sent<'_, T>;

    /// Runs a signature in place; see [`Signature::apply`].
    fn apply<T: 'static>(&self, signature: Signature<T>) -> Self::Sent<'_, T>;

    /// Sends a canvas; see [`Canvas::send`].
    fn begin(&self, canvas: Canvas) -> Self::Begun<'_>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::App {}
}

/// A task on its way to the broker.
pub type Sending<'a, T> = Pin<Box<dyn Future<Output = Result<AsyncResult<T>>> + Send + 'a>>;

impl Place for App {
    type Sent<'a, T: 'static> = Sending<'a, T>;
    type Begun<'a> = Waits<'a, CanvasResult>;

    fn begin(&self, canvas: Canvas) -> Waits<'_, CanvasResult> {
        Box::pin(canvas.sent(self))
    }

    fn send<T: 'static>(&self, signature: Signature<T>) -> Sending<'_, T> {
        Box::pin(signature.sent(self))
    }

    fn apply<T: 'static>(&self, signature: Signature<T>) -> Sending<'_, T> {
        Box::pin(signature.applied(self))
    }
}

impl<T: 'static> Signature<T> {
    /// Sends it: done when the broker has it.
    ///
    /// # Errors
    /// - [`Kind::Misuse`](crate::Kind::Misuse): arguments that do not fit, with Python's `TypeError`, or that cannot be encoded; a queue
    ///   that is not known
    /// - [`Kind::Deadline`](crate::Kind::Deadline): the broker did not take it in time (`publish_timeout`)
    /// - [`Kind::Connection`](crate::Kind::Connection), [`Kind::Refused`](crate::Kind::Refused): it did not take it, and was asked as often
    ///   as the retry policy says
    ///
    /// # Cancellation
    /// Dropping the future does not take back what has been sent.
    pub fn send<P: Place>(self, app: &P) -> P::Sent<'_, T> {
        app.send(self)
    }

    /// Runs the task here and now, with its retries, and without any pause between them. What it raises is in the result; a
    /// task that asks for another run is run again at once.
    ///
    /// # Errors
    /// [`Kind::Misuse`](crate::Kind::Misuse) where the application has no such task, or the arguments do not fit. With
    /// `task_eager_propagates` what the task raises, too.
    pub fn apply<P: Place>(self, app: &P) -> P::Sent<'_, T> {
        app.apply(self)
    }
}
