//! What an object exposes with all that is known of it: documentation, parameters, types.

use salamander_value::{Dict, Value};

use crate::members::{Members, Method, Param, ParamKind, Property};

impl Members {
    /// All that is known of the members, as clients are given it that ask for more than Pyro's metadata.
    ///
    /// ```text
    /// {"class": "Greeter", "doc": "...",
    ///  "methods": [{"name": "div", "doc": "...", "oneway": False, "stream": False,
    ///               "params": [{"name": "x", "kind": "required", "type": "i64", "schema": {"type": "integer"}},
    ///                          {"name": "y", "kind": "optional", "type": "i64", "schema": {...}, "default": "2"}],
    ///               "returns": {"type": "i64", "schema": {"type": "integer"}}}],
    ///  "attrs": [{"name": "velocity", "doc": "...", "type": "f64", "schema": {...}, "readable": True, "writable": False}]}
    /// ```
    ///
    /// A parameter's `kind` is `required`, `optional`, `args` or `kwargs`; `default` is the expression in the source. Types are
    /// Rust's, as written, and what they are in JSON, roughly; what is returned is without `Result`, of a stream its items.
    pub fn interface(&self) -> Dict {
        Dict::from_iter([
            ("class", Value::from(self.class)),
            ("doc", self.doc.into()),
            ("methods", Value::List(self.methods.iter().map(method).collect())),
            ("attrs", Value::List(self.properties.iter().map(property).collect())),
        ])
    }
}

fn method(method: &Method) -> Value {
    let returns = Dict::from_iter([("type", Value::from(method.returns)), ("schema", method.schema.to_value())]);
    Dict::from_iter([
        ("name", Value::from(method.name)),
        ("doc", method.doc.into()),
        ("oneway", method.oneway.into()),
        ("stream", method.stream.into()),
        ("params", Value::List(method.params.iter().map(param).collect())),
        ("returns", returns.into()),
    ])
    .into()
}

fn param(param: &Param) -> Value {
    let kind = match param.kind {
        ParamKind::Required => "required",
        ParamKind::Optional => "optional",
        ParamKind::Args => "args",
        ParamKind::Kwargs => "kwargs",
    };
    let mut dict = Dict::from_iter([
        ("name", Value::from(param.name)),
        ("kind", kind.into()),
        ("type", param.ty.into()),
        ("schema", param.schema.to_value()),
    ]);
    if let Some(default) = param.default {
        dict.insert("default", default);
    }
    dict.into()
}

fn property(property: &Property) -> Value {
    Dict::from_iter([
        ("name", Value::from(property.name)),
        ("doc", property.doc.into()),
        ("type", property.ty.into()),
        ("schema", property.schema.to_value()),
        ("readable", property.readable.into()),
        ("writable", property.writable.into()),
    ])
    .into()
}
