//! What objects expose as an OpenAPI 3.1 document.

use std::sync::Arc;

use futures_util::StreamExt;
use http::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use salamander_net::{AttributeInfo, Error, Interface, MethodInfo, ParamInfo, ParamUse, Value};
use salamander_value::Dict;

use super::objects::Remote;
use super::{Inner, listing};
use crate::body::Body;

/// How many objects one document has, and how many of them are asked at once.
const MOST_OBJECTS: usize = 100;
const AT_ONCE: usize = 10;

/// What stands in a path as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-').remove(b'~').remove(b'$');

/// The document of one object.
pub(super) async fn of_one(inner: &Inner, name: &str, object: &Remote) -> Result<Response<Body>, Error> {
    let interface = object.proxy.interface().await?;
    let document = document(name, &[(name.to_owned(), Ok(interface))], inner.options.has_key());
    Ok(inner.answers.document(document))
}

/// The document of all exposed objects. Those that do not answer are in it by name.
pub(super) async fn of_all(inner: &Arc<Inner>) -> Response<Body> {
    let names = match listing::exposed(inner).await {
        Ok(names) => names,
        Err(error) => return listing::failed(inner, error),
    };
    let described = futures_util::stream::iter(names.into_keys().take(MOST_OBJECTS)).map(|name| async move {
        let described = listing::describe(inner, &name).await;
        (name, described)
    });
    let described: Vec<_> = described.buffered(AT_ONCE).collect().await;
    inner.answers.document(document("Pyro objects", &described, inner.options.has_key()))
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Dict::from_iter(fields).into()
}

fn text(text: impl Into<String>) -> Value {
    text.into().into()
}

fn reference(place: &str) -> Value {
    object([("$ref", text(format!("#/components/{place}")))])
}

fn document(title: &str, objects: &[(String, Result<Interface, String>)], key: bool) -> Dict {
    let mut paths = Dict::new();
    let mut tags = Vec::new();
    for (name, described) in objects {
        let description = match described {
            Ok(interface) => interface.doc.clone(),
            Err(error) => format!("It does not answer: {error}"),
        };
        tags.push(object([("name", text(name)), ("description", text(description))]));
        let Ok(interface) = described else { continue };
        let path = |member: &str| {
            let (name, member) = (utf8_percent_encode(name, IN_PATH), utf8_percent_encode(member, IN_PATH));
            format!("/{name}/{member}")
        };
        for attribute in interface.attrs.iter().filter(|attribute| attribute.readable != Some(false)) {
            paths.insert(path(&attribute.name), attribute_item(name, attribute));
        }
        for method in &interface.methods {
            paths.insert(path(&method.name), method_item(name, method));
        }
    }
    let info =
        object([("title", text(title)), ("version", text(env!("CARGO_PKG_VERSION"))), ("description", text(ABOUT))]);
    let mut document = Dict::from_iter([
        ("openapi", text("3.1.0")),
        ("info", info),
        ("servers", Value::List(vec![object([("url", text("/pyro"))])])),
        ("tags", Value::List(tags)),
        ("paths", paths.into()),
        ("components", components(key)),
    ]);
    if key {
        let ways = ["KeyHeader", "KeyQuery"].map(|name| object([(name, Value::List(Vec::new()))]));
        document.insert("security", Value::List(ways.into()));
    }
    document
}

const ABOUT: &str = "Remote objects, called through a Pyro HTTP gateway. Arguments in a query are text; a POST of JSON has \
     arguments of any type, by position as a list or by name as an object, which may hold a list of positional ones under the \
     name `$args`.";

fn components(key: bool) -> Value {
    let string = || object([("type", text("string"))]);
    let exception = object([
        ("type", text("object")),
        (
            "properties",
            object([
                ("__class__", object([("type", text("string")), ("description", text("the name of the class"))])),
                ("__exception__", object([("const", Value::Bool(true))])),
                ("args", object([("type", text("array"))])),
                ("attributes", object([("type", text("object"))])),
            ]),
        ),
        ("required", Value::List(vec![text("__class__"), text("args")])),
    ]);
    let parameter = |name: &str, about: &str, schema: Value| {
        object([("name", text(name)), ("in", text("header")), ("description", text(about)), ("schema", schema)])
    };
    let uuid = || object([("type", text("string")), ("format", text("uuid"))]);
    let oneway = object([("type", text("string")), ("enum", Value::List(vec![text("oneway")]))]);
    let schema = object([("schema", reference("schemas/Exception"))]);
    let failed = object([
        ("description", text("the exception that was raised")),
        ("content", object([("application/json", schema)])),
    ]);
    let refused = object([
        ("description", text("the key is wrong, or the object is not exposed")),
        ("content", object([("text/plain", object([("schema", string())]))])),
    ]);
    let correlation = object([("description", text("the correlation id of the call")), ("schema", uuid())]);
    let mut components = Dict::from_iter([
        ("schemas", object([("Exception", exception)])),
        (
            "parameters",
            object([
                ("CorrelationId", parameter("X-Pyro-Correlation-Id", "passed on with the call", uuid())),
                ("Options", parameter("X-Pyro-Options", "oneway: do not wait for the result", oneway)),
            ]),
        ),
        ("headers", object([("CorrelationId", correlation)])),
        ("responses", object([("Failed", failed), ("Refused", refused)])),
    ]);
    if key {
        let place =
            |name: &str, place: &str| object([("type", text("apiKey")), ("in", text(place)), ("name", text(name))]);
        let schemes =
            object([("KeyHeader", place("X-Pyro-Gateway-Key", "header")), ("KeyQuery", place("$key", "query"))]);
        components.insert("securitySchemes", schemes);
    }
    components.into()
}

fn attribute_item(name: &str, attribute: &AttributeInfo) -> Value {
    let result = result("the value", Some(&attribute.schema), false);
    let get = operation(name, &attribute.name, "get", &attribute.doc, vec![], result);
    object([("get", get.into())])
}

fn method_item(name: &str, method: &MethodInfo) -> Value {
    let described = || match &method.returns {
        _ if method.oneway => result("the call was sent", None, false),
        Some(returns) => {
            let about = if method.stream == Some(true) { "the items: " } else { "" };
            result(&format!("{about}{}", returns.ty), Some(&returns.schema), method.stream == Some(true))
        }
        None => result("the result", Some(&Value::None), method.stream != Some(false)),
    };
    let query = match &method.params {
        Some(params) => params.iter().filter_map(query_parameter).collect(),
        None => vec![free_query("arguments")],
    };
    let get = operation(name, &method.name, "get", &method.doc, query, described());
    let mut post = operation(name, &method.name, "post", &method.doc, vec![], described());
    let schema = object([("schema", body_schema(method.params.as_deref()))]);
    let required = method.params.iter().flatten().any(|param| param.kind == ParamUse::Required);
    let body = object([("required", required.into()), ("content", object([("application/json", schema)]))]);
    post.insert("requestBody", body);
    object([("get", get.into()), ("post", post.into())])
}

fn operation(name: &str, member: &str, verb: &str, doc: &str, parameters: Vec<Value>, result: Value) -> Dict {
    let mut parameters = parameters;
    parameters.push(reference("parameters/CorrelationId"));
    parameters.push(reference("parameters/Options"));
    let summary = doc.lines().next().unwrap_or_default();
    Dict::from_iter([
        ("operationId", text(format!("{name}.{member}.{verb}"))),
        ("tags", Value::List(vec![text(name)])),
        ("summary", text(summary)),
        ("description", text(doc)),
        ("parameters", Value::List(parameters)),
        (
            "responses",
            object([
                ("200", result),
                ("403", reference("responses/Refused")),
                ("500", reference("responses/Failed")),
            ]),
        ),
    ])
}

/// The response of a call that succeeds; `stream` where it may be events.
fn result(about: &str, schema: Option<&Value>, stream: bool) -> Value {
    let mut result = Dict::from_iter([
        ("description", text(about)),
        ("headers", object([("X-Pyro-Correlation-Id", reference("headers/CorrelationId"))])),
    ]);
    if let Some(schema) = schema {
        let mut content = Dict::from_iter([("application/json", object([("schema", schema_of(schema))]))]);
        if stream {
            let events =
                object([("type", text("string")), ("description", text("an event for each item, then `end`"))]);
            content.insert("text/event-stream", object([("schema", events)]));
        }
        result.insert("content", content);
    }
    result.into()
}

/// A schema that came from a daemon; any value, where it is none.
fn schema_of(schema: &Value) -> Value {
    match schema {
        Value::Dict(_) | Value::Bool(_) => schema.clone(),
        _ => Dict::new().into(),
    }
}

fn described(param: &ParamInfo) -> String {
    match &param.default {
        Some(default) => format!("{}; where it is left out: {default}", param.ty),
        None => param.ty.clone(),
    }
}

/// A parameter in the query, where it can stand there.
fn query_parameter(param: &ParamInfo) -> Option<Value> {
    match param.kind {
        ParamUse::Required | ParamUse::Optional => Some(object([
            ("name", text(&param.name)),
            ("in", text("query")),
            ("description", text(described(param))),
            ("required", (param.kind == ParamUse::Required).into()),
            ("schema", object([("type", text("string"))])),
        ])),
        ParamUse::Kwargs => Some(free_query(&param.name)),
        _ => None,
    }
}

/// Any further names in the query.
fn free_query(name: &str) -> Value {
    let texts = object([("type", text("object")), ("additionalProperties", object([("type", text("string"))]))]);
    object([
        ("name", text(name)),
        ("in", text("query")),
        ("style", text("form")),
        ("explode", true.into()),
        ("schema", texts),
    ])
}

/// The arguments by name or by position.
fn body_schema(params: Option<&[ParamInfo]>) -> Value {
    let plain = |name: &str| object([("type", text(name))]);
    let Some(params) = params else {
        return object([("anyOf", Value::List(vec![plain("object"), plain("array")]))]);
    };
    let (mut properties, mut required, mut positions) = (Dict::new(), Vec::new(), Vec::new());
    let (mut further, mut named) = (Value::Bool(false), Value::Bool(false));
    for param in params {
        let mut schema = match schema_of(&param.schema) {
            Value::Dict(schema) => *schema,
            _ => Dict::new(),
        };
        match param.kind {
            ParamUse::Args => {
                further = schema.remove("items").unwrap_or(Value::Bool(true));
                properties.insert("$args", plain("array"));
            }
            ParamUse::Kwargs => named = schema.remove("additionalProperties").unwrap_or(Value::Bool(true)),
            _ => {
                schema.insert("description", described(param));
                positions.push(Value::from(schema.clone()));
                properties.insert(&*param.name, schema);
                if param.kind == ParamUse::Required {
                    required.push(text(&param.name));
                }
            }
        }
    }
    let least = required.len();
    let mut by_name = Dict::from_iter([
        ("type", text("object")),
        ("properties", properties.into()),
        ("additionalProperties", named),
    ]);
    if !required.is_empty() && further == Value::Bool(false) {
        by_name.insert("required", Value::List(required));
    }
    let mut by_position = Dict::from_iter([("type", text("array")), ("minItems", least.into()), ("items", further)]);
    if !positions.is_empty() {
        by_position.insert("prefixItems", Value::List(positions));
    }
    object([("anyOf", Value::List(vec![by_name.into(), by_position.into()]))])
}
