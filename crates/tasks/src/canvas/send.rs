//! How a canvas is sent: its plan is made and carried out.

use futures_util::{StreamExt, TryStreamExt};
use salamander_codec::Args;
use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::ResultTree;

use super::plan::Beginning;
use super::{Canvas, CanvasResult, Freezing, Options, Plan, Promise, Shape, Step};
use crate::backend::{Begun, Chords};
use crate::broker::Publication;
use crate::builtin::CHORD_UNLOCK;
use crate::call::{AT_ONCE, Place, Prepared, SendOptions, Signature, new_id};
use crate::error::{Error, Kind, Result};
use crate::task::TaskContext;
use crate::{App, Waits};

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
    adopted(plan.children, parent);
    Ok(())
}

/// Does all of a plan that only sends, with one publication of all messages. Says what publishing says.
pub(crate) async fn carry_out_with<'a>(
    plan: Plan,
    app: &App,
    parent: Option<&TaskContext>,
    publish: impl FnOnce(Vec<Publication>) -> Waits<'a, bool>,
) -> Result<bool> {
    let mut messages = Vec::with_capacity(plan.steps.len());
    for step in plan.steps {
        if let Step::Send(leaf) = step {
            messages.push(leaf.into_signature(app)?.prepare(app, parent)?);
        }
    }
    let published = Prepared::publish_all(messages, app, parent, publish).await?;
    adopted(plan.children, parent);
    Ok(published)
}

/// What counts as a child of the task that sends.
fn adopted(children: Vec<ResultTree>, parent: Option<&TaskContext>) {
    if let Some(parent) = parent {
        children.into_iter().for_each(|child| parent.add_child(child));
    }
}

enum Ready {
    Send(Box<Prepared>),
    Chord(Box<Beginning>),
    Size(salamander_value::Str, usize),
}

async fn begin(app: &App, beginning: &Beginning) -> Result<()> {
    let header: Vec<_> = beginning.header.iter().map(Promise::to_tree).collect();
    let body = beginning.body.as_deref().cloned().unwrap_or_default();
    let (group_id, chords) = (beginning.group_id.clone(), chords(app)?);
    if chords.needs_unlock() {
        let unlock = unlock(app, &group_id, &header, &body)?.prepare(app, None)?;
        chords.begin(Begun { group_id, header, body }).await?;
        return Box::new(unlock).deliver(app, None).await;
    }
    chords.begin(Begun { group_id, header, body }).await
}

/// The task that goes on with a chord if Python's worker gets it.
///
/// # Wire
/// Celery 5.7: by the way of the body, and with its priority.
fn unlock(app: &App, group_id: &Str, header: &[ResultTree], body: &Value) -> Result<Signature> {
    let canvas = Canvas::from_value(body)?;
    let mut keywords = Dict::from_iter([("interval", Value::None), ("max_retries", Value::None)]);
    keywords.insert("result", Value::List(header.iter().map(ResultTree::to_value).collect()));
    let options = &canvas.options;
    let name = match &canvas.shape {
        Shape::Task { task, .. } => task.clone(),
        Shape::Chain(_) => "celery.chain".into(),
        Shape::Group(_) => "celery.group".into(),
        Shape::Chord(_) => "celery.chord".into(),
    };
    let known = app.task(&name);
    let mut routed = SendOptions { queue: options.text("queue"), ..SendOptions::default() };
    if let Some(known) = &known {
        routed.queue = routed.queue.or_else(|| known.queue.clone());
    }
    let queue = match routed.queue.clone() {
        Some(queue) => queue,
        None => {
            let destination = app.router().route(&name, &Args::default(), &mut routed)?;
            destination.queue.unwrap_or(destination.routing_key)
        }
    };
    let kind = match options.text("exchange_type") {
        Some(kind) => Some(kind),
        None => app.router().queues.get(&queue).ok().map(|queue| Str::from(queue.exchange.kind.name())),
    };
    if let Some(kind) = kind {
        keywords.insert("_chord_unlock_exchange_type", kind);
    }
    let arguments = Args { positional: vec![group_id.clone().into(), body.clone()], keywords };
    let mut signature =
        Signature::<Value>::new(CHORD_UNLOCK, arguments).countdown(1).ignore_result(true).queue(queue);
    let said = signature.options_mut();
    said.priority = match options.get("priority").and_then(Value::as_int).and_then(|it| u8::try_from(it).ok()) {
        Some(priority) => Some(priority),
        None => known.map_or(Some(0), |known| known.priority),
    };
    said.exchange = options.text("exchange");
    said.routing_key = options.text("routing_key");
    if let Some(headers) = options.get("headers").and_then(Value::as_dict) {
        said.headers = headers.clone();
    }
    Ok(signature)
}

pub(crate) fn chords(app: &App) -> Result<&dyn Chords> {
    let Some(backend) = app.backend() else {
        return Err(Error::new(Kind::Misuse, "chords need a result backend, and none is configured"));
    };
    backend.chords().ok_or_else(|| {
        let text = "counts no chords (a group in front of a task is one); redis://, db+sqlite://, db+postgresql:// and queues of our own do";
        Error::new(Kind::Unsupported, format!("the result backend {} {text}", backend.url()))
    })
}
