//! [`JsonWriter`]: values as JSON, byte for byte as Pyro's serializer writes them.

use std::fmt::Display;
use std::io::Write;

use salamander_value::repr::float_repr;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, Kind, Result, SurrogateStr, Time, TimeDelta, Uuid, Writer,
};

use super::{DEPTH, extended};
use crate::call::Arguments;
use crate::levels::Levels;
use crate::literal::{big_int_text, plain_len};
use crate::{Output, Settings};

/// Writes what JSON has no place for as Pyro does (tuples and sets as lists, decimals, dates and UUIDs as strings), or
/// refuses it as Pyro does.
pub(crate) struct JsonWriter<'o> {
    out: &'o mut Output,
    top: Open,
    outer: Levels<Open>,
    /// For others than Pyro; see [`Settings::plain_json`].
    plain: bool,
    /// For kombu; see [`Settings::kombu`].
    kombu: bool,
}

/// A container, and what comes next in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Document,
    List { first: bool },
    Key { first: bool },
    Value,
}

impl<'o> JsonWriter<'o> {
    pub(crate) fn new(out: &'o mut Output, settings: &'o Settings) -> Self {
        Self {
            out,
            top: Open::Document,
            outer: Levels::new(Open::Document),
            plain: settings.plain_json,
            kombu: settings.kombu,
        }
    }

    pub(crate) fn call(mut self, object: &str, method: &str, arguments: &dyn Arguments) -> Result<()> {
        self.begin_dict(Some(4))?;
        self.str("object")?;
        self.str(object)?;
        self.str("method")?;
        self.str(method)?;
        self.str("params")?;
        self.begin_list(Some(arguments.positional()))?;
        arguments.write_positional(&mut self)?;
        self.end()?;
        self.str("kwargs")?;
        self.begin_dict(Some(arguments.keywords()))?;
        arguments.write_keywords(&mut self)?;
        self.end()?;
        self.end()
    }

    /// Makes way for a value; tells whether it is a key, which is then to be a string.
    #[inline]
    fn place(&mut self) -> bool {
        let (comma, colon): (&[u8], &[u8]) = if self.plain { (b",", b":") } else { (b", ", b": ") };
        match &mut self.top {
            Open::List { first } => {
                if !std::mem::take(first) {
                    self.out.extend_from_slice(comma);
                }
            }
            Open::Key { first } => {
                if !std::mem::take(first) {
                    self.out.extend_from_slice(comma);
                }
                self.top = Open::Value;
                return true;
            }
            Open::Value => {
                self.out.extend_from_slice(colon);
                self.top = Open::Key { first: false };
            }
            Open::Document => {}
        }
        false
    }

    /// Makes way for a value that can be no key.
    fn place_no_key(&mut self, class: &str) -> Result<()> {
        match self.place() {
            false => Ok(()),
            true => Err(self.not_a_key(class)),
        }
    }

    /// Makes way for text that stands for a value, which is a key only in plain JSON.
    fn place_text(&mut self, class: &str) -> Result<()> {
        match self.place() {
            true if !self.plain => Err(self.not_a_key(class)),
            _ => Ok(()),
        }
    }

    /// Bytes, in plain JSON as base 64.
    fn binary(&mut self, value: &[u8], class: &str) -> Result<()> {
        if !self.plain {
            return self.refuse(class);
        }
        self.place();
        self.quoted(&base64::display::Base64Display::new(value, &base64::engine::general_purpose::STANDARD))
    }

    /// What Pyro does not write, neither as key nor as value.
    #[cold]
    fn refuse(&mut self, class: &str) -> Result<()> {
        if self.place() {
            return Err(self.not_a_key(class));
        }
        if self.kombu {
            let message = format!("Object of type {} is not JSON serializable", short(class));
            return Err(Error::new(Kind::Type, message));
        }
        let message = format!(
            "don't know how to serialize class <class '{class}'> using serializer JsonSerializer. \
             Give it vars() or an appropriate __getstate__"
        );
        Err(Error::new(Kind::Unsupported, message))
    }

    #[cold]
    fn not_a_key(&self, class: &str) -> Error {
        let kind = if self.plain { Kind::Unsupported } else { Kind::Type };
        let class = if self.kombu { short(class) } else { class };
        Error::new(kind, format!("keys must be str, int, float, bool or None, not {class}"))
    }

    /// A value that JSON has a word for.
    #[inline]
    fn word(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.place() {
            self.out.push(b'"');
            write(self.out);
            self.out.push(b'"');
        } else {
            write(self.out);
        }
    }

    /// A value in quotes, of characters that need no escape.
    fn quoted(&mut self, value: &dyn Display) -> Result<()> {
        // A vector takes whatever is written.
        let _ = write!(&mut **self.out, "\"{value}\"");
        Ok(())
    }

    fn begin(&mut self, bracket: u8, top: Open, class: &str) -> Result<()> {
        self.place_no_key(class)?;
        if self.outer.len() >= DEPTH {
            return Err(Error::too_deep(DEPTH));
        }
        self.out.push(bracket);
        let outer = std::mem::replace(&mut self.top, top);
        self.outer.push(outer);
        Ok(())
    }
}

impl Writer for JsonWriter<'_> {
    fn none(&mut self) -> Result<()> {
        self.word(|out| out.extend_from_slice(b"null"));
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.word(|out| out.extend_from_slice(if value { b"true" } else { b"false" }));
        Ok(())
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.word(|out| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()));
        Ok(())
    }

    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        let text = big_int_text(value)?;
        self.word(|out| out.extend_from_slice(text.as_bytes()));
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        let is_key = matches!(self.top, Open::Key { .. });
        let plain = self.plain && !is_key;
        self.word(|out| match () {
            () if value.is_finite() => float_repr(out, value),
            () if plain => out.extend_from_slice(b"null"),
            () if value.is_nan() => out.extend_from_slice(b"NaN"),
            () if value > 0.0 => out.extend_from_slice(b"Infinity"),
            () => out.extend_from_slice(b"-Infinity"),
        });
        Ok(())
    }

    fn complex(&mut self, value: Complex) -> Result<()> {
        if !self.plain {
            return self.refuse("complex");
        }
        self.begin_list(Some(2))?;
        self.float(value.re)?;
        self.float(value.im)?;
        self.end()
    }

    fn str(&mut self, value: &str) -> Result<()> {
        self.place();
        match self.kombu {
            true => extended::quote_ascii(self.out, value),
            false => quote(self.out, value),
        }
        Ok(())
    }

    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()> {
        if self.plain || self.kombu {
            self.place();
            match self.kombu {
                true => extended::quote_points(self.out, value.code_points().iter().copied()),
                false => quote_surrogates(self.out, value),
            }
            return Ok(());
        }
        let lone = value.code_points().iter().find(|point| (0xD800..0xE000).contains(*point)).copied();
        let message = format!(
            "'utf-8' codec can't encode character '\\u{:04x}': surrogates not allowed",
            lone.unwrap_or_default()
        );
        Err(Error::new(Kind::Unicode, message))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        if self.kombu {
            self.place_no_key("bytes")?;
            extended::bytes(self.out, value);
            return Ok(());
        }
        self.binary(value, "bytes")
    }

    fn byte_array(&mut self, value: &[u8]) -> Result<()> {
        self.binary(value, "bytearray")
    }

    fn decimal(&mut self, value: &Decimal) -> Result<()> {
        self.place_text("decimal.Decimal")?;
        match self.kombu {
            true => extended::text(self.out, "decimal", value),
            false => self.quoted(value),
        }
    }

    fn date_time(&mut self, value: &DateTime) -> Result<()> {
        self.place_text("datetime.datetime")?;
        match self.kombu {
            true => extended::text(self.out, "datetime", value),
            false => self.quoted(value),
        }
    }

    fn date(&mut self, value: &Date) -> Result<()> {
        self.place_text("datetime.date")?;
        match self.kombu {
            true => extended::text(self.out, "date", value),
            false => self.quoted(value),
        }
    }

    fn time(&mut self, value: &Time) -> Result<()> {
        if self.kombu {
            self.place_no_key("datetime.time")?;
            return extended::text(self.out, "time", value);
        }
        if !self.plain {
            return self.refuse("datetime.time");
        }
        self.place();
        self.quoted(value)
    }

    fn time_delta(&mut self, value: &TimeDelta) -> Result<()> {
        if !self.plain {
            return self.refuse("datetime.timedelta");
        }
        self.float(value.total_seconds())
    }

    fn uuid(&mut self, value: &Uuid) -> Result<()> {
        self.place_text("UUID")?;
        match self.kombu {
            true => extended::uuid(self.out, value),
            false => self.quoted(value),
        }
    }

    fn begin_list(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin(b'[', Open::List { first: true }, "list")
    }

    fn begin_tuple(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin(b'[', Open::List { first: true }, "tuple")
    }

    fn begin_set(&mut self, _len: Option<usize>) -> Result<()> {
        if self.kombu {
            return self.refuse("set");
        }
        self.begin(b'[', Open::List { first: true }, "set")
    }

    fn begin_frozen_set(&mut self, _len: Option<usize>) -> Result<()> {
        if self.plain {
            return self.begin(b'[', Open::List { first: true }, "frozenset");
        }
        self.refuse("frozenset")
    }

    fn begin_dict(&mut self, _len: Option<usize>) -> Result<()> {
        self.begin(b'{', Open::Key { first: true }, "dict")
    }

    fn end(&mut self) -> Result<()> {
        match self.top {
            Open::List { .. } => self.out.push(b']'),
            Open::Key { .. } => self.out.push(b'}'),
            Open::Value => return Err(Error::new(Kind::Type, "a dict ends after a key")),
            Open::Document => return Err(Error::new(Kind::Type, "a container ends that never began")),
        }
        self.top = self.outer.pop().unwrap_or(Open::Document);
        Ok(())
    }
}

/// The name of a class without its module.
fn short(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or_default()
}

/// Appends a string in quotes; only what must be escaped is.
fn quote(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let (plain, escape) = rest.split_at(plain_len(rest, b'"'));
        out.extend_from_slice(plain);
        let Some((&b, behind)) = escape.split_first() else { break };
        match b {
            b'"' | b'\\' => out.extend([b'\\', b]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
            }
        }
        rest = behind;
    }
    out.push(b'"');
}

/// Appends text with lone surrogates, which are escaped.
fn quote_surrogates(out: &mut Vec<u8>, text: &SurrogateStr) {
    out.push(b'"');
    for &point in text.code_points() {
        match char::from_u32(point) {
            Some(c @ (' ' | '!' | '#'..='[' | ']'..)) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            // A vector takes whatever is written.
            _ => _ = write!(out, "\\u{point:04x}"),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use salamander_value::{Dict, Set, Value};

    use super::*;
    use crate::{Args, Codec};

    fn write(value: impl Into<Value>) -> Result<String> {
        let bytes = Codec::Json.encode_value(&value.into(), &Settings::default())?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    fn dict(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
        let mut dict = Dict::new();
        for (key, value) in entries {
            dict.insert_value(key, value).unwrap();
        }
        dict.into()
    }

    fn set(members: impl IntoIterator<Item = i64>) -> Set {
        let mut set = Set::new();
        for member in members {
            set.insert(member.into()).unwrap();
        }
        set
    }

    #[test]
    fn scalars_are_written_as_python_writes_them() {
        for (value, text) in [
            (Value::None, "null"),
            (true.into(), "true"),
            (false.into(), "false"),
            (i64::MIN.into(), "-9223372036854775808"),
            (BigInt::from(10).pow(20).into(), "100000000000000000000"),
            (1.0.into(), "1.0"),
            (1e16.into(), "1e+16"),
            (f64::NAN.into(), "NaN"),
            (f64::INFINITY.into(), "Infinity"),
            (f64::NEG_INFINITY.into(), "-Infinity"),
            ("".into(), "\"\""),
            (
                "a\"b'\\/\n\r\t\x08\x0c\0\x1f\x7fé\u{2028}😀".into(),
                "\"a\\\"b'\\\\/\\n\\r\\t\\b\\f\\u0000\\u001f\x7fé\u{2028}😀\"",
            ),
            (Value::Decimal(Box::new("1.50".parse().unwrap())), "\"1.50\""),
            (Value::Date(Date::new(2020, 1, 2).unwrap()), "\"2020-01-02\""),
            (Value::Uuid(Box::new(Uuid::from_u128(5))), "\"00000000-0000-0000-0000-000000000005\""),
            (Value::DateTime(Box::new(DateTime::from_civil_micros(1).unwrap())), "\"1970-01-01T00:00:00.000001\""),
        ] {
            assert_eq!(write(value).as_deref(), Ok(text));
        }
    }

    #[test]
    fn containers_are_lists_and_dicts() {
        for (value, text) in [
            (Value::List(vec![]), "[]"),
            (Value::List(vec![1.into(), Value::Tuple(vec![2.into()])]), "[1, [2]]"),
            (Value::Tuple(vec![]), "[]"),
            (set([1, 2]).into(), "[1, 2]"),
            (dict([]), "{}"),
            (dict([("a".into(), 1.into()), ("b".into(), dict([]))]), "{\"a\": 1, \"b\": {}}"),
        ] {
            assert_eq!(write(value).as_deref(), Ok(text));
        }
    }

    #[test]
    fn keys_become_strings_or_are_refused() {
        for (key, text) in [
            (Value::from(1), "{\"1\": 0}"),
            (BigInt::from(10).pow(20).into(), "{\"100000000000000000000\": 0}"),
            (1.5.into(), "{\"1.5\": 0}"),
            (f64::NAN.into(), "{\"NaN\": 0}"),
            (true.into(), "{\"true\": 0}"),
            (Value::None, "{\"null\": 0}"),
            ("\n".into(), "{\"\\n\": 0}"),
        ] {
            assert_eq!(write(dict([(key, 0.into())])).as_deref(), Ok(text));
        }
        for (key, class) in [
            (Value::Tuple(vec![]), "tuple"),
            (Value::from(&b"a"[..]), "bytes"),
            (Value::Complex(Complex::default()), "complex"),
            (Value::Decimal(Box::new("1".parse().unwrap())), "decimal.Decimal"),
            (Value::Uuid(Box::default()), "UUID"),
            (Value::Date(Date::new(1, 1, 1).unwrap()), "datetime.date"),
            (Value::Time(Box::default()), "datetime.time"),
            (Value::FrozenSet(Box::new(Set::new())), "frozenset"),
        ] {
            let error = write(dict([(key, 0.into())])).unwrap_err();
            let message = format!("keys must be str, int, float, bool or None, not {class}");
            assert_eq!((error.class(), error.message()), ("builtins.TypeError", message.as_str()));
        }
    }

    #[test]
    fn what_pyro_refuses_is_refused() {
        for (value, class) in [
            (Value::from(&b"a"[..]), "bytes"),
            (Value::ByteArray(b"a".to_vec().into()), "bytearray"),
            (Value::Complex(Complex::default()), "complex"),
            (Value::FrozenSet(Box::new(set([1]))), "frozenset"),
            (Value::Time(Box::default()), "datetime.time"),
            (Value::TimeDelta(TimeDelta::default()), "datetime.timedelta"),
        ] {
            let error = write(Value::List(vec![value])).unwrap_err();
            assert_eq!(error.class(), "Pyro5.errors.SerializeError");
            assert!(
                error.message().contains(&format!("<class '{class}'> using serializer JsonSerializer")),
                "{error}"
            );
        }
        let lone = Value::Surrogates(Box::new(SurrogateStr::new(vec![0xD800]).unwrap()));
        assert_eq!(write(lone).map_err(|error| error.kind()), Err(Kind::Unicode));
        assert_eq!(write(BigInt::from(10).pow(4300)).map_err(|error| error.class()), Err("builtins.ValueError"));
    }

    #[test]
    fn plain_json_refuses_nothing_that_it_can_say() {
        let settings = Settings { plain_json: true, ..Settings::default() };
        let write = |value: Value| {
            let bytes = Codec::Json.encode_value(&value, &settings)?;
            Ok::<_, Error>(String::from_utf8(bytes).unwrap())
        };
        for (value, text) in [
            (Value::from(&b"\0\xff"[..]), "\"AP8=\""),
            (Value::ByteArray(b"a".to_vec().into()), "\"YQ==\""),
            (Value::List(vec![f64::NAN.into(), f64::NEG_INFINITY.into(), 1.5.into()]), "[null,null,1.5]"),
            (Value::Complex(Complex { re: 1.0, im: -2.0 }), "[1.0,-2.0]"),
            (Value::FrozenSet(Box::new(set([1, 2]))), "[1,2]"),
            (Value::Time(Box::default()), "\"00:00:00\""),
            (Value::TimeDelta(TimeDelta::from_micros(1_500_000).unwrap()), "1.5"),
            (BigInt::from(10).pow(30).into(), "1000000000000000000000000000000"),
            (
                Value::Surrogates(Box::new(SurrogateStr::new(vec![0x41, 0xD800, 0x22]).unwrap())),
                "\"A\\ud800\\u0022\"",
            ),
            (dict([(1.5.into(), 1.into()), (f64::NAN.into(), 2.into())]), "{\"1.5\":1,\"NaN\":2}"),
            (dict([(Value::Date(Date::new(2020, 1, 2).unwrap()), Value::None)]), "{\"2020-01-02\":null}"),
            (dict([(Value::from(&b"k"[..]), Value::Tuple(vec![]))]), "{\"aw==\":[]}"),
        ] {
            assert_eq!(write(value).as_deref(), Ok(text));
        }
        for key in [Value::Tuple(vec![]), Value::FrozenSet(Box::default()), Value::Complex(Complex::default())] {
            let error = write(dict([(key, 0.into())])).unwrap_err();
            assert_eq!(error.class(), "Pyro5.errors.SerializeError");
        }
    }

    #[test]
    fn containers_nest_as_deep_as_the_limit() {
        let nested = |levels: usize| (1..levels).fold(Value::List(vec![]), |value, _| Value::List(vec![value]));
        assert!(write(nested(DEPTH)).is_ok());
        let error = write(nested(DEPTH + 1)).unwrap_err();
        assert_eq!((error.kind(), error.class()), (Kind::TooDeep, "builtins.RecursionError"));
    }

    #[test]
    fn a_call_is_a_dict_of_four_parts() {
        let mut out = Output::new();
        let args = Args { positional: vec![1.into()], keywords: Dict::from_iter([("x", 2)]) };
        Codec::Json.write_call(&mut out, &Settings::default(), "obj", "add", &args).unwrap();
        let text = br#"{"object": "obj", "method": "add", "params": [1], "kwargs": {"x": 2}}"#;
        assert_eq!(out.to_vec(), text);
    }
}
