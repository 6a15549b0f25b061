//! How a canvas is sent: its plan is made and carried out.

use futures_util::{StreamExt, TryStreamExt};
use salamander_value::{Dict, Value};

use super::plan::Beginning;
use super::{Canvas, CanvasResult, Freezing, Options, Plan, Promise, Step};
use crate::App;
use crate::backend::Chords;
use crate::call::{AT_ONCE, Place, Prepared, Signature, new_id};
use crate::error::{Error, Kind, Result};
use crate::task::TaskContext;

impl Canvas {
    /// Sends it: done when the broker has all that is sent at first, and the backend knows of the chords that begin.
    ///
    /// # Errors
    /// - as [`Signature::send`](crate::Signature::send), for each of its tasks that is sent now
    /// - [`Kind::Misuse`]: a chord without a body, chords whose messages would grow without bound, and chords where there is no result backend
    /// - [`Kind::Unsupported`]: chords where the result backend counts none, and `task_always_eager`
    ///
    /// # Cancellation
    /// Dropping the future does not take back what has been sent.
    pub fn send<P: Place>(self, app: &P) -> P::Begun<'_> {
        app.begin(self)
    }

    pub(crate) async fn sent(self, app: &App) -> Result<CanvasResult> {
        if app.settings().task_always_eager {
            return Err(in_place());
        }
        self.checked()?;
        let parent = TaskContext::current();
        let plan = planned(&self, app, &[], &Options::default())?;
        let result = CanvasResult::of(app, plan.promise.clone());
        carry_out(plan, app, parent.as_ref()).await?;
        Ok(result)
    }
}

impl Canvas {
    /// It as a task that can run in place.
    pub(crate) fn alone(&self, app: &App) -> Result<Signature> {
        let mut plan = planned(self, app, &[], &Options::default())?;
        match (plan.steps.pop(), plan.steps.is_empty()) {
            (Some(Step::Send(leaf)), true) if self.is_task() => leaf.into_signature(app),
            _ => Err(in_place()),
        }
    }
}

fn in_place() -> Error {
    Error::new(Kind::Unsupported, "canvases do not run in place; task_always_eager is on")
}

/// What is to be done for a canvas.
pub(crate) fn planned(canvas: &Canvas, app: &App, args: &[Value], options: &Options) -> Result<Plan> {
    let freezing = Freezing { new_id: &mut new_id, reply_to: app.reply_to(), left: 0 };
    canvas.plan(args, &Dict::new(), options, freezing)
}

/// Does it. All messages are made before the first one is sent: what cannot be sent is known before.
pub(crate) async fn carry_out(plan: Plan, app: &App, parent: Option<&TaskContext>) -> Result<()> {
    let mut ready = Vec::with_capacity(plan.steps.len());
    for step in plan.steps {
        ready.push(match step {
            Step::Send(leaf) => Ready::Send(Box::new(leaf.into_signature(app)?.prepare(app, parent)?)),
            Step::Chord(beginning) => Ready::Chord(beginning),
            Step::Size { group_id, size } => Ready::Size(group_id, size),
        });
    }
    let mut ready = ready.into_iter().peekable();
    while let Some(step) = ready.next() {
        match step {
            Ready::Chord(beginning) => begin(app, &beginning).await?,
            Ready::Size(group_id, size) => chords(app)?.set_size(&group_id, size).await?,
            Ready::Send(first) => {
                let mut together = vec![first];
                while let Some(Ready::Send(next)) = ready.next_if(|step| matches!(step, Ready::Send(_))) {
                    together.push(next);
                }
                let sending = together.into_iter().map(|prepared| prepared.deliver(app, parent));
                futures_util::stream::iter(sending).buffered(AT_ONCE).try_collect::<()>().await?;
            }
        }
    }
    if let Some(parent) = parent {
        plan.children.into_iter().for_each(|child| parent.add_child(child));
    }
    Ok(())
}

enum Ready {
    Send(Box<Prepared>),
    Chord(Box<Beginning>),
    Size(salamander_value::Str, usize),
}

async fn begin(app: &App, beginning: &Beginning) -> Result<()> {
    let header: Vec<_> = beginning.header.iter().map(Promise::to_tree).collect();
    chords(app)?.begin(&beginning.group_id, header).await
}

pub(crate) fn chords(app: &App) -> Result<&dyn Chords> {
    let Some(backend) = app.backend() else {
        return Err(Error::new(Kind::Misuse, "chords need a result backend, and none is configured"));
    };
    backend.chords().ok_or_else(|| {
        Error::new(Kind::Unsupported, format!("the result backend {} counts no chords", backend.url()))
    })
}
