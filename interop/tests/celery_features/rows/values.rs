//! What travels, by each serializer: values go there, are shown by the other side, and come back.

use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Dict, Exception, Set, SurrogateStr, Time, TimeDelta, Value,
};

use crate::ours::large;
use crate::scene::{Scene, result, with};
use crate::table::Table;

pub(crate) fn rows(table: &mut Table) {
    table.section("Values");
    for (serializer, queue) in
        [("json", "rust"), ("msgpack", "rust.msgpack"), ("yaml", "rust.yaml"), ("pickle", "rust.pickle")]
    {
        for (name, sent, expected) in values(serializer) {
            let name = format!("{serializer}: {name}");
            table.both(&name, move |s| round(s, serializer, sent.clone(), expected.clone())).at(queue);
        }
        let name = format!("{serializer}: not a number");
        table.both(&name, move |s| not_a_number(s, serializer)).at(queue);
    }
    table.both("json: sets are refused when sent", |s| async move {
        let mut set = Set::new();
        set.insert(1.into()).unwrap();
        let refused = with("f.same", [Value::Set(Box::new(set))]).send(s.app()).await.unwrap_err();
        assert_eq!(refused.kind(), salamander_tasks::Kind::Misuse, "{refused}");
        let (failed, _) = s.fails(with("f.unserializable", [])).await;
        assert!(failed.class_name() == "EncodeError" || failed.message().contains("serializable"), "{failed}");
    });
}

/// Celery's worker shows it as we do, and gives it back by the same serializer.
async fn round(s: Scene, serializer: &'static str, sent: Value, expected: Value) {
    let Value::List(parts) = echoed(&s, serializer, sent).await else { panic!("no list") };
    assert_eq!(parts[1].as_str(), Some(&*expected.to_string()), "as it is shown there");
    assert_eq!(parts[0], expected);
    // Equality does not tell 1 from 1.0, nor a list from a tuple.
    assert_eq!(parts[0].to_string(), expected.to_string());
}

async fn not_a_number(s: Scene, serializer: &'static str) {
    let Value::List(parts) = echoed(&s, serializer, f64::NAN.into()).await else { panic!("no list") };
    assert_eq!((parts[0].to_string(), parts[1].as_str()), ("nan".to_owned(), Some("nan")));
}

async fn echoed(s: &Scene, serializer: &'static str, value: Value) -> Value {
    let task = if serializer == "json" { "f.shown".to_owned() } else { format!("f.shown.{serializer}") };
    let own = s.configured("python", |app| app.configure(|it| it.result_serializer = serializer.into()));
    let sent = with(&task, [value]).serializer(serializer).send(&own).await.unwrap();
    let found = match result(sent).await {
        // Python's list is a list by all but pickle's tuples.
        Value::Tuple(parts) => Value::List(parts),
        found => found,
    };
    own.backend().unwrap().close().await.unwrap();
    own.broker().close().await.unwrap();
    found
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::List(items.into_iter().collect())
}

fn dict(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    let mut dict = Dict::new();
    for (key, value) in entries {
        dict.insert_value(key, value).unwrap();
    }
    dict.into()
}

fn time(text: &str) -> Value {
    Value::DateTime(Box::new(text.parse::<DateTime>().unwrap()))
}

fn of(items: impl IntoIterator<Item = i64>) -> Box<Set> {
    let mut set = Set::new();
    items.into_iter().for_each(|item| _ = set.insert(item.into()).unwrap());
    Box::new(set)
}

fn nested(levels: usize) -> Value {
    (0..levels).fold("inside".into(), |value, level| match level % 2 {
        0 => dict([("in".into(), value)]),
        _ => list([value]),
    })
}

/// What every serializer carries.
fn common() -> Vec<(&'static str, Value)> {
    let integers = [0, -1, 127, 128, 1 << 31, -(1 << 53), i64::MAX, i64::MIN];
    vec![
        ("None", Value::None),
        ("booleans", list([true.into(), false.into()])),
        ("integers", list(integers.map(Value::from))),
        ("floats", list([0.1, -2.5, 1e300, 5e-324, 3.0].map(Value::from))),
        ("infinities", list([f64::INFINITY.into(), f64::NEG_INFINITY.into()])),
        ("text", "plain".into()),
        ("text beyond ASCII", "été ✓ 日本".into()),
        ("text beyond the BMP", "\u{1F600}\u{1F98E}".into()),
        ("text with quotes and lines", "it's \"a\"\\\n\ttext".into()),
        ("what is empty", list(["".into(), list([]), dict([])])),
        ("lists", list([1.into(), list([2.into(), list([3.into(), list([])])])])),
        ("dicts", {
            let inner = dict([("b".into(), dict([("c".into(), Value::None)]))]);
            // In this order, in which PyYAML writes them.
            dict([("".into(), 1.into()), ("a".into(), inner), ("é".into(), list([2.into()]))])
        }),
        ("deep nesting", nested(90)),
    ]
}

/// By name, what is sent, and what comes back.
fn values(serializer: &str) -> Vec<(&'static str, Value, Value)> {
    let mut same = common();
    let long =
        [("long text", "long text ".repeat(20_000).into()), ("long lists", list((0..20_000).map(Value::from)))];
    let integers = ("integers of any size", list([large().into(), Value::from(BigInt::from(-7) * large())]));
    let control = ("control characters", Value::from("\0\u{1}\u{1f}\u{7f}"));
    let bytes = ("bytes", Value::from((0..=255).collect::<bytes::Bytes>()));
    let decimals = |all: &[&str]| list(all.iter().map(|text| decimal(text)));
    let naive = ("datetime without a zone", time("2026-01-02T03:04:05.678901"));
    let utc = ("datetime in UTC", time("2026-01-02T03:04:05+00:00"));
    let zone = ("datetime in another zone", time("2026-01-02T03:04:05.000006+05:30"));
    let date = ("date", Value::Date(Date::new(2026, 1, 2).unwrap()));
    let clock = ("time", Value::Time(Box::new(Time::new(3, 4, 5, 678_901).unwrap())));
    let uuid = ("UUID", Value::Uuid(Box::new("1b4e28ba-2fa1-11d2-883f-0016d3cca427".parse().unwrap())));
    let lone =
        SurrogateStr::new([&[0xD800][..], &" and ".chars().map(u32::from).collect::<Vec<_>>(), &[0xDFFF]].concat());
    let lone = ("lone surrogates", Value::Surrogates(Box::new(lone.unwrap())));
    let mut other = Vec::new();
    let tuple = |inner: Value| Value::Tuple(vec![1.into(), inner]);
    let tuples = ("tuples as lists", tuple(Value::Tuple(vec![2.into(), "x".into()])), {
        list([1.into(), list([2.into(), "x".into()])])
    });
    match serializer {
        "json" => {
            same.extend(long);
            same.extend([integers, control, lone, naive, utc, zone, date, clock, uuid]);
            same.push(("Decimal", decimals(&["1.50", "-1E+30", "Infinity"])));
            same.push(("bytes that are text", Value::from(bytes::Bytes::from("bé"))));
            same.push(("bytes that are none", bytes.1));
            other.push(tuples);
            let keys = [
                (3.into(), "a".into()),
                (Value::None, "b".into()),
                (true.into(), "c".into()),
                (2.5.into(), "d".into()),
            ];
            let text = [
                ("3".into(), "a".into()),
                ("null".into(), "b".into()),
                ("true".into(), "c".into()),
                ("2.5".into(), "d".into()),
            ];
            other.push(("keys as text", dict(keys), dict(text)));
        }
        "msgpack" => {
            same.extend(long);
            same.extend([control, bytes]);
            same.push(("integers of 64 bits", num(u64::MAX)));
            other.push(tuples);
        }
        "yaml" => {
            same.extend([integers, naive, utc, date, bytes]);
            let looks = ["yes", "null", "1.5", "2026-01-02", "~", "- a", "a: b", "#", " x "];
            same.push(("text that looks like something else", list(looks.map(Value::from))));
            same.push(("keys of any type", {
                dict([(1.into(), "a".into()), (Value::None, "b".into()), (2.5.into(), "c".into())])
            }));
            same.push(("sets", Value::Set(of([1, 2, 3]))));
            other.push(tuples);
        }
        _ => {
            same.extend(long);
            same.extend([integers, control, lone, bytes, zone, date, clock, uuid]);
            let inner = Value::Tuple(vec![2.into(), Value::Tuple(vec![])]);
            same.push(("tuples", Value::Tuple(vec![1.into(), inner, list([3.into()])])));
            same.push(("sets", Value::Set(of([1, 2, 3]))));
            same.push(("frozensets", Value::FrozenSet(of([1, 2]))));
            let pair = Value::Tuple(vec![1.into(), 2.into()]);
            same.push(("keys of any type", {
                dict([(1.into(), "a".into()), (pair, "b".into()), (Value::None, "c".into())])
            }));
            same.push(("bytearray", Value::ByteArray(bytes::Bytes::from_static(b"\0abc").into())));
            same.push(("complex numbers", Value::Complex(Complex { re: 1.5, im: -2.0 })));
            let delta = TimeDelta::from_micros((-86_400 + 5) * 1_000_000 + 7).unwrap();
            same.push(("timedelta", Value::TimeDelta(delta)));
            same.push(("Decimal", decimals(&["1.50", "-1E+30"])));
            let args = vec!["k".into(), 2.into()];
            same.push(("exceptions as values", {
                Value::Exception(Box::new(Exception::with_args("builtins.KeyError", args)))
            }));
        }
    }
    same.into_iter().map(|(name, value)| (name, value.clone(), value)).chain(other).collect()
}

fn decimal(text: &str) -> Value {
    Value::Decimal(Box::new(text.parse::<Decimal>().unwrap()))
}

fn num(number: u64) -> Value {
    BigInt::from(number).into()
}
