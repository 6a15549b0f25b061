//! Freezing: canvases get the ids of what they will give, before any of it is sent.

use std::collections::VecDeque;
use std::sync::Arc;

use salamander_value::{Str, Value};

use super::compose::joined;
use super::{Canvas, Chord, Options, Promise, Shape};

/// What ids are made of.
pub(crate) struct Freezing<'a> {
    /// Makes ids.
    pub(crate) new_id: &'a mut dyn FnMut() -> Str,
    /// Where results go that are messages.
    pub(crate) reply_to: Str,
}

/// Where a canvas is, in what it is a part of.
#[derive(Clone, Debug, Default)]
pub(super) struct Spot {
    /// Its id, unless it has one.
    pub(super) id: Option<Str>,
    pub(super) group_id: Option<Str>,
    pub(super) group_index: Option<i64>,
    /// The chord that its result counts for.
    pub(super) chord: Option<Arc<Value>>,
    pub(super) root_id: Option<Str>,
    pub(super) parent_id: Option<Str>,
}

impl Canvas {
    /// Gives ids to it and to all that it is made of, where they have none.
    pub(super) fn freeze(&mut self, freezing: &mut Freezing<'_>, spot: &Spot) -> Promise {
        match &mut self.shape {
            Shape::Task { .. } => self.freeze_task(freezing, spot),
            Shape::Chain(tasks) => {
                let promise = freeze_chain(tasks, freezing, spot);
                self.options.set("task_id", promise.id.clone().into());
                promise
            }
            Shape::Group(tasks) => {
                let (id, results) = freeze_group(tasks, &mut self.options, freezing, spot);
                Promise::group(id, results)
            }
            Shape::Chord(chord) => {
                let promise = chord.freeze(freezing, spot);
                if let Some(id) = chord.frozen.as_ref().and_then(|frozen| frozen.get("task_id")) {
                    self.options.set("task_id", id.clone());
                }
                promise
            }
        }
    }

    /// It as the body that a header waits for. A group without members is none.
    pub(super) fn awaited(&self) -> Option<Arc<Value>> {
        (!self.is_empty_group()).then(|| Arc::new(self.to_value()))
    }

    fn freeze_task(&mut self, freezing: &mut Freezing<'_>, spot: &Spot) -> Promise {
        let options = &mut self.options;
        let id = match options.get("task_id") {
            Some(id) => id.as_str().map(Str::from).unwrap_or_default(),
            None => {
                let id = spot.id.clone().unwrap_or_else(|| (freezing.new_id)());
                options.set("task_id", id.clone().into());
                id
            }
        };
        for (name, said) in [("root_id", &spot.root_id), ("parent_id", &spot.parent_id)] {
            if let Some(said) = said {
                options.set(name, said.clone().into());
            }
        }
        if !options.has("reply_to") {
            options.set("reply_to", freezing.reply_to.clone().into());
        }
        if let Some(group) = &spot.group_id
            && !options.has("group_id")
        {
            options.set("group_id", group.clone().into());
        }
        if spot.chord.is_some() {
            options.set_chord(spot.chord.clone());
        }
        if let Some(index) = spot.group_index {
            options.set("group_index", index.into());
        }
        Promise::task(id)
    }
}

impl Chord {
    /// The header and the body get ids; the result is the body's, behind that of the header.
    fn freeze(&mut self, freezing: &mut Freezing<'_>, spot: &Spot) -> Promise {
        let body = self.body.as_mut().map(|body| {
            let promise = body.freeze(freezing, &Spot { parent_id: None, ..spot.clone() });
            (promise, body.awaited())
        });
        let header = Spot {
            chord: body.as_ref().and_then(|(_, awaited)| awaited.clone()),
            root_id: spot.root_id.clone(),
            parent_id: spot.parent_id.clone(),
            ..Spot::default()
        };
        let options = self.frozen.get_or_insert_default();
        let (id, results) = freeze_group(&mut self.header, options, freezing, &header);
        let header = Promise::group(id, results);
        match body {
            Some((mut promise, _)) => {
                promise.after(header);
                promise
            }
            None => header,
        }
    }
}

/// Gives ids to a group. Groups in it become part of it, and empty chains go: it is flat afterwards.
pub(super) fn freeze_group(
    tasks: &mut Vec<Canvas>,
    options: &mut Options,
    freezing: &mut Freezing<'_>,
    spot: &Spot,
) -> (Str, Vec<Promise>) {
    let id = match options.text("task_id") {
        Some(id) => id,
        None => {
            let id = (freezing.new_id)();
            options.set("task_id", id.clone().into());
            id
        }
    };
    if let Some(group) = &spot.group_id {
        options.set("group_id", group.clone().into());
    }
    if spot.chord.is_some() {
        options.set_chord(spot.chord.clone());
    }
    if let Some(index) = spot.group_index {
        options.set("group_index", index.into());
    }
    for (name, said) in [("root_id", &spot.root_id), ("parent_id", &spot.parent_id)] {
        if !options.has(name) {
            options.set(name, said.clone().into());
        }
    }
    let mut member = Spot {
        id: None,
        group_index: None,
        root_id: options.text("root_id"),
        parent_id: options.text("parent_id"),
        ..spot.clone()
    };
    let mut results = Vec::with_capacity(tasks.len());
    let mut stack: VecDeque<Canvas> = std::mem::take(tasks).into();
    while let Some(task) = stack.pop_front() {
        if task.is_empty_chain() {
            continue;
        }
        let mut task = task.copy();
        match task.shape {
            // In this order Python has them then.
            Shape::Group(inner) => inner.into_iter().for_each(|task| stack.push_front(task)),
            _ => {
                member.group_index = i64::try_from(tasks.len()).ok();
                results.push(task.freeze(freezing, &member));
                tasks.push(task);
            }
        }
    }
    (id, results)
}

/// Gives ids to the tasks of a chain where they stand, from the last to the first; what will be a chord's header gets that chord.
fn freeze_chain(tasks: &mut [Canvas], freezing: &mut Freezing<'_>, spot: &Spot) -> Promise {
    let mut steps = Vec::new();
    flatten(tasks, &mut steps);
    let within = Spot { root_id: spot.root_id.clone(), ..Spot::default() };
    let mut results: Vec<Promise> = Vec::new();
    // What stands behind a group, which will be the body of its chord.
    let mut body: Option<Canvas> = None;
    while let Some(task) = steps.pop() {
        if task.is_empty_group() && !(results.is_empty() && steps.is_empty()) {
            continue;
        }
        let own = match results.is_empty() {
            true => Spot { parent_id: None, ..spot.clone() },
            false => within.clone(),
        };
        let made = match (&mut task.shape, body.take()) {
            (Shape::Group(members), Some(mut body)) => {
                results.pop();
                let mut promise = body.freeze(freezing, &within);
                let header = Spot { chord: body.awaited(), ..within.clone() };
                let mut options = Options::default();
                let (id, ids) = freeze_group(members, &mut options, freezing, &header);
                promise.after(Promise::group(id, ids));
                results.push(promise);
                let mut made = joined(members.clone(), Some(body));
                if let Shape::Chord(chord) = &mut made.shape {
                    chord.frozen = Some(options);
                }
                Some(made)
            }
            (_, _) => {
                results.push(task.freeze(freezing, &own));
                None
            }
        };
        if steps.last().is_some_and(|before| before.is_group()) {
            body = Some(made.unwrap_or_else(|| task.clone()));
        }
    }
    linked(results)
}

/// The tasks of chains in chains, and groups of one as that one.
fn flatten<'a>(tasks: &'a mut [Canvas], steps: &mut Vec<&'a mut Canvas>) {
    for task in tasks {
        let nested = task.is_chain() || (task.is_group() && task.tasks().len() == 1);
        if !nested {
            steps.push(task);
        } else if let Shape::Chain(inner) | Shape::Group(inner) = &mut task.shape {
            flatten(inner, steps);
        }
    }
}

/// One result behind the other: the first of these is the last one.
pub(super) fn linked(results: Vec<Promise>) -> Promise {
    let mut results = results.into_iter();
    let mut last = results.next().unwrap_or_default();
    results.for_each(|before| last.after(before));
    last
}
