//! [`Table`]: the rows, and how they are put there.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::scene::Scene;

/// A feature, one of its directions, and how it is checked.
pub(crate) struct Row {
    /// Under which heading it stands in the document.
    pub(crate) section: &'static str,
    pub(crate) name: String,
    pub(crate) direction: Direction,
    /// The brokers that cannot do it, and why.
    pub(crate) without: Vec<(Kind, &'static str)>,
    pub(crate) check: Check,
}

/// Who sends, and who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Direction {
    /// Python's Celery sends to our worker.
    ToOurs,
    /// We send to Celery's worker.
    ToCelery,
    /// Both ends are ours.
    Ours,
}

/// A broker, with the result backend that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// The queue that `salamander up` has, over kombu's Pyro transport, with `rpc://`.
    Embedded,
    /// Redis for both.
    Redis,
    /// RabbitMQ with `rpc://`.
    RabbitMq,
}

pub(crate) enum Check {
    /// The function of this name in `python/celery_features`, whose tasks go to this queue of ours.
    Python { queue: &'static str },
    /// A function here; it panics where the feature does not hold.
    Rust(Arc<Function>),
}

type Function = dyn Fn(Scene) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    section: &'static str,
}

/// Rows that have just been put into the table.
pub(crate) struct Added<'t>(&'t mut [Row]);

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Self::Embedded, Self::Redis, Self::RabbitMq];
}

impl Table {
    /// What follows stands under this heading.
    pub(crate) fn section(&mut self, name: &'static str) {
        self.section = name;
    }

    /// A feature that a function in Python checks, whose tasks go to our worker.
    pub(crate) fn ours(&mut self, name: &str) -> Added<'_> {
        self.add(name, Direction::ToOurs, Check::Python { queue: "rust" })
    }

    /// A feature of tasks that we send to Celery's worker.
    pub(crate) fn celery<F>(&mut self, name: &str, check: impl Fn(Scene) -> F + Send + Sync + 'static) -> Added<'_>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.add(name, Direction::ToCelery, rust(check))
    }

    /// A feature of both directions: by the function of this name in Python, and by this one.
    pub(crate) fn both<F>(&mut self, name: &str, check: impl Fn(Scene) -> F + Send + Sync + 'static) -> Added<'_>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.ours(name);
        self.celery(name, check);
        let begin = self.rows.len() - 2;
        Added(&mut self.rows[begin..])
    }

    /// A feature between programs of ours, for brokers that Python's side gets less of.
    pub(crate) fn alone<F>(&mut self, name: &str, kind: Kind, check: impl Fn(Scene) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let added = self.add(name, Direction::Ours, rust(check));
        for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
            added.0[0].without.push((other, ""));
        }
    }

    fn add(&mut self, name: &str, direction: Direction, check: Check) -> Added<'_> {
        let again = self.rows.iter().any(|row| row.name == name && row.direction == direction);
        assert!(!again, "{name} stands there twice");
        self.rows.push(Row { section: self.section, name: name.to_owned(), direction, without: Vec::new(), check });
        let end = self.rows.len();
        Added(&mut self.rows[end - 1..])
    }
}

fn rust<F>(check: impl Fn(Scene) -> F + Send + Sync + 'static) -> Check
where
    F: Future<Output = ()> + Send + 'static,
{
    Check::Rust(Arc::new(move |scene| Box::pin(check(scene))))
}

impl Added<'_> {
    /// Tasks from Python go to this queue of ours, whose worker has settings of its own.
    pub(crate) fn at(self, queue: &'static str) -> Self {
        for row in &mut *self.0 {
            if let Check::Python { queue: own } = &mut row.check {
                *own = queue;
            }
        }
        self
    }

    /// This broker cannot do it.
    pub(crate) fn without(self, kind: Kind, why: &'static str) -> Self {
        self.0.iter_mut().for_each(|row| row.without.push((kind, why)));
        self
    }

    /// This broker cannot do it in one of the directions.
    pub(crate) fn without_in(self, direction: Direction, kind: Kind, why: &'static str) -> Self {
        self.0.iter_mut().filter(|row| row.direction == direction).for_each(|row| row.without.push((kind, why)));
        self
    }

    /// Only this broker can do it.
    pub(crate) fn only(self, kind: Kind, why: &'static str) -> Self {
        Kind::ALL.into_iter().filter(|other| *other != kind).fold(self, |added, other| added.without(other, why))
    }
}

impl Row {
    /// Why a broker cannot do it, if it cannot.
    pub(crate) fn reason(&self, kind: Kind) -> Option<&'static str> {
        self.without.iter().find(|(other, _)| *other == kind).map(|(_, why)| *why)
    }

    /// The name of the test.
    pub(crate) fn test(&self, kind: Kind) -> String {
        format!("{kind}: {}: {}", self.direction, self.name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::Redis => "Redis",
            Self::RabbitMq => "RabbitMQ",
        })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ToOurs => "from Celery to ours",
            Self::ToCelery => "from ours to Celery",
            Self::Ours => "ours alone",
        })
    }
}
