//! Task protocol 1: everything stands in the body. It is read, and becomes protocol 2.

use salamander_codec::Args;
use salamander_value::{Dict, Value};

use super::task::{into_dict, unknown_message};
use super::{Decoding, Embed, Properties, Serializer, TaskBody, TaskHeaders, TaskMessage};
use crate::WireError;

/// The task of a body that is a dict. Headers beside it go before what it says, as in messages that are of both protocols.
pub(super) fn read(
    value: Value,
    headers: Dict,
    serializer: Serializer,
    properties: Properties,
    decoding: &Decoding,
) -> Result<TaskMessage, WireError> {
    let mut body = into_dict(value).ok_or_else(unknown_message)?;
    if !headers.contains_key("task") && !body.contains_key("task") {
        return Err(unknown_message());
    }
    let positional = match body.remove("args") {
        Some(Value::List(items) | Value::Tuple(items)) => items,
        None => Vec::new(),
        Some(_) => return Err(WireError::invalid_task("Task arguments must be a list")),
    };
    let keywords = match body.remove("kwargs").map(into_dict) {
        Some(Some(dict)) => dict,
        None => Dict::new(),
        Some(None) => return Err(WireError::invalid_task("Task keyword arguments must be a mapping")),
    };
    let mut take = |name: &str| body.remove(name).unwrap_or_default();
    let embed =
        Embed { callbacks: take("callbacks"), errbacks: take("errbacks"), chord: take("chord"), ..Embed::default() };
    let utc = body.remove("utc").is_none_or(|utc| utc.truth());
    if let Some(taskset) = body.remove("taskset") {
        body.insert("group", taskset);
    }
    for (name, value) in headers {
        // It came out of a dict, so it can be a key.
        _ = body.insert_value(name, value);
    }
    let args = Args { positional, keywords };
    let body_2 = TaskBody::encode(serializer, &args, &embed, &decoding.settings)?;
    let headers = TaskHeaders::from(body);
    TaskMessage { headers, body: body_2, properties, utc }.checked()
}
