//! [`Generation`]: the names of Pyro's own classes, which are others in each generation; translated as tokens pass by.
//!
//! Everything inside of this program has the names of Pyro 5. Each generation refuses the other's names.

mod read;
mod write;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use salamander_value::{Error, Kind, Result};

pub(crate) use read::Translated;
pub(crate) use write::{TranslatedArguments, Translating};

/// The generation of Pyro that a peer is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Generation {
    /// Pyro 5
    #[default]
    Pyro5,
    /// Pyro 4
    Pyro4,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Generation::Pyro5 => "Pyro 5",
            Generation::Pyro4 => "Pyro 4",
        })
    }
}

impl FromStr for Generation {
    type Err = Error;

    /// From `5` or `4`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "5" => Ok(Generation::Pyro5),
            "4" => Ok(Generation::Pyro4),
            _ => Err(Error::new(Kind::Unsupported, format!("unknown generation of Pyro '{text}'; known are 5, 4"))),
        }
    }
}

pub(crate) const PROXY: &str = "Pyro5.client.Proxy";
pub(crate) const WRAPPER: &str = "Pyro5.core._ExceptionWrapper";

/// The names in Pyro 5 and in Pyro 4, but for the errors.
const NAMES: [(&str, &str); 4] = [
    ("Pyro5.core.URI", "Pyro4.core.URI"),
    (PROXY, "Pyro4.core.Proxy"),
    ("Pyro5.server.Daemon", "Pyro4.core.Daemon"),
    (WRAPPER, "Pyro4.futures._ExceptionWrapper"),
];

const ERRORS: (&str, &str) = ("Pyro5.errors.", "Pyro4.errors.");

/// What Pyro 4 calls one of the classes of Pyro 5.
pub(crate) fn name_in_pyro4(class: &str) -> Option<Cow<'static, str>> {
    match class.strip_prefix(ERRORS.0) {
        Some(error) => Some(format!("{}{error}", ERRORS.1).into()),
        None => NAMES.iter().find(|(name, _)| *name == class).map(|(_, name)| (*name).into()),
    }
}

/// What Pyro 5 calls one of the classes of Pyro 4.
pub(crate) fn name_in_pyro5(class: &str) -> Option<Cow<'static, str>> {
    match class.strip_prefix(ERRORS.1) {
        Some(error) => Some(format!("{}{error}", ERRORS.0).into()),
        None => NAMES.iter().find(|(_, name)| *name == class).map(|(name, _)| (*name).into()),
    }
}

/// An open container, as far as names go.
enum Frame {
    /// Of a dict, whether a key comes next, and what the last one was.
    Dict {
        key: bool,
        last: Key,
        proxy: bool,
    },
    /// What the state of a proxy is made of, item by item.
    State(usize),
    Other,
}

#[derive(Clone, Copy, PartialEq)]
enum Key {
    Class,
    State,
    Other,
}

/// What the next value is.
enum Place {
    Key,
    /// The name of the class that the dict is an instance of.
    Class,
    /// What the state of a proxy is.
    ProxyState,
    /// This item of the state of a proxy.
    OfState(usize),
    Plain,
}

/// Where the next value goes; counts it.
fn place(open: &mut [Frame]) -> Place {
    match open.last_mut() {
        Some(Frame::Dict { key, last, proxy }) => {
            *key = !*key;
            match (*key, *last) {
                (false, _) => Place::Key,
                (true, Key::Class) => Place::Class,
                (true, Key::State) if *proxy => Place::ProxyState,
                (true, _) => Place::Plain,
            }
        }
        Some(Frame::State(at)) => {
            *at += 1;
            Place::OfState(*at - 1)
        }
        _ => Place::Plain,
    }
}

fn note_key(open: &mut [Frame], text: Option<&str>) {
    if let Some(Frame::Dict { last, .. }) = open.last_mut() {
        *last = match text {
            Some("__class__") => Key::Class,
            Some("state") => Key::State,
            _ => Key::Other,
        };
    }
}

fn note_class(open: &mut [Frame], class: &str) {
    if let Some(Frame::Dict { proxy, .. }) = open.last_mut() {
        *proxy = class == PROXY;
    }
}

const DICT: Frame = Frame::Dict { key: true, last: Key::Other, proxy: false };

/// What Pyro 4 has in the state of a proxy and Pyro 5 has not: the timeout and the key for the digests behind the first four
/// items, and the number of retries behind the handshake. Their reader does not use the first and the last; a key is nothing that
/// a proxy should take from elsewhere.
const ONLY_IN_PYRO4: [usize; 3] = [4, 5, 7];

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use salamander_value::{Dict, Exception, Object, Value};

    use super::*;
    use crate::{Codec, Settings};

    fn settings() -> Settings {
        Settings { generation: Generation::Pyro4, ..Settings::default() }
    }

    fn of_strs(items: &[&str]) -> Value {
        Value::Tuple(items.iter().map(|&item| item.into()).collect())
    }

    fn proxy() -> Value {
        let names = of_strs(&["a"]);
        let state =
            vec!["PYRO:o@h:1".into(), Value::Tuple(vec![]), names.clone(), names, "hello".into(), Value::None];
        Object::with_state(PROXY, Value::Tuple(state)).into()
    }

    #[test]
    fn names_are_the_peers_on_the_wire_and_ours_here() {
        let uri = Object::with_state("Pyro5.core.URI", of_strs(&["PYRO", "o", "h"]));
        let error = Exception::pyro("NamingError", "unknown name: x").with_attribute("uri", Value::from(uri.clone()));
        let wrapper = Object::new(WRAPPER, Dict::from_iter([("exception", Value::from(error.clone()))]));
        let other = Object::new("Pyro5.core.Other", Dict::from_iter([("x", Value::from("Pyro5.core.URI"))]));
        let values = [Value::from(uri), error.into(), wrapper.into(), other.into(), proxy()];
        for codec in [Codec::Serpent, Codec::Marshal, Codec::Json, Codec::Msgpack] {
            for value in &values {
                // Marshal carries no instance inside of another value.
                let Ok(bytes) = codec.encode_value(value, &settings()).map(Bytes::from) else {
                    assert_eq!(codec, Codec::Marshal);
                    continue;
                };
                let plain = codec.decode_value(&bytes, &Settings::default()).unwrap().to_string();
                assert!(!plain.contains("Pyro5.errors") && !plain.contains("<Pyro5.core.URI"), "{plain}");
                let back = codec.decode_value(&bytes, &settings()).unwrap();
                let untouched = codec.encode_value(value, &Settings::default()).unwrap().into();
                let again = codec.decode_value(&untouched, &Settings::default()).unwrap();
                // The state of a proxy comes as a tuple where the others have a list.
                let shown = |value: Value| value.to_string().replace('[', "(").replace(']', ")").replace(",)", ")");
                assert_eq!(shown(back), shown(again), "{codec}");
            }
        }
    }

    #[test]
    fn the_state_of_a_proxy_has_more_in_pyro_4() {
        let bytes = Bytes::from(Codec::Serpent.encode_value(&proxy(), &settings()).unwrap());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains("'Pyro4.core.Proxy'"), "{text}");
        assert!(text.ends_with("('PYRO:o@h:1',(),('a',),('a',),0.0,None,'hello',0,None)}"), "{text}");
        assert_eq!(Codec::Serpent.decode_value(&bytes, &settings()).unwrap(), proxy());
    }

    #[test]
    fn arguments_are_translated_and_what_only_looks_like_a_class_is_not() {
        let uri: Value = Object::with_state("Pyro5.core.URI", of_strs(&["PYRO", "o", "h"])).into();
        let args = vec!["Pyro5.core.URI".into(), uri.clone(), Value::List(vec![uri.clone()])];
        let mut out = crate::Output::new();
        Codec::Json.write_call(&mut out, &settings(), "obj", "Pyro5.core.URI", &args).unwrap();
        let bytes = Bytes::from(out.into_vec());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(
            (text.matches("Pyro4.core.URI").count(), text.matches("Pyro5.core.URI").count()),
            (2, 2),
            "{text}"
        );
        let (settings, plain) = (settings(), Settings::default());
        let (head, mut reader) = Codec::Json.call_reader(&bytes, &settings).unwrap();
        assert_eq!(head.method, "Pyro5.core.URI");
        let read = salamander_value::read_value(&mut reader).unwrap();
        assert_eq!(read.to_string().matches("<Pyro5.core.URI").count(), 2, "{read}");
        let (_, mut reader) = Codec::Json.call_reader(&bytes, &plain).unwrap();
        let read = salamander_value::read_value(&mut reader).unwrap();
        assert_eq!(read.to_string().matches("<Pyro4.core.URI").count(), 2, "{read}");
    }
}
