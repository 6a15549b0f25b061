//! Chords: a part has ended; the body is sent, or it fails with what a part failed with.

use std::sync::Arc;

use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{Embed, ResultTree, ResultValue, State};

use super::super::Shared;
use super::super::job::Job;
use super::failure::Follows;
use super::{Ending, as_exception};
use crate::backend::{Begun, Broken, Chords, Claim, Counted, Found, Lost, Part};
use crate::canvas::{Canvas, Options, carry_out, carry_out_with, planned};
use crate::error::{Error, Kind, Result};
use crate::task::{TaskContext, exception_repr};

impl Shared {
    /// A part of a chord has ended. If it was the last one, the chord goes on from here.
    pub(super) fn part<'a>(&'a self, ending: &'a Ending<'a>, state: State, result: ResultValue) -> Follows<'a> {
        Box::pin(async move {
            let Some(chords) = self.chords() else { return };
            let Some(group_id) = ending.group_id.clone().filter(|group| !group.is_empty()) else { return };
            let (task_id, group_index) = (ending.id.clone(), ending.group_index);
            let part = Part { group_id: group_id.clone(), task_id, group_index, state, result };
            let body = &ending.embed.chord;
            let counted = match chords.part(part).await {
                Ok(Counted::Last(claim)) => return self.complete(chords, &claim, body, ending.within).await,
                Ok(Counted::Waiting) => Ok(()),
                Ok(Counted::WaitingUnknown) => chords.remember(&group_id, body).await,
                Err(error) => Err(error),
            };
            if let Err(error) = counted {
                tracing::error!("a part of the chord {group_id} was not counted: {error}");
            }
        })
    }

    pub(super) fn chords(&self) -> Option<&dyn Chords> {
        self.app.backend().and_then(|backend| backend.chords())
    }

    /// All parts have ended.
    async fn complete(&self, chords: &dyn Chords, claim: &Claim, body: &Value, within: &TaskContext) {
        let group_id = &claim.group_id;
        let body = match Canvas::from_value(body) {
            Ok(body) => body,
            Err(error) => return tracing::error!("the body of the chord {group_id} cannot be sent: {error}"),
        };
        let results = match chords.join(claim).await {
            Ok(results) => results,
            Err(error) => {
                let reason = format!("Join error: {}", exception_repr(&as_exception(error))).into();
                Err(Broken { reason, cause: None })
            }
        };
        self.conclude_chord(chords, claim, &body, results, within).await;
    }

    /// Sends the body, or has it fail; once, whoever else may go on with the chord.
    async fn conclude_chord(
        &self,
        chords: &dyn Chords,
        claim: &Claim,
        body: &Canvas,
        results: Result<Vec<Value>, Broken>,
        within: &TaskContext,
    ) {
        let group_id = &claim.group_id;
        match chords.extend(claim).await {
            Ok(true) => {}
            Ok(false) => {
                let text = "the body of the chord was not sent: somebody else goes on with it";
                return tracing::warn!("{group_id}: {text}");
            }
            Err(error) => return tracing::error!("the body of the chord {group_id} was not sent: {error}"),
        }
        match results {
            Ok(results) => match self.send_body(chords, claim, body, results, within).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    let exception = as_exception(error);
                    tracing::error!("the body of the chord {group_id} was not sent: {}", exception_repr(&exception));
                    let reason: Str = format!("Callback error: {}", exception_repr(&exception)).into();
                    self.fail_body(body, &Broken { reason, cause: None }, within).await;
                }
            },
            Err(broken) => {
                tracing::error!("Chord '{group_id}' raised: {}", broken.reason);
                self.fail_body(body, &broken, within).await;
            }
        }
        self.finish(chords, claim).await;
    }

    async fn finish(&self, chords: &dyn Chords, claim: &Claim) {
        if let Err(error) = chords.finish(claim).await {
            tracing::error!("what was kept for the chord {} was not removed: {error}", claim.group_id);
        }
    }

    /// Publishes the body. True where the chord was finished in the same step, because what counts is where the queues are.
    async fn send_body(
        &self,
        chords: &dyn Chords,
        claim: &Claim,
        body: &Canvas,
        results: Vec<Value>,
        within: &TaskContext,
    ) -> Result<bool> {
        let plan = planned(body, &self.app, &[Value::List(results)], &Options::default())?;
        let together = chords.place().is_some_and(|place| self.app.broker().place() == Some(place));
        if !together || !plan.only_sends() {
            return carry_out(plan, &self.app, Some(within)).await.map(|()| false);
        }
        let finished =
            carry_out_with(plan, &self.app, Some(within), |messages| chords.finish_with(claim, messages)).await?;
        if !finished {
            tracing::warn!("{}: the body of the chord was not sent: somebody else goes on with it", claim.group_id);
        }
        Ok(true)
    }

    /// A chord was found with which nobody goes on.
    pub(super) async fn go_on(&self, chords: &dyn Chords, lost: Lost) {
        let Lost { claim, body, overdue } = lost;
        let canvas = match Canvas::from_value(&body) {
            Ok(canvas) => canvas,
            Err(error) => return tracing::error!("the body of the chord {} cannot be sent: {error}", claim.group_id),
        };
        // Whoever went on may have been killed just before he could say so.
        for (id, _) in results_of(&canvas, &[]) {
            if self.is_known(&id).await {
                return self.finish(chords, &claim).await;
            }
        }
        let within = self.within(&claim.group_id, canvas.options.text("root_id"));
        if overdue {
            let reason = "not all of its tasks have ended in the time for which results are kept".into();
            let broken = Broken { reason, cause: None };
            return self.conclude_chord(chords, &claim, &canvas, Err(broken), &within).await;
        }
        tracing::warn!("nobody goes on with the chord {}, whose parts have ended: it goes on here", claim.group_id);
        self.complete(chords, &claim, &body, &within).await;
    }

    async fn is_known(&self, id: &str) -> bool {
        let Some(backend) = self.app.backend() else { return false };
        matches!(backend.get(id).await, Ok(Found::Known(_)))
    }

    /// Celery's `celery.chord_unlock` has come: the chord goes on from here, as soon as its parts have ended.
    ///
    /// # Errors
    /// Where this is none, and where nothing here counts.
    pub(in super::super) async fn unlock(&self, job: &Arc<Job>) -> Result<(), Exception> {
        let unlock = async {
            let chords = self.chords().ok_or_else(|| Error::new(Kind::Unsupported, "no chords are counted here"))?;
            let (chord, body) = unlocked(job)?;
            if let Counted::Last(claim) = chords.adopt(chord).await? {
                self.complete(chords, &claim, &body, &job.context).await;
            }
            Ok(())
        };
        unlock.await.map_err(as_exception)
    }

    /// The body will never run. Where it is a part of another chord itself, that one is told; in Celery it would wait for ever.
    async fn fail_body(&self, body: &Canvas, broken: &Broken, within: &TaskContext) {
        let exception = Exception::new("celery.exceptions.ChordError", broken.reason.clone());
        // Members of a group fail with what the part failed with.
        let exception = match (&broken.cause, body.is_group()) {
            (Some(cause), true) => cause.clone(),
            _ => exception,
        };
        for (id, errbacks) in results_of(body, &[]) {
            let options = body.options.to_dict();
            let chord = options.get("chord").cloned().unwrap_or_default();
            let embed = Embed { errbacks: Value::List(errbacks), chord, ..Embed::default() };
            self.store_failed(&id, None, body.options.text("group_id"), &exception).await;
            let mut ending = self.never_run(id, &embed, within);
            ending.root_id = body.options.text("root_id");
            ending.group_id = body.options.text("group_id");
            ending.group_index = body.options.get("group_index").and_then(Value::as_int);
            self.failed_for_good(ending, &exception).await;
        }
        let chain = body.options.get("chain").cloned().unwrap_or_default();
        self.fail_chain(&chain, &exception, within, true).await;
    }
}

/// What `celery.chord_unlock` says: `(group_id, body, result=[...])`.
fn unlocked(job: &Job) -> Result<(Begun, Value)> {
    let wrong = |what: &str| Error::new(Kind::Message, format!("celery.chord_unlock without {what}"));
    let arguments = job.context.request().arguments()?;
    let argument = |at: usize, name: &str| arguments.positional.get(at).or_else(|| arguments.keywords.get(name));
    let group_id = argument(0, "group_id").and_then(Value::as_str).ok_or_else(|| wrong("a group"))?.into();
    let body = argument(1, "callback").filter(|body| body.as_dict().is_some()).ok_or_else(|| wrong("a body"))?;
    let header = argument(4, "result").and_then(Value::as_slice).ok_or_else(|| wrong("a header"))?;
    let header = header.iter().map(ResultTree::from_value).collect::<Result<_, _>>()?;
    Ok((Begun { group_id, header, body: body.clone() }, body.clone()))
}

/// The ids of the results that a body would have had, each with its errbacks: those of a group's members.
pub(super) fn results_of(body: &Canvas, outer: &[Value]) -> Vec<(Str, Vec<Value>)> {
    let mut errbacks = body.options.list("link_error");
    for errback in outer {
        if !errbacks.contains(errback) {
            errbacks.push(errback.clone());
        }
    }
    if body.is_group() {
        return body.tasks().iter().flat_map(|task| results_of(task, &errbacks)).collect();
    }
    match body.body() {
        // The result of a chord is its body's.
        Some(inner) => results_of(inner, &errbacks),
        None => body.options.text("task_id").map(|id| (id, errbacks)).into_iter().collect(),
    }
}
