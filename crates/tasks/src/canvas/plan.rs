//! [`Plan`]: what has to be done for a canvas to run: which messages are sent, and which chords begin.

use std::sync::Arc;

use salamander_codec::Args;
use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{Rest, ResultTree};

use super::freeze::{Freezing, Spot, freeze_group};
use super::prepare::prepare;
use super::{Canvas, Chord, Options, Origin, Own, Promise, Shape};
use crate::App;
use crate::call::{SendOptions, Signature};
use crate::error::{Error, Kind, Result};

/// What has to be done for a canvas to run, in this order.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) promise: Promise,
    /// Groups that count as children of the task that sends them; tasks say so for themselves.
    pub(crate) children: Vec<ResultTree>,
}

impl Plan {
    /// Whether all that has to be done is to send messages.
    pub(crate) fn only_sends(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Send(_)))
    }
}

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// A task is sent.
    Send(Box<Leaf>),
    /// A chord begins, before any of its header is sent.
    Chord(Box<Beginning>),
    /// So many results are counted for a group's chord.
    Size { group_id: Str, size: usize },
}

/// A task that is sent.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) task: Str,
    pub(crate) args: Vec<Value>,
    pub(crate) kwargs: Dict,
    pub(crate) options: Options,
    pub(crate) origin: Origin,
    /// What its message carries of a chain that was not read here.
    pub(crate) rest: Option<Rest>,
}

/// A chord that begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) group_id: Str,
    /// The members of the header.
    pub(crate) header: Vec<Promise>,
    /// The body, as it travels with them.
    pub(crate) body: Option<Arc<Value>>,
}

impl Plan {
    /// Its tasks carry the rest of a chain.
    pub(crate) fn hand_on(&mut self, rest: &Rest) {
        for step in &mut self.steps {
            if let Step::Send(leaf) = step {
                leaf.rest = Some(rest.clone());
            }
        }
    }
}

impl Canvas {
    /// What has to be done for it to run, called with further arguments and options.
    ///
    /// # Errors
    /// Where chords are put together so that the signatures in their messages would grow without bound.
    pub(crate) fn plan(
        &self,
        args: &[Value],
        kwargs: &Dict,
        options: &Options,
        freezing: Freezing<'_>,
    ) -> Result<Plan> {
        let freezing = Freezing { left: self.may_embed(), ..freezing };
        let mut planner = Planner { freezing, steps: Vec::new(), children: Vec::new() };
        let promise = match (&self.origin.own, &self.shape) {
            (Some(Own::Chunks), _) => {
                // By the way of the task, which members of groups do not take over.
                let options = self.options.merged(options);
                planner.apply(&self.chunks_as_group(), args, kwargs, &options)
            }
            (Some(Own::Routed(route)), Shape::Task { task, kwargs }) => {
                let mut options = self.options.merged(&options.given());
                options.set("route_name", route.clone().into());
                planner.leaf(self, task, Vec::new(), kwargs.clone(), options)
            }
            _ => planner.apply(self, args, kwargs, options),
        };
        if planner.freezing.left == 0 {
            return Err(Error::new(Kind::Misuse, "the chords of a canvas say too much in each other's messages"));
        }
        Ok(Plan { steps: planner.steps, promise, children: planner.children })
    }

    /// How many results of it count for a chord that it is a part of.
    fn counted(&self) -> usize {
        match &self.shape {
            Shape::Task { .. } => 1,
            Shape::Group(tasks) => tasks.iter().map(Self::counted).sum(),
            Shape::Chain(tasks) => tasks.iter().rev().map(Self::counted).find(|size| *size > 0).unwrap_or_default(),
            Shape::Chord(chord) => chord.body.as_ref().map_or(0, Self::counted),
        }
    }
}

struct Planner<'a> {
    freezing: Freezing<'a>,
    steps: Vec<Step>,
    children: Vec<ResultTree>,
}

impl Planner<'_> {
    /// Celery's `apply_async`.
    fn apply(&mut self, canvas: &Canvas, args: &[Value], kwargs: &Dict, options: &Options) -> Promise {
        match &canvas.shape {
            Shape::Task { task, .. } => {
                let mut options = options.given();
                options.remove("route_name");
                let called = canvas.copied(args, kwargs, &options);
                let Shape::Task { kwargs, .. } = called.shape else { return Promise::default() };
                self.leaf(canvas, task, called.args, kwargs, called.options)
            }
            Shape::Chain(tasks) => self.chain(canvas, tasks, args, kwargs, options),
            Shape::Group(_) => self.group(canvas, args, kwargs, options),
            Shape::Chord(chord) => self.chord(canvas, chord, args, kwargs, options),
        }
    }

    fn leaf(&mut self, canvas: &Canvas, task: &Str, args: Vec<Value>, kwargs: Dict, mut options: Options) -> Promise {
        let id = options.text("task_id").unwrap_or_else(|| (self.freezing.new_id)());
        options.set("task_id", id.clone().into());
        let origin = canvas.origin.clone();
        let leaf = Leaf { task: task.clone(), args, kwargs, options, origin, rest: None };
        self.steps.push(Step::Send(Box::new(leaf)));
        Promise::task(id)
    }

    fn chain(
        &mut self,
        canvas: &Canvas,
        tasks: &[Canvas],
        args: &[Value],
        kwargs: &Dict,
        options: &Options,
    ) -> Promise {
        let mut said = canvas.options.clone();
        said.update(options);
        let args: Vec<Value> = match args.is_empty() || canvas.immutable {
            true => canvas.args.clone(),
            false => args.iter().chain(&canvas.args).cloned().collect(),
        };
        let spot = Spot {
            id: said.text("task_id"),
            group_id: said.text("group_id"),
            group_index: said.get("group_index").and_then(Value::as_int),
            chord: said.chord(),
            root_id: said.text("root_id"),
            parent_id: said.text("parent_id"),
        };
        let (callbacks, errbacks) = (said.list("link"), said.list("link_error"));
        for own in ["task_id", "group_id", "group_index", "root_id", "parent_id", "link", "link_error"] {
            said.remove(own);
        }
        said.set_chord(None);
        let mut prepared = prepare(tasks, &args, kwargs, &errbacks, &spot, &mut self.freezing);
        if let Some(last) = prepared.tasks.first_mut().filter(|_| !callbacks.is_empty()) {
            last.options.extend("link", callbacks);
        }
        let Some(first) = prepared.tasks.pop() else { return prepared.promise };
        let mut rest = said.list("chain");
        rest.extend(prepared.tasks.iter().map(Canvas::to_value));
        said.set("chain", Value::List(rest));
        let alone = prepared.tasks.is_empty();
        let promise = self.apply(&first, &[], &Dict::new(), &said);
        if alone { promise } else { prepared.promise }
    }

    fn group(&mut self, canvas: &Canvas, args: &[Value], kwargs: &Dict, options: &Options) -> Promise {
        let mut options = options.clone();
        let add_to_parent = options.remove("add_to_parent").is_none_or(|add| add.truth());
        if canvas.tasks().is_empty() {
            return canvas.clone().freeze(&mut self.freezing, &Spot::default());
        }
        let mut said = canvas.options.clone();
        for (name, value) in options.iter() {
            if let Some(name) = name.as_str()
                && !(matches!(name, "group_id" | "stamped_headers") && said.has(name))
            {
                said.set(name, value.clone());
            }
        }
        if let Some(chord) = options.chord() {
            said.set_chord(Some(chord));
        }
        let group_id = said.text("task_id").unwrap_or_else(|| (self.freezing.new_id)());
        said.remove("task_id");
        said.set("group_id", group_id.clone().into());
        let root_id = said.text("root_id");
        let mut members = Vec::new();
        self.members(canvas.tasks(), &group_id, root_id.as_ref(), &mut members);
        let chord = said.chord();
        said.remove("group_index");
        said.set("add_to_parent", false.into());
        let size: usize = members.iter().map(|(task, _)| task.counted()).sum();
        let last = members.last().and_then(|(task, _)| task.options.chord());
        if chord.is_some() || last.is_some() {
            self.steps.push(Step::Size { group_id: group_id.clone(), size });
        }
        let none = Arc::new(Value::None);
        let mut results = Vec::with_capacity(members.len());
        for (task, promise) in members {
            let part_of = chord.clone().or_else(|| task.options.chord());
            said.set_chord(Some(part_of.unwrap_or_else(|| none.clone())));
            self.apply(&task, args, kwargs, &said);
            results.push(promise);
        }
        let promise = match &mut results[..] {
            // A group of one chain that ends in a group is that group.
            [one] if one.is_group() => std::mem::take(one),
            _ => Promise::group(group_id, results),
        };
        if add_to_parent {
            self.children.push(promise.to_tree());
        }
        promise
    }

    /// The members of a group and of those in it, each with its ids.
    fn members(
        &mut self,
        tasks: &[Canvas],
        group_id: &Str,
        root_id: Option<&Str>,
        members: &mut Vec<(Canvas, Promise)>,
    ) {
        for (index, task) in tasks.iter().enumerate() {
            let mut task = task.copy();
            match &task.shape {
                Shape::Group(inner) => self.members(inner, group_id, root_id, members),
                Shape::Chain(inner) if inner.is_empty() => {}
                _ => {
                    let spot = Spot {
                        group_id: Some(group_id.clone()),
                        group_index: i64::try_from(index).ok(),
                        root_id: root_id.cloned(),
                        ..Spot::default()
                    };
                    let promise = task.freeze(&mut self.freezing, &spot);
                    members.push((task, promise));
                }
            }
        }
    }

    fn chord(&mut self, canvas: &Canvas, chord: &Chord, args: &[Value], kwargs: &Dict, options: &Options) -> Promise {
        let mut options = options.clone();
        let args: Vec<Value> = match args.is_empty() || canvas.immutable {
            true => canvas.args.clone(),
            false => args.iter().chain(&canvas.args).cloned().collect(),
        };
        let kwargs = chord.header_kwargs(kwargs);
        let task_id = options.remove("task_id").filter(|id| !id.is_none());
        // What delays a chord delays its header.
        let mut delay = Options::default();
        for name in ["countdown", "eta"] {
            if options.get(name).is_some_and(|when| !when.is_none())
                && let Some(when) = options.remove(name)
            {
                delay.set(name, when);
            }
        }
        let (link, link_error) = (options.remove("link"), options.remove("link_error"));
        let for_body = of_body(&options);
        let Some(mut body) = chord.body.as_ref().map(|body| body.copied(&[], &Dict::new(), &for_body)) else {
            return Promise::default();
        };
        let mut header_options = match &chord.frozen {
            Some(frozen) => frozen.clone(),
            None => {
                let id = canvas.options.text("task_id").unwrap_or_else(|| (self.freezing.new_id)());
                let mut options = Options::default();
                options.set("task_id", id.into());
                options
            }
        };
        let mut said = canvas.options.clone();
        said.update(&options);
        for (name, links) in [("link", link), ("link_error", link_error)] {
            if let Some(links) = links {
                said.set(name, links);
            }
        }
        for name in ["countdown", "eta"] {
            if let Some(when) = said.remove(name).filter(|when| !when.is_none() && !delay.has(name)) {
                delay.set(name, when);
            }
        }
        let own_id = said.remove("task_id");
        let task_id = task_id.or(own_id).and_then(|id| id.as_str().map(Str::from));
        let group_id = header_options.text("task_id").unwrap_or_else(|| (self.freezing.new_id)());
        let root_id = body.options.text("root_id");
        if !said.is_empty() {
            body.add_chord_links(&mut said);
            body.options.update(&of_body(&said));
        }
        if body.is_chain() {
            body.unroll_chords();
        }
        let body_id = task_id.unwrap_or_else(|| (self.freezing.new_id)());
        let spot =
            Spot { id: Some(body_id), group_id: Some(group_id.clone()), root_id: root_id.clone(), ..Spot::default() };
        let mut promise = body.freeze(&mut self.freezing, &spot);
        body.strip_headers();
        said.remove("chain");
        said.set_chord(None);
        header_options.set("task_id", group_id.clone().into());
        let chord_of = body.awaited(&mut self.freezing);
        let spot = Spot { group_id: Some(group_id.clone()), chord: chord_of.clone(), root_id, ..Spot::default() };
        let mut header = chord.header.clone();
        let (_, results) = freeze_group(&mut header, &mut header_options, &mut self.freezing, &spot);
        if header.is_empty() {
            promise.after(Promise::group(group_id, Vec::new()));
            self.apply(&body, &[Value::List(Vec::new())], &Dict::new(), &Options::default());
            return promise;
        }
        // An empty group is nothing that parts wait for, but it is told of.
        let told = chord_of.or_else(|| body.is_empty_group().then(|| Arc::new(body.to_value())));
        let beginning = Beginning { group_id: group_id.clone(), header: results, body: told };
        self.steps.push(Step::Chord(Box::new(beginning)));
        said.update(&delay);
        said.set("task_id", group_id.into());
        let group = Canvas { options: header_options, ..Canvas::new(Shape::Group(header)) };
        promise.after(self.group(&group, &args, &kwargs, &said));
        promise
    }
}

fn of_body(options: &Options) -> Options {
    let mut own = options.clone();
    own.remove("parent_id");
    own
}

impl Leaf {
    /// As a signature that can be sent from here.
    ///
    /// # Errors
    /// Options that are none.
    pub(crate) fn into_signature(self, app: &App) -> Result<Signature> {
        let Self { task, args, kwargs, options, origin, rest } = self;
        let (said, chord) = options.into_parts();
        let mut options = SendOptions::from_dict(said)?;
        options.embed.rest = rest;
        if let Some(chord) = chord {
            options.embed.chord = Arc::unwrap_or_clone(chord);
        }
        let known = origin.known.or_else(|| app.known(&task));
        Ok(Signature::of_leaf(task, Args { positional: args, keywords: kwargs }, options, known))
    }
}
