//! URIs as the values by which Pyro sends them.

use std::collections::BTreeSet;

use salamander_value::{Exception, Object, Raised, Set, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Location, Protocol, Uri, UriError};

/// The class by which Pyro5 sends a URI.
const CLASS: &str = "Pyro5.core.URI";
/// The class by which Pyro4 sends a URI; its state is the same.
const CLASS_OF_PYRO4: &str = "Pyro4.core.URI";

impl Uri {
    /// Whether objects of this class stand for URIs.
    pub(crate) fn is_class(class: &str) -> bool {
        [CLASS, CLASS_OF_PYRO4].contains(&class)
    }
}

impl From<&Uri> for Value {
    fn from(uri: &Uri) -> Self {
        let object = match uri.protocol {
            Protocol::PyroMeta => Value::from(uri.tags.iter().map(String::as_str).collect::<Set>()),
            _ => Value::from(uri.object.as_str()),
        };
        let state =
            vec![uri.protocol.name().into(), object, uri.socket_name().into(), uri.host().into(), uri.port().into()];
        Object::with_state(CLASS, Value::Tuple(state)).into()
    }
}

impl From<Uri> for Value {
    fn from(uri: Uri) -> Self {
        Value::from(&uri)
    }
}

impl TryFrom<&Value> for Uri {
    type Error = UriError;

    /// From a URI as Pyro5 or Pyro4 send it, or from the text of one.
    fn try_from(value: &Value) -> Result<Self, UriError> {
        match value {
            Value::Str(text) => text.parse(),
            Value::Object(object) if Uri::is_class(object.class()) => {
                let state = object.state().and_then(Value::as_slice).unwrap_or_default();
                of_state(state).ok_or_else(|| UriError::new("invalid uri (state)"))?
            }
            other => {
                Err(UriError(Raised(Exception::type_error(format!("expected a URI, got {}", other.type_name())))))
            }
        }
    }
}

/// The URI of what Pyro's `URI.__getstate__` gives: protocol, object, socket, host and port.
fn of_state(state: &[Value]) -> Option<Result<Uri, UriError>> {
    let [Value::Str(protocol), object, socket_name, host, port] = state else { return None };
    let text = |value: &Value| match value {
        Value::None => Some(None),
        Value::Str(text) => Some(Some(text.to_string())),
        _ => None,
    };
    let location = match (text(host)?, text(socket_name)?, port) {
        (Some(host), _, Value::Int(port)) => match u16::try_from(*port) {
            Ok(port) => Some(Location::Tcp { host, port }),
            Err(_) => return Some(Err(UriError::new(format!("invalid port in uri, port={port}")))),
        },
        (Some(_), _, port) => return Some(Err(UriError::new(format!("invalid port in uri, port={port}")))),
        (None, Some(name), _) => Some(Location::Unix(name)),
        (None, None, _) => None,
    };
    let protocol = match Protocol::of_name(protocol) {
        Ok(Protocol::Pyro) if location.is_none() => return None,
        Ok(protocol) => protocol,
        Err(error) => return Some(Err(error)),
    };
    Some(Ok(match (protocol, object) {
        (Protocol::PyroMeta, Value::Set(tags) | Value::FrozenSet(tags)) => {
            Uri::of_tags(tags.iter().map(|tag| tag.as_str().map(str::to_owned)).collect::<Option<_>>()?, location)
        }
        (Protocol::PyroMeta, Value::List(tags) | Value::Tuple(tags)) => {
            Uri::of_tags(tags.iter().map(|tag| tag.as_str().map(str::to_owned)).collect::<Option<_>>()?, location)
        }
        (Protocol::PyroMeta, _) => return None,
        (protocol, Value::Str(object)) => {
            Uri { protocol, object: object.to_string(), tags: BTreeSet::new(), location }
        }
        _ => return None,
    }))
}

impl Serialize for Uri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uri::try_from(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use salamander_value::{from_value, to_value};

    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn values_are_pyros() {
        let value = to_value(&uri("PYRO:obj@[::1]:99")).unwrap();
        assert_eq!(value.to_string(), "<Pyro5.core.URI {'state': ('PYRO', 'obj', None, '::1', 99)}>");
        assert_eq!(
            Value::from(uri("PYROMETA:b,a@./u:s")).get("state").unwrap().to_string(),
            "('PYROMETA', {'a', 'b'}, 's', None, None)"
        );
        for text in ["PYRO:obj@h:1", "PYRO:o@./u:x", "PYRONAME:n", "PYRONAME:n@h", "PYROMETA:a,b", "PYROMETA:a@h:3"] {
            let value = Value::from(uri(text));
            assert_eq!(from_value::<Uri>(&value).unwrap(), uri(text));
            assert_eq!(from_value::<Uri>(&text.into()).unwrap(), uri(text));
        }
    }

    #[test]
    fn states_may_come_as_lists_and_from_pyro4() {
        let state = |class: &str, items: Vec<Value>| Value::from(Object::with_state(class, Value::List(items)));
        let tags = Value::List(vec!["b".into(), "a".into()]);
        let value = state("Pyro4.core.URI", vec!["PYROMETA".into(), tags, Value::None, "h".into(), 1.into()]);
        assert_eq!(Uri::try_from(&value).unwrap(), uri("PYROMETA:a,b@h:1"));
        let refused = |items: Vec<Value>| Uri::try_from(&state("Pyro5.core.URI", items)).unwrap_err().to_string();
        let none = Value::None;
        assert_eq!(
            refused(vec!["PYRO".into(), "x".into(), none.clone(), none.clone(), none.clone()]),
            "invalid uri (state)"
        );
        assert_eq!(refused(vec!["PYRO".into()]), "invalid uri (state)");
        assert_eq!(
            refused(vec!["HTTP".into(), "x".into(), none.clone(), "h".into(), 1.into()]),
            "invalid uri (protocol)"
        );
        assert_eq!(
            refused(vec!["PYRO".into(), "x".into(), none.clone(), "h".into(), 65536.into()]),
            "invalid port in uri, port=65536"
        );
        assert_eq!(
            refused(vec!["PYRO".into(), "x".into(), none.clone(), "h".into(), none]),
            "invalid port in uri, port=None"
        );
        assert_eq!(Uri::try_from(&Value::Int(3)).unwrap_err().exception().class(), "builtins.TypeError");
        assert!(Uri::try_from(&state("shop.Order", Vec::new())).is_err());
    }
}
