//! From the query and the body of a request to the arguments of a call.

use std::collections::HashMap;

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use salamander_codec::{Args, Codec, Settings};
use salamander_net::{Exception, Value};
use salamander_value::{Dict, Uuid};

use super::options::GatewayOptions;
use super::request::Refused;
use crate::reading::{Unread, read};

/// The name under which an object in a body holds positional arguments.
const POSITIONAL: &str = "$args";

/// The arguments in a query, by Pyro's rules: all are text, those given several times lists of texts, empty ones left out.
pub(super) fn of_query(query: Option<&str>) -> Dict {
    let mut given: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if value.is_empty() {
            continue;
        }
        let place = *places.entry(name.clone().into_owned()).or_insert(given.len());
        match given.get_mut(place) {
            Some((_, values)) => values.push(Value::from(&*value)),
            None => given.push((name.into_owned(), vec![Value::from(&*value)])),
        }
    }
    let one = |mut values: Vec<Value>| match values.len() {
        1 => values.remove(0),
        _ => Value::List(values),
    };
    given.into_iter().map(|(name, values)| (name, one(values))).collect()
}

/// The whole body of a request, within the limits of size and time.
pub(super) async fn read_body<B>(headers: &HeaderMap, body: B, options: &GatewayOptions) -> Result<Bytes, Refused>
where
    B: http_body::Body<Data: Buf>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    read(headers, body, options.max_body, options.body_time).await.map_err(|unread| match unread {
        Unread::TooLarge => Refused::TooLarge,
        // Where it was cut off, the client is gone, most likely.
        _ => Refused::TooSlow,
    })
}

/// Whether the body is said to be JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The arguments of the query, and those in a body of JSON.
///
/// # Errors
/// For a body that is no JSON or no arguments, and where an argument is in both.
pub(super) fn with_body(query: Dict, body: &Bytes) -> Result<Args, Exception> {
    let mut args = Args { positional: Vec::new(), keywords: query };
    if body.is_empty() {
        return Ok(args);
    }
    let given = Codec::Json.decode_value(body, &Settings::default()).map_err(|error| error.exception())?;
    let expected = "the body should be a list of arguments, or an object of arguments by name";
    match given {
        Value::None => {}
        Value::List(positional) => args.positional = positional,
        Value::Dict(mut named) => {
            match named.remove(POSITIONAL) {
                None => {}
                Some(Value::List(positional)) => args.positional = positional,
                Some(other) => {
                    let message = format!("{POSITIONAL} should be a list, not {}", other.type_name());
                    return Err(Exception::type_error(message));
                }
            }
            for (name, value) in named.iter() {
                let Value::Str(name) = name else { return Err(Exception::type_error(expected)) };
                if args.keywords.insert(&**name, value.clone()).is_some() {
                    let message = format!("'{name}' is both in the query and in the body");
                    return Err(Exception::type_error(message));
                }
            }
        }
        other => return Err(Exception::type_error(format!("{expected}, not {}", other.type_name()))),
    }
    Ok(args)
}

/// A UUID in any of the forms that Python's `uuid.UUID` takes.
///
/// # Errors
/// `ValueError` with Python's words.
pub(super) fn uuid(text: &str) -> Result<Uuid, Exception> {
    let hex = text.replace("urn:", "").replace("uuid:", "");
    let hex = hex.trim_matches(['{', '}']).replace('-', "");
    if hex.chars().count() != 32 {
        return Err(Exception::value_error("badly formed hexadecimal UUID string"));
    }
    u128::from_str_radix(&hex, 16).map(Uuid::from_u128).map_err(|_| {
        let shown = Value::from(&*hex);
        Exception::value_error(format!("invalid literal for int() with base 16: {shown}"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_query_and_any_body_are_arguments_or_an_error(query in "[ -~é]{0,60}", body in "\\PC{0,60}") {
            let _ = with_body(of_query(Some(&query)), &Bytes::from(body));
        }

        #[test]
        fn what_is_encoded_in_a_query_is_read_again(name in "\\PC{1,10}", value in "\\PC{1,20}") {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            let read = of_query(Some(&query));
            prop_assert_eq!(read.get(&name).and_then(Value::as_str), Some(&*value));
        }

        #[test]
        fn any_text_is_a_uuid_or_an_error(text in "[0-9a-fA-F{}urnid:-]{0,50}|\\PC{0,40}") {
            let _ = uuid(&text);
        }
    }

    fn query(text: &str) -> String {
        Value::from(of_query(Some(text))).to_string()
    }

    #[test]
    fn queries_are_read_as_python_reads_them() {
        for (text, read) in [
            ("", "{}"),
            ("a=1&b=two+words&c=%C3%A9", "{'a': '1', 'b': 'two words', 'c': 'é'}"),
            ("a=1&a=2&b=3&a=1", "{'a': ['1', '2', '1'], 'b': '3'}"),
            ("a=&b&=c&d=e=f", "{'': 'c', 'd': 'e=f'}"),
            ("a=1;b=2", "{'a': '1;b=2'}"),
            ("a=%ff&%zz=1", "{'a': '\u{fffd}', '%zz': '1'}"),
        ] {
            assert_eq!(query(text), read, "{text}");
        }
    }

    #[test]
    fn bodies_hold_arguments_in_both_ways() {
        let read = |query: &str, body: &str| {
            let args = with_body(of_query(Some(query)), &Bytes::copy_from_slice(body.as_bytes()));
            match args {
                Ok(args) => format!("{} {}", Value::List(args.positional), Value::from(args.keywords)),
                Err(exception) => exception.to_string(),
            }
        };
        assert_eq!(read("", ""), "[] {}");
        assert_eq!(read("", "null"), "[] {}");
        assert_eq!(read("x=1", "[1, [2.5]]"), "[1, [2.5]] {'x': '1'}");
        assert_eq!(read("", r#"{"x": 1, "y": null}"#), "[] {'x': 1, 'y': None}");
        assert_eq!(read("", r#"{"$args": [1], "y": {}}"#), "[1] {'y': {}}");
        assert!(read("", r#"{"$args": 1}"#).contains("$args should be a list, not int"));
        assert!(read("x=1", r#"{"x": 1}"#).contains("both in the query and in the body"));
        assert!(read("", "1").contains("not int"));
        assert!(read("", "{").contains("ValueError") || !read("", "{").is_empty());
        assert!(read("", &"[".repeat(100_000)).contains("RecursionError"));
    }

    #[test]
    fn uuids_have_pythons_forms() {
        let id = Uuid::from_u128(0x1111_2222_1111_2222_3333_2222_4444_9999);
        for text in [
            "11112222-1111-2222-3333-222244449999",
            "{11112222-1111-2222-3333-222244449999}",
            "urn:uuid:11112222-1111-2222-3333-222244449999",
            "11112222111122223333222244449999",
        ] {
            assert_eq!(uuid(text), Ok(id));
        }
        assert_eq!(uuid("x").unwrap_err().message(), "badly formed hexadecimal UUID string");
        let message = "invalid literal for int() with base 16: 'zz112222111122223333222244449999'";
        assert_eq!(uuid("zz112222111122223333222244449999").unwrap_err().message(), message);
    }

    #[test]
    fn json_is_known_by_its_type() {
        let is = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
            is_json(&headers)
        };
        assert!(is("application/json") && is("Application/JSON; charset=utf-8") && is("application/x+json"));
        assert!(!is("text/plain") && !is("application/x-www-form-urlencoded") && !is(""));
    }
}
