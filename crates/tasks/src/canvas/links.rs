//! What is linked to canvases: callbacks and errbacks; and the chords that they are parts of.

use salamander_value::{Dict, Value};

use super::{Canvas, Options, Shape};

impl Canvas {
    /// With a task that is called with the result. Of a chord it is linked to the body; of a group to the first task alone, which calls it
    /// without its result.
    ///
    /// ```
    /// # use salamander_tasks::{Signature, canvas::chord};
    /// # use salamander_value::Value;
    /// # let add = |x: i64, y: i64| Signature::<Value>::new("tasks.add", (x, y));
    /// # let task = |name: &str| Signature::<Value>::new(name, ());
    /// let canvas = chord([add(1, 1), add(2, 2)], task("tasks.sum")).link(task("tasks.log"));
    /// ```
    #[must_use]
    pub fn link(mut self, callback: impl Into<Canvas>) -> Self {
        self.link_value(&callback.into().to_value());
        self
    }

    /// With a task that is called when it fails. Of a group it is linked to each task, of a chord to the body.
    ///
    /// An errback that takes one argument is sent, and gets the id of the task that failed; one that takes more is called by the worker that
    /// has seen it fail, with the request, the exception and the traceback.
    ///
    /// ```
    /// # use salamander_tasks::Signature;
    /// # use salamander_value::Value;
    /// # let add = |x: i64, y: i64| Signature::<Value>::new("tasks.add", (x, y));
    /// # let task = |name: &str| Signature::<Value>::new(name, ());
    /// let canvas = (add(2, 2) | add(4, 4)).link_error(task("tasks.report"));
    /// ```
    #[must_use]
    pub fn link_error(mut self, errback: impl Into<Canvas>) -> Self {
        self.link_error_value(&errback.into().to_value());
        self
    }

    /// The same by the name that it has in Python, where `link_error` gives the errback back.
    #[must_use]
    pub fn on_error(self, errback: impl Into<Canvas>) -> Self {
        self.link_error(errback)
    }

    pub(super) fn link_value(&mut self, callback: &Value) {
        match &mut self.shape {
            Shape::Task { .. } | Shape::Chain(_) => self.options.push("link", callback.clone()),
            Shape::Group(tasks) => {
                if let Some(first) = tasks.first_mut() {
                    first.link_value(&immutable(callback));
                }
            }
            Shape::Chord(chord) => {
                if let Some(body) = &mut chord.body {
                    body.link_value(callback);
                }
            }
        }
    }

    pub(super) fn link_error_value(&mut self, errback: &Value) {
        match &mut self.shape {
            Shape::Task { .. } | Shape::Chain(_) => self.options.push("link_error", errback.clone()),
            Shape::Group(tasks) => tasks.iter_mut().for_each(|task| task.link_error_value(errback)),
            Shape::Chord(chord) => {
                // One that is a group already Python does not look into.
                let inner = chord.header.iter_mut().filter(|task| task.is_chord() && chord.frozen.is_none());
                inner.for_each(|task| task.link_error_value(errback));
                if let Some(body) = &mut chord.body {
                    body.link_error_value(errback);
                }
            }
        }
    }

    /// It is a part of no chord any more, and neither is what its result comes from.
    fn clear_chord(&mut self) {
        self.options.set_chord(None);
        match &mut self.shape {
            Shape::Task { .. } => {}
            Shape::Group(tasks) => tasks.iter_mut().for_each(Self::clear_chord),
            Shape::Chain(tasks) => tasks.iter_mut().next_back().into_iter().for_each(Self::clear_chord),
            Shape::Chord(chord) => chord.body.iter_mut().for_each(Self::clear_chord),
        }
    }

    /// Headers of chords inside of it need not say what they are parts of: that is said anew when they are sent, and said in each it would
    /// grow with every level.
    pub(super) fn strip_headers(&mut self) {
        match &mut self.shape {
            Shape::Task { .. } => {}
            Shape::Group(tasks) | Shape::Chain(tasks) => tasks.iter_mut().for_each(Self::strip_headers),
            Shape::Chord(chord) => {
                if let Some(frozen) = &mut chord.frozen {
                    frozen.set_chord(None);
                }
                for task in &mut chord.header {
                    task.clear_chord();
                    task.strip_headers();
                }
                chord.body.iter_mut().for_each(Self::strip_headers);
            }
        }
    }

    /// With the callbacks and errbacks of a chord, which are taken out of its options.
    pub(super) fn add_chord_links(&mut self, options: &mut Options) {
        let callbacks = options.list("link");
        let errbacks = options.list("link_error");
        options.remove("link");
        options.remove("link_error");
        for callback in &callbacks {
            match self.is_empty_group() {
                true => self.options.push("link", callback.clone()),
                false => self.link_value(callback),
            }
        }
        for errback in errbacks {
            match self.is_group() {
                true => self.link_error_to_body(&errback, true),
                false => self.options.push("link_error", errback),
            }
        }
    }

    fn link_error_to_body(&mut self, errback: &Value, as_group: bool) {
        let said = self.options.get("link_error").is_some_and(|said| !said.is_none());
        match &mut self.shape {
            Shape::Group(_) if as_group && said => self.options.push("link_error", errback.clone()),
            Shape::Group(tasks) => tasks.iter_mut().for_each(|task| task.link_error_to_body(errback, false)),
            Shape::Chord(chord) => {
                chord.body.iter_mut().for_each(|body| body.link_error_to_body(errback, true));
            }
            Shape::Task { .. } | Shape::Chain(_) => self.link_error_value(errback),
        }
    }
}

/// The same signature, which does not get the result.
fn immutable(signature: &Value) -> Value {
    let mut dict = signature.as_dict().cloned().unwrap_or_default();
    let kind = dict.get("subtask_type").and_then(Value::as_str).map(str::to_owned);
    let each = |tasks: Option<&Value>| {
        Value::List(tasks.and_then(Value::as_slice).unwrap_or_default().iter().map(immutable).collect())
    };
    let part = match kind.as_deref() {
        Some("group") => "tasks",
        Some("chord") => "header",
        _ => {
            dict.insert("immutable", true);
            return dict.into();
        }
    };
    let mut kwargs = dict.get("kwargs").and_then(Value::as_dict).cloned().unwrap_or_else(Dict::new);
    let tasks = each(kwargs.get(part));
    kwargs.insert(part, tasks);
    dict.insert("kwargs", kwargs);
    dict.into()
}
