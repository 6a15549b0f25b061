//! [`TaskHeaders`]: what a message says of its task.

use salamander_value::{Dict, Str, Value};

/// The headers of a task's message, in protocol 2. What is not known, or of another type than it should be, is kept in `other`.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskHeaders {
    /// The language of whoever sent it; Python's says `py`.
    pub lang: Str,
    /// The task's name.
    pub task: Str,
    /// The task's id.
    pub id: Str,
    /// The name to show instead.
    pub shadow: Option<Str>,
    /// When it is to run at the earliest, in the form of ISO 8601.
    pub eta: Option<Str>,
    /// When it is not to run any more.
    pub expires: Option<Str>,
    /// The group that it is part of.
    pub group: Option<Str>,
    /// Where in the group.
    pub group_index: Option<i64>,
    /// How often it has been retried.
    pub retries: u32,
    /// How long it may run.
    pub timelimit: TimeLimits,
    /// The first task of the workflow.
    pub root_id: Option<Str>,
    /// The task that sent it.
    pub parent_id: Option<Str>,
    /// The positional arguments as text for people.
    pub argsrepr: Option<Str>,
    /// The keyword arguments as text for people.
    pub kwargsrepr: Option<Str>,
    /// Who sent it, as `gen123@host`.
    pub origin: Option<Str>,
    /// Whether nobody wants the result; none where the task decides.
    pub ignore_result: Option<bool>,
    /// How often it has been replaced by another.
    pub replaced_task_nesting: u32,
    /// The headers that were stamped on it.
    pub stamped_headers: Option<Vec<Str>>,
    /// What was stamped.
    pub stamps: Dict,
    /// Everything else.
    pub other: Dict,
}

/// How long a task may run, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeLimits {
    /// After which it is killed.
    pub hard: Option<f64>,
    /// After which it is told.
    pub soft: Option<f64>,
}

impl Default for TaskHeaders {
    fn default() -> Self {
        Self {
            lang: "py".into(),
            task: Str::default(),
            id: Str::default(),
            shadow: None,
            eta: None,
            expires: None,
            group: None,
            group_index: None,
            retries: 0,
            timelimit: TimeLimits::default(),
            root_id: None,
            parent_id: None,
            argsrepr: None,
            kwargsrepr: None,
            origin: None,
            ignore_result: None,
            replaced_task_nesting: 0,
            stamped_headers: None,
            stamps: Dict::new(),
            other: Dict::new(),
        }
    }
}

impl TaskHeaders {
    /// Those of a task, by its name and id, which begins a workflow.
    pub fn new(task: impl Into<Str>, id: impl Into<Str>) -> Self {
        let id = id.into();
        Self { task: task.into(), root_id: Some(id.clone()), id, ..Self::default() }
    }

    /// The name to show: the shadow, or the task's own.
    pub fn shown_name(&self) -> &str {
        self.shadow.as_deref().filter(|shadow| !shadow.is_empty()).unwrap_or(&self.task)
    }

    /// All of them, as they stand in a message.
    pub fn to_dict(&self) -> Dict {
        self.clone().into_dict()
    }

    /// The same without a copy.
    pub fn into_dict(self) -> Dict {
        let mut dict = Dict::with_capacity(20 + self.other.len());
        let mut put = |name: &str, value: Value| _ = dict.insert(name, value);
        put("lang", self.lang.into());
        put("task", self.task.into());
        put("id", self.id.into());
        put("shadow", self.shadow.into());
        put("eta", self.eta.into());
        put("expires", self.expires.into());
        put("group", self.group.into());
        put("group_index", self.group_index.into());
        put("retries", self.retries.into());
        put("timelimit", self.timelimit.to_value());
        put("root_id", self.root_id.into());
        put("parent_id", self.parent_id.into());
        put("argsrepr", self.argsrepr.into());
        put("kwargsrepr", self.kwargsrepr.into());
        put("origin", self.origin.into());
        put("ignore_result", self.ignore_result.into());
        put("replaced_task_nesting", self.replaced_task_nesting.into());
        put("stamped_headers", self.stamped_headers.into());
        put("stamps", self.stamps.into());
        for (name, value) in self.other {
            // One that is known by name and is not what it should be stands behind, too, where it is found again in the same order.
            if let Some(name) = name.as_str() {
                dict.remove(name);
            }
            // It came out of a dict, so it can be a key.
            _ = dict.insert_value(name, value);
        }
        dict
    }

    fn put(&mut self, name: Value, value: Value) {
        let Some(known) = name.as_str() else { return self.put_other(name, value) };
        let text = match known {
            "lang" | "task" | "id" => {
                let own = match known {
                    "lang" => &mut self.lang,
                    "task" => &mut self.task,
                    _ => &mut self.id,
                };
                return match value {
                    Value::Str(text) => *own = text,
                    Value::None => {}
                    value => self.put_other(name, value),
                };
            }
            "shadow" => &mut self.shadow,
            "eta" | "expires" => {
                let own = if known == "eta" { &mut self.eta } else { &mut self.expires };
                return match value {
                    Value::Str(text) => *own = Some(text).filter(|text| !text.is_empty()),
                    // RabbitMQ has a type for it.
                    Value::DateTime(when) => *own = Some(when.to_string().into()),
                    Value::None => {}
                    value => self.put_other(name, value),
                };
            }
            "group" => &mut self.group,
            "root_id" => &mut self.root_id,
            "parent_id" => &mut self.parent_id,
            "argsrepr" => &mut self.argsrepr,
            "kwargsrepr" => &mut self.kwargsrepr,
            "origin" => &mut self.origin,
            _ => return self.put_rest(name, value),
        };
        match value {
            Value::Str(value) => *text = Some(value),
            Value::None => {}
            value => self.put_other(name, value),
        }
    }

    /// Those that are no text.
    fn put_rest(&mut self, name: Value, value: Value) {
        let count = |value: &Value| value.as_int().and_then(|number| u32::try_from(number).ok());
        match (name.as_str().unwrap_or_default(), &value) {
            ("group_index", Value::Int(index)) => self.group_index = Some(*index),
            ("retries", value) if count(value).is_some() => self.retries = count(value).unwrap_or_default(),
            ("replaced_task_nesting", value) if count(value).is_some() => {
                self.replaced_task_nesting = count(value).unwrap_or_default();
            }
            ("timelimit", value) if TimeLimits::from_value(value).is_some() => {
                self.timelimit = TimeLimits::from_value(value).unwrap_or_default();
            }
            ("ignore_result", Value::Bool(ignore)) => self.ignore_result = Some(*ignore),
            ("stamped_headers", value) if texts(value).is_some() => self.stamped_headers = texts(value),
            ("stamps", Value::Dict(_)) => {
                if let Value::Dict(stamps) = value {
                    self.stamps = *stamps;
                }
            }
            (
                "group_index"
                | "retries"
                | "replaced_task_nesting"
                | "timelimit"
                | "ignore_result"
                | "stamped_headers"
                | "stamps",
                Value::None,
            ) => {}
            _ => self.put_other(name, value),
        }
    }

    fn put_other(&mut self, name: Value, value: Value) {
        // It came out of a dict, so it can be a key.
        _ = self.other.insert_value(name, value);
    }
}

impl From<Dict> for TaskHeaders {
    fn from(dict: Dict) -> Self {
        let mut headers = Self { lang: Str::default(), ..Self::default() };
        for (name, value) in dict {
            headers.put(name, value);
        }
        headers
    }
}

impl TimeLimits {
    fn to_value(self) -> Value {
        let number = |limit: Option<f64>| match limit {
            None => Value::None,
            // As whoever gave it most likely wrote it.
            Some(limit) if limit.fract() == 0.0 && limit.abs() < 1e15 => Value::Int(limit as i64),
            Some(limit) => Value::Float(limit),
        };
        Value::List(vec![number(self.hard), number(self.soft)])
    }

    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let number = |value: &Value| match value {
            Value::None => Some(None),
            Value::Int(number) => Some(Some(*number as f64)),
            Value::Float(number) => Some(Some(*number)),
            _ => None,
        };
        match value.as_slice()? {
            [hard, soft] => Some(Self { hard: number(hard)?, soft: number(soft)? }),
            _ => None,
        }
    }
}

/// The texts of a list, tuple or set.
fn texts(value: &Value) -> Option<Vec<Str>> {
    let text = |value: &Value| value.as_str().map(Str::from);
    match value {
        Value::Set(set) | Value::FrozenSet(set) => set.iter().map(text).collect(),
        value => value.as_slice()?.iter().map(text).collect(),
    }
}
