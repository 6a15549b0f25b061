//! What tasks have led to: the results of all that they sent, and of all that those sent.

use std::collections::VecDeque;

use salamander_value::{Exception, Value};

use super::CanvasResult;
use crate::call::AsyncResult;
use crate::error::{Error, Kind, Result};

/// The results of a task, and of all that it led to, one level after the other; see [`CanvasResult::collect`].
#[derive(Debug)]
pub struct Collected {
    waiting: VecDeque<CanvasResult>,
    /// The one that was told last, whose children come.
    told: Option<CanvasResult>,
}

impl Collected {
    /// The next one, with what it gave; none after the last. It waits until it is there.
    ///
    /// # Errors
    /// As [`AsyncResult::get`]; what comes after it can still be asked for.
    pub async fn next(&mut self) -> Result<Option<(CanvasResult, Value)>> {
        if let Some(told) = self.told.take() {
            self.waiting.extend(told.children().await?);
        }
        let Some(result) = self.waiting.pop_front() else { return Ok(None) };
        let value = result.value().await?;
        self.told = Some(result.clone());
        Ok(Some((result, value)))
    }
}

impl CanvasResult {
    /// Waits for it, then for all that its tasks have sent, then for all that those have sent, and so on: Celery's `collect()`, in its order.
    ///
    /// ```no_run
    /// # async fn example(result: salamander_tasks::canvas::CanvasResult) -> salamander_tasks::Result<()> {
    /// let mut collected = result.collect();
    /// while let Some((result, value)) = collected.next().await? {
    ///     println!("{} gave {value}", result.id());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn collect(&self) -> Collected {
        Collected { waiting: [self.clone()].into(), told: None }
    }

    /// The value of the last of those that [`CanvasResult::collect`] gives.
    ///
    /// # Errors
    /// As [`AsyncResult::get`].
    pub async fn get_leaf(&self) -> Result<Value> {
        let (mut collected, mut leaf) = (self.collect(), Value::None);
        while let Some((_, value)) = collected.next().await? {
            leaf = value;
        }
        Ok(leaf)
    }

    /// All that it has led to so far, each with what led to it, in the order of [`CanvasResult::collect`]: Celery's `iterdeps()`, out of which its
    /// graphs are made.
    ///
    /// # Errors
    /// `IncompleteStream`, unless `intermediate` says that it need not be done; and as [`AsyncResult::found`].
    pub async fn dependencies(&self, intermediate: bool) -> Result<Vec<(Option<CanvasResult>, CanvasResult)>> {
        let mut waiting: VecDeque<(Option<CanvasResult>, CanvasResult)> = [(None, self.clone())].into();
        let mut all = Vec::new();
        while let Some((parent, result)) = waiting.pop_front() {
            if result.ready().await? {
                let children = result.children().await?;
                waiting.extend(children.into_iter().map(|child| (Some(result.clone()), child)));
            } else if !intermediate {
                let exception = Exception::with_args("celery.exceptions.IncompleteStream", Vec::new());
                return Err(Error::of_task(Kind::Misuse, exception));
            }
            all.push((parent, result));
        }
        Ok(all)
    }
}

impl<T> AsyncResult<T> {
    /// It as the result of a canvas, which knows more of what it led to.
    ///
    /// # Errors
    /// [`Kind::Misuse`] where the task has run in place.
    pub fn to_canvas_result(&self) -> Result<CanvasResult> {
        Ok(CanvasResult::of(self.app()?, super::Promise::task(self.id().into())))
    }

    /// Waits for it, and for all that it led to; see [`CanvasResult::collect`].
    ///
    /// # Errors
    /// [`Kind::Misuse`] where the task has run in place.
    pub fn collect(&self) -> Result<Collected> {
        Ok(self.to_canvas_result()?.collect())
    }
}
