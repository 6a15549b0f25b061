//! Batches: many calls of one object in one message.

use std::sync::Arc;

use bytes::Bytes;
use salamander_object::{
    Invocation, Member, Object, Outcome, Pending, Request, Step, caught_future, failed, find, run_now,
};
use salamander_value::{
    Dict, Exception, Object as ObjectValue, Reader, Token, Value, ValueReader, ValueWriter, Writer, read_value,
    write_value,
};

/// How far a batch has come without waiting.
pub(super) enum Batch {
    /// To its end, or to the first call that failed; the results are written.
    Done,
    /// It failed as a whole.
    Failed(Exception),
    /// To a call that has to wait; the results before it are written.
    Waiting(Rest),
}

/// A batch that goes on: the call that is under way, and those to come.
pub(super) struct Rest {
    pending: Pending,
    member: Member,
    calls: Vec<(String, Value)>,
}

/// Makes the calls of a batch in order, up to the first that fails or has to wait, and writes what they gave as a list.
pub(super) fn run(
    object: &dyn Object,
    args: &mut dyn Reader<'_>,
    reply: &mut dyn Writer,
    request: &Request,
) -> Batch {
    run_list(object, args, reply, request).unwrap_or_else(Batch::Failed)
}

fn run_list(
    object: &dyn Object,
    args: &mut dyn Reader<'_>,
    reply: &mut dyn Writer,
    request: &Request,
) -> Result<Batch, Exception> {
    match args.next()? {
        Token::List(_) | Token::Tuple(_) => {}
        other => return Err(Exception::type_error(format!("a batch should be a list, not {}", other.type_name()))),
    }
    reply.begin_list(None)?;
    while let Some(method) = open(args)? {
        let member = find(object.members(), &method)?;
        match run_now(object, member, &mut Invocation { args: &mut *args, reply: &mut *reply, request }) {
            Step::Done => close(args)?,
            Step::Failed(exception) => {
                write_value(&wrapped(exception), reply)?;
                break;
            }
            Step::Unwritable(exception) => return Err(exception),
            Step::Stream(_) => return Err(no_streams()),
            Step::Pending(pending) => {
                close(args)?;
                let mut calls = Vec::new();
                while let Some(method) = open(args)? {
                    let (positional, keywords) = (read_value(args)?, read_value(args)?);
                    close(args)?;
                    calls.push((method, Value::Tuple(vec![positional, keywords])));
                }
                reply.end()?;
                return Ok(Batch::Waiting(Rest { pending, member, calls }));
            }
        }
    }
    reply.end()?;
    Ok(Batch::Done)
}

impl Rest {
    /// Makes the rest of the calls, each after the one before it; `before` are the results so far, encoded as a list.
    pub(super) fn go_on(self, object: Arc<dyn Object>, before: Bytes, request: Request) -> Pending {
        Box::pin(async move {
            let format = request.format.clone();
            match self.results(&*object, before, &request).await {
                Ok(results) => format.outcome(&results),
                Err(exception) => Outcome::Exception(exception),
            }
        })
    }

    async fn results(self, object: &dyn Object, before: Bytes, request: &Request) -> Result<Vec<Value>, Exception> {
        let format = &request.format;
        let mut results = match format.codec.decode_value(&before, &format.settings)? {
            Value::List(results) => results,
            _ => Vec::new(),
        };
        let mut pending = Some((self.pending, self.member));
        let mut calls = self.calls.into_iter();
        loop {
            let result = match pending.take() {
                Some((pending, member)) => {
                    let outcome = caught_future(pending).await.unwrap_or_else(Outcome::Exception);
                    of_outcome(outcome, request)?
                        .map_err(|exception| failed(request, object.members(), member, exception))
                }
                None => match calls.next() {
                    None => return Ok(results),
                    Some((method, arguments)) => match start(object, &method, &arguments, request)? {
                        Started::Result(result) => result,
                        Started::Pending(under_way, member) => {
                            pending = Some((under_way, member));
                            continue;
                        }
                    },
                },
            };
            match result {
                Ok(value) => results.push(value),
                Err(exception) => {
                    results.push(wrapped(exception));
                    return Ok(results);
                }
            }
        }
    }
}

enum Started {
    Result(Result<Value, Exception>),
    Pending(Pending, Member),
}

/// Calls a method with arguments that are values: a tuple of the positional ones and those by keyword.
fn start(object: &dyn Object, method: &str, arguments: &Value, request: &Request) -> Result<Started, Exception> {
    let member = find(object.members(), method)?;
    let mut reader = ValueReader::new(arguments);
    reader.next()?;
    let mut writer = ValueWriter::default();
    let step = run_now(object, member, &mut Invocation { args: &mut reader, reply: &mut writer, request });
    Ok(match step {
        Step::Done => Started::Result(Ok(writer.into_value()?)),
        Step::Failed(exception) => Started::Result(Err(exception)),
        Step::Pending(pending) => Started::Pending(pending, member),
        Step::Unwritable(exception) => return Err(exception),
        Step::Stream(_) => return Err(no_streams()),
    })
}

pub(super) fn of_outcome(outcome: Outcome, request: &Request) -> Result<Result<Value, Exception>, Exception> {
    match outcome {
        Outcome::Value(encoded) => Ok(Ok(encoded.decode(&request.format.settings)?)),
        Outcome::Exception(exception) => Ok(Err(exception)),
        Outcome::Stream(_) => Err(no_streams()),
    }
}

/// Opens the next call of the list: `(method, args, kwargs)`, up to its arguments.
fn open(args: &mut dyn Reader<'_>) -> Result<Option<String>, Exception> {
    match args.next()? {
        Token::End => Ok(None),
        Token::Tuple(_) | Token::List(_) => match args.next()? {
            Token::Str(method) => Ok(Some(method.into_owned())),
            other => Err(Exception::type_error(format!("a method's name is a {}", other.type_name()))),
        },
        other => Err(Exception::type_error(format!("a call in a batch is a {}", other.type_name()))),
    }
}

fn close(args: &mut dyn Reader<'_>) -> Result<(), Exception> {
    match args.next()? {
        Token::End => Ok(()),
        _ => Err(Exception::value_error("too many values to unpack (expected 3)")),
    }
}

fn no_streams() -> Exception {
    Exception::pyro("SerializeError", "an item stream cannot be the result of a call in a batch")
}

/// An exception among the results of a batch.
pub(super) fn wrapped(exception: Exception) -> Value {
    let fields = Dict::from_iter([
        ("__class__", Value::from("Pyro5.core._ExceptionWrapper")),
        ("exception", Value::from(exception)),
    ]);
    match ObjectValue::from_dict(fields) {
        Ok(object) => object.into(),
        Err(fields) => fields.into(),
    }
}
