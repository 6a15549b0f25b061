//! A task has failed, and what hangs on it fails as well.

use std::collections::VecDeque;
use std::pin::Pin;

use salamander_value::{Dict, Exception, Str, Value};
use salamander_wire::celery::{Embed, ExceptionMeta, ResultMeta, ResultValue, State};

use super::super::{Shared, time};
use super::{Ending, NOTHING};
use crate::backend::{Found, Update};
use crate::task::TaskContext;

/// Chords lead to further chords.
pub(super) type Follows<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Shared {
    /// In Celery's order: the chord, the tasks behind it in its chain, its errbacks.
    pub(super) fn failed_for_good<'a>(&'a self, ending: Ending<'a>, exception: &'a Exception) -> Follows<'a> {
        Box::pin(async move {
            if ending.embed.chord.truth() {
                self.part(&ending, State::Failure, ResultValue::Exception(ExceptionMeta::from(exception))).await;
            }
            match ending.embed.whole_chain(&self.settings) {
                Ok(chain) => {
                    let chain = Value::List(chain.into_owned());
                    self.fail_chain(&chain, exception, ending.within, ending.stores).await;
                }
                Err(error) => tracing::error!("the tasks behind {} cannot be read: {error}", ending.id),
            }
            self.call_errbacks(&ending, exception).await;
        })
    }

    /// The tasks of the rest of a chain will never run: each of them has failed, and so have bodies of chords among them.
    pub(super) async fn fail_chain(&self, chain: &Value, exception: &Exception, within: &TaskContext, stores: bool) {
        let mut rest: VecDeque<&Value> = chain.as_slice().unwrap_or_default().iter().collect();
        while let Some(task) = rest.pop_front() {
            let options = task.get("options").and_then(Value::as_dict).cloned().unwrap_or_else(Dict::new);
            let text = |name: &str| options.get(name).and_then(Value::as_str).map(Str::from);
            let id = text("task_id");
            let chord = options.get("chord").filter(|chord| chord.truth());
            let counted = match (&id, chord) {
                (Some(id), Some(_)) => self.has_failed(id).await,
                _ => false,
            };
            if let Some(id) = id.as_ref().filter(|_| stores) {
                self.store_failed(id, text("parent_id"), text("group_id"), text("reply_to"), exception).await;
            }
            if let (Some(id), Some(chord), false) = (id, chord, counted) {
                let embed = Embed { chord: chord.clone(), ..Embed::default() };
                let ending = Ending {
                    id,
                    root_id: text("root_id"),
                    group_id: text("group_id"),
                    group_index: options.get("group_index").and_then(Value::as_int),
                    embed: &embed,
                    request: Dict::new(),
                    within,
                    stores,
                };
                self.part(&ending, State::Failure, ResultValue::Exception(ExceptionMeta::from(exception))).await;
            }
            if task.get("subtask_type").and_then(Value::as_str) == Some("chord")
                && let Some(body) = task.get("kwargs").and_then(|kwargs| kwargs.get("body"))
            {
                rest.push_back(body);
            }
        }
    }

    /// Stores the failure of a task that did not run.
    pub(super) async fn store_failed(
        &self,
        id: &Str,
        parent_id: Option<Str>,
        group_id: Option<Str>,
        reply_to: Option<Str>,
        exception: &Exception,
    ) {
        let mut meta = ResultMeta::failed(id.clone(), State::Failure, exception);
        meta.date_done = Some(time::iso_utc(time::now_micros()).into());
        (meta.parent_id, meta.group_id) = (parent_id, group_id);
        self.store_meta(Update { meta, reply_to, correlation_id: None }).await;
    }

    async fn has_failed(&self, id: &str) -> bool {
        let Some(backend) = self.app.backend() else { return false };
        matches!(backend.get(id).await, Ok(Found::Known(meta)) if meta.status.is_propagated())
    }

    /// A task that did not run, for what follows it.
    pub(super) fn never_run<'a>(&self, id: Str, embed: &'a Embed, within: &'a TaskContext) -> Ending<'a> {
        let request = Dict::from_iter([("id", Value::from(id.clone()))]);
        let empty = embed.is_empty();
        let embed = if empty { &NOTHING } else { embed };
        Ending { id, root_id: None, group_id: None, group_index: None, embed, request, within, stores: true }
    }
}
