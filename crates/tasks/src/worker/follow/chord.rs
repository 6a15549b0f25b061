//! Chords: a part has ended; the body is sent, or it fails with what a part failed with.

use salamander_value::{Exception, Str, Value};
use salamander_wire::celery::{Embed, ResultValue, State};

use super::super::Shared;
use super::failure::Follows;
use super::{Ending, as_exception};
use crate::backend::{Broken, Chords, Claim, Counted, Part};
use crate::canvas::{Canvas, Options};
use crate::error::Result;
use crate::task::{TaskContext, exception_repr};

impl Shared {
    /// A part of a chord has ended. If it was the last one, the chord goes on from here.
    pub(super) fn part<'a>(&'a self, ending: &'a Ending<'a>, state: State, result: ResultValue) -> Follows<'a> {
        Box::pin(async move {
            let Some(chords) = self.app.backend().and_then(|backend| backend.chords()) else { return };
            let Some(group_id) = ending.group_id.clone().filter(|group| !group.is_empty()) else { return };
            let (task_id, group_index) = (ending.id.clone(), ending.group_index);
            let part = Part { group_id: group_id.clone(), task_id, group_index, state, result };
            match chords.part(part).await {
                Ok(Counted::Last(claim)) => self.complete(chords, &claim, &ending.embed.chord, ending.within).await,
                Ok(Counted::Waiting) => {}
                Err(error) => tracing::error!("a part of the chord {group_id} was not counted: {error}"),
            }
        })
    }

    /// All parts have ended.
    async fn complete(&self, chords: &dyn Chords, claim: &Claim, body: &Value, within: &TaskContext) {
        let group_id = &claim.group_id;
        let body = match Canvas::from_value(body) {
            Ok(body) => body,
            Err(error) => return tracing::error!("the body of the chord {group_id} cannot be sent: {error}"),
        };
        let results = match chords.join(claim).await {
            Ok(Ok(results)) => results,
            Ok(Err(broken)) => return self.break_chord(chords, claim, &body, broken, within).await,
            Err(error) => {
                let reason = format!("Join error: {}", exception_repr(&as_exception(error))).into();
                return self.break_chord(chords, claim, &body, Broken { reason, cause: None }, within).await;
            }
        };
        match chords.extend(claim).await {
            Ok(true) => {}
            Ok(false) => {
                let text = "the body of the chord was not sent: somebody else goes on with it";
                return tracing::warn!("{group_id}: {text}");
            }
            Err(error) => return tracing::error!("the body of the chord {group_id} was not sent: {error}"),
        }
        let sent = self.send_within(within, &body, &[Value::List(results)], &Options::default()).await;
        if let Err(error) = sent {
            let exception = as_exception(error);
            tracing::error!("the body of the chord {group_id} was not sent: {}", exception_repr(&exception));
            let reason: Str = format!("Callback error: {}", exception_repr(&exception)).into();
            self.fail_body(&body, &Broken { reason, cause: None }, within).await;
        }
        self.settled(chords.finish(claim).await, group_id);
    }

    async fn break_chord(
        &self,
        chords: &dyn Chords,
        claim: &Claim,
        body: &Canvas,
        broken: Broken,
        within: &TaskContext,
    ) {
        tracing::error!("Chord '{}' raised: {}", claim.group_id, broken.reason);
        self.fail_body(body, &broken, within).await;
        self.settled(chords.fail(claim).await, &claim.group_id);
    }

    fn settled(&self, done: Result<()>, group_id: &str) {
        if let Err(error) = done {
            tracing::error!("what was kept for the chord {group_id} was not removed: {error}");
        }
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

/// The ids of the results that a body would have had, each with its errbacks: those of a group's members.
fn results_of(body: &Canvas, outer: &[Value]) -> Vec<(Str, Vec<Value>)> {
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
