//! [`Classes`]: what becomes of instances of classes where they are read as values of any type.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use salamander_value::{Dict, Error, Exception, Kind, Object, Result, Value};

use crate::Codec;

type Convert = Arc<dyn Fn(Object) -> Result<Value, Exception> + Send + Sync>;

/// Which classes are known, and what becomes of the others.
///
/// It concerns what is read as a [`Value`]; where a type of its own is asked for, that type decides. Nothing that arrives ever imports or
/// constructs by itself: without a conversion an instance stays data, or is refused.
#[derive(Clone, Default)]
pub struct Classes {
    /// By class, for all codecs or for one.
    known: HashMap<Box<str>, Vec<(Option<Codec>, Convert)>>,
    refuse_unknown: bool,
}

/// Pyro's own classes, which are known everywhere.
const PYROS: &[&str] =
    &["Pyro5.core.URI", "Pyro5.client.Proxy", "Pyro5.server.Daemon", "Pyro5.core._ExceptionWrapper"];

impl Classes {
    /// Every instance stays data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Converts instances of a class, as Pyro's `register_dict_to_class`. The error refuses the message.
    #[must_use]
    pub fn with<E: Into<Exception>>(
        self,
        class: &str,
        convert: impl Fn(Object) -> Result<Value, E> + Send + Sync + 'static,
    ) -> Self {
        self.add(None, class, Arc::new(move |object| convert(object).map_err(Into::into)))
    }

    /// The same for what comes in one codec.
    #[must_use]
    pub fn with_codec<E: Into<Exception>>(
        self,
        codec: Codec,
        class: &str,
        convert: impl Fn(Object) -> Result<Value, E> + Send + Sync + 'static,
    ) -> Self {
        self.add(Some(codec), class, Arc::new(move |object| convert(object).map_err(Into::into)))
    }

    /// Knows a class, whose instances stay data.
    #[must_use]
    pub fn keeping(self, class: &str) -> Self {
        self.add(None, class, Arc::new(|object| Ok(object.into())))
    }

    /// Refuses instances of classes that are not known, as Pyro does; exceptions other than Python's and Pyro's own among them.
    #[must_use]
    pub fn refusing_unknown(mut self) -> Self {
        self.refuse_unknown = true;
        self
    }

    fn add(mut self, codec: Option<Codec>, class: &str, convert: Convert) -> Self {
        let known = self.known.entry(class.into()).or_default();
        known.retain(|(other, _)| *other != codec);
        // What is for one codec comes first.
        known.insert(if codec.is_some() { 0 } else { known.len() }, (codec, convert));
        self
    }

    /// What a dict with `__class__` becomes.
    pub(crate) fn instance(&self, codec: Codec, dict: Dict) -> Result<Value> {
        let value = Value::of_class(dict);
        if self.known.is_empty() && !self.refuse_unknown {
            return Ok(value);
        }
        let class = match &value {
            Value::Object(object) => object.class(),
            Value::Exception(exception) => exception.class(),
            _ => return Ok(value),
        };
        let converts = |(only, _): &&(Option<Codec>, Convert)| only.is_none_or(|only| only == codec);
        let convert = self.known.get(class).and_then(|known| known.iter().find(converts));
        match (convert, value) {
            (Some((_, convert)), Value::Object(object)) => convert(*object).map_err(Error::raised),
            (None, value) if self.refuse_unknown && !is_built_in(&value) => Err(unsupported(&value)),
            (_, value) => Ok(value),
        }
    }
}

fn is_built_in(value: &Value) -> bool {
    match value {
        Value::Object(object) => PYROS.contains(&object.class()),
        Value::Exception(exception) => {
            exception.is("BaseException") || exception.class().starts_with("Pyro5.errors.")
        }
        _ => true,
    }
}

fn unsupported(value: &Value) -> Error {
    let class = match value {
        Value::Object(object) => object.class(),
        Value::Exception(exception) => exception.class(),
        _ => "",
    };
    Error::new(Kind::Unsupported, format!("unsupported serialized class: {class}"))
        .as_class("Pyro5.errors.SerializeError")
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut known: Vec<_> = self.known.keys().collect();
        known.sort();
        f.debug_struct("Classes").field("known", &known).field("refuse_unknown", &self.refuse_unknown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn read(codec: Codec, classes: Classes, value: &Value) -> Result<Value> {
        let settings = Settings { classes, ..Settings::default() };
        codec.decode_value(&codec.encode_value(value, &settings).unwrap().into(), &settings)
    }

    fn order() -> Value {
        Object::new("shop.Order", Dict::from_iter([("id", Value::from(7))])).into()
    }

    #[test]
    fn instances_are_converted_by_class_and_codec() {
        let classes = Classes::new()
            .with("shop.Order", |order: Object| order.fields().get("id").cloned().ok_or(Exception::key_error("id")))
            .with_codec(Codec::Json, "shop.Order", |_| Ok::<_, Exception>("from JSON".into()));
        for codec in Codec::PYRO5 {
            let expected = if codec == Codec::Json { "from JSON".into() } else { Value::from(7) };
            assert_eq!(read(codec, classes.clone(), &order()), Ok(expected), "{codec}");
            let empty = Object::new("shop.Order", Dict::new()).into();
            let refused = read(codec, classes.clone(), &empty).map_err(|error| error.exception().class().to_owned());
            assert!(codec == Codec::Json || refused == Err("builtins.KeyError".into()), "{codec} {refused:?}");
        }
    }

    #[test]
    fn unknown_classes_are_refused_where_that_is_wanted() {
        let strict = || Classes::new().refusing_unknown().keeping("shop.Order");
        for codec in Codec::PYRO5 {
            assert_eq!(read(codec, strict(), &order()), Ok(order()));
            let uri: Value = Object::with_state("Pyro5.core.URI", Value::Tuple(Vec::new())).into();
            assert!(read(codec, strict(), &uri).is_ok());
            assert!(read(codec, strict(), &Exception::value_error("x").into()).is_ok());
            for unknown in [
                Value::from(Object::new("shop.Basket", Dict::new())),
                Exception::new("shop.SoldOut", "all gone").into(),
            ] {
                let error = read(codec, strict(), &unknown).unwrap_err();
                assert_eq!(error.class(), "Pyro5.errors.SerializeError");
                assert!(error.message().starts_with("unsupported serialized class: shop."), "{error}");
            }
        }
    }
}
