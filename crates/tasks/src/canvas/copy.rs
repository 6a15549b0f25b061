//! Copies of canvases, with arguments and options added.

use salamander_value::{Dict, Value};

use super::{Canvas, Chord, Options, Origin, Shape};

impl Canvas {
    /// The same with further arguments in front, as a partial of it: Python's `clone`, which is called `partial` there too. What is immutable
    /// stays what it is, and so do chains and groups, which have no arguments of their own.
    ///
    /// ```
    /// # use salamander_tasks::{Signature, canvas::Canvas};
    /// # use salamander_value::Value;
    /// let add_two = Canvas::from(Signature::<Value>::new("tasks.add", (2,)));
    /// // add(4, 2)
    /// let canvas = add_two.partial([4]);
    /// ```
    #[must_use]
    pub fn partial(&self, args: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        let args: Vec<Value> = args.into_iter().map(Into::into).collect();
        self.copied(&args, &Dict::new(), &Options::default())
    }

    /// The same as a part of something else.
    pub(crate) fn copy(&self) -> Self {
        self.copied(&[], &Dict::new(), &Options::default())
    }

    /// Celery's `clone`. Chains and groups have no arguments of their own, and lose those that they are given.
    pub(crate) fn copied(&self, args: &[Value], kwargs: &Dict, options: &Options) -> Self {
        let options = self.options.merged(options);
        let origin = Origin { own: None, ..self.origin.clone() };
        let with = |given: &[Value]| match self.immutable || given.is_empty() {
            true => self.args.clone(),
            false => given.iter().chain(&self.args).cloned().collect(),
        };
        let named = |own: &Dict| match self.immutable {
            true => own.clone(),
            false => merged(own, kwargs),
        };
        match &self.shape {
            Shape::Task { task, kwargs: own } => Self {
                shape: Shape::Task { task: task.clone(), kwargs: named(own) },
                args: with(args),
                options,
                immutable: self.immutable,
                origin,
            },
            Shape::Chain(tasks) => {
                let tasks = tasks.iter().map(Self::copy).collect();
                Self { options, origin, ..Self::new(Shape::Chain(tasks)) }
            }
            Shape::Group(tasks) => Self { options, origin, ..Self::new(Shape::Group(tasks.clone())) },
            Shape::Chord(chord) => {
                let header = match chord.frozen {
                    Some(_) => chord.header.clone(),
                    None => chord.header.iter().map(Self::copy).collect(),
                };
                let chord = Box::new(Chord {
                    task: chord.task.clone(),
                    header,
                    frozen: None,
                    body: chord.body.as_ref().map(Self::copy),
                    rest: named(&chord.rest),
                });
                Self { shape: Shape::Chord(chord), args: with(args), options, immutable: self.immutable, origin }
            }
        }
    }
}

/// Keyword arguments, of which the later ones count.
pub(super) fn merged(own: &Dict, others: &Dict) -> Dict {
    let mut merged = own.clone();
    for (name, value) in others.iter() {
        // It was a key before.
        _ = merged.insert_value(name.clone(), value.clone());
    }
    merged
}
