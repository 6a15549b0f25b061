//! What is sent in the place of a task that runs, and what is added to its chord.

use salamander_value::{Dict, Exception, Str, Value};
use salamander_wire::celery::Embed;

use super::compose::or;
use super::freeze::{Freezing, Spot};
use super::{Canvas, Own, Promise, Shape};
use crate::error::{Error, Kind, Result};

/// A task that runs, as far as others take its place or join it.
pub(crate) struct Host<'a> {
    pub(crate) id: Str,
    pub(crate) group_id: Option<Str>,
    pub(crate) group_index: Option<i64>,
    pub(crate) root_id: Option<Str>,
    /// How often it has been replaced.
    pub(crate) nesting: u32,
    pub(crate) embed: &'a Embed,
}

const NESTING: &str = "replaced_task_nesting";

impl Canvas {
    /// It in the place of a task: with its id, its links, its chord, and the rest of its chain.
    ///
    /// # Wire
    /// Celery's `Task.replace`.
    pub(crate) fn in_place_of(mut self, host: &Host<'_>, freezing: Freezing<'_>) -> Result<Self> {
        self.checked()?;
        if self.options.has("chord") {
            return Err(improper("A signature replacing a task must not be part of a chord"));
        }
        if self.is_empty_chain() {
            return Err(improper("Cannot replace with an empty chain"));
        }
        if matches!(self.origin.own, Some(Own::Chunks)) {
            // In Celery they have ids of their own, and whoever waits for the task waits for ever.
            self = self.chunks_as_group();
        }
        // What is linked is linked to one task, and so is what comes of it.
        if self.is_group() {
            self = or(self, accumulate());
        }
        if let Shape::Chain(tasks) = &mut self.shape
            && let Some(last) = tasks.pop_if(|last| last.is_group())
        {
            tasks.push(or(last, accumulate()));
        }
        for callback in host.embed.callbacks.as_slice().unwrap_or_default() {
            self.link_value(callback);
        }
        for errback in host.embed.errbacks.as_slice().unwrap_or_default() {
            self.link_error_value(errback);
        }
        let linked = self.options.list("link");
        if let Shape::Chain(tasks) = &mut self.shape
            && let Some(last) = tasks.last_mut()
            && self.options.has("link")
        {
            last.options.extend("link", linked);
            self.options.remove("link");
        }
        let spot = Spot { id: Some(host.id.clone()), ..Spot::default() };
        self.frozen(&spot, freezing)?;
        self.join(host);
        let nesting = Value::from(i64::from(host.nesting.saturating_add(1)));
        self.options.set(NESTING, nesting.clone());
        if let Shape::Chain(tasks) = &mut self.shape {
            tasks.iter_mut().for_each(|task| task.options.set(NESTING, nesting.clone()));
        }
        for next in host.embed.chain.as_slice().unwrap_or_default().iter().rev() {
            self = or(self, Self::from_value(next)?.set(NESTING, nesting.clone()));
        }
        Ok(self)
    }

    /// It as a further part of the chord that a task is a part of.
    ///
    /// # Wire
    /// Celery's `Task.add_to_chord`.
    pub(crate) fn in_chord_of(mut self, host: &Host<'_>, freezing: Freezing<'_>) -> Result<Self> {
        self.checked()?;
        if !host.embed.chord.truth() || host.group_id.is_none() {
            let exception = Exception::value_error("Current task is not member of any chord");
            return Err(Error::of_task(Kind::Misuse, exception));
        }
        if !self.ends_in_task() {
            let text = "what is added to a chord ends in one task: members of groups are added one by one";
            return Err(Error::new(Kind::Misuse, text));
        }
        self.join(host);
        self.frozen(&Spot::default(), freezing)?;
        Ok(self)
    }

    /// As a part of the group and the chord, and of the workflow, that a task is a part of.
    fn join(&mut self, host: &Host<'_>) {
        for (name, value) in [
            ("chord", host.embed.chord.clone()),
            ("group_id", host.group_id.clone().into()),
            ("group_index", host.group_index.into()),
            ("root_id", host.root_id.clone().into()),
        ] {
            self.options.set(name, value);
        }
    }

    fn frozen(&mut self, spot: &Spot, freezing: Freezing<'_>) -> Result<Promise> {
        let mut freezing = Freezing { left: self.may_embed(), ..freezing };
        let promise = self.freeze(&mut freezing, spot);
        match freezing.left {
            0 => Err(Error::new(Kind::Misuse, "the chords of a canvas say too much in each other's messages")),
            _ => Ok(promise),
        }
    }

    /// Whether one task gives its result.
    fn ends_in_task(&self) -> bool {
        match &self.shape {
            Shape::Task { .. } => !matches!(self.origin.own, Some(Own::Chunks)),
            Shape::Chain(tasks) => tasks.last().is_some_and(Self::ends_in_task),
            Shape::Group(tasks) => matches!(&tasks[..], [one] if one.ends_in_task()),
            Shape::Chord(chord) => chord.body.as_ref().is_some_and(Self::ends_in_task),
        }
    }
}

/// What makes one task of a group: it gives the list of its results.
fn accumulate() -> Canvas {
    Canvas::of_task("celery.accumulate", Vec::new(), Dict::from_iter([("index", 0)]))
}

fn improper(text: &str) -> Error {
    Error::of_task(Kind::Misuse, Exception::new("celery.exceptions.ImproperlyConfigured", text))
}
