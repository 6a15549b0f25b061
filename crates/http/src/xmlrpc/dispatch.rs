//! From a document to a call, and back; the functions that every server has.

use bytes::Bytes;
use salamander_codec::xmlrpc::{self, Fault};
use salamander_codec::{Args, Codec, Output};
use salamander_net::{CallContext, DaemonHandle};
use salamander_object::{Call, Format, Outcome, Payload};
use salamander_value::{Dict, Exception, Uuid, Value};

use super::options::Inner;
use crate::site::Visitor;

/// The document that answers a document.
pub(super) async fn respond(inner: &Inner, document: Bytes, visitor: &Visitor) -> Vec<u8> {
    let read = xmlrpc::read_call(&document, &inner.settings).map_err(|error| {
        // Without the place in the document: Python has it in the words where it tells it.
        match error.exception() {
            fault if fault.is("xmlrpc.client.Fault") => Fault::of(&fault),
            _ => Fault::of(&Exception::new(error.class(), error.message())),
        }
    });
    drop(document);
    let answer = match read {
        Ok((name, arguments)) => {
            let name = name.unwrap_or_else(|| "None".to_owned());
            if name == "system.multicall" {
                multicall(inner, arguments, visitor).await
            } else {
                within(call(inner, &name, arguments, visitor).await, &mut { inner.max_response }, inner)
            }
        }
        Err(fault) => Err(fault),
    };
    match answer {
        Ok(value) => xmlrpc::response_of(&value),
        Err(fault) => {
            let mut out = Output::new();
            xmlrpc::write_fault(&mut out, &fault);
            out.into_vec()
        }
    }
}

/// What a call gave, if there is room for it; a fault that says so, if not.
fn within(done: Result<Bytes, Fault>, room: &mut usize, inner: &Inner) -> Result<Bytes, Fault> {
    let size = done.as_ref().map_or_else(|fault| fault.text.len(), Bytes::len);
    match room.checked_sub(size) {
        Some(left) => {
            *room = left;
            done
        }
        None => {
            let message = format!("a response of more than {} bytes", inner.max_response);
            Err(Fault::of(&Exception::value_error(message)))
        }
    }
}

/// One call, and its result as a `<value>` element.
async fn call(inner: &Inner, name: &str, arguments: Vec<Value>, visitor: &Visitor) -> Result<Bytes, Fault> {
    if let Some(function) = name.strip_prefix("system.")
        && inner.introspection
        && let Some(found) = system(function, &arguments, &visitor.daemon)
    {
        let encode = |value| Codec::XmlRpc.encode_value(&value, &inner.settings).map_err(|error| error.exception());
        return found.and_then(encode).map(Bytes::from).map_err(|exception| Fault::of(&exception));
    }
    let Some(callable) = visitor.daemon.callable(name) else {
        return Err(Fault::of(&Exception::new("builtins.Exception", format!("method \"{name}\" is not supported"))));
    };
    let call = Call {
        object: callable.object,
        method: callable.method,
        arguments: Payload::Values(Args { positional: arguments, keywords: Dict::new() }),
        context: CallContext::new(Some(visitor.session.clone()), Uuid::from_bytes(visitor.ids.next()), Vec::new()),
        format: Format { codec: Codec::XmlRpc, settings: inner.settings.clone() },
    };
    match visitor.daemon.call(call).await {
        Outcome::Value(encoded) if encoded.codec == Codec::XmlRpc => Ok(encoded.bytes),
        // A layer may have answered in its own way.
        Outcome::Value(encoded) => encoded
            .decode(&inner.settings)
            .and_then(|value| Codec::XmlRpc.encode_value(&value, &inner.settings))
            .map(Bytes::from)
            .map_err(|error| Fault::of(&error.exception())),
        Outcome::Exception(exception) => Err(Fault::of(&exception)),
        // As Python refuses what a generator function returns.
        Outcome::Stream(_) => Err(Fault::of(&Exception::type_error("cannot marshal <class 'generator'> objects"))),
    }
}

/// The calls of a list, one after another.
async fn multicall(inner: &Inner, arguments: Vec<Value>, visitor: &Visitor) -> Result<Bytes, Fault> {
    let calls = arguments_of("system_multicall", ["call_list"], arguments).map(|[calls]| calls);
    let calls = calls.and_then(listed).and_then(|calls| match calls.len() <= inner.max_calls {
        true => Ok(calls),
        false => {
            let message = format!("more than {} calls in a multicall", inner.max_calls);
            Err(Exception::value_error(message))
        }
    });
    let calls = calls.map_err(|exception| Fault::of(&exception))?;
    let mut results = Vec::new();
    let mut room = inner.max_response;
    for entry in calls {
        let (name, arguments) = named(entry).map_err(|exception| Fault::of(&exception))?;
        let done = match (&*name, listed(arguments)) {
            ("system.multicall", _) => {
                Err(Fault::of(&Exception::new("builtins.RecursionError", "a multicall in a multicall")))
            }
            (_, Err(_)) => {
                let message = format!("{name}() argument after * must be an iterable");
                Err(Fault::of(&Exception::type_error(message)))
            }
            (_, Ok(arguments)) => call(inner, &name, arguments, visitor).await,
        };
        results.push(within(done, &mut room, inner));
    }
    Ok(xmlrpc::multicall_results(&results).into())
}

/// The items of a list, for which Python takes whatever can be iterated over.
fn listed(value: Value) -> Result<Vec<Value>, Exception> {
    match value {
        Value::List(items) | Value::Tuple(items) => Ok(items),
        Value::Dict(dict) => Ok(dict.into_iter().map(|(key, _)| key).collect()),
        Value::Str(text) => Ok(text.chars().map(|c| Value::from(c.encode_utf8(&mut [0; 4]) as &str)).collect()),
        other => Err(Exception::type_error(format!("'{}' object is not iterable", class_name(&other)))),
    }
}

/// The name and the arguments of an entry of a multicall.
fn named(entry: Value) -> Result<(String, Value), Exception> {
    let mut dict = match entry {
        Value::Dict(dict) => dict,
        Value::List(_) => return Err(Exception::type_error("list indices must be integers or slices, not str")),
        Value::Str(_) => return Err(Exception::type_error("string indices must be integers, not 'str'")),
        other => {
            let message = format!("'{}' object is not subscriptable", class_name(&other));
            return Err(Exception::type_error(message));
        }
    };
    let mut part = |name: &str| dict.remove(name).ok_or_else(|| Exception::key_error(name));
    let (name, arguments) = (part("methodName")?, part("params")?);
    let name = match name {
        Value::Str(name) => String::from(name),
        other => other.to_string(),
    };
    Ok((name, arguments))
}

fn class_name(value: &Value) -> &str {
    match value {
        Value::None => "NoneType",
        Value::DateTime(_) => "datetime.datetime",
        Value::Decimal(_) => "decimal.Decimal",
        other => other.type_name(),
    }
}

/// One of the functions for introspection; none, where it is no such.
fn system(function: &str, arguments: &[Value], daemon: &DaemonHandle) -> Option<Result<Value, Exception>> {
    let arguments = arguments.to_vec();
    Some(match function {
        "listMethods" => arguments_of("system_listMethods", [], arguments).map(|[]| {
            let mut names = daemon.callables();
            names.extend(SYSTEM.iter().map(|(name, _)| format!("system.{name}")));
            names.sort_unstable();
            names.dedup();
            Value::List(names.into_iter().map(Value::from).collect())
        }),
        "methodSignature" => arguments_of("system_methodSignature", ["method_name"], arguments)
            .map(|[_]| Value::from("signatures not supported")),
        "methodHelp" => arguments_of("system_methodHelp", ["method_name"], arguments)
            .map(|[name]| name.as_str().map(|name| help(name, daemon)).unwrap_or_default().into()),
        _ => return None,
    })
}

/// What every server has, and what it is for.
const SYSTEM: [(&str, &str); 4] = [
    ("listMethods", "The names of all that can be called, sorted."),
    ("methodHelp", "The documentation of what has this name; empty where there is none."),
    ("methodSignature", "Says that signatures are not supported."),
    (
        "multicall",
        "Makes several calls, each a struct of `methodName` and `params`. Of each that succeeds the result comes back in a \
         list, of each that fails a struct of `faultCode` and `faultString`.",
    ),
];

/// The documentation of a function or method.
fn help(name: &str, daemon: &DaemonHandle) -> String {
    if let Some(function) = name.strip_prefix("system.")
        && let Some((_, help)) = SYSTEM.iter().find(|(name, _)| *name == function)
    {
        return (*help).to_owned();
    }
    let found = daemon.callable(name).and_then(|callable| {
        let members = daemon.members_of(&callable.object)?;
        members.methods.iter().find(|method| *method.name == *callable.method)
    });
    found.map(|method| method.doc.to_owned()).unwrap_or_default()
}

/// Just these arguments, or the error with which Python refuses others.
fn arguments_of<const N: usize>(
    function: &str,
    names: [&str; N],
    arguments: Vec<Value>,
) -> Result<[Value; N], Exception> {
    let function = format!("SimpleXMLRPCDispatcher.{function}()");
    arguments.try_into().map_err(|arguments: Vec<Value>| {
        let message = match names.get(arguments.len()..).filter(|missing| !missing.is_empty()) {
            Some(missing) => {
                let plural = if missing.len() == 1 { "" } else { "s" };
                let names = missing.join("' and '");
                format!("{function} missing {} required positional argument{plural}: '{names}'", missing.len())
            }
            None => {
                let (takes, given) = (N + 1, arguments.len() + 1);
                let plural = if takes == 1 { "" } else { "s" };
                format!("{function} takes {takes} positional argument{plural} but {given} were given")
            }
        };
        Exception::type_error(message)
    })
}
