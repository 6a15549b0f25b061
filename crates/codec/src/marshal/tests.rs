//! What CPython 3.11's `marshal` and Pyro 5.17's marshal serializer wrote, and what they read and refuse.

use bytes::Bytes;
use proptest::prelude::*;
use salamander_value::{
    BigInt, Date, DateTime, Decimal, Dict, Error, Exception, FixedOffset, Kind, Object, Result, Set, SurrogateStr,
    Time, TimeDelta, Uuid, Value, write_value,
};

use crate::{Args, Codec, Output, Settings};

fn read(bytes: &[u8]) -> Result<Value> {
    Codec::Marshal.decode_value(&Bytes::copy_from_slice(bytes), &Settings::default())
}

fn shown(bytes: &[u8]) -> String {
    read(bytes).map_or_else(|error| format!("{error:?}"), |value| value.to_string())
}

fn written(value: &Value) -> Result<Vec<u8>> {
    Codec::Marshal.encode_value(value, &Settings::default())
}

fn refusal(value: impl Into<Value>) -> (Kind, &'static str) {
    let error = written(&value.into()).unwrap_err();
    (error.kind(), error.class())
}

/// As `MarshalSerializer().dumps(value)` gave them, the flag of references and all.
const VECTORS: &[(&str, &[u8])] = &[
    ("None", b"N"),
    ("True", b"T"),
    ("False", b"F"),
    ("0", b"\xe9\x00\x00\x00\x00"),
    ("-1", b"\xe9\xff\xff\xff\xff"),
    ("2147483647", b"\xe9\xff\xff\xff\x7f"),
    ("2147483648", b"\xec\x03\x00\x00\x00\x00\x00\x00\x00\x02\x00"),
    ("-2147483648", b"\xe9\x00\x00\x00\x80"),
    ("-2147483649", b"\xec\xfd\xff\xff\xff\x01\x00\x00\x00\x02\x00"),
    ("9223372036854775807", b"\xec\x05\x00\x00\x00\xff\x7f\xff\x7f\xff\x7f\xff\x7f\x07\x00"),
    ("9223372036854775808", b"\xec\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00"),
    ("-9223372036854775808", b"\xec\xfb\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00"),
    ("-9223372036854775809", b"\xec\xfb\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00"),
    ("1000000000000000000000000000000", b"\xec\x07\x00\x00\x00\x00\x00\x00\x00\xa97\xa73\x04M\x93e'\x03"),
    ("-1000000000000000000000000000000", b"\xec\xf9\xff\xff\xff\x00\x00\x00\x00\xa97\xa73\x04M\x93e'\x03"),
    ("-0.0", b"\xe7\x00\x00\x00\x00\x00\x00\x00\x80"),
    ("1.5", b"\xe7\x00\x00\x00\x00\x00\x00\xf8?"),
    ("inf", b"\xe7\x00\x00\x00\x00\x00\x00\xf0\x7f"),
    ("(1+2j)", b"\xf9\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00\x00@"),
    ("(-0-0j)", b"\xf9\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x80"),
    ("''", b"\xda\x00"),
    ("'abc'", b"\xda\x03abc"),
    ("'a\u{e9}'", b"\xf5\x03\x00\x00\x00a\xc3\xa9"),
    ("'\u{10348}'", b"\xf5\x04\x00\x00\x00\xf0\x90\x8d\x88"),
    ("b''", b"\xf3\x00\x00\x00\x00"),
    ("b'a\\xff'", b"\xf3\x02\x00\x00\x00a\xff"),
    ("()", b"\xa9\x00"),
    ("(1, 'x')", b"\xa9\x02\xe9\x01\x00\x00\x00\xda\x01x"),
    ("[]", b"\xdb\x00\x00\x00\x00"),
    (
        "[1, [2, [3]]]",
        b"\xdb\x02\x00\x00\x00\xe9\x01\x00\x00\x00[\x02\x00\x00\x00\xe9\x02\x00\x00\x00[\x01\x00\x00\x00\xe9\x03\x00\x00\x00",
    ),
    ("{}", b"\xfb0"),
    ("{'a': 1, 'b': None}", b"\xfb\xda\x01a\xe9\x01\x00\x00\x00\xda\x01bN0"),
    ("{1}", b"\xbc\x01\x00\x00\x00\xe9\x01\x00\x00\x00"),
    ("frozenset()", b"\xbe\x00\x00\x00\x00"),
    ("[{'k': (None, True)}]", b"\xdb\x01\x00\x00\x00{\xda\x01k\xa9\x02NT0"),
];

#[test]
fn what_python_wrote_is_read_and_written_without_references() {
    for (text, bytes) in VECTORS {
        let value = read(bytes).unwrap();
        assert_eq!(value.to_string(), *text);
        assert_eq!(read(&written(&value).unwrap()).unwrap(), value);
    }
    // Where nothing could be referred to, the bytes are the same but for the flag and what Python has interned.
    for (_, bytes) in VECTORS.iter().filter(|(text, _)| !text.contains(['[', '{', '('])) {
        let code = if bytes[0] == b'Z' | 0x80 { b'z' } else { bytes[0] & 0x7F };
        let plain = [&[code], &bytes[1..]].concat();
        assert_eq!(written(&read(bytes).unwrap()).unwrap(), plain);
    }
}

#[test]
fn all_versions_are_read() {
    let shown_all =
        "[1, 1099511627776, 1.5, (-0-2j), 'a', 'é', b'x', (1,), {'a': 1}, {1}, frozenset({2}), True, None]";
    let versions_0_and_1 = b"[\x0d\x00\x00\x00i\x01\x00\x00\x00l\x03\x00\x00\x00\x00\x00\x00\x00\x00\x04f\x031.5x\x02-0\x02-2u\x01\x00\x00\x00au\x02\x00\x00\x00\xc3\xa9s\x01\x00\x00\x00x(\x01\x00\x00\x00i\x01\x00\x00\x00{u\x01\x00\x00\x00ai\x01\x00\x00\x000<\x01\x00\x00\x00i\x01\x00\x00\x00>\x01\x00\x00\x00i\x02\x00\x00\x00TN";
    let version_2 = b"[\x0d\x00\x00\x00i\x01\x00\x00\x00l\x03\x00\x00\x00\x00\x00\x00\x00\x00\x04g\x00\x00\x00\x00\x00\x00\xf8?y\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\xc0u\x01\x00\x00\x00au\x02\x00\x00\x00\xc3\xa9s\x01\x00\x00\x00x(\x01\x00\x00\x00i\x01\x00\x00\x00{u\x01\x00\x00\x00ai\x01\x00\x00\x000<\x01\x00\x00\x00i\x01\x00\x00\x00>\x01\x00\x00\x00i\x02\x00\x00\x00TN";
    let version_3 = b"\xdb\x0d\x00\x00\x00\xe9\x01\x00\x00\x00\xec\x03\x00\x00\x00\x00\x00\x00\x00\x00\x04\xe7\x00\x00\x00\x00\x00\x00\xf8?\xf9\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\xc0\xf4\x01\x00\x00\x00a\xf5\x02\x00\x00\x00\xc3\xa9\xf3\x01\x00\x00\x00x\xa8\x01\x00\x00\x00r\x01\x00\x00\x00{r\x05\x00\x00\x00r\x01\x00\x00\x000<\x01\x00\x00\x00r\x01\x00\x00\x00>\x01\x00\x00\x00\xe9\x02\x00\x00\x00TN";
    for bytes in [&versions_0_and_1[..], version_2, version_3] {
        assert_eq!(shown(bytes), shown_all);
    }
    for (bytes, text) in [
        (&b"I\xfe\xff\xff\xff\xff\xff\xff\xff"[..], "-2"),
        (b"z\x02a\xe9", "'a\u{e9}'"),
        (b"t\x02\x00\x00\x00\xc3\xa9", "'\u{e9}'"),
        (b"A\x02\x00\x00\x00ab", "'ab'"),
        (b"f\x03inf", "inf"),
        (b"f\x051e999", "inf"),
        (b"u\x06\x00\x00\x00\xed\xa0\x80\xed\xb0\x80", "'\\ud800\\udc00'"),
        (b"l\x00\x00\x00\x00", "0"),
        (b"Nand more", "None"),
    ] {
        assert_eq!(shown(bytes), text);
    }
}

#[test]
fn references_give_what_they_refer_to() {
    let bytes = b"[\x03\x00\x00\x00\xa9\x03\xdb\x02\x00\x00\x00\xda\x0csharedshared\xe9@B\x0f\x00r\x01\x00\x00\x00r\x02\x00\x00\x00r\x00\x00\x00\x00{r\x02\x00\x00\x00r\x00\x00\x00\x000";
    let tuple = "(['sharedshared', 1000000], ['sharedshared', 1000000], 'sharedshared')";
    assert_eq!(shown(bytes), format!("[{tuple}, {tuple}, {{'sharedshared': {tuple}}}]"));
    // A frozenset has its number before its members; singletons and references have none.
    assert_eq!(shown(b")\x02\xbe\x01\x00\x00\x00\xe9\x01\x00\x00\x00r\x01\x00\x00\x00"), "(frozenset({1}), 1)");
    for bytes in [
        &b")\x02\xcer\x00\x00\x00\x00"[..],
        b")\x03\xe9\x05\x00\x00\x00\xf2\x00\x00\x00\x00r\x01\x00\x00\x00",
        b")\x02\xe9\x05\x00\x00\x00r\xff\xff\xff\xff",
    ] {
        assert_eq!(read(bytes).unwrap_err().kind(), Kind::Malformed);
    }
    for cycle in
        [&b"\xdb\x01\x00\x00\x00r\x00\x00\x00\x00"[..], b"\xa9\x01r\x00\x00\x00\x00", b"\xfbz\x01ar\x00\x00\x00\x000"]
    {
        assert_eq!(read(cycle).unwrap_err().kind(), Kind::Unsupported);
    }
}

#[test]
fn references_cannot_make_a_small_message_large() {
    // Each tuple holds the one before twice: 2^40 leaves in 300 bytes.
    let mut doubling = b")\x29\xa9\x01N".to_vec();
    for before in 0..40u8 {
        doubling.extend([&b"\xa9\x02r"[..], &[before, 0, 0, 0, b'r', before, 0, 0, 0]].concat());
    }
    assert_eq!(read(&doubling).unwrap_err().kind(), Kind::TooLarge);
    // A long text, again and again.
    let mut texts = [&b"[\x11\x27\x00\x00\xf5\x00\x00\x01\x00"[..], &[b'x'; 0x1_0000]].concat();
    texts.extend(b"r\x00\x00\x00\x00".repeat(10_000));
    assert_eq!(read(&texts).unwrap_err().kind(), Kind::TooLarge);
    // Each tuple holds the one before: deep only by references.
    let mut nesting = b"(\xe9\x03\x00\x00\xa9\x00".to_vec();
    for before in 0..1000u16 {
        nesting.extend([&b"\xa9\x01r"[..], &before.to_le_bytes(), &[0, 0]].concat());
    }
    let mut settings = Settings::default();
    settings.limits.expansion = 1000;
    let error = Codec::Marshal.decode_value(&nesting.into(), &settings).unwrap_err();
    assert_eq!(error.kind(), Kind::TooDeep);
    // However long a message is, what is shared in it comes to so much and no more.
    let mut settings = Settings::default();
    settings.limits.shared = 1000;
    let list = |shared: usize| {
        let mut list = [&b"[\x00\x00\x00\x00"[..], b"\xa9\x0a", &b"N".repeat(10)].concat();
        list[1..5].copy_from_slice(&(shared as u32 + 1).to_le_bytes());
        list.extend(b"r\x00\x00\x00\x00".repeat(shared));
        Codec::Marshal.decode_value(&list.into(), &settings)
    };
    assert!(list(100).is_ok());
    assert_eq!(list(1000).unwrap_err().kind(), Kind::TooLarge);
    // What Python makes of sharing in earnest is read.
    let mut fair = b"[\xe8\x03\x00\x00\xda\x0asome text.".to_vec();
    fair.extend(b"r\x00\x00\x00\x00".repeat(999));
    assert_eq!(read(&fair).unwrap(), Value::List(vec!["some text.".into(); 1000]));
}

#[test]
fn bad_bytes_are_refused_as_python_refuses_them() {
    for (bytes, class) in [
        (&b""[..], "EOFError"),
        (b"0", "TypeError"),
        (b"[\x01\x00\x00\x000", "TypeError"),
        (b"i\x01\x00\x00", "EOFError"),
        (b"l\x02\x00\x00\x00\x05\x00\x00\x00", "ValueError"),
        (b"l\x01\x00\x00\x00\x00\x80", "ValueError"),
        (b"l\xff\xff\xff\x7f", "EOFError"),
        (b"l\x00\x00\x00\x80", "EOFError"),
        (b"f\x04 1.5", "ValueError"),
        (b"f\x00", "ValueError"),
        (b"y\x00\x00", "EOFError"),
        (b"s\xff\xff\xff\xff", "ValueError"),
        (b"s\x03\x00\x00\x00ab", "EOFError"),
        (b"u\x01\x00\x00\x00\xff", "ValueError"),
        (b")\x01", "EOFError"),
        (b"[\xff\xff\xff\x7fN", "EOFError"),
        (b"{[\x00\x00\x00\x00N0", "TypeError"),
        (b"<\x01\x00\x00\x00[\x00\x00\x00\x00", "TypeError"),
        (b"?", "ValueError"),
        (b"{z\x01a0", "TypeError"),
    ] {
        assert_eq!(read(bytes).unwrap_err().class(), format!("builtins.{class}"), "{bytes:?}");
    }
    assert_eq!(read(b"c\x00\x00\x00\x00").unwrap_err().kind(), Kind::Security);
    assert_eq!(read(b"S").unwrap_err().kind(), Kind::Unsupported);
    assert_eq!(read(b".").unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn nesting_has_the_limits_of_python_and_of_the_settings() {
    let lists = |depth: usize| [b"[\x01\x00\x00\x00".repeat(depth - 1), b"[\x00\x00\x00\x00".to_vec()].concat();
    assert!(read(&lists(1000)).is_ok());
    assert_eq!(read(&lists(1001)).unwrap_err().kind(), Kind::TooDeep);
    assert_eq!(read(&lists(100_000)).unwrap_err().kind(), Kind::TooDeep);
    assert_eq!(read(&b"{z\x01a".repeat(100_000)).unwrap_err().kind(), Kind::TooDeep);
    let mut settings = Settings::default();
    settings.limits.depth = 1_000_000;
    let read = |bytes| Codec::Marshal.decode_value(&Bytes::from(bytes), &settings);
    assert!(read(lists(2000)).is_ok());
    assert_eq!(read(lists(2001)).unwrap_err().kind(), Kind::TooDeep);

    let nested = |depth, leaf: Value| (0..depth).fold(leaf, |value, _| Value::List(vec![value]));
    assert!(written(&nested(1999, Value::List(vec![]))).is_ok());
    assert!(written(&nested(2000, Value::None)).is_err());
    assert!(written(&nested(1998, Dict::new().into())).is_ok());
    let error = written(&nested(1999, Dict::new().into())).unwrap_err();
    assert_eq!((error.kind(), error.class()), (Kind::TooDeep, "builtins.ValueError"));
}

#[test]
fn only_the_outermost_value_is_converted() {
    let date = Date::new(2020, 1, 2).unwrap();
    let scalars: [Value; 6] = [
        DateTime::new(date, Time::default()).into(),
        date.into(),
        Time { offset: Some(FixedOffset::default()), ..Time::default() }.into(),
        TimeDelta::default().into(),
        "1.5".parse::<Decimal>().unwrap().into(),
        Uuid::from_u128(5).into(),
    ];
    for scalar in &scalars[..5] {
        assert_eq!(refusal(scalar.clone()), (Kind::Unsupported, "Pyro5.errors.SerializeError"));
    }
    for scalar in scalars {
        assert_eq!(refusal(vec![scalar]), (Kind::Unsupported, "builtins.ValueError"));
    }
    let uuid = Value::from(Uuid::from_u128(5));
    assert_eq!(written(&uuid).unwrap(), b"z$00000000-0000-0000-0000-000000000005");
    let uri = Object::with_state("Pyro5.core.URI", Value::Tuple(vec!["PYRO".into(), Value::None]));
    assert_eq!(
        written(&uri.clone().into()).unwrap(),
        b"{z\x09__class__z\x0ePyro5.core.URIz\x05state)\x02z\x04PYRON0"
    );
    assert_eq!(refusal(vec![uri]), (Kind::Unsupported, "builtins.ValueError"));
    let error = Exception::value_error("x").with_attribute("id", Uuid::from_u128(5));
    assert_eq!(refusal(error), (Kind::Unsupported, "builtins.ValueError"));
}

#[test]
fn calls_are_as_python_makes_them() {
    let theirs = Bytes::from_static(
        b")\x04\xda\x03obj\xda\x03add\xdb\x02\x00\x00\x00\xe9\x01\x00\x00\x00\xda\x03two\xfb\xda\x05three\xe7\x00\x00\x00\x00\x00\x00\x08@0",
    );
    let ours =
        b")\x04z\x03objz\x03add[\x02\x00\x00\x00i\x01\x00\x00\x00z\x03two{z\x05threeg\x00\x00\x00\x00\x00\x00\x08@0";
    let settings = Settings::default();
    let (head, mut reader) = Codec::Marshal.call_reader(&theirs, &settings).unwrap();
    assert_eq!((&*head.object, &*head.method), ("obj", "add"));
    let positional = salamander_value::read_value(&mut reader).unwrap();
    let keywords = salamander_value::read_value(&mut reader).unwrap();
    reader.finish().unwrap();
    assert_eq!(positional.to_string(), "[1, 'two']");
    assert_eq!(keywords.to_string(), "{'three': 3.0}");

    let call = |positional: Vec<Value>, keywords: Dict| {
        let mut out = Output::new();
        let args = Args { positional, keywords };
        Codec::Marshal.write_call(&mut out, &settings, "obj", "add", &args).map(|()| out.into_vec())
    };
    assert_eq!(call(vec![1.into(), "two".into()], Dict::from_iter([("three", 3.0)])).unwrap(), ours);
    // Each argument counts as outermost.
    let uuid = Value::from(Uuid::from_u128(5));
    let call_text = |bytes: Vec<u8>| shown(&bytes);
    assert_eq!(
        call_text(call(vec![uuid.clone()], Dict::from_iter([("k", Exception::key_error(1))])).unwrap()),
        "('obj', 'add', ['00000000-0000-0000-0000-000000000005'], {'k': KeyError(1)})"
    );
    assert!(call(vec![vec![uuid.clone()].into()], Dict::new()).is_err());
    assert!(call(vec![], Dict::from_iter([("k", vec![uuid])])).is_err());
    for bytes in [&b"N"[..], b")\x03z\x01oz\x01m[\x00\x00\x00\x00", b")\x04Nz\x01m[\x00\x00\x00\x00{0"] {
        assert!(Codec::Marshal.call_reader(&Bytes::copy_from_slice(bytes), &settings).is_err());
    }
}

#[test]
fn lengths_that_are_not_known_are_filled_in() {
    let mut out = Output::new();
    let write = |writer: &mut dyn salamander_value::Writer| {
        writer.begin_list(None)?;
        writer.begin_tuple(None)?;
        writer.int(1)?;
        writer.end()?;
        writer.begin_dict(None)?;
        writer.str("a")?;
        writer.shared_bytes(&Bytes::from(vec![0; 40_000]))?;
        writer.end()?;
        writer.begin_set(None)?;
        writer.end()?;
        writer.end()
    };
    Codec::Marshal.write(&mut out, &Settings::default(), write).unwrap();
    assert!(out.has_attached());
    let value = read(&out.into_vec()).unwrap();
    assert_eq!(value.as_slice().map(<[Value]>::len), Some(3));
    assert!(value.to_string().starts_with("[(1,), {'a': b'\\x00"));

    let wrong = |writer: &mut dyn salamander_value::Writer| {
        writer.begin_list(Some(2))?;
        writer.none()?;
        writer.end()
    };
    let mut out = Output::new();
    assert_eq!(Codec::Marshal.write(&mut out, &Settings::default(), wrong).unwrap_err().kind(), Kind::Custom);
    assert_eq!(out.total_len(), 0);
}

#[test]
fn data_and_text_are_borrowed_and_shared() {
    let message = Bytes::from(b")\x02s\x03\x00\x00\x00abcz\x02de".to_vec());
    let settings = Settings::default();
    let (data, text): (&[u8], &str) = Codec::Marshal.decode(&message, &settings).unwrap();
    assert_eq!((data.as_ptr(), text.as_ptr()), (message[7..].as_ptr(), message[12..].as_ptr()));
    let Value::Tuple(items) = Codec::Marshal.decode_value(&message, &Settings::default()).unwrap() else { panic!() };
    let Value::Bytes(shared) = &items[0] else { panic!() };
    assert_eq!(shared.as_ptr(), message[7..].as_ptr());
}

/// Bytes that are mostly type codes, with small sizes between.
fn code_like() -> impl Strategy<Value = Vec<u8>> {
    let codes = prop::sample::select(b"NTFilIfgxyzZaAutsr()[{0<>c.S\x00\x01\x02\x03\x00\x00\x00".to_vec());
    let byte = (codes, any::<bool>(), any::<u8>(), 0..20u8);
    let byte = byte.prop_map(|(code, flag, any, choice)| match choice {
        0 => any,
        _ if flag && code > 3 => code | 0x80,
        _ => code,
    });
    prop::collection::vec(byte, 0..200)
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), codes in code_like()) {
        for bytes in [bytes, codes] {
            if let Ok(value) = read(&bytes) {
                let again = written(&value).and_then(|bytes| read(&bytes));
                // Not where the value is an instance inside of another, or has a NaN.
                let shown_again = again.map_or_else(|error: Error| error.message().to_owned(), |value| value.to_string());
                prop_assert!(shown_again == value.to_string() || shown_again.starts_with("unmarshallable"));
            }
            let _ = Codec::Marshal.call_reader(&bytes.into(), &Settings::default()).is_ok();
        }
    }

    #[test]
    fn values_come_back(value in crate::testing::values()) {
        prop_assert_eq!(read(&written(&value).unwrap()).unwrap(), value);
    }
}

#[test]
fn surrogates_sets_and_odd_keys_come_back() {
    let mut dict = Dict::new();
    dict.insert_value(Value::Tuple(vec![1.into(), BigInt::from(1).pow(3).into()]), Value::None).unwrap();
    dict.insert_value(Value::Float(2.5), SurrogateStr::new(vec![0xD800, 0x61]).unwrap().into()).unwrap();
    let set = Set::from_iter(["a", "b"]);
    let value = Value::List(vec![dict.into(), set.clone().into(), Value::FrozenSet(Box::new(set))]);
    assert_eq!(read(&written(&value).unwrap()).unwrap(), value);
    assert_eq!(read(&written(&Value::ByteArray(vec![1, 2].into())).unwrap()).unwrap(), Value::from(&[1u8, 2][..]));
    let mut out = Output::new();
    let keyed_by_list = |writer: &mut dyn salamander_value::Writer| {
        writer.begin_dict(Some(1))?;
        write_value(&Value::List(vec![]), writer)
    };
    let error = Codec::Marshal.write(&mut out, &Settings::default(), keyed_by_list).unwrap_err();
    assert_eq!(error.kind(), Kind::Unhashable);
}
