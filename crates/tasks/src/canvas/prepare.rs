//! A chain, made ready to be sent: its first task, and the rest of it as that task's message carries it.

use salamander_value::{Dict, Value};

use super::compose::{joined, unrolled};
use super::copy::merged;
use super::freeze::{Freezing, Spot, linked};
use super::{Canvas, Chord, Options, Promise, Shape};

/// Options of a chain that are not handed to its first task.
const OF_THE_CHAIN: [&str; 8] =
    ["chord", "group_id", "group_index", "link", "link_error", "parent_id", "root_id", "task_id"];

/// A chain that is ready.
pub(super) struct Prepared {
    /// The tasks, the first one last.
    pub(super) tasks: Vec<Canvas>,
    pub(super) promise: Promise,
}

/// Copies of a chain's tasks, from the last to the first, all with ids: chains in it are part of it, and groups with something behind them
/// are chords.
pub(super) fn prepare(
    chain: &[Canvas],
    args: &[Value],
    kwargs: &Dict,
    errbacks: &[Value],
    spot: &Spot,
    freezing: &mut Freezing<'_>,
) -> Prepared {
    // The next one is the last.
    let mut steps: Vec<Canvas> = head(chain.to_vec());
    let within = Spot { root_id: spot.root_id.clone(), ..Spot::default() };
    let (mut tasks, mut results): (Vec<Canvas>, Vec<Promise>) = Default::default();
    let mut begun = false;
    while let Some(task) = steps.pop() {
        let (first, last) = (steps.is_empty(), !begun);
        let task = unrolled(task);
        if task.is_empty_group() && (!steps.is_empty() || !tasks.is_empty()) {
            continue;
        }
        if let Some(unrolled) = task.unrolled_body() {
            steps.extend(unrolled);
            continue;
        }
        let task = match first {
            true => task.copied(args, kwargs, &Options::default()),
            false => task.copy(),
        };
        let mut task = match task.shape {
            Shape::Chain(inner) => {
                steps.extend(inner);
                continue;
            }
            Shape::Group(members) if !tasks.is_empty() => {
                results.pop();
                let mut chord = joined(members, tasks.pop());
                chord.options.set("root_id", spot.root_id.clone().into());
                chord
            }
            _ => task,
        };
        let own = match last {
            true => Spot { parent_id: None, ..spot.clone() },
            false => within.clone(),
        };
        results.push(task.freeze(freezing, &own));
        begun = true;
        for errback in errbacks {
            task.link_error_value(errback);
            if let Shape::Chord(chord) = &mut task.shape
                && let Some(body) = &mut chord.body
            {
                body.link_error_value(errback);
            }
        }
        tasks.push(task);
    }
    tasks.iter_mut().for_each(Canvas::strip_headers);
    Prepared { tasks, promise: linked(results) }
}

/// The steps of a chain with a task in front that gets what the chain is given: neither a chain nor an empty group, as far as there is any.
fn head(mut steps: Vec<Canvas>) -> Vec<Canvas> {
    steps.reverse();
    let mut stripped = None;
    while let Some(front) = steps.pop() {
        match front.shape {
            Shape::Chain(inner) => steps.extend(inner.iter().rev().map(Canvas::copy)),
            Shape::Group(_) => match unrolled(front) {
                empty if empty.is_empty_group() && !steps.is_empty() => stripped = Some(empty),
                front if front.is_chain() => steps.push(front),
                front => {
                    steps.push(front);
                    break;
                }
            },
            _ => {
                steps.push(front);
                break;
            }
        }
    }
    if steps.is_empty() {
        steps.extend(stripped);
    }
    steps.reverse();
    steps
}

impl Canvas {
    /// A chord with a chain as its body, as the chord with the chain's first task and the other tasks behind it: so a chain does not travel
    /// inside of the body.
    fn unrolled_body(&self) -> Option<Vec<Canvas>> {
        let Shape::Chord(chord) = &self.shape else { return None };
        chord.body.as_ref().filter(|body| body.is_led_by_task())?;
        let mut own = self.copy();
        let Shape::Chord(chord) = &mut own.shape else { return None };
        let body = chord.body.take()?;
        let mut tasks = body.unchained().into_iter();
        let first = tasks.next()?;
        chord.body = Some(first.copied(&[], &Dict::new(), &of_first_task(&body.options)));
        Some(std::iter::once(own).chain(tasks).collect())
    }

    fn is_led_by_task(&self) -> bool {
        self.is_chain() && self.tasks().first().is_some_and(|first| !first.is_group())
    }

    /// The same for all chords of a chain that is a body.
    pub(super) fn unroll_chords(&mut self) {
        let Shape::Chain(tasks) = &mut self.shape else { return };
        let mut pending = std::mem::take(tasks);
        pending.reverse();
        let mut done = Vec::with_capacity(pending.len());
        while let Some(task) = pending.pop() {
            let task = match task.is_chain() {
                true => {
                    let mut task = task.copy();
                    task.unroll_chords();
                    task
                }
                false => task,
            };
            match task.unrolled_body() {
                Some(unrolled) => pending.extend(unrolled.into_iter().rev()),
                None => done.push(task),
            }
        }
        *tasks = done;
    }
}

impl Chord {
    /// What is handed to the header: its own keyword arguments and these.
    pub(super) fn header_kwargs(&self, kwargs: &Dict) -> Dict {
        match self.rest.get("kwargs").and_then(Value::as_dict) {
            Some(own) => merged(own, kwargs),
            None => kwargs.clone(),
        }
    }
}

fn of_first_task(options: &Options) -> Options {
    let mut own = options.clone();
    OF_THE_CHAIN.iter().for_each(|name| _ = own.remove(name));
    own
}
