//! Canvases: signatures, and what is composed of them, as Celery's `canvas` has them.
//!
//! ```text
//! signatures -- compose (`|`, chain, group, chord) --> Canvas -- plan --> messages, and chords that begin
//!                                          to_value |  ^ from_value
//!                                                   v  |
//!                                    what travels in messages of other tasks
//! ```
//!
//! All of it up to the plan is plain data and logic: no clock, no network; ids are handed in. A canvas is a value, where Python's is an
//! object that others may share: what is composed of it does not change when it does.

mod collect;
mod compose;
mod copy;
mod freeze;
mod group_result;
mod links;
mod options;
mod plan;
mod prepare;
mod promise;
mod replace;
mod result;
mod send;
mod stamp;
mod wire;

use salamander_value::{Dict, Str, Value};

use crate::call::{Known, Signature};
use crate::error::{Error, Kind, Result};

pub use collect::Collected;
pub use compose::{chain, chord, chunks, group, map, starmap};
pub(crate) use freeze::Freezing;
pub use group_result::{Completed, GroupResult};
pub(crate) use options::Options;
pub(crate) use plan::{Plan, Step};
pub use promise::Promise;
pub(crate) use replace::Host;
pub use result::CanvasResult;
pub(crate) use send::{carry_out, carry_out_with, chords, planned};
pub use stamp::{Stamping, StampingVisitor};

/// A signature, or what is composed of signatures: a chain, a group or a chord. Not sent yet.
///
/// `a | b` is a chain of both, and what follows a group makes it a chord, by Celery's rules.
///
/// # Wire
/// A `celery.canvas.Signature` as a dict; see [`Canvas::to_value`].
#[derive(Clone, Debug)]
pub struct Canvas {
    pub(crate) shape: Shape,
    /// Positional arguments: of a task, or those that a chord hands to its header.
    pub(crate) args: Vec<Value>,
    pub(crate) options: Options,
    pub(crate) immutable: bool,
    pub(crate) origin: Origin,
}

/// What a canvas is.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Task { task: Str, kwargs: Dict },
    Chain(Vec<Canvas>),
    Group(Vec<Canvas>),
    Chord(Box<Chord>),
}

/// The parts of a chord.
#[derive(Clone, Debug)]
pub(crate) struct Chord {
    pub(crate) task: Str,
    pub(crate) header: Vec<Canvas>,
    /// What is said of the header as a group, once it has got ids.
    pub(crate) frozen: Option<Options>,
    pub(crate) body: Option<Canvas>,
    /// Its other keyword arguments; `kwargs` among them are handed to the header.
    pub(crate) rest: Dict,
}

/// What is known here of a canvas and does not travel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The task stands in the source here.
    pub(crate) known: Option<Known>,
    /// An argument that could not be taken; said when it is sent.
    pub(crate) wrong: Option<Error>,
    /// It was made by [`map`], [`starmap`] or [`chunks`], and is none of a larger canvas.
    pub(crate) own: Option<Own>,
}

/// What is sent in another way where it stands alone.
#[derive(Clone, Debug)]
pub(crate) enum Own {
    /// By the way of the task that is called.
    Routed(Str),
    /// As a group.
    Chunks,
}

impl Canvas {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape, args: Vec::new(), options: Options::default(), immutable: false, origin: Origin::default() }
    }

    /// A task by its name, in whichever language it is written.
    pub(crate) fn of_task(task: impl Into<Str>, args: Vec<Value>, kwargs: Dict) -> Self {
        Self { args, ..Self::new(Shape::Task { task: task.into(), kwargs }) }
    }

    pub(crate) fn with_options(self, said: Dict) -> Self {
        Self { options: Options::from(said), ..self }
    }

    /// The name of the task; `celery.chain` and the like for what is composed.
    pub fn task(&self) -> &str {
        match &self.shape {
            Shape::Task { task, .. } => task,
            Shape::Chain(_) => "celery.chain",
            Shape::Group(_) => "celery.group",
            Shape::Chord(chord) => &chord.task,
        }
    }

    /// The members of a chain or group, or those of a chord's header; none of a task.
    pub fn tasks(&self) -> &[Canvas] {
        match &self.shape {
            Shape::Task { .. } => &[],
            Shape::Chain(tasks) | Shape::Group(tasks) => tasks,
            Shape::Chord(chord) => &chord.header,
        }
    }

    /// The body of a chord.
    pub fn body(&self) -> Option<&Canvas> {
        match &self.shape {
            Shape::Chord(chord) => chord.body.as_ref(),
            _ => None,
        }
    }

    /// Whether it is a task alone.
    pub fn is_task(&self) -> bool {
        matches!(self.shape, Shape::Task { .. })
    }

    /// Whether it is a chain.
    pub fn is_chain(&self) -> bool {
        matches!(self.shape, Shape::Chain(_))
    }

    /// Whether it is a group.
    pub fn is_group(&self) -> bool {
        matches!(self.shape, Shape::Group(_))
    }

    /// Whether it is a chord.
    pub fn is_chord(&self) -> bool {
        matches!(self.shape, Shape::Chord(_))
    }

    /// Whether results of others are not handed to it.
    pub fn is_immutable(&self) -> bool {
        self.immutable
    }

    /// An option by Celery's name, as `queue` or `task_id`.
    pub fn option(&self, name: &str) -> Option<&Value> {
        self.options.get(name)
    }

    /// With an option by Celery's name for the arguments of `apply_async`, as `queue` or `countdown`. It takes the place of one that was said before.
    ///
    /// ```
    /// # use salamander_tasks::Signature;
    /// # use salamander_value::Value;
    /// # let add = |x: i64, y: i64| Signature::<Value>::new("tasks.add", (x, y));
    /// // All tasks of it go to this queue.
    /// let canvas = (add(2, 2) | add(4, 4)).set("queue", "slow");
    /// ```
    ///
    /// Which there are, and what they may be, is looked at when it is sent.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.set(name, value.into());
        self
    }

    /// Results of others are not handed to it. Of a group or chord it is said of each task of the group or header.
    ///
    /// ```
    /// # use salamander_tasks::{Signature, canvas::group};
    /// # use salamander_value::Value;
    /// # let add = |x: i64, y: i64| Signature::<Value>::new("tasks.add", (x, y));
    /// let canvas = add(2, 2) | group([add(1, 1), add(2, 2)]).immutable(true);
    /// ```
    #[must_use]
    pub fn immutable(mut self, immutable: bool) -> Self {
        self.set_immutable(immutable);
        self
    }

    pub(crate) fn set_immutable(&mut self, immutable: bool) {
        match &mut self.shape {
            Shape::Task { .. } | Shape::Chain(_) => self.immutable = immutable,
            Shape::Group(tasks) => tasks.iter_mut().for_each(|task| task.set_immutable(immutable)),
            Shape::Chord(chord) => chord.header.iter_mut().for_each(|task| task.set_immutable(immutable)),
        }
    }

    /// A chain without members, or a group without.
    pub(crate) fn is_empty_chain(&self) -> bool {
        matches!(&self.shape, Shape::Chain(tasks) if tasks.is_empty())
    }

    pub(crate) fn is_empty_group(&self) -> bool {
        matches!(&self.shape, Shape::Group(tasks) if tasks.is_empty())
    }

    /// What is wrong anywhere in it: an argument that could not be taken, a chord without a body.
    pub(crate) fn checked(&self) -> Result<()> {
        if let Some(wrong) = &self.origin.wrong {
            return Err(wrong.clone());
        }
        if self.is_chord() && self.body().is_none() {
            return Err(Error::new(Kind::Misuse, "a chord needs a body"));
        }
        self.tasks().iter().chain(self.body()).try_for_each(Self::checked)
    }
}

impl From<Canvas> for Value {
    fn from(canvas: Canvas) -> Self {
        canvas.to_value()
    }
}

impl<T> From<Signature<T>> for Canvas {
    fn from(signature: Signature<T>) -> Self {
        let Signature { task, arguments, options, known, immutable, .. } = signature;
        let (arguments, wrong) = match arguments {
            Ok(arguments) => (arguments, None),
            Err(wrong) => (Default::default(), Some(wrong)),
        };
        let once = options.dedupe.is_some().then(|| {
            Error::new(
                Kind::Misuse,
                "a part of a canvas cannot be left out because another was sent before; send the task by itself",
            )
        });
        let wrong = wrong.or(once);
        Self {
            options: Options::from(options.to_dict()),
            immutable,
            origin: Origin { known, wrong, own: None },
            ..Self::of_task(task, arguments.positional, arguments.keywords)
        }
    }
}
