//! Workflows without `async`.

use std::ops::Deref;

use salamander_value::Str;

use super::{App, wait};
use crate::canvas::Canvas;
use crate::error::Result;

/// A workflow that was sent; the blocking twin of [`Workflow`](crate::Workflow).
#[derive(Clone, Debug)]
pub struct Workflow(crate::Workflow);

impl App {
    /// The blocking twin of the asynchronous `workflow`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn workflow(&self, id: impl Into<Str>) -> Result<Workflow> {
        wait(self.0.workflow(id))?.map(Workflow)
    }
}

impl Workflow {
    /// The blocking twin of the asynchronous `send`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn send(canvas: impl Into<Canvas>, app: &App) -> Result<Self> {
        wait(crate::Workflow::send(canvas, &app.0))?.map(Self)
    }

    /// The blocking twin of the asynchronous `look`; [`tree`](crate::Workflow::tree) gives what was seen.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn look(&mut self) -> Result<&crate::workflow::Tree> {
        wait(self.0.look())?
    }

    /// The blocking twin of the asynchronous `cancel`.
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn cancel(&mut self) -> Result<crate::workflow::Cancelled> {
        wait(async { self.0.cancel().await })?
    }
}

impl Deref for Workflow {
    type Target = crate::Workflow;

    fn deref(&self) -> &crate::Workflow {
        &self.0
    }
}
