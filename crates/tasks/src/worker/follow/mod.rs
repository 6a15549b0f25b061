//! What follows a task: callbacks and the rest of its chain, errbacks, the chord that waits for it.

mod chord;
mod errback;
mod failure;
mod once;
mod sweep;

use std::sync::{Arc, LazyLock};

use salamander_object::Encoded;
use salamander_value::{Dict, Exception, Str, Value};
use salamander_wire::celery::{Embed, ResultValue, State};

pub(super) use once::Bodies;
pub(super) use sweep::Sweeper;

use super::Shared;
use super::job::Job;
use crate::canvas::{Canvas, Options, carry_out, group, planned};
use crate::task::TaskContext;
use crate::{Error, Result};

/// A task that has come to its end, or that never will: what there is to know of it for what follows.
pub(super) struct Ending<'a> {
    pub(super) id: Str,
    pub(super) root_id: Option<Str>,
    pub(super) group_id: Option<Str>,
    pub(super) group_index: Option<i64>,
    pub(super) embed: &'a Embed,
    /// What an errback is given as the request.
    pub(super) request: Dict,
    /// The task that this worker has run, within which all of this happens.
    pub(super) within: &'a TaskContext,
    /// Failures are stored.
    pub(super) stores: bool,
}

static NOTHING: LazyLock<Embed> = LazyLock::new(Embed::default);

impl Shared {
    /// A task has a result, which is not stored yet: its callbacks are sent, and the next task of its chain.
    ///
    /// # Errors
    /// What cannot be sent; then the task fails with that.
    ///
    /// # Wire
    /// As Celery: callbacks that are groups by themselves, all others together as one group.
    pub(super) async fn lead_on(&self, job: &Job, result: &Encoded) -> Result<(), Exception> {
        let Some(embed) = &job.embed else { return Ok(()) };
        if !embed.callbacks.truth() && !embed.chain.truth() && embed.rest.is_none() {
            return Ok(());
        }
        let result = result.decode(&self.settings).map_err(|error| error.exception())?;
        self.send_on(job, embed, result).await.map_err(as_exception)
    }

    async fn send_on(&self, job: &Job, embed: &Embed, result: Value) -> Result<()> {
        let headers = &job.message().headers;
        let mut options = Options::default();
        options.set("parent_id", headers.id.clone().into());
        options.set("root_id", headers.root_id.clone().unwrap_or_else(|| headers.id.clone()).into());
        if self.app.settings().task_inherit_parent_priority
            && let Some(priority) = job.context.request().priority()
        {
            options.set("priority", i64::from(priority).into());
        }
        let callbacks = embed.callbacks.as_slice().unwrap_or_default();
        let callbacks: Vec<Canvas> = callbacks.iter().map(Canvas::from_value).collect::<Result<_>>()?;
        let (groups, others): (Vec<_>, Vec<_>) = match callbacks.len() {
            1 => (callbacks, Vec::new()),
            _ => callbacks.into_iter().partition(Canvas::is_group),
        };
        let others = Some(others).filter(|others| !others.is_empty()).map(group);
        let result = [result];
        for callback in groups.into_iter().chain(others) {
            self.send_within(&job.context, &callback, &result, &options).await?;
        }
        self.send_next(job, embed, &result, options).await
    }

    /// Sends the next task of a chain.
    async fn send_next(&self, job: &Job, embed: &Embed, result: &[Value], mut options: Options) -> Result<()> {
        let known = embed.chain.as_slice().unwrap_or_default();
        let Some((next, behind)) = known.split_last() else { return Ok(()) };
        let next = Canvas::from_value(next)?;
        // What is one message takes on what was not read.
        if let Some(rest) = embed.rest.as_ref().filter(|_| behind.is_empty() && next.is_task()) {
            options.set("chain", Value::List(Vec::new()));
            let mut plan = planned(&next, &self.app, result, &options)?;
            plan.hand_on(rest);
            return carry_out(plan, &self.app, Some(&job.context)).await;
        }
        let mut chain = embed.whole_chain(&self.settings)?.into_owned();
        chain.pop();
        options.set("chain", Value::List(chain));
        self.send_within(&job.context, &next, result, &options).await
    }

    /// Sends a canvas as a task does that runs.
    pub(super) async fn send_within(
        &self,
        within: &TaskContext,
        canvas: &Canvas,
        args: &[Value],
        options: &Options,
    ) -> Result<()> {
        let plan = planned(canvas, &self.app, args, options)?;
        carry_out(plan, &self.app, Some(within)).await
    }

    /// A task has come to its end, and that is stored: the chord that it is a part of is told.
    pub(super) async fn count(&self, job: &Arc<Job>, state: State, result: ResultValue) {
        if job.embed.as_ref().is_some_and(|embed| embed.chord.truth()) {
            self.part(&self.ending(job), state, result).await;
        }
    }

    /// A task has failed, and that is stored: all that waits for its result is told.
    pub(super) async fn fail_on(&self, job: &Arc<Job>, exception: &Exception) {
        if job.embed.is_some() {
            self.failed_for_good(self.ending(job), exception).await;
        }
    }

    fn ending<'a>(&self, job: &'a Job) -> Ending<'a> {
        let headers = &job.message().headers;
        Ending {
            id: headers.id.clone(),
            root_id: headers.root_id.clone(),
            group_id: headers.group.clone(),
            group_index: headers.group_index,
            embed: job.embed.as_deref().unwrap_or(&NOTHING),
            request: errback::request(job),
            within: &job.context,
            stores: job.store_errors(),
        }
    }
}

/// What Python would raise.
pub(super) fn as_exception(error: Error) -> Exception {
    match error.exception() {
        Some(exception) => exception.clone(),
        None => Exception::new("kombu.exceptions.OperationalError", error.to_string()),
    }
}
