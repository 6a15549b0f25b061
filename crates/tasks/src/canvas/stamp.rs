//! Stamping: headers of one's own on all tasks of a canvas, by hand or by a visitor that sees its parts.

use std::collections::HashSet;

use salamander_value::{Dict, Str, Value};

use super::{Canvas, Options, Shape, group};

/// The names of what is stamped, among the stamps.
const NAMES: &str = "stamped_headers";

/// Sees the parts of a canvas while it is stamped, and says what is stamped on each: Celery's `StampingVisitor`.
///
/// Each method gets the part as it is, and what is stamped on it already; what it returns is stamped besides. All that it returns is a stamp,
/// unless it says in `stamped_headers` which of it are; the rest are options then, as `queue`. What is said of a group, a chain or a header is
/// stamped on each task in it, and wins over what is said of the task.
///
/// ```
/// use salamander_tasks::canvas::{Canvas, StampingVisitor, group};
/// # use salamander_tasks::Signature;
/// use salamander_value::{Dict, Uuid, Value};
///
/// /// Marks each task by an id of its own.
/// struct Monitoring;
///
/// impl StampingVisitor for Monitoring {
///     fn on_signature(&mut self, _task: &Canvas, _stamped: &Dict) -> Dict {
///         Dict::from_iter([("monitoring_id", Uuid::new_v4().simple().to_string())])
///     }
/// }
///
/// # let task = |name: &str| Signature::<Value>::new(name, ());
/// let canvas = (task("t1") | group([task("t2"), task("t3")]) | task("t4")).stamp_by(&mut Monitoring);
/// assert!(canvas.tasks()[0].option("monitoring_id").is_some());
/// ```
///
/// # Wire
/// Stamps travel as options of signatures, and as the headers `stamped_headers` and `stamps` of messages.
pub trait StampingVisitor {
    /// A task.
    fn on_signature(&mut self, task: &Canvas, stamped: &Dict) -> Dict;

    /// A group begins.
    fn on_group_start(&mut self, _group: &Canvas, _stamped: &Dict) -> Dict {
        Dict::new()
    }

    /// A group ends.
    fn on_group_end(&mut self, _group: &Canvas, _stamped: &Dict) {}

    /// A chain begins.
    fn on_chain_start(&mut self, _chain: &Canvas, _stamped: &Dict) -> Dict {
        Dict::new()
    }

    /// A chain ends.
    fn on_chain_end(&mut self, _chain: &Canvas, _stamped: &Dict) {}

    /// The header of a chord begins. By itself it is a group.
    fn on_chord_header_start(&mut self, chord: &Canvas, stamped: &Dict) -> Dict {
        self.on_group_start(&group(chord.tasks().iter().cloned()), stamped)
    }

    /// The header of a chord ends.
    fn on_chord_header_end(&mut self, chord: &Canvas, stamped: &Dict) {
        self.on_group_end(&group(chord.tasks().iter().cloned()), stamped);
    }

    /// The body of a chord.
    fn on_chord_body(&mut self, _chord: &Canvas, _stamped: &Dict) -> Dict {
        Dict::new()
    }

    /// What is called with a result.
    fn on_callback(&mut self, _callback: &Canvas, _stamped: &Dict) -> Dict {
        Dict::new()
    }

    /// What is called when something fails.
    fn on_errback(&mut self, _errback: &Canvas, _stamped: &Dict) -> Dict {
        Dict::new()
    }
}

/// How a canvas is stamped, where that is more than one stamp or a visitor; see [`Canvas::stamp_all`].
///
/// ```
/// # use salamander_tasks::{Signature, canvas::{Canvas, Stamping}};
/// # use salamander_value::Value;
/// let task = Canvas::from(Signature::<Value>::new("tasks.add", (2, 2)));
/// let stamped = task.stamp("team", "blue").stamp_all(Stamping::new().with("team", "red").appended());
/// assert_eq!(stamped.option("team"), Some(&Value::List(vec!["red".into(), "blue".into()])));
/// ```
#[derive(Default)]
pub struct Stamping<'a> {
    visitor: Option<&'a mut dyn StampingVisitor>,
    append: bool,
    stamps: Dict,
}

impl<'a> Stamping<'a> {
    /// Nothing is stamped.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this stamp.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.stamps.insert(name, value);
        self
    }

    /// With what this visitor says.
    #[must_use]
    pub fn by(mut self, visitor: &'a mut dyn StampingVisitor) -> Self {
        self.visitor = Some(visitor);
        self
    }

    /// Where a name is stamped twice, both are kept, in a list. Else the one that was said first stays, of what is outside before what is inside.
    #[must_use]
    pub fn appended(mut self) -> Self {
        self.append = true;
        self
    }
}

impl Canvas {
    /// With a stamp on each of its tasks, and on what is linked to them. The body of a chord has none, as in Celery; a visitor sees that as well.
    ///
    /// ```
    /// # use salamander_tasks::{Signature, canvas::group};
    /// # use salamander_value::Value;
    /// # let add = |x: i64| Signature::<Value>::new("tasks.add", (x, x));
    /// let stamped = group([add(1), add(2)]).stamp("team", "blue");
    /// assert_eq!(stamped.tasks()[1].option("team").and_then(Value::as_str), Some("blue"));
    /// ```
    #[must_use]
    pub fn stamp(self, name: &str, value: impl Into<Value>) -> Self {
        self.stamp_all(Stamping::new().with(name, value))
    }

    /// With what a visitor stamps on it.
    #[must_use]
    pub fn stamp_by(self, visitor: &mut dyn StampingVisitor) -> Self {
        self.stamp_all(Stamping::new().by(visitor))
    }

    /// With all of these stamps.
    ///
    /// # Wire
    /// Celery's `stamp(visitor, append_stamps, **headers)`. Stamps are values here: what Python's lists gather by being shared among tasks they do not.
    #[must_use]
    pub fn stamp_all(mut self, stamping: Stamping<'_>) -> Self {
        let Stamping { visitor, append, stamps } = stamping;
        Stamper { visitor, append }.stamp(&mut self, &stamps);
        self
    }
}

struct Stamper<'a> {
    visitor: Option<&'a mut dyn StampingVisitor>,
    append: bool,
}

impl Stamper<'_> {
    fn stamp(&mut self, canvas: &mut Canvas, stamps: &Dict) {
        match &canvas.shape {
            Shape::Task { .. } => {
                self.links(canvas, self.append, stamps);
                let said = self.visitor.as_mut().map(|visitor| visitor.on_signature(canvas, stamps));
                for (name, value) in self.together(said, Some(&canvas.options), stamps) {
                    if let Some(name) = name.as_str() {
                        canvas.options.set(name, value);
                    }
                }
            }
            Shape::Chain(_) => {
                let said = self.visitor.as_mut().map(|visitor| visitor.on_chain_start(canvas, stamps));
                let stamps = self.together(said, Some(&canvas.options), stamps);
                // Python forgets here that stamps are appended.
                self.links(canvas, false, &stamps);
                self.members(canvas, &stamps);
                if let Some(visitor) = &mut self.visitor {
                    visitor.on_chain_end(canvas, &stamps);
                }
            }
            Shape::Group(_) => {
                let said = self.visitor.as_mut().map(|visitor| visitor.on_group_start(canvas, stamps));
                let stamps = self.together(said, Some(&canvas.options), stamps);
                self.links(canvas, self.append, &stamps);
                self.members(canvas, &stamps);
                if let Some(visitor) = &mut self.visitor {
                    visitor.on_group_end(canvas, &stamps);
                }
            }
            Shape::Chord(_) => self.chord(canvas, stamps),
        }
    }

    fn chord(&mut self, canvas: &mut Canvas, stamps: &Dict) {
        let said = self.visitor.as_mut().map(|visitor| visitor.on_chord_header_start(canvas, stamps));
        let stamps = self.together(said, Some(&canvas.options), stamps);
        self.links(canvas, self.append, &stamps);
        if let Shape::Chord(chord) = &mut canvas.shape {
            if self.visitor.is_some() {
                // A visitor has seen it as a group, and Python makes it one.
                chord.frozen.get_or_insert_default();
            }
            chord.header.iter_mut().for_each(|task| self.stamp(task, &stamps));
        }
        let Some(visitor) = &mut self.visitor else { return };
        visitor.on_chord_header_end(canvas, &stamps);
        if canvas.body().is_none() {
            return;
        }
        let said = visitor.on_chord_body(canvas, &stamps);
        let stamps = self.together(Some(said), Some(&canvas.options), &stamps);
        if let Shape::Chord(chord) = &mut canvas.shape
            && let Some(body) = &mut chord.body
        {
            self.stamp(body, &stamps);
        }
    }

    fn members(&mut self, canvas: &mut Canvas, stamps: &Dict) {
        canvas.members().into_iter().flatten().for_each(|task| self.stamp(task, stamps));
    }

    /// What is linked to a canvas. What is said of one of several links is said of those behind it, too.
    fn links(&mut self, canvas: &mut Canvas, append: bool, stamps: &Dict) {
        for name in ["link", "link_error"] {
            let Some(linked) = canvas.options.get(name).filter(|linked| !linked.is_none()).cloned() else { continue };
            let mut stamps = stamps.clone();
            let mut one = |link: Value| {
                let Ok(mut stamped) = Canvas::from_value(&link) else { return link };
                let said = self.visitor.as_mut().map(|visitor| match name {
                    "link" => visitor.on_callback(&stamped, &stamps),
                    _ => visitor.on_errback(&stamped, &stamps),
                });
                stamps = together(said, None, &stamps, append);
                let before = std::mem::replace(&mut self.append, append);
                self.stamp(&mut stamped, &stamps);
                self.append = before;
                with_parts(link, &stamped)
            };
            let linked = match linked {
                Value::List(links) | Value::Tuple(links) => Value::List(links.into_iter().map(one).collect()),
                link => one(link),
            };
            canvas.options.set(name, linked);
        }
    }

    fn together(&self, said: Option<Dict>, own: Option<&Options>, stamps: &Dict) -> Dict {
        together(said, own, stamps, self.append)
    }
}

/// A signature as it was, with what was stamped in it.
fn with_parts(link: Value, stamped: &Canvas) -> Value {
    let (Value::Dict(mut link), Value::Dict(mut stamped)) = (link, stamped.to_value()) else { return Value::None };
    for part in ["kwargs", "options"] {
        if let Some(part_stamped) = stamped.remove(part) {
            link.insert(part, part_stamped);
        }
    }
    Value::Dict(link)
}

/// All stamps: these, what a visitor has said, and what the canvas has already.
fn together(said: Option<Dict>, own: Option<&Options>, stamps: &Dict, append: bool) -> Dict {
    let mut all = stamps.clone();
    if !all.contains_key(NAMES) {
        name_all(&mut all);
    }
    if let Some(mut said) = said {
        if !said.contains_key(NAMES) {
            name_all(&mut said);
        }
        merge(&mut all, &said, append);
        once(&mut all, []);
    }
    if let Some(own) = own {
        let named = own.get(NAMES).and_then(Value::as_slice).unwrap_or_default();
        once(&mut all, named.iter().cloned());
        let names = all.get(NAMES).and_then(Value::as_slice).unwrap_or_default().iter();
        let stamped = names.filter_map(|name| {
            let name = name.as_str()?;
            Some((Str::from(name), own.get(name)?.clone()))
        });
        let stamped: Dict = stamped.collect();
        merge(&mut all, &stamped, append);
    }
    all
}

fn name_all(stamps: &mut Dict) {
    let names = stamps.keys().cloned().collect();
    stamps.insert(NAMES, Value::List(names));
}

/// The names, each once, with further ones.
fn once(stamps: &mut Dict, more: impl IntoIterator<Item = Value>) {
    let names = match stamps.remove(NAMES) {
        Some(Value::List(names) | Value::Tuple(names)) => names,
        _ => Vec::new(),
    };
    let mut seen = HashSet::new();
    let named = |name: &Value| name.as_str().is_some_and(|name| seen.insert(name.to_owned()));
    let names = names.into_iter().chain(more).filter(named).collect();
    stamps.insert(NAMES, Value::List(names));
}

/// Celery's rules for what is said twice.
fn merge(into: &mut Dict, from: &Dict, append: bool) {
    for (name, other) in from.iter() {
        let merged = match into.get_value(name) {
            None => other.clone(),
            Some(value) => both(value, other, append),
        };
        // It was a key before.
        _ = into.insert_value(name.clone(), merged);
    }
}

fn both(value: &Value, other: &Value, append: bool) -> Value {
    match (value, other) {
        (Value::Dict(value), Value::Dict(other)) => {
            let mut merged = Dict::clone(value);
            merge(&mut merged, other, append);
            merged.into()
        }
        (Value::List(value), Value::List(other)) => Value::List(value.iter().chain(other).cloned().collect()),
        (value, other) if append => {
            let mut list = match value {
                Value::None => Vec::new(),
                Value::List(items) | Value::Tuple(items) => items.clone(),
                one => vec![one.clone()],
            };
            match (value, other) {
                // Only what is no list yet takes the items of another one.
                (Value::List(_) | Value::Tuple(_) | Value::None, other) => list.push(other.clone()),
                (_, Value::List(items)) => list.extend(items.iter().cloned()),
                (_, other) => list.push(other.clone()),
            }
            Value::List(list)
        }
        (value, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signature;

    fn task(x: i64) -> Canvas {
        Signature::<Value>::new("tasks.any", (x,)).into()
    }

    #[test]
    fn what_is_said_outside_wins_unless_both_are_kept() {
        let stamped = task(1).stamp("who", "inner").stamp("who", "outer");
        assert_eq!(stamped.option("who"), Some(&"outer".into()));
        let both = task(1).stamp("who", "inner").stamp_all(Stamping::new().with("who", "outer").appended());
        assert_eq!(both.option("who"), Some(&Value::List(vec!["outer".into(), "inner".into()])));
        assert_eq!(both.option(NAMES), Some(&Value::List(vec!["who".into()])));
    }

    #[test]
    fn links_are_stamped_and_stay_what_they_were() {
        let linked = task(1).link(task(2).immutable(true)).link_error(task(3) | task(4)).stamp("a", 1);
        let callback = linked.option("link").and_then(Value::as_slice).unwrap()[0].clone();
        assert_eq!(callback.get("options").and_then(|options| options.get("a")), Some(&1.into()));
        assert_eq!(callback.get("immutable"), Some(&true.into()));
        let errback = linked.option("link_error").and_then(Value::as_slice).unwrap()[0].clone();
        assert_eq!(Canvas::from_value(&errback).unwrap().tasks()[1].option("a"), Some(&1.into()));
    }

    #[test]
    fn a_visitor_sees_bodies_too() {
        struct Counting(i64);
        impl StampingVisitor for Counting {
            fn on_signature(&mut self, _: &Canvas, _: &Dict) -> Dict {
                self.0 += 1;
                Dict::from_iter([("number", self.0)])
            }
        }
        let chord = super::super::chord([task(1), task(2)], task(3));
        let stamped = chord.clone().stamp_by(&mut Counting(0));
        assert_eq!(stamped.body().unwrap().option("number"), Some(&3.into()));
        assert_eq!(chord.stamp("number", 1).body().unwrap().option("number"), None);
    }
}
