//! Workflows as a whole: how their tasks hang together, what has become of each, and how all of it is cancelled.
//!
//! [`Tree::of`] draws a canvas that is not sent yet. [`Workflow::send`] sends one and keeps its tree beside the results, so that others find
//! all of it by its id, what is not sent yet among it; [`App::workflow`](crate::App::workflow) finds that again. Of what was sent in another
//! way, by Python's Celery for one, is known what the result backend keeps: from a task on all that it has led to so far, and the members of a group that was
//! saved.
//!
//! ```no_run
//! # use salamander_tasks::{App, Signature, workflow::Workflow};
//! # async fn example(app: App) -> salamander_tasks::Result<()> {
//! let canvas = Signature::<i64>::new("tasks.add", (2, 2)) | Signature::<i64>::new("tasks.add", (4,));
//! let mut workflow = Workflow::send(canvas, &app).await?;
//! println!("{}", workflow.look().await?.to_text());
//! workflow.cancel().await?;
//! # Ok(())
//! # }
//! ```

mod cancel;
mod dot;
mod look;
mod svg;
mod text;
mod tree;

use std::collections::HashSet;

use salamander_value::{Str, Value};
use salamander_wire::celery::{ResultMeta, ResultValue};

pub use cancel::Cancelled;
pub use salamander_wire::celery::State;
pub use text::Line;
pub use tree::{Counts, Form, Tree};

use crate::App;
use crate::backend::{Found, Update};
use crate::call::new_id;
use crate::canvas::{Canvas, CanvasResult, Promise, Shape};
use crate::error::Result;

/// So many tasks of a workflow are looked at; one with more is not kept beside its results.
pub const MOST: usize = 10_000;

/// A workflow that was sent.
#[derive(Clone, Debug)]
pub struct Workflow {
    app: App,
    id: Str,
    tree: Tree,
    result: Option<CanvasResult>,
    /// All of it was known when it was sent.
    whole: bool,
    /// The tasks whose last word has been read.
    read: HashSet<Str>,
}

impl Workflow {
    /// Sends a canvas, and keeps its tree beside the results, as long as they are kept.
    ///
    /// # Errors
    /// As [`Canvas::send`].
    ///
    /// # Wire
    /// The canvas is Celery's, with ids for all its tasks. The tree is kept as if it was a state of a task `salamander-workflow-ID`, by the id of the result and
    /// by that of the first task. Where results go to whoever sent the task alone, or the workflow has more tasks than [`MOST`], it is not kept.
    pub async fn send(canvas: impl Into<Canvas>, app: &App) -> Result<Self> {
        let mut canvas = canvas.into();
        give_ids(&mut canvas);
        let mut tree = Tree::of(&canvas);
        let result = canvas.sent(app).await?;
        let promise = result.promise();
        if tree.form == Form::Group {
            tree.id = Some(promise.id.clone());
        }
        // What is sent as something else than it looks, such as chunks, is what was promised.
        if !has_all(&tree, promise) {
            tree = Tree::of_promise(promise);
        }
        let workflow = Self { id: promise.id.clone(), ..Self::new(app, tree, Some(result)) };
        workflow.keep().await?;
        Ok(workflow)
    }

    /// Of a canvas that was sent, as far as its result tells.
    pub fn of(app: &App, result: CanvasResult) -> Self {
        Self::new(app, Tree::of_promise(result.promise()), Some(result))
    }

    fn new(app: &App, tree: Tree, result: Option<CanvasResult>) -> Self {
        let id = result.as_ref().map(|result| result.id().into()).unwrap_or_default();
        Self { app: app.clone(), id, tree, whole: result.is_some(), result, read: HashSet::new() }
    }

    /// A workflow by the id of its result or of its first task.
    pub(crate) async fn find(app: &App, id: Str) -> Result<Self> {
        let backend = look::readable(app)?;
        let kept = match backend.get(&kept_as(&id)).await? {
            Found::Known(meta) => match &meta.result {
                ResultValue::Value(value) => Tree::from_value(value),
                _ => None,
            },
            Found::Pending | Found::Unknown => None,
        };
        let whole = kept.is_some();
        let tree = match (kept, backend.groups()) {
            (Some(kept), _) => kept,
            // A group that was saved is found by its own id.
            (None, Some(groups)) => match groups.restore(&id).await? {
                Some(group) => Tree::of_result(&group),
                None => Tree::task(Some(id.clone())),
            },
            (None, None) => Tree::task(Some(id.clone())),
        };
        Ok(Self { app: app.clone(), id, tree, result: None, whole, read: HashSet::new() })
    }

    /// The id of its result; or that of the task from which on it is known.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it will give, where it was sent from here.
    pub fn result(&self) -> Option<&CanvasResult> {
        self.result.as_ref()
    }

    /// All of it, as it was last seen.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether all of it is known, what is not sent yet among it; else what the tasks have led to so far.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Keeps the tree for others, where they can look.
    async fn keep(&self) -> Result<()> {
        let Some(backend) = self.app.backend().filter(|backend| backend.capabilities().shared) else { return Ok(()) };
        if self.tree.tasks().take(MOST + 1).count() > MOST {
            return Ok(());
        }
        let first = self.tree.tasks().next().and_then(|task| task.id.clone()).filter(|first| *first != self.id);
        for id in [Some(self.id.clone()), first].into_iter().flatten() {
            let meta = ResultMeta::new(kept_as(&id), State::Custom("WORKFLOW".into()), self.tree.to_value());
            backend.store(Update { meta, reply_to: None, correlation_id: None }).await?;
        }
        Ok(())
    }
}

fn kept_as(id: &str) -> Str {
    format!("salamander-workflow-{id}").into()
}

/// Gives ids to the tasks that have none, so that they are known before they are sent.
fn give_ids(canvas: &mut Canvas) {
    match &mut canvas.shape {
        Shape::Task { .. } => {
            if canvas.origin.own.is_none() && canvas.options.text("task_id").is_none() {
                canvas.options.set("task_id", Value::from(new_id()));
            }
        }
        Shape::Chain(tasks) | Shape::Group(tasks) => tasks.iter_mut().for_each(give_ids),
        Shape::Chord(chord) => chord.header.iter_mut().chain(&mut chord.body).for_each(give_ids),
    }
}

/// Whether all tasks are there that were promised.
fn has_all(tree: &Tree, promise: &Promise) -> bool {
    let there: HashSet<&Str> = tree.tasks().filter_map(|task| task.id.as_ref()).collect();
    Tree::of_promise(promise).tasks().all(|task| task.id.as_ref().is_some_and(|id| there.contains(id)))
}
