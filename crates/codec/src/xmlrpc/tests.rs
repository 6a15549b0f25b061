//! Tests with documents that Python 3.11 wrote and read.

use salamander_value::{BigInt, Date, DateTime, Decimal, Dict, Set, Time, TimeDelta, Value};

use super::recorded::{DOCUMENTS, VALUES};
use super::*;
use crate::{Args, Codec, Output, Settings};

fn settings() -> Settings {
    Settings::default()
}

fn read(document: impl AsRef<[u8]>) -> Result<String, String> {
    let read = read_call(&document.as_ref().to_vec().into(), &settings());
    let (method, values) = read.map_err(|error| format!("{}: {}", error.class(), error.message()))?;
    Ok(format!("{} {}", method.unwrap_or_default(), Value::Tuple(values)))
}

fn write(value: impl Into<Value>, options: Options) -> Result<String, String> {
    let settings = Settings { xmlrpc: options, ..settings() };
    match Codec::XmlRpc.encode_value(&value.into(), &settings) {
        Ok(bytes) => Ok(String::from_utf8(bytes).unwrap()),
        Err(error) => Err(format!("{}: {}", error.class(), error.message())),
    }
}

#[test]
fn documents_are_read_or_refused_as_python_does() {
    for (document, expected) in DOCUMENTS {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(read(document), expected, "{}", document.escape_ascii());
    }
}

#[test]
fn values_are_read_or_refused_as_python_does() {
    for (value, expected) in VALUES {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(read(format!("<params><param>{value}</param></params>")), expected, "{value}");
    }
}

#[test]
fn times_with_dashes_are_read_too() {
    for text in ["1998-07-17T14:08:55", "1998-7-17T14:8:55"] {
        let value = format!("<params><value><dateTime.iso8601>{text}</dateTime.iso8601></value></params>");
        assert_eq!(read(value).as_deref(), Ok(" (1998-07-17T14:08:55,)"));
    }
}

fn dict(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    entries.into_iter().collect::<Dict>().into()
}

#[test]
fn values_are_written_byte_for_byte_as_python_writes_them() {
    let when = DateTime::new(Date::new(1, 2, 3).unwrap(), Time::new(4, 5, 6, 7).unwrap());
    for (value, text) in [
        (Value::from(true), "<value><boolean>1</boolean></value>\n"),
        ((-2_147_483_648i64).into(), "<value><int>-2147483648</int></value>\n"),
        (1.5.into(), "<value><double>1.5</double></value>\n"),
        (1e16.into(), "<value><double>1e+16</double></value>\n"),
        ((-0.0).into(), "<value><double>-0.0</double></value>\n"),
        (f64::NAN.into(), "<value><double>nan</double></value>\n"),
        (f64::NEG_INFINITY.into(), "<value><double>-inf</double></value>\n"),
        ("a&<>\"'é\r\n".into(), "<value><string>a&amp;&lt;&gt;\"'é\r\n</string></value>\n"),
        (Value::from(&b""[..]), "<value><base64>\n</base64></value>\n"),
        (Value::ByteArray(b"x".to_vec().into()), "<value><base64>\neA==\n</base64></value>\n"),
        (Value::DateTime(Box::new(when)), "<value><dateTime.iso8601>00010203T04:05:06</dateTime.iso8601></value>\n"),
        (Value::Tuple(vec![]), "<value><array><data>\n</data></array></value>\n"),
        (dict([]), "<value><struct>\n</struct></value>\n"),
        (
            dict([("a<", Value::List(vec![1.into()])), ("b", dict([]))]),
            "<value><struct>\n<member>\n<name>a&lt;</name>\n<value><array><data>\n<value><int>1</int></value>\n</data>\
             </array></value>\n</member>\n<member>\n<name>b</name>\n<value><struct>\n</struct></value>\n</member>\n\
             </struct></value>\n",
        ),
    ] {
        assert_eq!(write(value, Options::new()).as_deref(), Ok(text));
    }
    let line = "YWJj".repeat(19);
    let expected = format!("<value><base64>\n{line}\n{line}\nYWJjYWJj\n</base64></value>\n");
    assert_eq!(write(Value::from(&b"abc".repeat(40)[..]), Options::new()), Ok(expected));
}

#[test]
fn none_and_long_integers_are_written_where_that_is_wanted() {
    let allow = Options::new().allow_none(true);
    assert_eq!(write(Value::None, allow).as_deref(), Ok("<value><nil/></value>"));
    let member = "<value><struct>\n<member>\n<name>a</name>\n<value><nil/></value></member>\n</struct></value>\n";
    assert_eq!(write(dict([("a", Value::None)]), allow).as_deref(), Ok(member));
    let refused = "builtins.TypeError: cannot marshal None unless allow_none is enabled";
    assert_eq!(write(Value::None, Options::new()), Err(refused.into()));

    let long = Options::new().long_integers(true);
    let big = Value::from(BigInt::from(10).pow(20));
    assert_eq!(write(1i64 << 31, long).as_deref(), Ok("<value><i8>2147483648</i8></value>\n"));
    assert_eq!(
        write(big.clone(), long).as_deref(),
        Ok("<value><biginteger>100000000000000000000</biginteger></value>\n")
    );
    for value in [(1i64 << 31).into(), (-(1i64 << 31) - 1).into(), big] {
        let refused = "builtins.OverflowError: int exceeds XML-RPC limits";
        assert_eq!(write(value, Options::new()), Err(refused.into()));
    }
}

#[test]
fn what_python_refuses_is_refused_with_the_same_words() {
    for (value, class) in [
        (Value::Complex(Default::default()), "complex"),
        (Value::Set(Box::new(Set::new())), "set"),
        (Value::FrozenSet(Box::new(Set::new())), "frozenset"),
        (Value::Decimal(Box::new("1".parse::<Decimal>().unwrap())), "decimal.Decimal"),
        (Value::Date(Date::new(1, 1, 1).unwrap()), "datetime.date"),
        (Value::Time(Box::default()), "datetime.time"),
        (Value::TimeDelta(TimeDelta::default()), "datetime.timedelta"),
        (Value::Uuid(Box::default()), "uuid.UUID"),
    ] {
        let refused = format!("builtins.TypeError: cannot marshal <class '{class}'> objects");
        assert_eq!(write(Value::List(vec![value]), Options::new()), Err(refused));
    }
    for key in [Value::from(1), Value::None, Value::from(&b"a"[..])] {
        let mut dict = Dict::new();
        dict.insert_value(key, 1.into()).unwrap();
        let refused = "builtins.TypeError: dictionary key must be string";
        assert_eq!(write(dict, Options::new()), Err(refused.into()));
    }
}

#[test]
fn calls_responses_and_faults_are_pythons() {
    let settings = settings();
    let mut out = Output::new();
    write_call(&mut out, &settings, "add", &(1, "x")).unwrap();
    let call = "<?xml version='1.0'?>\n<methodCall>\n<methodName>add</methodName>\n<params>\n<param>\n<value><int>1</int>\
                </value>\n</param>\n<param>\n<value><string>x</string></value>\n</param>\n</params>\n</methodCall>\n";
    assert_eq!(String::from_utf8(out.into_vec()).unwrap(), call);
    assert_eq!(read(call).as_deref(), Ok("add (1, 'x')"));

    let mut out = Output::new();
    write_response(&mut out, &settings, |writer| writer.int(1)).unwrap();
    let response = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><int>1</int></value>\n</param>\n\
                    </params>\n</methodResponse>\n";
    assert_eq!(String::from_utf8(out.into_vec()).unwrap(), response);
    assert_eq!(response_of(b"<value><int>1</int></value>\n"), response.as_bytes());
    assert_eq!(read_response(&response.into(), &settings), Ok(Ok(1.into())));

    let fault = Fault::of(&salamander_value::Exception::type_error("a<b"));
    assert_eq!(fault.to_string(), "<Fault 1: \"<class 'TypeError'>:a<b\">");
    let mut out = Output::new();
    write_fault(&mut out, &Fault::new(1, "x<"));
    let text = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value>\
                <int>1</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>x&lt;</string></value>\n\
                </member>\n</struct></value>\n</fault>\n</methodResponse>\n";
    assert_eq!(String::from_utf8(out.into_vec()).unwrap(), text);
    assert_eq!(read_response(&text.into(), &settings), Ok(Err(Fault::new(1, "x<"))));
    assert_eq!(Fault::of(&Fault::new(7, "y").exception()), Fault::new(7, "y"));
}

#[test]
fn a_call_that_cannot_be_written_leaves_nothing_behind() {
    let mut out = Output::new();
    out.extend_from_slice(b"before");
    assert!(write_call(&mut out, &settings(), "add", &(1, 1i64 << 40)).is_err());
    let args = Args { positional: Vec::new(), keywords: Dict::from_iter([("x", 1)]) };
    assert!(write_call(&mut out, &settings(), "add", &args).is_err());
    assert!(write_response(&mut out, &settings(), |writer| writer.none()).is_err());
    assert_eq!(out.into_vec(), b"before");
}

#[test]
fn as_a_codec_a_name_is_an_object_and_a_method() {
    for (name, object, method) in [("a.b.c", "a.b", "c"), ("add", "add", "__call__")] {
        let mut out = Output::new();
        Codec::XmlRpc.write_call(&mut out, &settings(), object, method, &("x",)).unwrap();
        let (bytes, settings) = (out.into_vec().into(), settings());
        assert_eq!(read(&bytes), Ok(format!("{name} ('x',)")));
        let (head, mut reader) = Codec::XmlRpc.call_reader(&bytes, &settings).unwrap();
        assert_eq!((&*head.object, &*head.method), (object, method));
        assert_eq!(salamander_value::read_value(&mut reader), Ok(Value::List(vec!["x".into()])));
        assert_eq!(salamander_value::read_value(&mut reader), Ok(Value::None));
    }
}

#[test]
fn attacks_are_refused() {
    let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><params><value>&b;</value></params>";
    let file = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><params><value>&x;</value></params>";
    for document in [laughs, file, "<!DOCTYPE a SYSTEM \"http://localhost/a.dtd\"><params/>"] {
        let refused = "xml.parsers.expat.ExpatError: a document type is not accepted: line 1, column 0";
        assert_eq!(read(document), Err(refused.into()));
    }
    let nested = |depth: usize| {
        let (open, close) = ("<value><array><data>".repeat(depth), "</data></array></value>".repeat(depth));
        read(format!("<params>{open}{close}</params>")).map(|_| ())
    };
    assert_eq!(nested(1000), Ok(()));
    assert!(nested(1001).is_err_and(|error| error.starts_with("builtins.RecursionError")));
    assert!(read("<a>".repeat(100_000)).is_err_and(|error| error.starts_with("builtins.RecursionError")));
    let attributes: String = (0..1000).map(|at| format!(" a{at}='x'")).collect();
    assert!(read(format!("<params{attributes}/>")).is_err_and(|error| error.ends_with("too many attributes")));
}
