//! [`Signature`]: a task, its arguments and its options, not sent yet.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use salamander_codec::{Args, Arguments};
use salamander_object::Members;
use salamander_value::{DateTime, Dict, Str, Value, ValueWriter, Writer, to_value};
use serde::Serialize;

use super::options::{Expires, RetryPolicy, SendOptions};
use crate::canvas::Canvas;
use crate::error::{Error, Kind, Result};
use crate::task::{Seconds, TaskOptions};

/// A task, its arguments and its options: what can be sent, run in place, or be carried by another as its callback.
///
/// `T` is what the result is read as.
pub struct Signature<T = Value> {
    pub(crate) task: Str,
    /// What could not be taken as an argument is said when it is sent.
    pub(crate) arguments: Result<Args>,
    pub(crate) options: SendOptions,
    pub(crate) known: Option<Known>,
    pub(crate) immutable: bool,
    result: PhantomData<fn() -> T>,
}

/// What is known of a task that stands in the source here.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) options: Arc<TaskOptions>,
    pub(crate) members: &'static Members,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Known").field(&self.options.name).finish()
    }
}

impl<T> Signature<T> {
    /// A task by its name, in whichever language it is written, with positional arguments (a tuple) or with both kinds ([`Args`]).
    pub fn new(task: impl Into<Str>, arguments: impl Arguments) -> Self {
        Self {
            task: task.into(),
            arguments: collect(&arguments),
            options: SendOptions::default(),
            known: None,
            immutable: false,
            result: PhantomData,
        }
    }

    pub(crate) fn of_task(options: TaskOptions, members: &'static Members, arguments: &dyn Arguments) -> Self {
        Self {
            task: options.name.clone(),
            arguments: collect(arguments),
            options: SendOptions::default(),
            known: Some(Known { options: Arc::new(options), members }),
            immutable: false,
            result: PhantomData,
        }
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// All that is said of the call.
    pub fn options(&self) -> &SendOptions {
        &self.options
    }

    /// All that is said of the call, to change.
    pub fn options_mut(&mut self) -> &mut SendOptions {
        &mut self.options
    }

    /// With another argument by keyword.
    #[must_use]
    pub fn kwarg(mut self, name: &str, value: impl Serialize) -> Self {
        match (&mut self.arguments, to_value(&value)) {
            (Ok(arguments), Ok(value)) => _ = arguments.keywords.insert(name, value),
            (Ok(_), Err(error)) => self.arguments = Err(misuse(error)),
            (Err(_), _) => {}
        }
        self
    }

    /// Runs after so long at the earliest.
    #[must_use]
    pub fn countdown(mut self, after: impl Seconds) -> Self {
        self.options.countdown = Some(after.duration().as_secs_f64());
        self
    }

    /// Runs at this time at the earliest. A time without an offset is in UTC.
    #[must_use]
    pub fn eta(mut self, eta: impl Into<Moment>) -> Self {
        self.options.eta = Some(eta.into().0);
        self
    }

    /// Does not run after this: seconds, a `Duration`, or a time.
    #[must_use]
    pub fn expires(mut self, expires: impl Into<Expires>) -> Self {
        self.options.expires = Some(expires.into());
        self
    }

    /// With a header of one's own, which the task finds in its request.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.headers.insert(name, value);
        self
    }

    /// With a further property of the message.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.properties.insert(name, value);
        self
    }

    /// Is sent only where none was sent with this key before: the first wins, for so long, and who comes later is given the result of that one.
    /// It is for tasks that are sent by themselves, and not as parts of canvases.
    ///
    /// ```no_run
    /// # use salamander_tasks::{App, Signature};
    /// # async fn example(app: App) -> salamander_tasks::Result<()> {
    /// let report = |day: &str| Signature::<i64>::new("tasks.report", (day,)).dedupe(format!("report-{day}"), 3600);
    /// let first = report("2026-01-31").send(&app).await?;
    /// let second = report("2026-01-31").send(&app).await?;
    /// assert_eq!(first.id(), second.id());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dedupe(mut self, key: impl Into<Str>, time: impl Seconds) -> Self {
        self.options.dedupe = Some((key.into(), time.duration()));
        self
    }

    /// With this limit of its time.
    #[must_use]
    pub fn time_limit(mut self, limit: impl Seconds) -> Self {
        self.options.time_limit = Some(limit.duration());
        self
    }

    /// With this limit of its time, after which it is told.
    #[must_use]
    pub fn soft_time_limit(mut self, limit: impl Seconds) -> Self {
        self.options.soft_time_limit = Some(limit.duration());
        self
    }

    /// With this priority; which numbers come first, the broker decides.
    #[must_use]
    pub fn priority(mut self, priority: u8) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// Nobody wants the result.
    #[must_use]
    pub fn ignore_result(mut self, ignore: bool) -> Self {
        self.options.ignore_result = Some(ignore);
        self
    }

    /// Whether publishing is tried again.
    #[must_use]
    pub fn retry(mut self, retry: bool) -> Self {
        self.options.retry = Some(retry);
        self
    }

    /// How publishing is tried again.
    #[must_use]
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.options.retry_policy = Some(policy);
        self
    }

    /// How long publishing may take in all.
    #[must_use]
    pub fn publish_timeout(mut self, limit: Duration) -> Self {
        self.options.publish_timeout = Some(limit);
        self
    }

    /// Persistent (2) or not (1).
    #[must_use]
    pub fn delivery_mode(mut self, mode: u8) -> Self {
        self.options.delivery_mode = Some(mode);
        self
    }

    /// As part of a group, at this place.
    #[must_use]
    pub fn group(mut self, id: impl Into<Str>, index: i64) -> Self {
        self.options.group_id = Some(id.into());
        self.options.group_index = Some(index);
        self
    }

    /// Whether it counts as a child of the task that sends it.
    #[must_use]
    pub fn add_to_parent(mut self, add: bool) -> Self {
        self.options.add_to_parent = Some(add);
        self
    }

    /// With a task, or a canvas, that is called with the result.
    ///
    /// ```
    /// # use salamander_tasks::Signature;
    /// # use salamander_value::Value;
    /// # let add = |x: i64, y: i64| Signature::<Value>::new("tasks.add", (x, y));
    /// # let log = Signature::<Value>::new("tasks.log", ());
    /// let linked = add(2, 2).link(log);
    /// ```
    #[must_use]
    pub fn link(mut self, callback: impl Into<Value>) -> Self {
        push(&mut self.options.embed.callbacks, callback.into());
        self
    }

    /// With a task, or a canvas, that is called when this one fails. In Python's words it is `on_error`, which gives the task and not the errback.
    ///
    /// ```
    /// # use salamander_tasks::Signature;
    /// # use salamander_value::Value;
    /// # let add = |x: i64, y: i64| Signature::<Value>::new("tasks.add", (x, y));
    /// # let report = |what: &str| Signature::<Value>::new("tasks.report", (what,));
    /// let watched = add(2, 2).link_error(report("the sum"));
    /// ```
    #[must_use]
    pub fn link_error(mut self, errback: impl Into<Value>) -> Self {
        push(&mut self.options.embed.errbacks, errback.into());
        self
    }

    /// As a callback, or in a chain, it does not get the result of the task before it: Python's `si`.
    ///
    /// ```
    /// # use salamander_tasks::Signature;
    /// # use salamander_value::Value;
    /// # let add = |x: i64, y: i64| Signature::<Value>::new("tasks.add", (x, y));
    /// // Gives 8, whatever the first one gives.
    /// let canvas = add(2, 2) | add(4, 4).immutable();
    /// ```
    #[must_use]
    pub fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    /// With a stamp: a header of one's own, which results tell too (`result_extended`), and which is on what is linked to it as well.
    #[must_use]
    pub fn stamp(mut self, name: &str, value: impl Into<Value>) -> Self {
        let said = std::mem::take(&mut self.options).to_dict();
        let canvas = Canvas::of_task("", Vec::new(), Dict::new()).with_options(said).stamp(name, value);
        match SendOptions::from_dict(canvas.options.to_dict()) {
            Ok(options) => self.options = options,
            Err(error) => self.arguments = Err(error),
        }
        self
    }

    /// A leaf of a canvas, with what is said of it there.
    pub(crate) fn of_leaf(task: Str, arguments: Args, options: SendOptions, known: Option<Known>) -> Self {
        Self { task, arguments: Ok(arguments), options, known, immutable: false, result: PhantomData }
    }

    /// The same, with the result read as another type.
    pub fn returning<U>(self) -> Signature<U> {
        let Self { task, arguments, options, known, immutable, .. } = self;
        Signature { task, arguments, options, known, immutable, result: PhantomData }
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl<T> Signature<T> {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, text: impl Into<Str>) -> Self {
                    self.options.$name = Some(text.into());
                    self
                }
            )*
        }
    };
}
texts! {
    /// With this id, instead of one that is made by chance.
    task_id;
    /// Under another name in logs.
    shadow;
    /// To this queue.
    queue;
    /// To this exchange.
    exchange;
    /// With this routing key.
    routing_key;
    /// Serialized so: `json`, `msgpack`, `yaml`, `pickle`.
    serializer;
    /// Compressed so: `zlib`, `gzip`, `bzip2`, `lzma`, `zstd`.
    compression;
    /// With the result sent to this queue.
    reply_to;
    /// As part of the workflow that this task began.
    root_id;
    /// As sent by this task.
    parent_id;
}

/// A point in time, in the form of ISO 8601.
#[derive(Clone, Debug)]
pub struct Moment(pub(crate) Str);

impl From<DateTime> for Moment {
    fn from(time: DateTime) -> Self {
        Self(time.to_string().into())
    }
}

impl From<std::time::SystemTime> for Moment {
    fn from(time: std::time::SystemTime) -> Self {
        Self(super::environment::date_time(time).map(|time| time.to_string().into()).unwrap_or_default())
    }
}

impl From<&str> for Moment {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

fn push(list: &mut Value, signature: Value) {
    match list {
        Value::List(signatures) => signatures.push(signature),
        _ => *list = Value::List(vec![signature]),
    }
}

/// Arguments as values: they are shown as text as well as encoded.
fn collect(arguments: &dyn Arguments) -> Result<Args> {
    let mut writer = ValueWriter::default();
    let mut write = || {
        writer.begin_tuple(Some(2))?;
        writer.begin_list(Some(arguments.positional()))?;
        arguments.write_positional(&mut writer)?;
        writer.end()?;
        writer.begin_dict(Some(arguments.keywords()))?;
        arguments.write_keywords(&mut writer)?;
        writer.end()?;
        writer.end()
    };
    write().map_err(misuse)?;
    let Value::Tuple(mut parts) = writer.into_value().map_err(misuse)? else { return Ok(Args::default()) };
    let keywords = match parts.pop() {
        Some(Value::Dict(keywords)) => *keywords,
        // Keywords may have any name.
        Some(Value::Object(object)) => object.into_fields(),
        _ => Dict::new(),
    };
    let positional = match parts.pop() {
        Some(Value::List(items)) => items,
        _ => Vec::new(),
    };
    Ok(Args { positional, keywords })
}

fn misuse(error: salamander_value::Error) -> Error {
    Error::of_task(Kind::Misuse, error.exception())
}

impl<T> From<Signature<T>> for Value {
    fn from(signature: Signature<T>) -> Self {
        Canvas::from(signature).to_value()
    }
}

impl<T> Clone for Signature<T> {
    fn clone(&self) -> Self {
        Self {
            task: self.task.clone(),
            arguments: self.arguments.clone(),
            options: self.options.clone(),
            known: self.known.clone(),
            immutable: self.immutable,
            result: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Signature<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature")
            .field("task", &self.task)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
