//! What parents and children say to each other: a length, a byte that says what it is, and a body.
//!
//! Bodies are pickles, which hold all that a task can be given, read as data. Both ends are the same program.

use std::sync::Arc;

use bytes::Bytes;
use salamander_codec::{Codec, Settings};
use salamander_object::Encoded;
use salamander_value::{Dict, Exception, Str, Value};
use salamander_wire::celery::{Properties, ResultTree, Serializer, TaskBody, TaskHeaders, TaskMessage};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{Error, Kind, Result};

/// The most bytes that a frame may have.
const MAX: usize = 1 << 30;

/// What is said.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    /// To a child: run this.
    Job(Box<Order>),
    /// To a child: the soft limit has passed.
    Soft,
    /// From a child: it is up.
    Ready,
    /// From a child: the job has begun.
    Began,
    /// From a child: the job has ended with a result.
    Value(Encoded, Left),
    /// From a child: the job has ended with an exception.
    Exception(Exception, Left),
}

/// What a job leaves behind beside its outcome.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Left {
    /// So many KiB of memory are in use.
    pub(crate) memory: u64,
    /// The tasks that it sent.
    pub(crate) children: Vec<ResultTree>,
    /// What is to run in its place, as a signature.
    pub(crate) replacement: Option<Value>,
}

/// A job as a child gets it.
#[derive(Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) queue: Str,
    pub(crate) redelivered: bool,
    pub(crate) message: Arc<TaskMessage>,
}

fn settings() -> Settings {
    Settings::default()
}

fn pickled(value: &Value) -> Result<Bytes> {
    let encoded = Codec::Pickle.encode_value(value, &settings());
    encoded.map(Bytes::from).map_err(|error| Error::with_source(Kind::Misuse, error.to_string(), error))
}

fn unpickled(body: &Bytes) -> Result<Value> {
    Codec::Pickle
        .decode_value(body, &settings())
        .map_err(|error| Error::with_source(Kind::Message, error.to_string(), error))
}

#[cold]
fn wrong() -> Error {
    Error::new(Kind::Message, "what came over the pipe of a child process is none of its frames")
}

impl Frame {
    /// Writes it.
    ///
    /// # Errors
    /// Those of the pipe, and values that cannot be carried.
    pub(crate) async fn write(&self, out: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
        let encoded = self.encode()?;
        out.write_all(&encoded).await.map_err(broken)
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let (kind, body) = match self {
            Self::Job(order) => (b'J', pickled(&order.to_value())?),
            Self::Soft => (b'S', Bytes::new()),
            Self::Ready => (b'R', Bytes::new()),
            Self::Began => (b'B', Bytes::new()),
            Self::Value(encoded, left) => {
                let codec = Str::from(encoded.codec.name());
                (b'V', pickled(&Value::List(vec![left.to_value(), codec.into(), encoded.bytes.clone().into()]))?)
            }
            Self::Exception(exception, left) => {
                let raised = |exception: Exception| Value::List(vec![left.to_value(), as_dicts(exception)]);
                // What no pickle can hold is told as text.
                let body = pickled(&raised(exception.clone())).or_else(|_| {
                    let mut plain = Exception::new(exception.class(), exception.message());
                    plain.set_traceback(exception.traceback().into_iter().map(str::to_owned).collect());
                    pickled(&raised(plain))
                })?;
                (b'X', body)
            }
        };
        let len = u32::try_from(body.len() + 1).ok().filter(|len| *len as usize <= MAX);
        let len = len.ok_or_else(|| Error::new(Kind::Misuse, "too large for the pipe of a child process"))?;
        let mut out = Vec::with_capacity(body.len() + 5);
        out.extend_from_slice(&len.to_be_bytes());
        out.push(kind);
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Reads the next one. None where the other end has closed.
    ///
    /// # Errors
    /// Those of the pipe, and what is no frame.
    pub(crate) async fn read(pipe: &mut (impl AsyncRead + Unpin)) -> Result<Option<Self>> {
        let mut head = [0; 4];
        match pipe.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(broken(error)),
        }
        let len = u32::from_be_bytes(head) as usize;
        if len == 0 || len > MAX {
            return Err(wrong());
        }
        // No memory ahead of what comes.
        let mut body = Vec::with_capacity(len.min(1 << 16));
        let read = (&mut *pipe).take(len as u64).read_to_end(&mut body).await.map_err(broken)?;
        if read < len {
            return Ok(None);
        }
        let body = Bytes::from(body);
        Self::decode(body[0], &body.slice(1..)).map(Some)
    }

    fn decode(kind: u8, body: &Bytes) -> Result<Self> {
        let parts = |most: usize| match unpickled(body)? {
            Value::List(parts) if parts.len() == most => Ok(parts),
            _ => Err(wrong()),
        };
        Ok(match kind {
            b'J' => Self::Job(Box::new(Order::from_value(unpickled(body)?).ok_or_else(wrong)?)),
            b'S' => Self::Soft,
            b'R' => Self::Ready,
            b'B' => Self::Began,
            b'V' => match <[Value; 3]>::try_from(parts(3)?) {
                Ok([left, Value::Str(codec), Value::Bytes(bytes)]) => {
                    let codec = Codec::ALL.into_iter().find(|known| *codec == *known.name()).ok_or_else(wrong)?;
                    Self::Value(
                        Encoded { codec, bytes: bytes.into_bytes() },
                        Left::from_value(&left).ok_or_else(wrong)?,
                    )
                }
                _ => return Err(wrong()),
            },
            b'X' => match <[Value; 2]>::try_from(parts(2)?) {
                Ok([left, Value::Dict(dict)]) => {
                    Self::Exception(of_dicts(*dict).ok_or_else(wrong)?, Left::from_value(&left).ok_or_else(wrong)?)
                }
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        })
    }
}

/// An exception, and those among its attributes, as dicts: of classes that no pickle may name there are many.
fn as_dicts(mut exception: Exception) -> Value {
    let attributes = std::mem::take(exception.attributes_mut());
    *exception.attributes_mut() = replaced(attributes, &|value| match value {
        Value::Exception(inner) => as_dicts(*inner),
        other => other,
    });
    exception.to_dict().into()
}

/// The other way round.
fn of_dicts(dict: Dict) -> Option<Exception> {
    let mut exception = Exception::from_dict(dict).ok()?;
    let attributes = std::mem::take(exception.attributes_mut());
    *exception.attributes_mut() = replaced(attributes, &|value| match value {
        Value::Dict(inner) if inner.get("__exception__").is_some_and(Value::truth) => {
            of_dicts(*inner).map_or(Value::None, |inner| Value::Exception(Box::new(inner)))
        }
        other => other,
    });
    Some(exception)
}

fn replaced(dict: Dict, with: &dyn Fn(Value) -> Value) -> Dict {
    let mut out = Dict::with_capacity(dict.len());
    for (key, value) in dict {
        // It came out of a dict, so it can be a key.
        _ = out.insert_value(key, with(value));
    }
    out
}

impl Left {
    fn to_value(&self) -> Value {
        let children = self.children.iter().map(ResultTree::to_value).collect();
        Value::List(vec![number(self.memory), Value::List(children), self.replacement.clone().unwrap_or_default()])
    }

    fn from_value(value: &Value) -> Option<Self> {
        let [memory, children, replacement] = value.as_slice()? else { return None };
        let children = children.as_slice()?.iter().map(ResultTree::from_value).collect::<Result<_, _>>().ok()?;
        let replacement = Some(replacement.clone()).filter(|replacement| !replacement.is_none());
        Some(Self { memory: u64::try_from(memory.as_int()?).ok()?, children, replacement })
    }
}

fn number(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn broken(error: std::io::Error) -> Error {
    Error::with_source(Kind::Connection, format!("the pipe of a child process: {error}"), error)
}

impl Order {
    fn to_value(&self) -> Value {
        let TaskMessage { headers, body, properties, utc } = &*self.message;
        Value::List(vec![
            number(self.number),
            self.queue.clone().into(),
            self.redelivered.into(),
            headers.to_dict().into(),
            Str::from(body.serializer.name()).into(),
            body.bytes.clone().into(),
            properties.to_dict().into(),
            (*utc).into(),
        ])
    }

    fn from_value(value: Value) -> Option<Self> {
        let Value::List(parts) = value else { return None };
        let [number, queue, redelivered, headers, serializer, bytes, properties, utc] =
            <[Value; 8]>::try_from(parts).ok()?;
        let dict = |value: Value| -> Option<Dict> {
            match value {
                Value::Dict(dict) => Some(*dict),
                _ => None,
            }
        };
        let (Value::Str(queue), Value::Bytes(bytes)) = (queue, bytes) else { return None };
        Some(Self {
            number: u64::try_from(number.as_int()?).ok()?,
            queue,
            redelivered: redelivered.truth(),
            message: Arc::new(TaskMessage {
                headers: TaskHeaders::from(dict(headers)?),
                body: TaskBody {
                    serializer: Serializer::from_name(serializer.as_str()?).ok()?,
                    bytes: bytes.into_bytes(),
                },
                properties: Properties::from(dict(properties)?),
                utc: utc.truth(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signature;
    use crate::canvas::{Canvas, group};

    #[tokio::test]
    async fn what_is_to_run_in_the_place_of_a_job_comes_with_its_outcome() {
        let add = |x: i64| Signature::<Value>::new("tasks.add", (x, x)).countdown(2);
        let canvas = group([add(1), add(2)]) | Signature::<Value>::new("tasks.sum", ());
        let children = vec![ResultTree::group("a", vec![ResultTree::task("b")])];
        let left = Left { memory: 5, children, replacement: Some(canvas.to_value()) };
        let frame = Frame::Exception(crate::Ignore.into(), left);
        let mut written = Vec::new();
        frame.write(&mut written).await.unwrap();
        let Some(Frame::Exception(_, left)) = Frame::read(&mut &written[..]).await.unwrap() else { panic!() };
        let travelled = Canvas::from_value(&left.replacement.unwrap()).unwrap();
        assert_eq!((travelled.to_value(), left.children.len(), left.memory), (canvas.to_value(), 1, 5));
    }
}
