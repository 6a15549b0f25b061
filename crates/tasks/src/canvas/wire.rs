//! Canvases as they travel: dicts, out of which either language makes them again.

use salamander_value::{Dict, Value};

use super::{Canvas, Chord, Options, Shape};
use crate::error::{Error, Kind, Result};

/// How deep canvases may nest that come from elsewhere.
const MAX_DEPTH: usize = 64;

impl Canvas {
    /// As it travels in messages.
    ///
    /// # Wire
    /// What Python's `json.dumps` is given of a signature: the keys `task`, `args`, `kwargs`, `options`, `subtask_type` and `immutable`.
    pub fn to_value(&self) -> Value {
        let (kwargs, kind): (Dict, Value) = match &self.shape {
            Shape::Task { kwargs, .. } => (kwargs.clone(), Value::None),
            Shape::Chain(tasks) => (Dict::from_iter([("tasks", list(tasks))]), "chain".into()),
            Shape::Group(tasks) => (Dict::from_iter([("tasks", list(tasks))]), "group".into()),
            Shape::Chord(chord) => (chord.to_dict(), "chord".into()),
        };
        Dict::from_iter([
            ("task", Value::from(self.task())),
            ("args", Value::Tuple(self.args.clone())),
            ("kwargs", kwargs.into()),
            ("options", self.options.to_dict().into()),
            ("subtask_type", kind),
            ("immutable", self.immutable.into()),
        ])
        .into()
    }

    /// Out of what has travelled.
    ///
    /// # Errors
    /// [`Kind::Message`] for what is no signature, of a kind that is not known, or nests deeper than 64 levels.
    pub fn from_value(value: &Value) -> Result<Self> {
        read(value, MAX_DEPTH)
    }
}

impl Chord {
    fn to_dict(&self) -> Dict {
        let mut kwargs = self.rest.clone();
        let header = match &self.frozen {
            None => list(&self.header),
            Some(options) => {
                let header = Canvas::new(Shape::Group(self.header.clone()));
                Canvas { options: options.clone(), ..header }.to_value()
            }
        };
        kwargs.insert("header", header);
        kwargs.insert("body", self.body.as_ref().map_or(Value::None, Canvas::to_value));
        kwargs
    }
}

fn list(tasks: &[Canvas]) -> Value {
    Value::List(tasks.iter().map(Canvas::to_value).collect())
}

fn wrong(what: &str) -> Error {
    Error::new(Kind::Message, format!("no signature of a task: {what}"))
}

fn read(value: &Value, depth: usize) -> Result<Canvas> {
    let depth = depth.checked_sub(1).ok_or_else(|| wrong("it nests too deep"))?;
    let dict = value.as_dict().ok_or_else(|| wrong(value.type_name()))?;
    let part = |name: &str| match dict.get(name) {
        None | Some(Value::None) => Ok(Dict::new()),
        Some(Value::Dict(dict)) => Ok(Dict::clone(dict)),
        Some(other) => Err(wrong(&format!("{name} of the type {}", other.type_name()))),
    };
    let options = Options::from(part("options")?);
    let kind = dict.get("subtask_type").filter(|kind| kind.truth());
    // Chains and groups have nothing but members and options; whatever else is said of them is lost in Python too.
    if let Some("chain" | "group") = kind.and_then(Value::as_str) {
        let tasks = match part("kwargs")?.get("tasks") {
            Some(tasks) => read_list(tasks, depth)?,
            None => return Err(wrong("no tasks")),
        };
        let chain = kind.and_then(Value::as_str) == Some("chain");
        let shape = if chain { Shape::Chain(tasks) } else { Shape::Group(tasks) };
        return Ok(Canvas { options, ..Canvas::new(shape) });
    }
    let task = dict.get("task").and_then(Value::as_str).ok_or_else(|| wrong("no name of a task"))?;
    let args = match dict.get("args") {
        None | Some(Value::None) => Vec::new(),
        Some(args) => args.as_slice().ok_or_else(|| wrong("args are no list"))?.to_vec(),
    };
    let mut kwargs = part("kwargs")?;
    let shape = match kind.map(|kind| kind.as_str().unwrap_or_default()) {
        None | Some("xmap" | "xstarmap" | "chunks") => Shape::Task { task: task.into(), kwargs },
        Some("chord") => {
            let header = read_header(&kwargs.remove("header").unwrap_or_default(), depth)?;
            let body = match kwargs.remove("body").unwrap_or_default() {
                Value::None => None,
                body => Some(read(&body, depth)?),
            };
            Shape::Chord(Box::new(Chord { task: task.into(), header, frozen: None, body, rest: kwargs }))
        }
        Some(other) => return Err(wrong(&format!("of the type '{other}'"))),
    };
    let immutable = dict.get("immutable").is_some_and(Value::truth);
    Ok(Canvas { args, options, immutable, ..Canvas::new(shape) })
}

fn read_list(tasks: &Value, depth: usize) -> Result<Vec<Canvas>> {
    let tasks = tasks.as_slice().ok_or_else(|| wrong("tasks are no list"))?;
    tasks.iter().map(|task| read(task, depth)).collect()
}

/// Headers are lists of tasks; where they were a group, those of the group.
fn read_header(header: &Value, depth: usize) -> Result<Vec<Canvas>> {
    if header.as_dict().is_none() {
        return read_list(header, depth);
    }
    let header = read(header, depth)?;
    Ok(match header.shape {
        Shape::Chain(tasks) | Shape::Group(tasks) => tasks,
        Shape::Task { .. } | Shape::Chord(_) => vec![header],
    })
}

#[cfg(test)]
mod tests {
    use super::super::{chord, group};
    use super::*;
    use crate::Signature;

    fn add(x: i64) -> Canvas {
        Signature::<Value>::new("tasks.add", (x,)).into()
    }

    #[test]
    fn what_travels_comes_to_the_same_again() {
        let canvas = (add(1) | group([add(2), add(3)]) | add(4).set("queue", "q")).set("chord", Value::None);
        let travelled = canvas.to_value();
        assert_eq!(Canvas::from_value(&travelled).unwrap().to_value(), travelled);
        let canvas = chord([add(1) | add(2)], add(3).immutable(true)).set("interval", 2);
        let travelled = canvas.to_value();
        assert_eq!(Canvas::from_value(&travelled).unwrap().to_value(), travelled);
    }

    #[test]
    fn what_is_no_signature_is_an_error() {
        let signature = |name: &str, value: Value| {
            let Value::Dict(mut dict) = add(1).to_value() else { panic!() };
            dict.insert(name, value);
            Canvas::from_value(&Value::Dict(dict)).unwrap_err().to_string()
        };
        assert_eq!(signature("task", 1.into()), "no signature of a task: no name of a task");
        assert_eq!(signature("args", 1.into()), "no signature of a task: args are no list");
        assert_eq!(signature("kwargs", "x".into()), "no signature of a task: kwargs of the type str");
        assert_eq!(signature("subtask_type", "heap".into()), "no signature of a task: of the type 'heap'");
        assert_eq!(signature("subtask_type", "chain".into()), "no signature of a task: no tasks");
        assert!(Canvas::from_value(&Value::None).is_err());
        let mut deep = add(1);
        for _ in 0..300 {
            deep = Canvas::new(Shape::Group(vec![deep]));
        }
        assert_eq!(
            Canvas::from_value(&deep.to_value()).unwrap_err().to_string(),
            "no signature of a task: it nests too deep"
        );
    }
}
