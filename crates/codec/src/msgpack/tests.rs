//! What msgpack 1.2.4 and Pyro 5.17's msgpack serializer wrote, and what they read and refuse.

use bytes::Bytes;
use proptest::prelude::*;
use salamander_value::{
    BigInt, Complex, Date, DateTime, Dict, Exception, FixedOffset, Kind, Object, Result, Set, SurrogateStr, Time,
    TimeDelta, Uuid, Value,
};

use crate::{Args, Codec, Output, Settings, Zone, ZoneRules};

fn read(bytes: &[u8]) -> Result<Value> {
    Codec::Msgpack.decode_value(&Bytes::copy_from_slice(bytes), &Settings::default())
}

fn shown(bytes: &[u8]) -> String {
    read(bytes).map_or_else(|error| format!("{error:?}"), |value| value.to_string())
}

fn written(value: &Value) -> Result<Vec<u8>> {
    Codec::Msgpack.encode_value(value, &Settings::default())
}

fn refusal(value: impl Into<Value>) -> (Kind, &'static str) {
    let error = written(&value.into()).unwrap_err();
    (error.kind(), error.class())
}

/// As `MsgpackSerializer().dumps(value)` gave them, read and written alike.
const VECTORS: &[(&str, &[u8])] = &[
    ("None", b"\xc0"),
    ("True", b"\xc3"),
    ("False", b"\xc2"),
    ("0", b"\x00"),
    ("127", b"\x7f"),
    ("128", b"\xcc\x80"),
    ("255", b"\xcc\xff"),
    ("256", b"\xcd\x01\x00"),
    ("65535", b"\xcd\xff\xff"),
    ("65536", b"\xce\x00\x01\x00\x00"),
    ("4294967295", b"\xce\xff\xff\xff\xff"),
    ("4294967296", b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
    ("9223372036854775807", b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
    ("9223372036854775808", b"\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
    ("18446744073709551615", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("18446744073709551616", b"\xc7\x14118446744073709551616"),
    ("-1", b"\xff"),
    ("-32", b"\xe0"),
    ("-33", b"\xd0\xdf"),
    ("-128", b"\xd0\x80"),
    ("-129", b"\xd1\xff\x7f"),
    ("-32768", b"\xd1\x80\x00"),
    ("-32769", b"\xd2\xff\xff\x7f\xff"),
    ("-2147483648", b"\xd2\x80\x00\x00\x00"),
    ("-2147483649", b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
    ("-9223372036854775808", b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    ("-9223372036854775809", b"\xc7\x141-9223372036854775809"),
    ("-1000000000000000000000000000000", b"\xc7 1-1000000000000000000000000000000"),
    ("-0.0", b"\xcb\x80\x00\x00\x00\x00\x00\x00\x00"),
    ("1.5", b"\xcb?\xf8\x00\x00\x00\x00\x00\x00"),
    ("inf", b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"),
    ("(1+2j)", b"\xd80\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00\x00@"),
    ("''", b"\xa0"),
    ("'abc'", b"\xa3abc"),
    ("'a\u{e9}'", b"\xa3a\xc3\xa9"),
    ("'\u{10348}'", b"\xa4\xf0\x90\x8d\x88"),
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", b"\xd9 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("b''", b"\xc4\x00"),
    ("b'a\\xff'", b"\xc4\x02a\xff"),
    ("[]", b"\x90"),
    ("[1, [2, [3]]]", b"\x92\x01\x92\x02\x91\x03"),
    ("{}", b"\x80"),
    ("{'a': 1, 'b': None}", b"\x82\xa1a\x01\xa1b\xc0"),
    ("{b'a': 2}", b"\x81\xc4\x01a\x02"),
    ("[{'k': [None, True]}]", b"\x91\x81\xa1k\x92\xc0\xc3"),
    ("2020-01-02T03:04:05.678901", b"\xd72\x1dskiW\x83\xd7A"),
    ("2024-02-29", b"\xd73\x81F\x0b\x00\x00\x00\x00\x00"),
];

#[test]
fn what_python_wrote_is_read_and_written_alike() {
    for (text, bytes) in VECTORS {
        let value = read(bytes).unwrap();
        assert_eq!(value.to_string(), *text);
        assert_eq!(written(&value).unwrap(), *bytes, "{text}");
    }
}

#[test]
fn lengths_take_the_smallest_header() {
    let begins = |value: Value, header: &[u8]| assert!(written(&value).unwrap().starts_with(header), "{header:?}");
    for (len, text, data, array, map) in [
        (15, &b"\xafa"[..], &b"\xc4\x0fa"[..], &b"\x9f\x01"[..], &b"\x8f\xa10"[..]),
        (16, b"\xb0a", b"\xc4\x10a", b"\xdc\x00\x10\x01", b"\xde\x00\x10\xa10"),
        (31, b"\xbfa", b"\xc4\x1fa", b"\xdc\x00\x1f\x01", b"\xde\x00\x1f\xa10"),
        (32, b"\xd9\x20a", b"\xc4\x20a", b"\xdc\x00\x20\x01", b"\xde\x00\x20\xa10"),
        (256, b"\xda\x01\x00a", b"\xc5\x01\x00a", b"\xdc\x01\x00\x01", b"\xde\x01\x00\xa10"),
        (
            65536,
            b"\xdb\x00\x01\x00\x00a",
            b"\xc6\x00\x01\x00\x00a",
            b"\xdd\x00\x01\x00\x00\x01",
            b"\xdf\x00\x01\x00\x00\xa10",
        ),
    ] {
        begins("a".repeat(len).into(), text);
        begins("a".repeat(len).as_bytes().into(), data);
        begins(vec![1; len].into(), array);
        begins((0..len).map(|key| (key.to_string(), 0)).collect::<Dict>().into(), map);
    }
}

#[test]
fn what_msgpack_does_not_know_becomes_what_pyro_makes_of_it() {
    for (value, bytes) in [
        (Value::Tuple(vec![1.into(), "x".into()]), &b"\x92\x01\xa1x"[..]),
        (Set::from_iter(["a"]).into(), b"\x91\xa1a"),
        (Value::ByteArray(vec![1, 2].into()), b"\xc4\x02\x01\x02"),
        (Value::Decimal(Box::new("1.50".parse().unwrap())), b"\xa41.50"),
        (Uuid::from_u128(5).into(), b"\xd9$00000000-0000-0000-0000-000000000005"),
        (
            Object::with_state("Pyro5.core.URI", Value::Tuple(vec!["PYRO".into(), Value::None])).into(),
            b"\x82\xa9__class__\xaePyro5.core.URI\xa5state\x92\xa4PYRO\xc0",
        ),
        (
            vec![Exception::value_error("x")].into(),
            b"\x91\x84\xa9__class__\xb3builtins.ValueError\xad__exception__\xc3\xa4args\x91\xa1x\xaaattributes\x80",
        ),
    ] {
        assert_eq!(written(&value).unwrap(), bytes);
    }
    let serialize_error = (Kind::Unsupported, "Pyro5.errors.SerializeError");
    let aware = Time { offset: Some(FixedOffset::default()), ..Time::default() };
    assert_eq!(refusal(DateTime::new(Date::new(2020, 1, 1).unwrap(), aware)), serialize_error);
    assert_eq!(refusal(Time::default()), serialize_error);
    assert_eq!(refusal(vec![TimeDelta::default()]), serialize_error);
    assert_eq!(refusal(Value::FrozenSet(Box::default())), serialize_error);
    assert_eq!(refusal(SurrogateStr::new(vec![0xD800]).unwrap()), (Kind::Unicode, "builtins.ValueError"));
    assert!(written(&Value::from(BigInt::from(10).pow(4300) - 1)).is_ok());
    assert_eq!(refusal(BigInt::from(10).pow(4300)), (Kind::TooLarge, "builtins.ValueError"));
    assert_eq!(refusal(-BigInt::from(10).pow(5000)), (Kind::TooLarge, "builtins.ValueError"));
}

#[test]
fn extensions_are_read_as_pyro_reads_them() {
    let ext = |code: u8, data: &[u8]| shown(&[&[0xC7, data.len() as u8, code], data].concat());
    for (text, shown) in
        [("1_0 ", "10"), ("\t+012\n", "12"), ("-5", "-5"), ("18446744073709551616", "18446744073709551616")]
    {
        assert_eq!(ext(0x31, text.as_bytes()), shown);
    }
    for text in ["", " ", "a", "1__1", "_1", "1_", "\x001", "1 1", "--1", "+"] {
        assert!(ext(0x31, text.as_bytes()).starts_with("Malformed"), "{text:?}");
    }
    let digits = |count: usize| {
        let len = (count as u16).to_be_bytes();
        read(&[&[0xC8, len[0], len[1], 0x31][..], &vec![b'9'; count]].concat())
    };
    assert!(digits(4300).is_ok());
    assert_eq!(digits(4301).unwrap_err().kind(), Kind::TooLarge);

    let date = |ordinal: i64| ext(0x33, &ordinal.to_le_bytes());
    assert_eq!((date(1), date(3_652_059)), ("0001-01-01".into(), "9999-12-31".into()));
    assert!(date(0).starts_with("Malformed") && date(3_652_060).starts_with("Malformed"));
    assert!(date(1 << 40).starts_with("Overflow"));

    for (seconds, shown) in [
        (0.0, "1970-01-01T00:00:00"),
        (0.000_000_5, "1970-01-01T00:00:00"),
        (1.000_000_5, "1970-01-01T00:00:01.000001"),
        (1.000_001_5, "1970-01-01T00:00:01.000001"),
        (-1.000_000_5, "1969-12-31T23:59:58.999999"),
        (-62_135_510_400.0, "0001-01-02T00:00:00"),
        (253_402_300_799.999_97, "9999-12-31T23:59:59.999969"),
    ] {
        assert_eq!(ext(0x32, &f64::to_le_bytes(seconds)), shown);
    }
    for seconds in [f64::NAN, f64::INFINITY, -62_135_510_400.1, 253_402_300_800.0, 1e13, -1e18, 1e300] {
        assert!(read(&[&[0xD7, 0x32][..], &seconds.to_le_bytes()].concat()).is_err());
    }
    for (code, class) in [(0x30, "struct.error"), (0x32, "struct.error"), (0x05, "Pyro5.errors.SerializeError")] {
        assert_eq!(read(&[0xD4, code, 0]).unwrap_err().class(), class);
    }
}

#[test]
fn timestamps_become_times_in_utc_where_those_are_as_exact() {
    for (bytes, text) in [
        (&b"\xd6\xff\x00\x00\x00\x05"[..], "1970-01-01T00:00:05+00:00"),
        (b"\xd7\xff\x00\x00\x0f\xa0\x00\x00\x00\x05", "1970-01-01T00:00:05.000001+00:00"),
        (b"\xc7\x0c\xff\x00\x00\x03\xe8\xff\xff\xff\xff\xff\xff\xff\xff", "1969-12-31T23:59:59.000001+00:00"),
    ] {
        assert_eq!(shown(bytes), text);
    }
    let kind = |bytes: &[u8]| read(bytes).unwrap_err().kind();
    assert_eq!(kind(b"\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x05"), Kind::Unsupported);
    assert_eq!(kind(b"\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"), Kind::Unsupported);
    assert_eq!(kind(b"\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x05"), Kind::Malformed);
    assert_eq!(kind(b"\xc7\x03\xffabc"), Kind::Malformed);
}

/// Two hours east of UTC until 1970, one hour west from then on.
struct Rules;

impl ZoneRules for Rules {
    fn offset_at_utc(&self, seconds: i64) -> i32 {
        if seconds < 0 { 7200 } else { -3600 }
    }

    fn offset_at_civil(&self, seconds: i64) -> i32 {
        if seconds < 7200 { 7200 } else { -3600 }
    }
}

#[test]
fn naive_times_are_counted_by_the_local_zone() {
    let settings = Settings { zone: Zone::new(Rules), ..Settings::default() };
    for (civil_micros, seconds) in [(7_199_500_000, -0.5), (7_200_000_000, 10_800.0), (-1, -7_200.000_001)] {
        let when = DateTime::from_civil_micros(civil_micros).unwrap();
        let bytes = Codec::Msgpack.encode_value(&when.into(), &settings).unwrap();
        assert_eq!(bytes, [&[0xD7, 0x32][..], &f64::to_le_bytes(seconds)].concat());
        assert_eq!(Codec::Msgpack.decode_value(&bytes.into(), &settings).unwrap(), when.into());
    }
    // Python's own calculation fails within a day of the calendar's ends.
    let first = DateTime::from_civil_micros(-62_135_596_800_000_000).unwrap();
    assert_eq!(refusal(first), (Kind::Malformed, "builtins.ValueError"));
    assert!(written(&DateTime::from_civil_micros(-62_135_510_400_000_000).unwrap().into()).is_ok());
}

#[test]
fn bad_bytes_are_refused() {
    for bytes in [
        &b""[..],
        b"\x91",
        b"\xc1",
        b"\x01\x02",
        b"\x81\x01\x02",
        b"\x81\x91\x01\x02",
        b"\x81\xd7\x33\x01\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\xa1\xff",
        b"\xa3\xed\xa0\x80",
        b"\xdd\x00\x00\x00\x05\x01",
        b"\xdd\xff\xff\xff\xff\x01",
        b"\xdf\xff\xff\xff\xff\xa0\x01",
        b"\xc6\xff\xff\xff\xff\x01",
        b"\xc9\xff\xff\xff\xff\x30\x01",
        b"\xd9",
        b"\xcb\x00",
    ] {
        let error = read(bytes).unwrap_err();
        assert_eq!((error.kind(), error.class()), (Kind::Malformed, "builtins.ValueError"), "{bytes:?}");
    }
    assert_eq!(shown(b"\xca\x3f\xc0\x00\x00"), "1.5");
    assert_eq!(shown(b"\x82\xa1a\x01\xa1a\x02"), "{'a': 2}");
    assert_eq!(shown(b"\xdf\x00\x00\x00\x01\xdb\x00\x00\x00\x01a\xdc\x00\x01\xd1\xff\xff"), "{'a': [-1]}");
}

#[test]
fn nesting_has_the_limits_of_python_and_of_the_settings() {
    let lists = |depth: usize| Bytes::from([vec![0x91; depth - 1], vec![0x90]].concat());
    assert!(read(&lists(1000)).is_ok());
    assert_eq!(read(&lists(1001)).unwrap_err().kind(), Kind::TooDeep);
    assert_eq!(read(&lists(100_000)).unwrap_err().kind(), Kind::TooDeep);
    assert_eq!(read(&b"\x81\xa1a".repeat(100_000)).unwrap_err().kind(), Kind::TooDeep);
    let mut settings = Settings::default();
    settings.limits.depth = 1_000_000;
    assert!(Codec::Msgpack.decode_value(&lists(1024), &settings).is_ok());
    assert_eq!(Codec::Msgpack.decode_value(&lists(1025), &settings).unwrap_err().kind(), Kind::TooDeep);

    let nested = |depth, leaf: Value| (0..depth).fold(leaf, |value, _| Value::List(vec![value]));
    assert!(written(&nested(1024, Value::None)).is_ok());
    assert_eq!(refusal(nested(1025, Value::None)), (Kind::TooDeep, "builtins.ValueError"));
    assert!(written(&nested(1024, Value::List(vec![]))).is_ok());
    assert!(written(&nested(1025, Value::List(vec![]))).is_err());
}

#[test]
fn calls_are_as_python_makes_them() {
    let bytes =
        Bytes::from_static(b"\x94\xa3obj\xa3add\x92\x01\xa3two\x81\xa5three\xcb@\x08\x00\x00\x00\x00\x00\x00");
    let settings = Settings::default();
    let (head, mut reader) = Codec::Msgpack.call_reader(&bytes, &settings).unwrap();
    assert_eq!((&*head.object, &*head.method), ("obj", "add"));
    let positional = salamander_value::read_value(&mut reader).unwrap();
    let keywords = salamander_value::read_value(&mut reader).unwrap();
    reader.finish().unwrap();
    assert_eq!((positional.to_string(), keywords.to_string()), ("[1, 'two']".into(), "{'three': 3.0}".into()));

    let args = Args { positional: vec![1.into(), "two".into()], keywords: Dict::from_iter([("three", 3.0)]) };
    let mut out = Output::new();
    Codec::Msgpack.write_call(&mut out, &settings, "obj", "add", &args).unwrap();
    assert_eq!(out.into_vec(), bytes);
    for bytes in [&b"\xc0"[..], b"\x93\xa1o\xa1m\x90", b"\x94\xc0\xa1m\x90\x80"] {
        assert!(Codec::Msgpack.call_reader(&Bytes::copy_from_slice(bytes), &settings).is_err());
    }
}

#[test]
fn lengths_that_are_not_known_are_filled_in() {
    let mut out = Output::new();
    let write = |writer: &mut dyn salamander_value::Writer| {
        writer.begin_list(None)?;
        writer.begin_tuple(None)?;
        writer.uint(200)?;
        writer.end()?;
        writer.begin_dict(None)?;
        writer.str("a")?;
        writer.shared_bytes(&Bytes::from(vec![0; 40_000]))?;
        writer.end()?;
        writer.end()
    };
    Codec::Msgpack.write(&mut out, &Settings::default(), write).unwrap();
    assert!(out.has_attached());
    let bytes = out.into_vec();
    assert!(bytes.starts_with(b"\xdd\x00\x00\x00\x02\xdd\x00\x00\x00\x01\xcc\xc8\xdf\x00\x00\x00\x01\xa1a\xc5"));
    assert_eq!(read(&bytes).unwrap().as_slice().map(<[Value]>::len), Some(2));
    for (len, count) in [(Some(2), 1), (Some(1), 2)] {
        let wrong = |writer: &mut dyn salamander_value::Writer| {
            writer.begin_list(len)?;
            (0..count).try_for_each(|_| writer.none())?;
            writer.end()
        };
        let mut out = Output::new();
        assert_eq!(Codec::Msgpack.write(&mut out, &Settings::default(), wrong).unwrap_err().kind(), Kind::Custom);
        assert_eq!(out.total_len(), 0);
    }
}

#[test]
fn data_and_text_are_borrowed_and_shared() {
    let message = Bytes::from(b"\x92\xc4\x03abc\xa2de".to_vec());
    let settings = Settings::default();
    let (data, text): (&[u8], &str) = Codec::Msgpack.decode(&message, &settings).unwrap();
    assert_eq!((data.as_ptr(), text.as_ptr()), (message[3..].as_ptr(), message[7..].as_ptr()));
    let value = Codec::Msgpack.decode_value(&message, &Settings::default()).unwrap();
    let Some([Value::Bytes(shared), _]) = value.as_slice() else { panic!() };
    assert_eq!(shared.as_ptr(), message[3..].as_ptr());
}

/// Bytes of which most begin an object.
fn object_like() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(vec![0x81u8, 0x82, 0x91, 0x92, 0x93, 0xA1, 0xA2, 0x01, 0xC0, 0xC4, 0xD7, 0xC7]),
        2 => 0xC0..=0xDFu8,
        2 => prop::sample::select(vec![0x00u8, 0x01, 0x02, 0x30, 0x31, 0x32, 0x33, 0xFF]),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..200)
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), objects in object_like()) {
        for bytes in [bytes, objects] {
            if let Ok(value) = read(&bytes) {
                let _ = written(&value);
            }
            let _ = Codec::Msgpack.call_reader(&bytes.into(), &Settings::default()).is_ok();
        }
    }

    #[test]
    fn values_come_back(value in crate::testing::values()) {
        let bytes = written(&value).unwrap();
        let back = read(&bytes).unwrap();
        prop_assert_eq!(written(&back).unwrap(), bytes);
        prop_assert_eq!(back, lists(value));
    }

    #[test]
    fn naive_times_come_back(micros in -62_135_510_400_000_000i64..253_402_300_800_000_000) {
        let when = DateTime::from_civil_micros(micros).unwrap();
        let Value::DateTime(back) = read(&written(&when.into()).unwrap()).unwrap() else { panic!() };
        // A double has no room for all microseconds of distant years.
        prop_assert!((back.to_civil_micros() - micros).abs() <= micros.abs() / (1 << 52));
    }
}

/// The value with lists for tuples.
fn lists(value: Value) -> Value {
    match value {
        Value::List(items) | Value::Tuple(items) => Value::List(items.into_iter().map(lists).collect()),
        Value::Dict(dict) => {
            let mut made = Dict::new();
            for (key, value) in *dict {
                made.insert_value(key, lists(value)).unwrap();
            }
            made.into()
        }
        other => other,
    }
}

#[test]
fn complex_numbers_keep_their_bits() {
    let number = Complex { re: -0.0, im: f64::from_bits(0x7FF8_0000_0000_0001) };
    let bytes = written(&number.into()).unwrap();
    let Value::Complex(back) = read(&bytes).unwrap() else { panic!() };
    assert_eq!((back.re.to_bits(), back.im.to_bits()), (number.re.to_bits(), number.im.to_bits()));
}
