//! What CPython 3.11's `pickle` wrote, in all its protocols, and what is refused.

use bytes::Bytes;
use proptest::prelude::*;
use salamander_value::{Dict, Error, Exception, Kind, Object, Result, Value};

use crate::{Args, Codec, Generation, Output, Settings};

fn read(bytes: &[u8]) -> Result<Value> {
    Codec::Pickle.decode_value(&Bytes::copy_from_slice(bytes), &Settings::default())
}

fn refused(bytes: &[u8]) -> (Kind, String) {
    let error = read(bytes).unwrap_err();
    (error.kind(), error.message().to_owned())
}

fn written(value: &Value) -> Result<Vec<u8>> {
    Codec::Pickle.encode_value(value, &Settings::default())
}

#[test]
fn what_python_wrote_in_any_protocol_is_read_and_written() {
    for (text, all) in super::recorded::VECTORS {
        for bytes in *all {
            let value = read(bytes).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(value.to_string(), *text);
            assert_eq!(read(&written(&value).unwrap()).unwrap(), value);
        }
    }
}

#[test]
fn exceptions_keep_their_attributes() {
    // `e = ValueError("bad", 3); e._pyroTraceback = ["l1\n"]`, by protocol 2.
    let bytes = b"\x80\x02cexceptions\nValueError\nq\x00X\x03\x00\x00\x00badq\x01K\x03\x86q\x02Rq\x03}q\x04\
                  X\x0e\x00\x00\x00_pyroTracebackq\x05]q\x06X\x03\x00\x00\x00l1\nq\x07asb.";
    let Value::Exception(exception) = read(bytes).unwrap() else { panic!("no exception") };
    assert_eq!((exception.class(), exception.traceback()), ("builtins.ValueError", vec!["l1\n"]));
    let Value::Exception(again) = read(&written(&Value::Exception(exception.clone())).unwrap()).unwrap() else {
        panic!()
    };
    assert_eq!(again, exception);
}

#[test]
fn nothing_else_has_a_class() {
    let security = |bytes: &[u8]| {
        let (kind, message) = refused(bytes);
        assert_eq!(kind, Kind::Security, "{message}");
        message
    };
    assert_eq!(security(b"cos\nsystem\n(S'true'\ntR."), "a pickle holds the class os.system, which is not accepted");
    security(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.");
    security(b"cbuiltins\neval\n(S'1'\ntR.");
    security(b"c__builtin__\ngetattr\n.");
    security(b"cPyro4.core\nProxy.__init__\n.");
    security(b"(S'true'\nios\nsystem\n.");
    security(b"(ibuiltins\nValueError\n.");
    security(b"(cbuiltins\nValueError\no.");
    security(b"cbuiltins\nset\n.");
    security(b"]cbuiltins\nset\na.");
    security(b"I1\n)R.");
    security(b"cbuiltins\nobject\n)R.");
    security(b"cbuiltins\nobject\n)\x81.");
    security(b"cbuiltins\nset\n)\x81.");
    security(b"cPyro4.core\nURI\n)}\x92.");
    security(b"ccopyreg\n_reconstructor\n(cbuiltins\nset\ncbuiltins\nobject\nNtR.");
    security(b"ccopyreg\n_reconstructor\n(cuuid\nUUID\ncbuiltins\nset\nNtR.");
    security(b"Pid\n.");
    security(b"NQ.");
    security(b"\x82\x01.");
    security(b"\x80\x05\x97.");
    security(b"](K\x01e}b.");
    security(b"cbuiltins\nValueError\n)R}b}b.");
    security(b"cbuiltins\nValueError\n)R]b.");
    security(b"cdatetime\ndate\n(C\x04\x00\x00\x01\x01tR.");
    security(b"cdatetime\ndate\n(C\x03\x07\xe8\x02tR.");
    security(b"cdatetime\ndatetime\n(K\x01K\x01K\x01tR.");
    security(b"cdatetime\ndatetime\n(C\x0a\x07\xe8\x02\x1d\x0c\x228\x00\x03\x15NtR.");
    security(b"c_codecs\nencode\n(\x8c\x03\xe2\x82\xac\x8c\x06latin1tR.");
    security(b"c_codecs\nencode\n(\x8c\x01a\x8c\x03hextR.");
    security(b"cuuid\nUUID\n)\x81}b.");
    security(b"cPyro4.core\nProxy\n)\x81)b.");
}

#[test]
fn damaged_pickles_are_refused() {
    for bytes in [
        &b""[..],
        b"N",
        b".",
        b"0.",
        b"1.",
        b"2.",
        b"(.",
        b"a.",
        b"(N1.",
        b"Na.",
        b"]K\x01Na.",
        b"}(K\x01u.",
        b"(K\x01d.",
        b"\x85.",
        b"N\x86.",
        b"(N\x86.",
        b"h\x00.",
        b"g-1\n.",
        b"gx\n.",
        b"q\x00.",
        b"\x94.",
        b"\x80\x06N.",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"B\xff\xff\xff\xffa.",
        b"T\xff\xff\xff\xffa.",
        b"\x8b\xff\xff\xff\xff.",
        b"X\x02\x00\x00\x00\xff\xff.",
        b"U\x01\xe9.",
        b"NN\x93.",
        b"I\n.",
        b"Fx\n.",
        b"S'\n.",
        b"cbuiltins\n.",
        b"\xffN.",
        b"cbuiltins\nset\nNR.",
    ] {
        assert!(read(bytes).is_err(), "{bytes:?}");
    }
    assert_eq!(read(b"").unwrap_err().class(), "builtins.EOFError");
    assert_eq!(read(b"N.and more").unwrap(), Value::None);
    assert_eq!(read(b"N0K\x01.").unwrap(), Value::Int(1));
    assert_eq!(read(b"K\x01(NN1.").unwrap(), Value::Int(1));
    assert_eq!(read(b"K\x012\x86.").unwrap().to_string(), "(1, 1)");
}

#[test]
fn what_is_inside_of_itself_is_refused() {
    // `l = []; l.append(l)`, and a tuple in a list in the tuple.
    for bytes in [
        &b"\x80\x02]q\x00h\x00a."[..],
        b"(lp0\ng0\na.",
        b"}q\x00K\x01h\x00s.",
        b"\x80\x02(]q\x00h\x00tq\x01h\x01h\x00ah\x01.",
    ] {
        assert!(read(bytes).is_err(), "{bytes:?}");
    }
    let (kind, message) = refused(b"\x80\x02]q\x00h\x00a.");
    assert_eq!((kind, &*message), (Kind::Unsupported, "a pickle holds a container that contains itself"));
    let (kind, _) = refused(b"cbuiltins\nValueError\n]q\x00\x85Rq\x01h\x00h\x01a0h\x01.");
    assert_eq!(kind, Kind::Unsupported);
}

/// 200 bytes that name 2^30 leaves.
fn bomb(levels: u8) -> Vec<u8> {
    let mut bytes = b"\x80\x02]q\x00".to_vec();
    for level in 0..levels {
        bytes.extend([b']', b'q', level + 1, b'(', b'h', level, b'h', level, b'e']);
    }
    bytes.push(b'.');
    bytes
}

#[test]
fn what_is_named_again_and_again_counts_each_time() {
    let ok = bomb(8);
    assert!(read(&ok).is_ok());
    let (kind, message) = refused(&bomb(30));
    assert_eq!((kind, &*message), (Kind::TooLarge, "what a pickle names again and again makes it too large"));
    // Long text counts more.
    let mut text = b"\x80\x02X\x00\x10\x00\x00".to_vec();
    text.extend([b'x'; 4096]);
    text.extend(b"q\x00]q\x01(");
    (0..4000).for_each(|_| text.extend(b"h\x00"));
    text.extend(b"e.");
    assert_eq!(refused(&text).0, Kind::TooLarge);
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| [&vec![b']'; depth][..], &vec![b'a'; depth - 1], b"."].concat();
    assert!(read(&nested(1000)).is_ok());
    assert_eq!(refused(&nested(1001)).0, Kind::TooDeep);
    assert_eq!(refused(&nested(100_000)).0, Kind::TooDeep);
    let mut value = Value::None;
    for _ in 0..1000 {
        value = Value::List(vec![value]);
    }
    assert!(written(&value).is_ok());
    assert_eq!(written(&Value::List(vec![value])).unwrap_err().kind(), Kind::TooDeep);
}

#[test]
fn only_known_classes_are_written() {
    for value in [
        Value::from(Object::new("os.system", Dict::new())),
        Object::new("builtins.eval", Dict::new()).into(),
        Object::new("Pyro5.core.URI", Dict::new()).into(),
        Exception::new("shop.SoldOut", "x").into(),
        Exception::new("builtins.eval", "x").into(),
        Exception::new("Pyro5.errors.NoError", "x").into(),
        Exception::with_args("builtins.ValueError", vec![Exception::new("os.system", "x").into()]).into(),
    ] {
        let error: Error = written(&value).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported, "{value}");
    }
    // What only looks like an instance is a dict.
    let dict = Value::from(Dict::from_iter([("__class__", "os.system")]));
    let bytes = written(&dict).unwrap();
    assert_eq!(read(&bytes).unwrap(), dict);
    let unhashable = Value::Tuple(vec![Value::List(vec![])]);
    assert!(written(&unhashable).is_ok());
    assert_eq!(refused(b"}]Ns.").0, Kind::Unhashable);
}

#[test]
fn a_peer_without_pyro_has_none_of_its_classes() {
    let settings = Settings { without_pyro: true, ..Settings::default() };
    let state = Value::Tuple(vec!["PYRO".into(), "o".into(), Value::None, "h".into(), 1.into()]);
    for value in [
        Value::from(Object::with_state("Pyro5.core.URI", state)),
        Exception::pyro("NamingError", "x").into(),
        Exception::with_args("ValueError", vec![Exception::pyro("NamingError", "x").into()]).into(),
    ] {
        let bytes = Bytes::from(written(&value).unwrap());
        assert_eq!(Codec::Pickle.decode_value(&bytes, &settings).unwrap_err().kind(), Kind::Security, "{value}");
        assert_eq!(Codec::Pickle.encode_value(&value, &settings).unwrap_err().kind(), Kind::Unsupported, "{value}");
    }
    let error = Value::from(Exception::value_error("x"));
    let bytes = Codec::Pickle.encode_value(&error, &settings).unwrap().into();
    assert_eq!(Codec::Pickle.decode_value(&bytes, &settings).unwrap(), error);
}

#[test]
fn calls_are_tuples_of_four() {
    // `pickle.dumps(("obj", "add", [1], None), 5)`, as Pyro 4 reads an attribute.
    let bytes = b"\x80\x05\x95\x16\x00\x00\x00\x00\x00\x00\x00(\x8c\x03obj\x94\x8c\x03add\x94]\x94K\x01aNt\x94.";
    let settings = Settings { generation: Generation::Pyro4, ..Settings::default() };
    let bytes = Bytes::from_static(bytes);
    let (head, mut reader) = Codec::Pickle.call_reader(&bytes, &settings).unwrap();
    assert_eq!((&*head.object, &*head.method), ("obj", "add"));
    let mut value = || salamander_value::read_value(&mut reader).unwrap().to_string();
    assert_eq!((value(), value()), ("[1]".to_owned(), "None".to_owned()));
    let mut out = Output::new();
    let args = Args { positional: vec![1.into()], keywords: Dict::from_iter([("x", 2)]) };
    Codec::Pickle.write_call(&mut out, &settings, "obj", "add", &args).unwrap();
    assert_eq!(read(&out.into_vec()).unwrap().to_string(), "('obj', 'add', (1,), {'x': 2})");
    assert!(Codec::Pickle.call_reader(&Bytes::from_static(b"(NNNt."), &settings).is_err());
}

proptest! {
    #[test]
    fn values_are_written_and_read_without_loss(value in crate::testing::values()) {
        prop_assert_eq!(read(&written(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(
        bytes in prop::collection::vec(prop_oneof![
            any::<u8>(),
            prop::sample::select(&b"(.012NJK]}laetsuq\x94h\x85\x86\x87\x8f\x90\x91R\x93b\x81"[..]),
        ], 0..60),
    ) {
        let _ = read(&bytes);
    }
}
