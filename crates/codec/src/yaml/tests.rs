//! What PyYAML 6.0.3 reads and refuses.

use bytes::Bytes;
use salamander_value::{BigInt, Dict, Kind, Set, SurrogateStr, Value};

use crate::{Codec, Settings};

fn read(text: &str) -> salamander_value::Result<Value> {
    Codec::Yaml.decode_value(&Bytes::from(text.to_owned()), &Settings::default())
}

fn write(value: impl Into<Value>) -> salamander_value::Result<String> {
    Codec::Yaml.encode_value(&value.into(), &Settings::default()).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// Each beside the `repr()` of what `yaml.safe_load` gives.
#[test]
fn what_pyyaml_reads_is_read() {
    for (text, shown) in [
        ("", "None"),
        ("~", "None"),
        ("- ", "[None]"),
        ("---\n1\n", "1"),
        ("%YAML 1.1\n---\n1\n", "1"),
        ("\u{feff}1", "1"),
        ("- - 1\n  - 2\n", "[[1, 2]]"),
        ("'it''s'", "\"it's\""),
        ("yes", "True"),
        ("OFF", "False"),
        ("yEs", "'yEs'"),
        ("1_000", "1000"),
        ("+1", "1"),
        ("012", "10"),
        ("0o7", "'0o7'"),
        ("0x1F", "31"),
        ("0b101", "5"),
        ("12:30:45", "45045"),
        ("190:20:30.15", "685230.15"),
        ("1e5", "'1e5'"),
        ("1.5e5", "'1.5e5'"),
        ("1.5e+5", "150000.0"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("+.5", "'+.5'"),
        ("-.inf", "-inf"),
        ("+.nan", "'+.nan'"),
        ("0.1.2", "'0.1.2'"),
        ("0x", "'0x'"),
        ("! 12", "12"),
        ("!!str 12", "'12'"),
        ("!!int \"0x10\"", "16"),
        ("!!float 1", "1.0"),
        ("!!null x", "None"),
        ("!!binary \"YWJj\"", "b'abc'"),
        ("2026-01-02", "2026-01-02"),
        ("2026-1-2", "'2026-1-2'"),
        ("2001-12-14t21:59:43.10", "2001-12-14T21:59:43.100000"),
        ("{a: 1, <<: {b: 2, a: 3}}", "{'b': 2, 'a': 1}"),
        ("{<<: [{a: 1}, {a: 2, b: 2}], c: 3}", "{'a': 1, 'b': 2, 'c': 3}"),
        ("[&x [1], *x]", "[[1], [1]]"),
        ("{=: 1}", "{'=': 1}"),
        ("- {a: 1, b}", "[{'a': 1, 'b': None}]"),
        ("!!omap [a: 1]", "[('a', 1)]"),
        ("!!set {}", "set()"),
        ("\"\\x41\\N\\/\"", "'A\\x85/'"),
        ("key: |\n  x\n  y\n", "{'key': 'x\\ny\\n'}"),
        ("{null: 1, true: 2, 1.5: 3}", "{None: 1, True: 2, 1.5: 3}"),
    ] {
        assert_eq!(read(text).map(|value| value.to_string()).as_deref(), Ok(shown), "{text:?}");
    }
}

#[test]
fn what_pyyaml_refuses_is_refused() {
    for text in [
        "---\n1\n---\n2",
        "!!python/tuple [1]",
        "!!python/object/apply:os.system [ls]",
        "!!foo 1",
        "!bar 1",
        "[<<, =]",
        "[1, 2",
        "a: b: c",
        "0b_",
        "[*a]",
        "a\u{1}",
        "!!timestamp x",
        "!!bool maybe",
        "{[1]: 2}",
        "2026-13-01",
        "@a",
        "{<<: 1}",
    ] {
        assert!(read(text).is_err(), "{text:?} {:?}", read(text));
    }
    assert_eq!(read("&a [1, *a]").unwrap_err().kind(), Kind::Unsupported);
    assert_eq!(read(&("[".repeat(600) + &"]".repeat(600))).unwrap_err().kind(), Kind::TooDeep);
}

#[test]
fn aliases_count_as_what_they_stand_for() {
    let mut text = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let many = format!("*a{}, ", level - 1).repeat(10);
        text += &format!("- &a{level} [{many}]\n");
    }
    assert_eq!(read(&text).unwrap_err().kind(), Kind::TooLarge);
    let merged = "- &a {".to_owned()
        + &(0..3000).map(|at| format!("k{at}: 1, ")).collect::<String>()
        + "}\n"
        + &"- {<<: *a}\n".repeat(1000);
    assert_eq!(read(&merged).map(|_| ()).unwrap_err().kind(), Kind::TooLarge);
}

#[test]
fn values_are_written_so_that_they_are_read_again() {
    let mut set = Set::new();
    set.insert("a".into()).unwrap();
    set.insert(1.into()).unwrap();
    for (value, text) in [
        (Value::None, "null"),
        (true.into(), "true"),
        (BigInt::from(10).pow(20).into(), "100000000000000000000"),
        (1e16.into(), "1.0e+16"),
        (1.5e-7.into(), "1.5e-07"),
        (f64::INFINITY.into(), ".inf"),
        ("yes: \"é\n\u{1F600}\u{7f}".into(), "\"yes: \\\"\\xe9\\n\\U0001f600\\x7f\""),
        ((&b"abc"[..]).into(), "!!binary \"YWJj\""),
        (set.into(), "!!set {\"a\": null, 1: null}"),
        (Value::List(vec![1.into(), Value::List(vec![])]), "[1, []]"),
        (Dict::from_iter([("a", Value::None), ("b", Dict::new().into())]).into(), "{\"a\": null, \"b\": {}}"),
        (Value::Date("2026-01-02".parse().unwrap()), "2026-01-02"),
        (
            Value::DateTime(Box::new("2026-01-02T03:04:05.5+02:00".parse().unwrap())),
            "2026-01-02 03:04:05.500000+02:00",
        ),
        (Value::Surrogates(Box::new(SurrogateStr::new(vec![0xD800]).unwrap())), "\"\\ud800\""),
    ] {
        assert_eq!(write(value.clone()).as_deref(), Ok(text));
        if !matches!(value, Value::Surrogates(_)) {
            assert_eq!(read(text), Ok(value));
        }
    }
    let long = Dict::from_iter([("x".repeat(2000), 1), ("y".to_owned(), 2)]);
    assert_eq!(read(&write(long.clone()).unwrap()), Ok(long.into()));
    for refused in [
        Value::Complex(Default::default()),
        Value::ByteArray(b"a".to_vec().into()),
        Value::Uuid(Box::default()),
        Value::TimeDelta(Default::default()),
        Value::FrozenSet(Box::default()),
    ] {
        assert_eq!(write(refused).unwrap_err().kind(), Kind::Unsupported);
    }
}

#[test]
fn a_byte_order_mark_says_that_it_is_utf_16() {
    let text = "\u{feff}a: [1, \u{e9}\u{1f98e}, !!binary AAEC, 12345678901234567890]\n";
    let units = || text.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    let settings = Settings::default();
    let decode = |bytes: Vec<u8>| Codec::Yaml.decode_value(&bytes.into(), &settings);
    let expected = decode(text.as_bytes().to_vec()).unwrap();
    assert_eq!((decode(little.clone()).unwrap(), decode(big).unwrap()), (expected.clone(), expected));
    // Half a letter, half a pair, and what may not stand in a document.
    for wrong in [&little[..little.len() - 1], b"\xFF\xFE\x00\xD8", b"\xFE\xFF\xDC\x00", b"\xFF\xFE\x01\x00"] {
        assert!(decode(wrong.to_vec()).unwrap_err().class() == "yaml.YAMLError", "{wrong:?}");
    }
    assert_eq!(decode(b"\xFF\xFE".to_vec()).unwrap(), Value::None);
}
