//! `rpc.discover`: all that can be called, as an OpenRPC document.

use salamander_net::DaemonHandle;
use salamander_object::{Method, Param, ParamKind, Schema};
use salamander_value::{Dict, Value};

/// The version of OpenRPC.
const OPENRPC: &str = "1.3.2";

/// The document of all that a daemon serves.
///
/// # Wire
/// OpenRPC 1.3.2
pub(super) fn document(daemon: &DaemonHandle) -> Value {
    let methods = daemon.callables().into_iter().filter_map(|name| {
        let callable = daemon.callable(&name)?;
        let members = daemon.members_of(&callable.object)?;
        let method = members.methods.iter().find(|method| *method.name == *callable.method)?;
        Some(described(&name, method))
    });
    let methods = Value::List(methods.collect());
    object([
        ("openrpc", OPENRPC.into()),
        ("info", object([("title", "Salamander".into()), ("version", env!("CARGO_PKG_VERSION").into())])),
        ("methods", methods),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Dict::from_iter(fields).into()
}

fn described(name: &str, method: &Method) -> Value {
    let mut dict = Dict::from_iter([("name", Value::from(name))]);
    if !method.doc.is_empty() {
        if let Some(line) = method.doc.lines().map(str::trim).find(|line| !line.is_empty()) {
            dict.insert("summary", line);
        }
        dict.insert("description", method.doc);
    }
    dict.insert("paramStructure", "either");
    // OpenRPC wants those that must be given first, which is how functions have them.
    dict.insert("params", Value::List(method.params.iter().map(param).collect()));
    let (result, items) = match method.stream {
        false => (method.schema.to_value(), None),
        true => {
            let list = object([("type", "array".into()), ("items", method.schema.to_value())]);
            let id = object([("type", "integer".into()), ("description", "the subscription".into())]);
            (object([("oneOf", Value::List(vec![id, list]))]), Some(method.schema.to_value()))
        }
    };
    dict.insert("result", object([("name", "result".into()), ("schema", result)]));
    if let Some(items) = items {
        dict.insert("x-items", items);
    }
    dict.into()
}

fn param(param: &Param) -> Value {
    let schema = param.schema.to_value();
    let mut dict = Dict::from_iter([("name", Value::from(param.name))]);
    match param.kind {
        ParamKind::Required | ParamKind::Optional => {
            dict.insert("required", param.kind == ParamKind::Required);
            dict.insert("schema", schema);
            if let Some(default) = param.default {
                dict.insert("description", format!("{default} where it is left out"));
            }
        }
        ParamKind::Args => {
            dict.insert("required", false);
            dict.insert("description", "any number of further positional parameters");
            dict.insert("schema", schema);
        }
        ParamKind::Kwargs => {
            dict.insert("required", false);
            dict.insert("description", "any further named parameters");
            dict.insert("schema", Schema::Object(&Schema::Any).to_value());
        }
    }
    dict.into()
}
