//! How canvases are put together: `|`, [`chain`], [`group`], [`chord`], [`map`], [`starmap`], [`chunks`].

use std::ops::BitOr;

use salamander_value::{Dict, Value};

use super::{Canvas, Chord, Own, Shape};
use crate::call::Signature;

/// A chain of these: each gets the result of the one before it. As `a | b | c`; an empty one is empty.
///
/// ```
/// # use salamander_tasks::{Signature, canvas::*};
/// # use salamander_value::Value;
/// # fn task(name: &str, args: impl salamander_codec::Arguments) -> Signature { Signature::new(name, args) }
/// # let add = |x: i64, y: i64| task("tasks.add", (x, y));
/// // Gives (2 + 2 + 4) * 8.
/// let canvas = chain([add(2, 2), task("tasks.add", (4,)), task("tasks.mul", (8,))]);
/// // The same:
/// let canvas = add(2, 2) | task("tasks.add", (4,)) | task("tasks.mul", (8,));
/// assert_eq!(canvas.tasks().len(), 3);
/// ```
pub fn chain(tasks: impl IntoIterator<Item = impl Into<Canvas>>) -> Canvas {
    let mut steps = Vec::new();
    let mut tasks = tasks.into_iter().map(Into::into).peekable();
    while let Some(task) = tasks.next() {
        let last = tasks.peek().is_none();
        if let Some(result) = step(&mut steps, task, last) {
            // It is a chain no more, and goes on as what it is now.
            return tasks.fold(result, or);
        }
    }
    Canvas::new(Shape::Chain(steps))
}

/// A group of these: they run side by side, and its result is the list of theirs.
///
/// ```
/// # use salamander_tasks::{Signature, canvas::*};
/// # use salamander_value::Value;
/// # fn task(name: &str, args: impl salamander_codec::Arguments) -> Signature { Signature::new(name, args) }
/// # let add = |x: i64, y: i64| task("tasks.add", (x, y));
/// // Gives [4, 8].
/// let canvas = group([add(2, 2), add(4, 4)]);
/// // A group with something behind it is a chord.
/// assert!((canvas | task("tasks.sum", ())).is_chord());
/// ```
pub fn group(tasks: impl IntoIterator<Item = impl Into<Canvas>>) -> Canvas {
    Canvas::new(Shape::Group(tasks.into_iter().map(Into::into).collect()))
}

/// A chord: when all of the header has run, the body gets the list of its results.
///
/// ```
/// # use salamander_tasks::{Signature, canvas::*};
/// # use salamander_value::Value;
/// # fn task(name: &str, args: impl salamander_codec::Arguments) -> Signature { Signature::new(name, args) }
/// # let add = |x: i64, y: i64| task("tasks.add", (x, y));
/// // Gives 2 + 4 + 6.
/// let canvas = chord([add(1, 1), add(2, 2), add(3, 3)], task("tasks.sum", ()));
/// // Nested as deep as it takes:
/// let canvas = chord([canvas.clone(), canvas], task("tasks.sum", ()));
/// ```
pub fn chord(header: impl IntoIterator<Item = impl Into<Canvas>>, body: impl Into<Canvas>) -> Canvas {
    joined(header.into_iter().map(|task| task.into().copy()).collect(), Some(body.into()))
}

/// One task that calls this one with each of the items in turn, and gives the list of the results.
///
/// ```
/// # use salamander_tasks::{Signature, canvas::*};
/// # use salamander_value::Value;
/// # fn task(name: &str) -> Signature { Signature::new(name, ()) }
/// # fn numbers(numbers: &[i64]) -> Value { Value::List(numbers.iter().map(|number| Value::Int(*number)).collect()) }
/// let canvas = map(task("tasks.sum"), [numbers(&[1, 2]), numbers(&[3, 4])]);
/// ```
///
/// # Wire
/// The task `celery.map`, which Celery's workers have, and ours.
pub fn map<T: Into<Value>>(task: impl Into<Canvas>, items: impl IntoIterator<Item = T>) -> Canvas {
    mapped("celery.map", &task.into(), items.into_iter().map(Into::into).collect())
}

/// The same, where each item is a list of arguments.
///
/// ```
/// # use salamander_tasks::{Signature, canvas::*};
/// # use salamander_value::Value;
/// # fn task(name: &str) -> Signature { Signature::new(name, ()) }
/// # fn numbers(numbers: &[i64]) -> Value { Value::List(numbers.iter().map(|number| Value::Int(*number)).collect()) }
/// let canvas = starmap(task("tasks.add"), [numbers(&[1, 2]), numbers(&[3, 4])]);
/// ```
///
/// # Wire
/// The task `celery.starmap`.
pub fn starmap<T: Into<Value>>(task: impl Into<Canvas>, items: impl IntoIterator<Item = T>) -> Canvas {
    mapped("celery.starmap", &task.into(), items.into_iter().map(Into::into).collect())
}

/// A group of `starmap`s, each of so many items. As a part of something else it is one task, which sends that group.
///
/// ```
/// # use salamander_tasks::{Signature, canvas::*};
/// # use salamander_value::Value;
/// # fn task(name: &str) -> Signature { Signature::new(name, ()) }
/// # fn numbers(numbers: &[i64]) -> Value { Value::List(numbers.iter().map(|number| Value::Int(*number)).collect()) }
/// // Two tasks of fifty calls.
/// let canvas = chunks(task("tasks.add"), (0..100).map(|x| numbers(&[x, x])), 50);
/// assert_eq!(canvas.chunks_as_group().tasks().len(), 2);
/// ```
///
/// # Wire
/// The task `celery.chunks`.
pub fn chunks<T: Into<Value>>(task: impl Into<Canvas>, items: impl IntoIterator<Item = T>, size: usize) -> Canvas {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let mut chunks = mapped("celery.chunks", &task.into(), items.into_iter().map(Into::into).collect());
    if let Shape::Task { kwargs, .. } = &mut chunks.shape {
        kwargs.insert("n", size);
    }
    chunks.origin.own = Some(Own::Chunks);
    chunks
}

fn mapped(name: &str, task: &Canvas, items: Vec<Value>) -> Canvas {
    let kwargs = Dict::from_iter([("task", task.to_value()), ("it", Value::List(items))]);
    let mut canvas = Canvas { immutable: true, ..Canvas::of_task(name, Vec::new(), kwargs) };
    canvas.origin.own = Some(Own::Routed(task.task().into()));
    canvas.origin.wrong = task.checked().err();
    canvas
}

impl Canvas {
    /// Its tasks, as those of a group, with countdowns that grow: from `start` in steps, in seconds; where there is a `stop`, from there on all
    /// the same.
    ///
    /// ```
    /// # use salamander_tasks::{Signature, canvas::group};
    /// # use salamander_value::Value;
    /// # let add = |x: i64| Signature::<Value>::new("tasks.add", (x, x));
    /// // After one second, two, and three.
    /// let canvas = group([add(1), add(2), add(3)]).skew(1.0, None, 1.0);
    /// assert_eq!(canvas.tasks()[2].option("countdown"), Some(&Value::Float(3.0)));
    /// ```
    #[must_use]
    pub fn skew(mut self, start: f64, stop: Option<f64>, step: f64) -> Self {
        let mut countdown = start;
        for task in self.members().into_iter().flatten() {
            if stop.is_none_or(|stop| countdown <= stop) {
                task.options.set("countdown", countdown.into());
                countdown += step;
            } else {
                task.options.set("countdown", (countdown - step).into());
            }
        }
        self
    }

    /// The group that chunks are; a group without members where it is none of those.
    pub fn chunks_as_group(&self) -> Canvas {
        let Shape::Task { kwargs, .. } = &self.shape else { return group([] as [Canvas; 0]) };
        let size = kwargs.get("n").and_then(Value::as_int).and_then(|size| usize::try_from(size).ok());
        let items = kwargs.get("it").and_then(Value::as_slice).unwrap_or_default();
        let called = kwargs.get("task").cloned().unwrap_or_default();
        let part = |part: &[Value]| {
            let kwargs = Dict::from_iter([("task", called.clone()), ("it", Value::List(part.to_vec()))]);
            Canvas { immutable: true, ..Canvas::of_task("celery.starmap", Vec::new(), kwargs) }
        };
        group(items.chunks(size.unwrap_or(1).max(1)).map(part))
    }
}

/// A chord of these tasks.
pub(super) fn joined(header: Vec<Canvas>, body: Option<Canvas>) -> Canvas {
    let rest = Dict::from_iter([("kwargs", Value::from(Dict::new()))]);
    let chord = Chord { task: "celery.chord".into(), header, frozen: None, body, rest };
    Canvas::new(Shape::Chord(Box::new(chord)))
}

/// One step more of a chain that is being made; what comes of it where that is no chain any more. All but the last one are copied.
fn step(steps: &mut Vec<Canvas>, other: Canvas, last: bool) -> Option<Canvas> {
    if other.is_empty_group() {
        return None;
    }
    let group = other.is_group();
    let other = unrolled(other);
    if group && !other.is_group() {
        return step(steps, other, last);
    }
    let own = |canvas: Canvas| if last { canvas } else { canvas.copy() };
    match &other.shape {
        Shape::Group(_) => match steps.last_mut() {
            None => return Some(other),
            Some(Canvas { shape: Shape::Chord(chord), .. }) => chord.body_or(other),
            Some(_) => steps.push(own(other)),
        },
        Shape::Chain(_) => {
            let mut inner = other.unchained().into_iter().peekable();
            while let Some(task) = inner.next() {
                let last = last && inner.peek().is_none();
                if let Some(result) = step(steps, task, last) {
                    return Some(inner.fold(result, or));
                }
            }
        }
        Shape::Task { .. } | Shape::Chord(_) => match steps.last_mut() {
            Some(before @ Canvas { shape: Shape::Group(_), .. }) => {
                let header = before.members().map(std::mem::take).unwrap_or_default();
                *before = joined(header, Some(own(other)));
            }
            Some(Canvas { shape: Shape::Chord(chord), .. }) if !other.is_chord() => chord.body_or(other),
            _ => steps.push(own(other)),
        },
    }
    None
}

/// A group of one is that one.
pub(super) fn unrolled(canvas: Canvas) -> Canvas {
    match canvas.shape {
        Shape::Group(mut tasks) if tasks.len() == 1 => tasks.remove(0),
        shape => Canvas { shape, ..canvas },
    }
}

/// `left | right`, as Celery has it.
pub(super) fn or(left: Canvas, right: Canvas) -> Canvas {
    match &left.shape {
        Shape::Task { .. } => task_or(left, right),
        Shape::Chain(_) => chain_or(left, right),
        Shape::Group(_) => match (right.is_empty_group(), left) {
            (true, left) => left,
            (false, Canvas { shape: Shape::Group(tasks), .. }) => joined(tasks, Some(right)),
            (false, left) => left,
        },
        Shape::Chord(_) => match &right.shape {
            Shape::Task { .. } | Shape::Chord(_) => extended(left.copy(), right),
            Shape::Group(tasks) if tasks.len() == 1 => extended(left.copy(), unrolled(right)),
            _ => task_or(left, right),
        },
    }
}

fn task_or(left: Canvas, right: Canvas) -> Canvas {
    let mut tasks = vec![left];
    match right.is_chain() {
        true => tasks.extend(right.unchained()),
        false => tasks.push(unrolled(right)),
    }
    Canvas::new(Shape::Chain(tasks))
}

/// A chord with more behind its body.
fn extended(mut left: Canvas, right: Canvas) -> Canvas {
    if let Shape::Chord(chord) = &mut left.shape {
        chord.body_or(right);
    }
    left
}

impl Chord {
    fn body_or(&mut self, right: Canvas) {
        self.body = Some(match self.body.take() {
            Some(body) => or(body, right),
            None => right,
        });
    }
}

fn chain_or(left: Canvas, right: Canvas) -> Canvas {
    if right.is_empty_group() {
        return left;
    }
    let group = right.is_group();
    let right = unrolled(right);
    if group && !right.is_group() {
        return chain_or(left, right);
    }
    match &right.shape {
        Shape::Group(_) => {
            let mut tasks = left.unchained();
            match tasks.last_mut() {
                None => return right,
                Some(Canvas { shape: Shape::Chord(chord), .. }) => chord.body_or(right),
                Some(_) => tasks.push(right),
            }
            Canvas::new(Shape::Chain(tasks))
        }
        Shape::Chain(_) => right.unchained().into_iter().fold(left, or),
        Shape::Task { .. } | Shape::Chord(_) => match left.tasks().last().map(|last| &last.shape) {
            Some(Shape::Group(_)) => {
                let mut chain = left.copy();
                if let Some(tasks) = chain.members()
                    && let Some(Canvas { shape: Shape::Group(header), .. }) = tasks.pop()
                {
                    let made = joined(header, Some(right));
                    // Two chords in a row are one, whose body leads to the other.
                    match tasks.last_mut() {
                        Some(Canvas { shape: Shape::Chord(before), .. }) => before.body_or(made),
                        _ => tasks.push(made),
                    }
                }
                chain
            }
            Some(Shape::Chord(_)) if !right.is_chord() => {
                let mut chain = left.copy();
                let last = chain.members().and_then(|tasks| tasks.last_mut());
                if let Some(Canvas { shape: Shape::Chord(chord), .. }) = last {
                    chord.body_or(right);
                }
                chain
            }
            _ => {
                let mut tasks = left.unchained();
                tasks.push(right);
                Canvas::new(Shape::Chain(tasks))
            }
        },
    }
}

impl Canvas {
    /// The tasks of a chain, with what is linked to the chain linked to them: callbacks to the last, errbacks to all.
    pub(super) fn unchained(&self) -> Vec<Canvas> {
        let mut tasks: Vec<Canvas> = self.tasks().iter().map(Canvas::copy).collect();
        if let Some(last) = tasks.last_mut() {
            self.options.list("link").iter().for_each(|callback| last.link_value(callback));
        }
        for errback in self.options.list("link_error") {
            tasks.iter_mut().for_each(|task| task.link_error_value(&errback));
        }
        tasks
    }

    /// The members of a chain or group, to change.
    pub(super) fn members(&mut self) -> Option<&mut Vec<Canvas>> {
        match &mut self.shape {
            Shape::Chain(tasks) | Shape::Group(tasks) => Some(tasks),
            Shape::Task { .. } | Shape::Chord(_) => None,
        }
    }
}

impl<R: Into<Canvas>> BitOr<R> for Canvas {
    type Output = Canvas;

    fn bitor(self, right: R) -> Canvas {
        or(self, right.into())
    }
}

impl<T, R: Into<Canvas>> BitOr<R> for Signature<T> {
    type Output = Canvas;

    fn bitor(self, right: R) -> Canvas {
        or(self.into(), right.into())
    }
}
