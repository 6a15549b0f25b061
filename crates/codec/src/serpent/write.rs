//! [`SerpentWriter`]: values as Python literals, byte for byte as `serpent.dumps` writes them.

use std::fmt::Display;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use salamander_value::repr::{bytes_repr, float_repr, str_repr, surrogates_repr};
use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, Kind, Result, SurrogateStr, Time, TimeDelta, Uuid, Writer,
};

use super::HEADER;
use crate::call::Arguments;
use crate::levels::Levels;
use crate::{Output, Settings, literal};

/// In how many containers a value may stand; the library derives it from Python's recursion limit of 1000.
const LEVELS: usize = 200;

/// Writes values as the library does, which refuses some keys and nesting beyond 200 levels.
pub(crate) struct SerpentWriter<'o> {
    out: &'o mut Output,
    settings: &'o Settings,
    top: Open,
    outer: Levels<Open>,
}

/// A container, and what comes next in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Document,
    List { first: bool },
    Tuple { items: u8 },
    Set { first: bool },
    Key { first: bool },
    Value,
}

impl<'o> SerpentWriter<'o> {
    pub(crate) fn new(out: &'o mut Output, settings: &'o Settings) -> Self {
        Self { out, settings, top: Open::Document, outer: Levels::new(Open::Document) }
    }

    /// Begins with the line that stands before every value.
    pub(crate) fn document(out: &'o mut Output, settings: &'o Settings) -> Self {
        out.extend_from_slice(HEADER.as_bytes());
        Self::new(out, settings)
    }

    pub(crate) fn call(self, object: &str, method: &str, arguments: &dyn Arguments) -> Result<()> {
        let mut writer = Self::document(self.out, self.settings);
        writer.begin_tuple(Some(4))?;
        writer.str(object)?;
        writer.str(method)?;
        writer.begin_tuple(Some(arguments.positional()))?;
        arguments.write_positional(&mut writer)?;
        writer.end()?;
        writer.begin_dict(Some(arguments.keywords()))?;
        arguments.write_keywords(&mut writer)?;
        writer.end()?;
        writer.end()
    }

    /// Makes way for a value that can be a key.
    #[inline]
    fn place(&mut self) -> Result<()> {
        if self.outer.len() > LEVELS {
            let message = "Object graph nesting too deep (more than 200 levels)";
            return Err(Error::new(Kind::TooDeep, message).as_class("builtins.ValueError"));
        }
        match &mut self.top {
            Open::Document => {}
            Open::List { first } | Open::Set { first } => {
                if !std::mem::take(first) {
                    self.out.push(b',');
                }
            }
            Open::Tuple { items } => {
                if *items > 0 {
                    self.out.push(b',');
                }
                *items = items.saturating_add(1);
            }
            Open::Key { first } => {
                if !*first {
                    self.out.push(b',');
                }
                self.top = Open::Value;
            }
            Open::Value => {
                self.out.push(b':');
                self.top = Open::Key { first: false };
            }
        }
        Ok(())
    }

    /// Makes way for a value of a class that the library does not write as a key or member.
    fn place_no_key(&mut self, class: &str) -> Result<()> {
        if matches!(self.top, Open::Key { .. } | Open::Set { .. }) {
            return Err(Error::new(
                Kind::Type,
                format!(
                    "one of the keys in a dict or set is not of a primitive hashable type: <class '{class}'>. \
                     Use simple types as keys or use a list or tuple as container."
                ),
            ));
        }
        self.place()
    }

    fn begin(&mut self, bracket: u8, top: Open) {
        self.out.push(bracket);
        let outer = std::mem::replace(&mut self.top, top);
        self.outer.push(outer);
    }

    /// A value in quotes, of characters that need no escape.
    fn quoted(&mut self, value: &dyn Display) -> Result<()> {
        // A vector takes whatever is written.
        let _ = write!(&mut **self.out, "'{value}'");
        Ok(())
    }

    fn number(&mut self, number: f64) {
        match () {
            () if number.is_finite() => float_repr(self.out, number),
            () if number.is_nan() => self.out.extend_from_slice(b"{'__class__':'float','value':'nan'}"),
            () if number > 0.0 => self.out.extend_from_slice(b"1e30000"),
            () => self.out.extend_from_slice(b"-1e30000"),
        }
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        if self.settings.serpent_bytes_repr {
            bytes_repr(self.out, bytes);
            return Ok(());
        }
        self.out.extend_from_slice(b"{'data': '");
        let start = self.out.len();
        let room = base64::encoded_len(bytes.len(), true).unwrap_or_default();
        self.out.resize(start + room, 0);
        let written = STANDARD.encode_slice(bytes, &mut self.out[start..]);
        written.map_err(|error| Error::new(Kind::TooLarge, error.to_string()))?;
        self.out.extend_from_slice(b"', 'encoding': 'base64'}");
        Ok(())
    }
}

impl Writer for SerpentWriter<'_> {
    fn none(&mut self) -> Result<()> {
        self.place_no_key("NoneType")?;
        self.out.extend_from_slice(b"None");
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.place()?;
        self.out.extend_from_slice(if value { b"True" } else { b"False" });
        Ok(())
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.place()?;
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }

    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        self.place()?;
        let text = literal::big_int_text(value)?;
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.place()?;
        self.number(value);
        Ok(())
    }

    fn complex(&mut self, Complex { re, im }: Complex) -> Result<()> {
        self.place()?;
        if re.is_nan() || im.is_nan() {
            self.out.extend_from_slice(b"{'__class__':'complex','real':");
            self.number(re);
            self.out.extend_from_slice(b",'imag':");
            self.number(im);
            self.out.push(b'}');
            return Ok(());
        }
        self.out.push(b'(');
        self.number(re);
        if im.is_sign_positive() {
            self.out.push(b'+');
        }
        self.number(im);
        self.out.extend_from_slice(b"j)");
        Ok(())
    }

    fn str(&mut self, value: &str) -> Result<()> {
        self.place()?;
        str_repr(self.out, value);
        Ok(())
    }

    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()> {
        self.place()?;
        surrogates_repr(self.out, value);
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.place()?;
        self.binary(value)
    }

    fn byte_array(&mut self, value: &[u8]) -> Result<()> {
        self.place_no_key("bytearray")?;
        self.binary(value)
    }

    fn decimal(&mut self, value: &Decimal) -> Result<()> {
        self.place()?;
        self.quoted(value)
    }

    fn date_time(&mut self, value: &DateTime) -> Result<()> {
        self.place_no_key("datetime.datetime")?;
        self.quoted(value)
    }

    fn date(&mut self, value: &Date) -> Result<()> {
        self.place_no_key("datetime.date")?;
        self.quoted(value)
    }

    fn time(&mut self, value: &Time) -> Result<()> {
        self.place_no_key("datetime.time")?;
        self.quoted(value)
    }

    fn time_delta(&mut self, value: &TimeDelta) -> Result<()> {
        self.place_no_key("datetime.timedelta")?;
        float_repr(self.out, value.total_seconds());
        Ok(())
    }

    fn uuid(&mut self, value: &Uuid) -> Result<()> {
        self.place_no_key("uuid.UUID")?;
        self.quoted(value)
    }

    fn begin_list(&mut self, _len: Option<usize>) -> Result<()> {
        self.place_no_key("list")?;
        self.begin(b'[', Open::List { first: true });
        Ok(())
    }

    fn begin_tuple(&mut self, _len: Option<usize>) -> Result<()> {
        self.place()?;
        self.begin(b'(', Open::Tuple { items: 0 });
        Ok(())
    }

    fn begin_set(&mut self, _len: Option<usize>) -> Result<()> {
        self.place_no_key("set")?;
        self.begin(b'{', Open::Set { first: true });
        Ok(())
    }

    fn begin_frozen_set(&mut self, _len: Option<usize>) -> Result<()> {
        self.place_no_key("frozenset")?;
        self.begin(b'{', Open::Set { first: true });
        Ok(())
    }

    fn begin_dict(&mut self, _len: Option<usize>) -> Result<()> {
        self.place_no_key("dict")?;
        self.begin(b'{', Open::Key { first: true });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        match self.top {
            Open::List { .. } => self.out.push(b']'),
            Open::Tuple { items: 1 } => self.out.extend_from_slice(b",)"),
            Open::Tuple { .. } => self.out.push(b')'),
            // There is no literal for an empty set; the library makes an empty tuple of it.
            Open::Set { first: true } => {
                self.out.pop();
                self.out.extend_from_slice(b"()");
            }
            Open::Set { .. } | Open::Key { .. } => self.out.push(b'}'),
            Open::Value => return Err(Error::new(Kind::Type, "a dict ends after a key")),
            Open::Document => return Err(Error::new(Kind::Type, "a container ends that never began")),
        }
        self.top = self.outer.pop().unwrap_or(Open::Document);
        Ok(())
    }

    fn shared_bytes(&mut self, value: &Bytes) -> Result<()> {
        self.bytes(value)
    }
}

#[cfg(test)]
mod tests {
    use salamander_value::{Dict, FixedOffset, Set, Value};

    use super::*;
    use crate::{Args, Codec};

    fn written(value: impl Into<Value>) -> String {
        let bytes = Codec::Serpent.encode_value(&value.into(), &Settings::default()).unwrap();
        String::from_utf8(bytes).unwrap().strip_prefix(HEADER).unwrap().to_owned()
    }

    fn refused(value: impl Into<Value>) -> Error {
        Codec::Serpent.encode_value(&value.into(), &Settings::default()).unwrap_err()
    }

    fn dict(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
        let mut dict = Dict::new();
        for (key, value) in entries {
            dict.insert_value(key, value).unwrap();
        }
        dict.into()
    }

    fn set(members: impl IntoIterator<Item = Value>) -> Value {
        let mut set = Set::new();
        for member in members {
            set.insert(member).unwrap();
        }
        set.into()
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(Value::List(vec![]), |value, _| Value::List(vec![value]))
    }

    #[test]
    fn scalars_are_written_as_the_library_writes_them() {
        let complex = |re, im| Value::Complex(Complex { re, im });
        for (value, text) in [
            (Value::None, "None"),
            (true.into(), "True"),
            (false.into(), "False"),
            (i64::MIN.into(), "-9223372036854775808"),
            (BigInt::from(10).pow(30).into(), "1000000000000000000000000000000"),
            (1.0.into(), "1.0"),
            (1e16.into(), "1e+16"),
            (f64::NAN.into(), "{'__class__':'float','value':'nan'}"),
            (f64::INFINITY.into(), "1e30000"),
            (f64::NEG_INFINITY.into(), "-1e30000"),
            (complex(0.0, 1.0), "(0.0+1.0j)"),
            (complex(-0.0, -0.0), "(-0.0-0.0j)"),
            (complex(f64::INFINITY, f64::NEG_INFINITY), "(1e30000-1e30000j)"),
            (
                complex(f64::NAN, -0.0),
                "{'__class__':'complex','real':{'__class__':'float','value':'nan'},'imag':-0.0}",
            ),
            ("it's \u{7f}\u{a0}é\n".into(), "\"it's \\x7f\\xa0é\\n\""),
            ("'\"".into(), "'\\'\"'"),
            (Value::Surrogates(Box::new(SurrogateStr::new(vec![0x61, 0xD800]).unwrap())), "'a\\ud800'"),
            (Value::from(&b"a\0"[..]), "{'data': 'YQA=', 'encoding': 'base64'}"),
            (Value::ByteArray(b"".to_vec().into()), "{'data': '', 'encoding': 'base64'}"),
        ] {
            assert_eq!(written(value), text);
        }
    }

    #[test]
    fn dates_and_decimals_become_strings_and_durations_numbers() {
        let mut time = Time::new(3, 4, 5, 6).unwrap();
        let date = Date::new(2020, 1, 2).unwrap();
        assert_eq!(written(Value::Time(Box::new(time))), "'03:04:05.000006'");
        time.offset = Some(FixedOffset { microseconds: 19_800_000_000 });
        let when = DateTime::new(date, time);
        assert_eq!(written(Value::DateTime(Box::new(when))), "'2020-01-02T03:04:05.000006+05:30'");
        assert_eq!(written(Value::Date(date)), "'2020-01-02'");
        assert_eq!(written(Value::TimeDelta(TimeDelta::from_micros(86_402_000_003).unwrap())), "86402.000003");
        assert_eq!(written(Value::Decimal(Box::new("1.50".parse().unwrap()))), "'1.50'");
        let uuid = Value::Uuid(Box::new(Uuid::from_u128(5)));
        assert_eq!(written(uuid), "'00000000-0000-0000-0000-000000000005'");
    }

    #[test]
    fn containers_are_written_as_the_library_writes_them() {
        let tuple = |items: &[i64]| Value::Tuple(items.iter().map(|&item| item.into()).collect());
        for (value, text) in [
            (Value::List(vec![]), "[]"),
            (Value::List(vec![1.into(), "a".into(), Value::List(vec![])]), "[1,'a',[]]"),
            (tuple(&[]), "()"),
            (tuple(&[1]), "(1,)"),
            (tuple(&[1, 2]), "(1,2)"),
            (tuple(&[0; 300]), &format!("({}0)", "0,".repeat(299))),
            (set([]), "()"),
            (Value::FrozenSet(Box::new(Set::new())), "()"),
            (set([1.into(), tuple(&[2])]), "{1,(2,)}"),
            (dict([]), "{}"),
            (dict([(1.into(), 2.into()), (tuple(&[3]), set([]))]), "{1:2,(3,):()}"),
            (dict([(Value::from(&b"a"[..]), 1.into())]), "{{'data': 'YQ==', 'encoding': 'base64'}:1}"),
            (dict([(Value::Decimal(Box::new("1.0".parse().unwrap())), 1.into())]), "{'1.0':1}"),
            (dict([(Value::Tuple(vec![Value::None]), 1.into())]), "{(None,):1}"),
        ] {
            assert_eq!(written(value), text);
        }
    }

    #[test]
    fn some_keys_and_members_are_refused() {
        let date = Value::Date(Date::new(2020, 1, 2).unwrap());
        let frozen = Value::FrozenSet(Box::new(Set::new()));
        for (key, class) in [(Value::None, "NoneType"), (date, "datetime.date"), (frozen, "frozenset")] {
            let message = format!(
                "one of the keys in a dict or set is not of a primitive hashable type: <class '{class}'>. \
                 Use simple types as keys or use a list or tuple as container."
            );
            for value in [dict([(key.clone(), 1.into())]), set([key])] {
                let error = refused(value);
                assert_eq!((error.class(), error.message()), ("builtins.TypeError", message.as_str()));
            }
        }
    }

    #[test]
    fn what_nests_too_deep_or_has_too_many_digits_is_refused() {
        assert!(written(nested(201)).starts_with("[[["));
        let error = refused(nested(202));
        assert_eq!((error.kind(), error.class()), (Kind::TooDeep, "builtins.ValueError"));
        assert!(refused(Value::Tuple(vec![nested(201)])).message().contains("too deep"));
        assert_eq!(refused(BigInt::from(10).pow(4300)).class(), "builtins.ValueError");
    }

    #[test]
    fn bytes_are_literals_where_that_is_asked_for() {
        let settings = Settings { serpent_bytes_repr: true, ..Settings::default() };
        let value = Value::List(vec![Value::from(&b"it's\0"[..]), Value::ByteArray(b"\xff".to_vec().into())]);
        let bytes = Codec::Serpent.encode_value(&value, &settings).unwrap();
        assert_eq!(bytes, b"# serpent utf-8 python3.2\n[b\"it's\\x00\",b'\\xff']");
    }

    #[test]
    fn a_call_is_one_tuple_and_after_an_error_nothing() {
        let mut out = Output::new();
        let settings = Settings::default();
        Codec::Serpent.write_call(&mut out, &settings, "obj", "add", &(2, 3)).unwrap();
        assert_eq!(out.to_vec(), b"# serpent utf-8 python3.2\n('obj','add',(2,3),{})");
        let mark = out.mark();
        let args = Args { positional: vec![nested(1)], keywords: Dict::from_iter([("x", nested(250))]) };
        assert!(Codec::Serpent.write_call(&mut out, &settings, "obj", "add", &args).is_err());
        assert_eq!(out.mark(), mark);
        let args = Args { positional: vec![nested(1)], keywords: Dict::from_iter([("x", 1), ("y", 2)]) };
        out.reset(0);
        Codec::Serpent.write_call(&mut out, &settings, "obj", "it's", &args).unwrap();
        assert_eq!(out.to_vec(), b"# serpent utf-8 python3.2\n('obj',\"it's\",([],),{'x':1,'y':2})");
    }
}
