//! [`ResultMeta`]: what became of a task, as backends store it.

use bytes::Bytes;
use salamander_codec::{Output, Settings};
use salamander_value::{Dict, Exception, Str, Value, Writer, write_value};

use super::{Decoding, Message, ResultTree, Serializer, State};
use crate::WireError;

/// What is stored of a task. What is not known, or of another type than it should be, is kept in `other`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultMeta {
    /// The task's id.
    pub task_id: Str,
    /// The state.
    pub status: State,
    /// The result, the exception, or what a state of a program's own says.
    pub result: ResultValue,
    /// The traceback of an exception, as text.
    pub traceback: Option<Str>,
    /// The tasks that it sent.
    pub children: Vec<ResultTree>,
    /// When it was done, in the form of ISO 8601; none as long as it is not.
    pub date_done: Option<Str>,
    /// The task that sent it.
    pub parent_id: Option<Str>,
    /// The group that it is part of.
    pub group_id: Option<Str>,
    /// Everything else, as `name`, `args`, `kwargs`, `worker`, `retries` and `queue` of results that tell more, and stamps.
    pub other: Dict,
}

/// What stands where a result stands.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultValue {
    /// A value.
    Value(Value),
    /// A value that is encoded already, by the serializer of the meta: it is put in as it is.
    Encoded(Bytes),
    /// An exception, as data.
    Exception(ExceptionMeta),
}

/// An exception as Celery stores it where the serializer has none: `{"exc_type", "exc_message", "exc_module"}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExceptionMeta {
    /// The name of the class.
    pub exc_type: Str,
    /// The arguments: a list or tuple, or a single value.
    pub exc_message: Value,
    /// The module of the class.
    pub exc_module: Option<Str>,
}

impl Default for ResultValue {
    fn default() -> Self {
        Self::Value(Value::None)
    }
}

impl ResultMeta {
    /// A task that has a state, with a value.
    pub fn new(task_id: impl Into<Str>, status: State, result: impl Into<Value>) -> Self {
        Self { task_id: task_id.into(), status, result: ResultValue::Value(result.into()), ..Self::default() }
    }

    /// A task that has failed, is to be retried, or is revoked.
    pub fn failed(task_id: impl Into<Str>, status: State, exception: &Exception) -> Self {
        let result = ResultValue::Exception(ExceptionMeta::from(exception));
        Self { task_id: task_id.into(), status, result, ..Self::default() }
    }

    /// The exception, if there is one.
    pub fn exception(&self) -> Option<Exception> {
        match &self.result {
            ResultValue::Exception(exception) => Some(exception.clone().into()),
            ResultValue::Value(Value::Exception(exception)) if self.status.is_exception() => {
                Some(restored((**exception).clone()))
            }
            _ => None,
        }
    }

    /// Encodes it: what is stored under the task's key.
    ///
    /// # Errors
    /// What the serializer refuses.
    pub fn encode(&self, serializer: Serializer, settings: &Settings) -> Result<Bytes, WireError> {
        match (&self.result, serializer) {
            (ResultValue::Encoded(result), Serializer::Json | Serializer::Msgpack) => {
                splice(&self.rest(serializer, settings)?, result, serializer)
            }
            (ResultValue::Encoded(result), _) => {
                let value = serializer.decode(result, settings)?;
                serializer.encode_with(settings, |writer| self.write(writer, Some(&value)))
            }
            _ => serializer.encode_with(settings, |writer| self.write(writer, None)),
        }
    }

    /// All but the result.
    fn rest(&self, serializer: Serializer, settings: &Settings) -> Result<Bytes, WireError> {
        serializer.encode_with(settings, |writer| {
            writer.begin_dict(Some(self.entries()))?;
            self.write_rest(writer)?;
            writer.end()
        })
    }

    /// How many entries there are beside the result.
    fn entries(&self) -> usize {
        5 + usize::from(self.parent_id.is_some()) + usize::from(self.group_id.is_some()) + self.other.len()
    }

    fn write(&self, writer: &mut dyn Writer, decoded: Option<&Value>) -> salamander_value::Result<()> {
        writer.begin_dict(Some(self.entries() + 1))?;
        writer.str("result")?;
        match (&self.result, decoded) {
            (_, Some(value)) | (ResultValue::Value(value), _) => write_value(value, writer)?,
            (ResultValue::Exception(exception), _) => write_value(&exception.to_value(), writer)?,
            (ResultValue::Encoded(_), None) => writer.none()?,
        }
        self.write_rest(writer)?;
        writer.end()
    }

    fn write_rest(&self, writer: &mut dyn Writer) -> salamander_value::Result<()> {
        let mut text = |name: &str, text: Option<&str>| {
            writer.str(name)?;
            match text {
                Some(text) => writer.str(text),
                None => writer.none(),
            }
        };
        text("status", Some(self.status.as_str()))?;
        text("traceback", self.traceback.as_deref())?;
        text("date_done", self.date_done.as_deref())?;
        text("task_id", Some(&*self.task_id))?;
        if let Some(parent) = &self.parent_id {
            text("parent_id", Some(parent))?;
        }
        if let Some(group) = &self.group_id {
            text("group_id", Some(group))?;
        }
        writer.str("children")?;
        writer.begin_list(Some(self.children.len()))?;
        for child in &self.children {
            write_value(&child.to_value(), writer)?;
        }
        writer.end()?;
        super::properties::write_entries(&self.other, writer)
    }

    /// Decodes it.
    ///
    /// # Errors
    /// Whatever can be wrong with the bytes, and what is none.
    pub fn decode(bytes: &Bytes, serializer: Serializer, settings: &Settings) -> Result<Self, WireError> {
        Self::from_value(serializer.decode(bytes, settings)?)
    }

    /// Out of a decoded value.
    ///
    /// # Errors
    /// What is no dict, or has no `status`.
    pub fn from_value(value: Value) -> Result<Self, WireError> {
        let wrong = || WireError::undecodable("no result of a task");
        let dict = super::task::into_dict(value).ok_or_else(wrong)?;
        let mut meta = Self::default();
        let (mut status, mut result) = (None, Value::None);
        for (name, value) in dict {
            match (name.as_str().unwrap_or_default(), value) {
                ("status", Value::Str(name)) => status = Some(State::from(&*name)),
                ("result", value) => result = value,
                ("children", value @ (Value::List(_) | Value::Tuple(_))) => {
                    let children = value.as_slice().unwrap_or_default();
                    meta.children = children.iter().map(ResultTree::from_value).collect::<Result<_, _>>()?;
                }
                ("date_done", Value::DateTime(when)) => meta.date_done = Some(when.to_string().into()),
                ("task_id", Value::Str(id)) => meta.task_id = id,
                ("traceback", Value::Str(text)) => meta.traceback = Some(text),
                ("date_done", Value::Str(text)) => meta.date_done = Some(text),
                ("parent_id", Value::Str(text)) => meta.parent_id = Some(text),
                ("group_id", Value::Str(text)) => meta.group_id = Some(text),
                ("children" | "traceback" | "date_done" | "parent_id" | "group_id", Value::None) => {}
                (_, value) => _ = meta.other.insert_value(name, value),
            }
        }
        meta.status = status.ok_or_else(wrong)?;
        meta.result = match ExceptionMeta::from_value(&result) {
            Some(exception) if meta.status.is_exception() => ResultValue::Exception(exception),
            _ => ResultValue::Value(result),
        };
        Ok(meta)
    }

    /// The message by which `rpc://` sends it to whoever waits.
    ///
    /// # Errors
    /// What the serializer refuses.
    pub fn to_message(&self, serializer: Serializer, settings: &Settings) -> Result<Message, WireError> {
        let mut message = Message::new(self.encode(serializer, settings)?, serializer);
        message.properties.correlation_id = Some(self.task_id.clone());
        Ok(message)
    }

    /// Out of the message by which `rpc://` sends it.
    ///
    /// # Errors
    /// What cannot be decoded, and what is none.
    pub fn from_message(message: &Message, decoding: &Decoding) -> Result<Self, WireError> {
        Self::from_value(message.decode(decoding)?)
    }
}

/// A meta with a result that is encoded already.
fn splice(rest: &[u8], result: &[u8], serializer: Serializer) -> Result<Bytes, WireError> {
    let mut out = Output::new();
    out.reserve(rest.len() + result.len() + 16);
    if serializer == Serializer::Json {
        out.extend_from_slice(b"{\"result\": ");
        out.extend_from_slice(result);
        out.extend_from_slice(b", ");
        out.extend_from_slice(rest.get(1..).unwrap_or_default());
        return Ok(out.into_vec().into());
    }
    // A map of one entry more.
    let (len, entries) = match *rest {
        [first @ 0x80..=0x8F, ref entries @ ..] => (u32::from(first & 0x0F) + 1, entries),
        [0xDE, a, b, ref entries @ ..] => (u32::from(u16::from_be_bytes([a, b])) + 1, entries),
        _ => return Err(WireError::unencodable("too many entries beside a result")),
    };
    match u8::try_from(len) {
        Ok(len @ 0..=15) => out.push(0x80 | len),
        _ => {
            out.push(0xDF);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    out.extend_from_slice(b"\xA6result");
    out.extend_from_slice(result);
    out.extend_from_slice(entries);
    Ok(out.into_vec().into())
}

impl ExceptionMeta {
    /// As Celery has it in a dict.
    pub fn to_value(&self) -> Value {
        let module = Value::from(self.exc_module.clone());
        let entries = [("exc_type", Value::Str(self.exc_type.clone())), ("exc_message", self.exc_message.clone())];
        Dict::from_iter(entries.into_iter().chain([("exc_module", module)])).into()
    }

    /// Out of a dict, if it is one.
    pub fn from_value(value: &Value) -> Option<Self> {
        let dict = value.as_dict()?;
        let exc_type = dict.get("exc_type")?.as_str()?.into();
        let exc_message = dict.get("exc_message").cloned().unwrap_or_else(|| "".into());
        let exc_module = dict.get("exc_module").and_then(Value::as_str).map(Str::from);
        Some(Self { exc_type, exc_message, exc_module })
    }
}

impl From<&Exception> for ExceptionMeta {
    fn from(exception: &Exception) -> Self {
        let class = exception.class();
        let (module, name) = class.rsplit_once('.').unwrap_or(("builtins", class));
        Self {
            exc_type: name.into(),
            exc_message: Value::Tuple(exception.args().to_vec()),
            exc_module: Some(module.into()),
        }
    }
}

impl From<ExceptionMeta> for Exception {
    fn from(meta: ExceptionMeta) -> Self {
        let class = match &meta.exc_module {
            Some(module) => format!("{module}.{}", meta.exc_type),
            None => format!("celery.exceptions.{}", meta.exc_type),
        };
        restored(match meta.exc_message {
            Value::List(args) | Value::Tuple(args) => Exception::with_args(&class, args),
            arg => Exception::new(&class, arg),
        })
    }
}

/// What Celery has wrapped because it could not be pickled, as its own clients see it.
fn restored(exception: Exception) -> Exception {
    if exception.class_name() != "UnpickleableExceptionWrapper" {
        return exception;
    }
    match exception.args() {
        [Value::Str(module), Value::Str(name), Value::List(args) | Value::Tuple(args), ..] => {
            Exception::with_args(&format!("{module}.{name}"), args.clone())
        }
        _ => exception,
    }
}
