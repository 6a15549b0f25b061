//! [`Schema`]: what a Rust type looks like in JSON, as far as its name tells.

use salamander_value::{Dict, Value};

/// The JSON that a type is read from and written as, roughly; `#[expose]` sees the type's name only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// Anything: a type that is not known by its name.
    Any,
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Text.
    String,
    /// A list of what follows.
    Array(&'static Schema),
    /// An object with any names, and values of what follows.
    Object(&'static Schema),
    /// What follows, or `null`.
    Nullable(&'static Schema),
}

impl Schema {
    /// It as a JSON Schema (draft 2020-12).
    pub fn to_value(self) -> Value {
        let typed = |name: &str| Dict::from_iter([("type", Value::from(name))]);
        let dict = match self {
            Schema::Any => Dict::new(),
            Schema::Null => typed("null"),
            Schema::Boolean => typed("boolean"),
            Schema::Integer => typed("integer"),
            Schema::Number => typed("number"),
            Schema::String => typed("string"),
            Schema::Array(Schema::Any) => typed("array"),
            Schema::Array(items) => Dict::from_iter([("type", Value::from("array")), ("items", items.to_value())]),
            Schema::Object(Schema::Any) => typed("object"),
            Schema::Object(values) => {
                Dict::from_iter([("type", Value::from("object")), ("additionalProperties", values.to_value())])
            }
            Schema::Nullable(Schema::Any) => Dict::new(),
            Schema::Nullable(inner) => {
                Dict::from_iter([("anyOf", Value::List(vec![inner.to_value(), Schema::Null.to_value()]))])
            }
        };
        dict.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_json_schemas() {
        let text = |schema: Schema| schema.to_value().to_string();
        assert_eq!(text(Schema::Any), "{}");
        assert_eq!(text(Schema::Integer), "{'type': 'integer'}");
        assert_eq!(text(Schema::Array(&Schema::Any)), "{'type': 'array'}");
        assert_eq!(
            text(Schema::Nullable(&Schema::Object(&Schema::Array(&Schema::String)))),
            "{'anyOf': [{'type': 'object', 'additionalProperties': {'type': 'array', 'items': {'type': 'string'}}}, \
             {'type': 'null'}]}"
        );
    }
}
