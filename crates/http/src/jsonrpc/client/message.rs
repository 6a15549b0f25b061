//! What clients write and read.

use bytes::Bytes;
use salamander_codec::{Arguments, Codec, Output, Settings};
use salamander_net::{Error, Kind, Result};
use salamander_value::{Dict, Exception, Value};

/// The parameters as JSON; nothing where there are none.
///
/// # Errors
/// What JSON cannot say, and parameters both positional and named.
pub(super) fn params(params: &dyn Arguments, settings: &Settings) -> Result<Vec<u8>> {
    let mut out = Output::new();
    match (params.positional(), params.keywords()) {
        (0, 0) => {}
        (count, 0) => Codec::Json.write(&mut out, settings, |writer| {
            writer.begin_list(Some(count))?;
            params.write_positional(writer)?;
            writer.end()
        })?,
        (0, count) => Codec::Json.write(&mut out, settings, |writer| {
            writer.begin_dict(Some(count))?;
            params.write_keywords(writer)?;
            writer.end()
        })?,
        _ => return Err(Error::new(Kind::Misuse, "JSON-RPC has parameters by position or by name, not both")),
    }
    Ok(out.into_vec())
}

/// A request, or without an id a notification.
pub(super) fn request(id: Option<u64>, method: &str, params: &[u8], settings: &Settings) -> Vec<u8> {
    let mut message = br#"{"jsonrpc":"2.0","method":"#.to_vec();
    message.extend(Codec::Json.encode(method, settings).unwrap_or_default());
    if !params.is_empty() {
        message.extend_from_slice(br#","params":"#);
        message.extend_from_slice(params);
    }
    if let Some(id) = id {
        message.extend_from_slice(br#","id":"#);
        message.extend_from_slice(id.to_string().as_bytes());
    }
    message.push(b'}');
    message
}

/// A response.
pub(super) struct Response {
    /// None where the server could not tell to which request it answers.
    pub(super) id: Option<u64>,
    pub(super) result: Result<Value>,
}

/// What a server sends.
pub(super) enum Received {
    Response(Response),
    Batch(Vec<Response>),
    /// A notification of a subscription.
    Item {
        subscription: Value,
        item: Result<Option<Value>>,
    },
    /// Something that is for nobody.
    Other,
}

/// Reads what a server sends.
///
/// # Errors
/// Where it is no JSON-RPC.
pub(super) fn read(bytes: &Bytes, settings: &Settings) -> Result<Received> {
    let value = Codec::Json.decode_value(bytes, settings).map_err(|error| broken(&error.to_string()))?;
    Ok(match value {
        Value::List(all) => Received::Batch(all.into_iter().map(response).collect::<Result<_>>()?),
        Value::Dict(dict) if dict.get("method").is_some() => notification(*dict),
        other => Received::Response(response(other)?),
    })
}

/// The one response that a message is.
///
/// # Errors
/// Where it is something else.
pub(super) fn one(bytes: &Bytes, settings: &Settings) -> Result<Response> {
    match read(bytes, settings)? {
        Received::Response(response) => Ok(response),
        _ => Err(broken("it is no response")),
    }
}

fn response(value: Value) -> Result<Response> {
    let Value::Dict(mut dict) = value else { return Err(broken("it is no object")) };
    let id = dict.get("id").and_then(Value::as_int).and_then(|id| u64::try_from(id).ok());
    // Some servers give both, one of them null.
    let result = match (dict.remove("error").filter(|error| !error.is_none()), dict.remove("result")) {
        (Some(error), _) => Err(remote(&error)),
        (None, Some(result)) => Ok(result),
        (None, None) => return Err(broken("it has neither result nor error")),
    };
    Ok(Response { id, result })
}

fn notification(mut dict: Dict) -> Received {
    let Some(Value::Dict(mut params)) = dict.remove("params") else { return Received::Other };
    let Some(subscription) = params.remove("subscription") else { return Received::Other };
    let item = match (params.remove("result"), params.remove("error")) {
        (Some(item), _) => Ok(Some(item)),
        (None, Some(error)) => Err(remote(&error)),
        (None, None) => Ok(None),
    };
    Received::Item { subscription, item }
}

/// The error that a server answers with.
fn remote(error: &Value) -> Error {
    let code = error.get("code").and_then(Value::as_int).unwrap_or_default();
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let data = error.get("data");
    let mut exception = match data.and_then(|data| data.get("class")).and_then(Value::as_str) {
        Some(class) => {
            let args = data.and_then(|data| data.get("args")).and_then(Value::as_slice).unwrap_or_default();
            let mut exception = Exception::with_args(class, args.to_vec());
            if let Some(attributes) = data.and_then(|data| data.get("attributes")).and_then(Value::as_dict) {
                exception.attributes_mut().clone_from(attributes);
            }
            let traceback = data.and_then(|data| data.get("traceback")).and_then(Value::as_slice).unwrap_or_default();
            if !traceback.is_empty() {
                exception.set_traceback(traceback.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            }
            exception
        }
        None => {
            let exception = Exception::new("jsonrpc.Error", message);
            match data {
                Some(data) => exception.with_attribute("data", data.clone()),
                None => exception,
            }
        }
    };
    exception.attributes_mut().insert("code", code);
    exception.into()
}

#[cold]
pub(super) fn broken(why: &str) -> Error {
    Error::new(Kind::Protocol, format!("what the server sent is no JSON-RPC: {why}"))
}
