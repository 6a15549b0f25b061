//! What has become of a workflow.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use salamander_value::{Str, Value};
use salamander_wire::celery::{ResultMeta, ResultValue, State};

use super::{Form, MOST, Tree, Workflow};
use crate::App;
use crate::backend::{Backend, Found};
use crate::error::{Error, Kind, Result};

/// How many results are asked for at once.
const AT_ONCE: usize = 64;

impl App {
    /// A workflow by its id: by that of the result or the first task of what [`Workflow::send`] has sent, and then all of it is known; by that of
    /// any other task what this has led to.
    ///
    /// # Errors
    /// [`Kind::Misuse`] without a result backend, [`Kind::Unsupported`] where results go to whoever sent the task alone, and those of the
    /// backend. An id that nobody knows is none: [`Workflow::look`] tells what there is.
    pub async fn workflow(&self, id: impl Into<Str>) -> Result<Workflow> {
        Workflow::find(self, id.into()).await
    }
}

/// The backend, if one can look there.
pub(super) fn readable(app: &App) -> Result<&Arc<dyn Backend>> {
    let none = || Error::new(Kind::Misuse, "No result backend is configured.");
    let backend = app.backend().ok_or_else(none)?;
    match backend.capabilities().shared {
        true => Ok(backend),
        false => Err(Error::new(
            Kind::Unsupported,
            format!(
                "results by {} go to whoever sent the task alone, and nobody else can look for them",
                backend.url()
            ),
        )),
    }
}

impl Workflow {
    /// Asks the backend for all that has not ended, and for what it has led to.
    ///
    /// A state that nobody stores is `PENDING`, as with Celery; `UNKNOWN` is a task that there is not, where the backend can tell
    /// ([`Capabilities::unknown`](crate::backend::Capabilities::unknown)) and nothing but its id is known.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where results go to whoever sent the task alone, and those of the backend.
    pub async fn look(&mut self) -> Result<&Tree> {
        let backend = readable(&self.app)?.clone();
        let mut wanted = self.unread();
        while !wanted.is_empty() {
            let asked = wanted.into_iter().map(|id| {
                let backend = backend.clone();
                async move { backend.get(&id).await.map(|found| (id, found)) }
            });
            let found = futures_util::stream::iter(asked).buffer_unordered(AT_ONCE);
            let found: HashMap<Str, Found> = found.try_collect().await?;
            wanted = self.told(&found);
        }
        Ok(&self.tree)
    }

    /// The tasks of which there may be something new.
    fn unread(&self) -> Vec<Str> {
        let mut ids: Vec<Str> = self.tree.tasks().filter_map(|task| task.id.clone()).collect();
        let mut once = HashSet::new();
        ids.retain(|id| !self.read.contains(id) && once.insert(id.clone()));
        ids
    }

    /// Takes up what was found; says which tasks are new by that.
    fn told(&mut self, found: &HashMap<Str, Found>) -> Vec<Str> {
        let mut seen: HashSet<Str> = self.tree.tasks().filter_map(|task| task.id.clone()).collect();
        let alone = !self.whole && seen.len() == 1;
        let (read, mut new) = (&mut self.read, Vec::new());
        self.tree.change(&mut |task| {
            let Some(id) = task.id.clone() else { return };
            match found.get(&id) {
                Some(Found::Known(meta)) => {
                    task.tell(meta);
                    if meta.status.is_ready() {
                        read.insert(id);
                        task.add_children(meta, &mut seen, &mut new);
                    }
                }
                // What is not sent yet is in no queue.
                Some(Found::Unknown) if alone => task.state = State::Unknown,
                _ => {}
            }
        });
        self.tree.straighten();
        new
    }
}

impl Tree {
    /// What is stored of a task.
    fn tell(&mut self, meta: &ResultMeta) {
        self.state = meta.status.clone();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(Str::from);
        if let Some(name) = text(meta.other.get("name")) {
            self.name = Some(name);
        }
        if let Some(worker) = text(meta.other.get("worker")) {
            self.worker = Some(worker);
        }
        match &meta.result {
            ResultValue::Value(began) if meta.status == State::Started => {
                self.worker = text(began.get("hostname")).or(self.worker.take());
            }
            _ => {}
        }
        if meta.status.is_ready() {
            self.done.clone_from(&meta.date_done);
        }
    }

    /// Those that a task has sent and that are new here. Callbacks have no ids before they are sent, and get theirs in their order.
    fn add_children(&mut self, meta: &ResultMeta, seen: &mut HashSet<Str>, new: &mut Vec<Str>) {
        for child in &meta.children {
            let child = Self::of_result(child);
            let ids: Vec<Str> = child.tasks().filter_map(|task| task.id.clone()).collect();
            if ids.is_empty() || ids.iter().any(|id| seen.contains(id)) || seen.len() + ids.len() > MOST {
                continue;
            }
            seen.extend(ids.iter().cloned());
            new.extend(ids);
            let nameless =
                |other: &&mut Self| other.form == child.form && other.tasks().all(|task| task.id.is_none());
            match self.children.iter_mut().find(nameless) {
                Some(expected) if expected.form == Form::Task => expected.id = child.id,
                Some(expected) => *expected = child,
                None => self.children.push(child),
            }
        }
    }
}
