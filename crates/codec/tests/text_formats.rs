//! Properties of serpent and JSON: no bytes make them panic or take long, and what is written is read as it was.

use bytes::Bytes;
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use salamander_codec::{Codec, Settings};
use salamander_value::{Complex, Dict, Kind, Reader, Set, Token, Value, read_value};

const CODECS: [Codec; 2] = [Codec::Serpent, Codec::Json];

/// Reads bytes in every way there is.
fn read_all_ways(bytes: &Bytes) {
    let settings = Settings::default();
    for codec in CODECS {
        let _ = codec.decode_value(bytes, &settings);
        let _ = codec.decode::<Vec<Option<String>>>(bytes, &settings);
        if let Ok((_, mut reader)) = codec.call_reader(bytes, &settings) {
            let _ = read_value(&mut reader).and_then(|_| read_value(&mut reader)).and_then(|_| reader.finish());
        }
    }
}

/// What texts of the formats are made of, in no order.
fn pieces() -> impl Strategy<Value = String> {
    #[rustfmt::skip]
    let piece = prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", ",", ":", "'", "\"", "\\", "#", "\n", "\r", " ", "'''", "\"\"\"", "1", "-", "+", ".", "e5",
        "0x", "_", "j", "2j", "nan", "None", "null", "True", "true", "set()", "set", "b'", "rb\"", "'a'", "\"a\"", "\"a\":", "\\u",
        "d800", "\\ud83d\\ude00", "\\N{", "é", "😀", "\0", "(1,", "{'__class__':'float','value':'nan'}", "# serpent utf-8 python3.2\n",
        "('obj','add',", "{\"object\": \"o\", \"method\": \"m\", \"params\": ", ", \"kwargs\": ", "NaN", "-Infinity", "12345678901234567890",
    ]);
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Values that both formats carry without a change.
fn plain_values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<f64>().prop_filter("equal to itself", |number| !number.is_nan()).prop_map(Value::from),
        (-1e6..1e6f64).prop_map(|number| Value::from((number * 100.0).round() / 100.0)),
        any::<String>().prop_map(Value::from),
        "[ -~\n\t\r]{0,80}".prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 60, 8, |value| {
        prop_oneof![
            vec(value.clone(), 0..8).prop_map(Value::List),
            hash_map("[a-z\"'\\\\é]{0,9}", value, 0..8).prop_map(|entries| Value::from(Dict::from_iter(entries))),
        ]
    })
}

/// Values that serpent carries without a change.
fn serpent_values() -> impl Strategy<Value = Value> {
    let number = || any::<f64>().prop_filter("equal to itself", |number| !number.is_nan());
    let member = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        vec(any::<i64>().prop_map(Value::from), 0..3).prop_map(Value::Tuple),
    ];
    let leaf = prop_oneof![
        plain_values(),
        // A negative zero is lost in a sum.
        (number(), number()).prop_map(|(re, im)| Value::Complex(Complex { re: re + 0.0, im: im + 0.0 })),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Value::from(&bytes[..])),
        vec(member, 1..12).prop_map(|members| {
            let mut set = Set::new();
            members.into_iter().for_each(|member| assert!(set.insert(member).is_ok()));
            Value::from(set)
        }),
    ];
    leaf.prop_recursive(4, 60, 6, |value| vec(value, 0..6).prop_map(Value::Tuple))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        read_all_ways(&bytes.into());
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in pieces()) {
        read_all_ways(&text.into());
    }

    #[test]
    fn plain_values_are_read_as_they_were_written(value in plain_values()) {
        let settings = Settings::default();
        for codec in CODECS {
            let bytes = Bytes::from(codec.encode_value(&value, &settings).unwrap());
            let read = codec.decode_value(&bytes, &settings);
            prop_assert_eq!(read.as_ref(), Ok(&value));
            // Cut anywhere, it is an error or another value, never a panic.
            read_all_ways(&bytes.slice(..bytes.len() / 2));
        }
    }

    #[test]
    fn what_only_serpent_carries_is_read_as_it_was_written(value in serpent_values()) {
        let mut settings = Settings::default();
        settings.serpent_bytes_repr = true;
        let bytes = Bytes::from(Codec::Serpent.encode_value(&value, &settings).unwrap());
        prop_assert_eq!(Codec::Serpent.decode_value(&bytes, &settings), Ok(value));
    }

    #[test]
    fn whatever_is_read_from_serpent_can_be_shown_and_read_again(text in pieces()) {
        let settings = Settings::default();
        if let Ok(value) = Codec::Serpent.decode_value(&Bytes::from(text), &settings)
            && let Ok(bytes) = Codec::Serpent.encode_value(&value, &settings)
        {
            let again = Codec::Serpent.decode_value(&Bytes::from(bytes), &settings);
            prop_assert_eq!(again.map(|again| again.type_name() == value.type_name() || value.type_name() == "set"
                || value.type_name() == "bytes"), Ok(true));
        }
    }
}

#[test]
fn brackets_a_hundred_thousand_deep_are_refused() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("(", ",)"),
        ("{", "}"),
        ("{1:", "}"),
        ("{\"a\":", "}"),
        ("[(", ",)]"),
        ("({[", "]})"),
        ("-(", ")"),
        ("(\n", ")"),
        ("(#\n", ")"),
        ("1+(", ")"),
        ("set(", ")"),
    ] {
        for ends in [format!("1{}", close.repeat(100_000)), String::new()] {
            let bytes = Bytes::from(format!("{}{ends}", open.repeat(100_000)));
            for codec in CODECS {
                assert!(codec.decode_value(&bytes, &Settings::default()).is_err(), "{codec} {open}");
            }
            read_all_ways(&bytes);
        }
    }
    let deep = Bytes::from("[".repeat(100_000));
    for codec in CODECS {
        assert_eq!(codec.decode_value(&deep, &Settings::default()).map_err(|error| error.kind()), Err(Kind::TooDeep));
    }
}

#[test]
fn what_follows_a_long_first_element_is_found_through_all_levels() {
    let inner = format!("[{}]", "((1,2),'text',[3.5]),".repeat(20_000));
    for (open, close) in [("(", ",)"), ("(", ",1)"), ("(", ")"), ("{1:(", ",)}"), ("({1:", "},)")] {
        let levels = if open.len() == 1 { 195 } else { 95 };
        let bytes = Bytes::from(format!("{}{inner}{}", open.repeat(levels), close.repeat(levels)));
        let settings = Settings::default();
        let mut reader = Codec::Serpent.reader(&bytes, &settings);
        let mut open = 0;
        loop {
            match reader.next().unwrap() {
                Token::End => open -= 1,
                token if token.opens() => open += 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
        assert_eq!(reader.finish(), Ok(()));
    }
}
