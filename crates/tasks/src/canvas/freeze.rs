//! Freezing: canvases get the ids of what they will give, before any of it is sent.

use std::collections::VecDeque;
use std::sync::Arc;

use salamander_value::{Dict, Str, Value};

use super::compose::joined;
use super::{Canvas, Chord, Options, Promise, Shape};

/// What ids are made of.
pub(crate) struct Freezing<'a> {
    /// Makes ids.
    pub(crate) new_id: &'a mut dyn FnMut() -> Str,
    /// Where results go that are messages.
    pub(crate) reply_to: Str,
    /// How much may still be said in signatures inside of signatures; the plan begins with what [`Canvas::may_embed`] gives.
    pub(crate) left: usize,
}

/// How many values the signatures of bodies may come to, in all headers and bodies that they stand in: so many, and for each value of the
/// canvas so many more.
const EMBEDDED: usize = 1 << 20;
const EMBEDDED_FOR_EACH: usize = 64;

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
    ///
    /// What headers inside of it are parts of is left out: it is said anew when they are sent, and with it each level would be a multiple of
    /// the one inside. What grows all the same (bodies that end in
    /// groups) comes to an end where it is too much.
    pub(super) fn awaited(&self, freezing: &mut Freezing<'_>) -> Option<Arc<Value>> {
        if self.is_empty_group() {
            return None;
        }
        let mut own = self.clone();
        own.strip_headers();
        if !own.weighed(&mut freezing.left) {
            freezing.left = 0;
            return None;
        }
        Some(Arc::new(own.to_value()))
    }

    /// How much may be said in signatures inside of it.
    pub(super) fn may_embed(&self) -> usize {
        let mut left = usize::MAX;
        self.weighed(&mut left);
        (usize::MAX - left).saturating_mul(EMBEDDED_FOR_EACH).saturating_add(EMBEDDED)
    }

    /// Takes the number of its values away from what is left; whether there was enough.
    fn weighed(&self, left: &mut usize) -> bool {
        let kwargs = match &self.shape {
            Shape::Task { kwargs, .. } => Some(kwargs),
            Shape::Chord(chord) => Some(&chord.rest),
            Shape::Chain(_) | Shape::Group(_) => None,
        };
        let named = kwargs.into_iter().flat_map(Dict::values);
        let chord = self.options.get("chord");
        let mut values =
            self.args.iter().chain(named).chain(self.options.iter().map(|(_, value)| value)).chain(chord);
        take(left, 6)
            && values.all(|value| weighed(value, left))
            && self.tasks().iter().chain(self.body()).all(|part| part.weighed(left))
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
            (promise, body.awaited(freezing))
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
                let header = Spot { chord: body.awaited(freezing), ..within.clone() };
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

fn take(left: &mut usize, count: usize) -> bool {
    match left.checked_sub(count) {
        Some(rest) => {
            *left = rest;
            rest > 0
        }
        None => false,
    }
}

fn weighed(value: &Value, left: &mut usize) -> bool {
    match value {
        Value::Dict(dict) => take(left, 1 + dict.len()) && dict.values().all(|value| weighed(value, left)),
        value => take(left, 1) && value.as_slice().unwrap_or_default().iter().all(|value| weighed(value, left)),
    }
}

/// One result behind the other: the first of these is the last one.
pub(super) fn linked(results: Vec<Promise>) -> Promise {
    let mut results = results.into_iter();
    let mut last = results.next().unwrap_or_default();
    results.for_each(|before| last.after(before));
    last
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, chord, group};
    use super::*;
    use crate::error::Result;

    fn planned(canvas: &Canvas) -> Result<Plan> {
        let mut count = 0;
        let mut new_id = || {
            count += 1;
            Str::from(format!("id{count}"))
        };
        let freezing = Freezing { new_id: &mut new_id, reply_to: "here".into(), left: 0 };
        canvas.plan(&[], &Dict::new(), &Options::default(), freezing)
    }

    fn task() -> Canvas {
        Canvas::of_task("t", Vec::new(), Dict::new())
    }

    fn three() -> [Canvas; 3] {
        [task(), task(), task()]
    }

    #[test]
    fn chords_in_chords_grow_with_their_depth_alone() {
        let mut nested = task();
        for _ in 0..40 {
            nested = chord(three(), nested);
        }
        assert_eq!(planned(&nested).unwrap().steps.len(), 5);
        let mut nested = task();
        for _ in 0..40 {
            nested = chord([nested, task(), task()], task());
        }
        assert_eq!(planned(&nested).unwrap().steps.len(), 40 * 4 + 1);
    }

    #[test]
    fn what_would_grow_without_bound_is_refused() {
        let groups = (0..30).map(|_| group(three())).chain([task()]).collect();
        assert!(planned(&chord(three(), Canvas::new(Shape::Chain(groups)))).is_ok());
        // Each member of the group says what it is a part of, and that is said by each member of the group inside.
        let body = || Canvas::new(Shape::Chain(vec![task(), group(three())]));
        let nested = (0..30).fold(task(), |nested, _| chord([nested], body()));
        assert_eq!(planned(&nested).map(|_| ()).unwrap_err().kind(), crate::Kind::Misuse);
    }

    #[test]
    fn as_deep_as_messages_may_nest_there_is_stack_enough() {
        let kinds: [fn(Canvas) -> Canvas; 4] = [
            |inner| Canvas::new(Shape::Group(vec![inner, task()])),
            |inner| Canvas::new(Shape::Chain(vec![task(), inner])),
            |inner| chord([task()], inner),
            |inner| chord([inner], task()),
        ];
        // Threads of tokio have as much as those of the standard library.
        let deep = move || {
            for kind in kinds {
                let nested = (0..63).fold(task(), |nested, _| kind(nested));
                let travelled = Canvas::from_value(&nested.to_value()).unwrap();
                // Some are refused, because the outer ones are said in all of the inner ones.
                _ = planned(&travelled);
            }
        };
        std::thread::Builder::new().stack_size(2 << 20).spawn(deep).unwrap().join().unwrap();
    }
}
