//! JSON on the command line: arguments read, results written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use salamander::{Codec, CodecSettings, Dict, Value};

/// An argument of the command line: JSON, where it is that, else plain text.
pub(crate) fn argument(text: &str) -> Value {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    Codec::Json.decode_value(&bytes, &CodecSettings::default()).unwrap_or_else(|_| text.into())
}

/// A value as a JSON document, on one line.
///
/// What JSON does not have becomes what is nearest: sets and tuples are lists, bytes a dict with base 64 as serpent has it,
/// nan and inf the text of their names, a timedelta its seconds, and all else text.
pub(crate) fn text(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(_) | Value::BigInt(_) => out.push_str(&value.to_string()),
        Value::Float(number) if number.is_finite() => out.push_str(&value.to_string()),
        Value::Str(text) => string(out, text),
        Value::Bytes(bytes) | Value::ByteArray(bytes) => {
            out.push_str("{\"data\": ");
            string(out, &STANDARD.encode(bytes));
            out.push_str(", \"encoding\": \"base64\"}");
        }
        Value::List(items) | Value::Tuple(items) => list(out, items),
        Value::Set(set) | Value::FrozenSet(set) => list(out, set.iter()),
        Value::Dict(dict) => entries(out, dict),
        Value::Object(object) => entries(out, object.fields()),
        Value::Exception(exception) => entries(out, &exception.to_dict()),
        Value::DateTime(when) => string(out, &when.to_string()),
        Value::Date(date) => string(out, &date.to_string()),
        Value::Time(time) => string(out, &time.to_string()),
        Value::TimeDelta(delta) => {
            let seconds = f64::from(delta.days) * 86_400.0 + f64::from(delta.seconds);
            out.push_str(&Value::Float(seconds + f64::from(delta.microseconds) / 1e6).to_string());
        }
        Value::Decimal(number) => string(out, &number.to_string()),
        Value::Uuid(uuid) => string(out, &uuid.to_string()),
        other => string(out, &other.to_string()),
    }
}

fn string(out: &mut String, text: &str) {
    // Text cannot fail to be JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

fn list<'a>(out: &mut String, items: impl IntoIterator<Item = &'a Value>) {
    out.push('[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
    out.push(']');
}

fn entries(out: &mut String, dict: &Dict) {
    out.push('{');
    for (at, (key, value)) in dict.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        match key {
            Value::Str(key) => string(out, key),
            other => string(out, &self::key(other)),
        }
        out.push_str(": ");
        write(out, value);
    }
    out.push('}');
}

/// A key that is no text, as Python's `json` writes those that it can.
fn key(key: &Value) -> String {
    match key {
        Value::None => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use salamander::{Complex, Set, TimeDelta};

    use super::*;

    #[test]
    fn arguments_are_json_or_text() {
        for (text, value) in [
            ("2", Value::Int(2)),
            ("-2.5", Value::Float(-2.5)),
            ("true", true.into()),
            ("null", Value::None),
            ("\"2\"", "2".into()),
            ("[1, \"x\"]", Value::List(vec![1.into(), "x".into()])),
            ("Ada", "Ada".into()),
            ("two words", "two words".into()),
            ("", "".into()),
            ("007", "007".into()),
            ("2 3", "2 3".into()),
            ("{\"a\": {}}", Dict::from_iter([("a", Dict::new())]).into()),
        ] {
            assert_eq!(argument(text), value, "{text:?}");
        }
        let huge = "[123456789012345678901234567890]";
        assert_eq!(argument(huge).to_string(), huge);
    }

    #[test]
    fn every_value_has_json() {
        let mut dict = Dict::from_iter([("a\n", Value::Tuple(vec![1.into(), Value::None]))]);
        dict.insert_value(2.into(), true.into()).unwrap();
        dict.insert_value(Value::None, Value::Float(1e300)).unwrap();
        assert_eq!(text(&dict.into()), r#"{"a\n": [1, null], "2": true, "null": 1e+300}"#);
        assert_eq!(text(&Set::from_iter(["x"]).into()), r#"["x"]"#);
        assert_eq!(text(&b"\x00\xff"[..].into()), r#"{"data": "AP8=", "encoding": "base64"}"#);
        assert_eq!(text(&Value::from(vec![f64::NAN, f64::NEG_INFINITY, 0.5])), r#"["nan", "-inf", 0.5]"#);
        assert_eq!(text(&Complex { re: 0.0, im: 2.0 }.into()), r#""2j""#);
        let delta = TimeDelta { days: -1, seconds: 1, microseconds: 500_000 };
        assert_eq!(text(&delta.into()), "-86398.5");
        let huge: salamander::BigInt = "-123456789012345678901234567890".parse().unwrap();
        assert_eq!(text(&huge.into()), "-123456789012345678901234567890");
    }
}
