//! Values there and back from our side: what a Python daemon sends back is what ours does.

use salamander::{BigInt, Blob, Complex, Date, DateTime, Decimal, Dict, Set, Time, TimeDelta, Uuid, Value};

use crate::{At, cases};

/// Each value as it comes back, or what the attempt raised.
async fn echoed(at: &At, values: impl IntoIterator<Item = Value>) -> Vec<Result<Value, String>> {
    let proxy = at.proxy();
    let mut back = Vec::new();
    for value in values {
        let echoed = proxy.call::<Value>("echo", (&value,)).await;
        back.push(echoed.map_err(|error| error.to_string()));
    }
    back
}

fn big(text: &str) -> Value {
    text.parse::<BigInt>().unwrap().into()
}

cases! {
    async fn none_and_truth_values(at) -> Vec<Result<Value, String>> {
        echoed(&at, [Value::None, true.into(), false.into()]).await
    }

    async fn integers(at) -> Vec<Result<Value, String>> {
        let small = [0, 1, -1, 127, 128, 255, 256, 32_768, 65_536, 1 << 30, 1 << 31, -(1 << 31) - 1, i64::MAX, i64::MIN];
        echoed(&at, small.map(Value::from)).await
    }

    async fn integers_of_any_size(at) -> Vec<Result<Value, String>> {
        echoed(&at, ["9223372036854775808", "18446744073709551616", "-99999999999999999999999999999999"].map(big)).await
    }

    async fn floats(at) -> Vec<Result<Value, String>> {
        echoed(&at, [0.0, -0.0, 1.5, 0.1, 1e300, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(Value::Float)).await
    }

    async fn complex_numbers(at) -> Vec<Result<Value, String>> {
        let numbers = [(0.0, 0.0), (1.0, -2.5)].map(|(re, im)| Value::Complex(Complex { re, im }));
        echoed(&at, numbers).await
    }

    async fn text(at) -> Vec<Result<Value, String>> {
        let long = "x".repeat(70_000);
        echoed(&at, ["", "a", "h\u{e9}llo\n\t\\'\"\0", "\u{65e5}\u{672c}", "\u{1f600}", &long].map(Value::from)).await
    }

    async fn bytes(at) -> Vec<Result<Value, String>> {
        let all: Vec<u8> = (0..=255).collect();
        echoed(&at, [Value::from(&b""[..]), Value::from(&all[..]), Value::ByteArray(Blob::from(&b"abc"[..]))]).await
    }

    async fn lists_and_tuples(at) -> Vec<Result<Value, String>> {
        let inner = Value::List(vec![1.into(), Value::None, Value::Tuple(vec!["x".into()])]);
        let tuple = Value::Tuple(vec![inner.clone(), 2.5.into()]);
        echoed(&at, [Value::List(vec![]), Value::Tuple(vec![]), inner, tuple]).await
    }

    async fn sets(at) -> Vec<Result<Value, String>> {
        let mut set = Set::new();
        set.insert(1.into()).unwrap();
        echoed(&at, [Value::from(set.clone()), Value::FrozenSet(Box::new(set)), Value::from(Set::new())]).await
    }

    async fn dicts(at) -> Vec<Result<Value, String>> {
        let text = Dict::from_iter([("b", Value::from(1)), ("a", Value::List(vec![2.into()]))]);
        let mut numbers = Dict::new();
        numbers.insert_value(1.into(), "one".into()).unwrap();
        numbers.insert_value(2.into(), "two".into()).unwrap();
        echoed(&at, [Dict::new().into(), text.into(), Value::from(numbers)]).await
    }

    async fn dates_and_times(at) -> Vec<Result<Value, String>> {
        let date = Date::new(2024, 2, 29).unwrap();
        let time = Time::new(12, 34, 56, 789_000).unwrap();
        let moment = DateTime::new(date, time);
        let span = TimeDelta::from_micros(172_803_500_000).unwrap();
        echoed(&at, [moment.into(), date.into(), time.into(), span.into()]).await
    }

    async fn decimals_and_uuids(at) -> Vec<Result<Value, String>> {
        let decimal: Decimal = "1.10".parse().unwrap();
        echoed(&at, [decimal.into(), Uuid::from_u128(0x12345678_1234_5678_1234_567812345678).into()]).await
    }

    async fn nested_data(at) -> Vec<Result<Value, String>> {
        let mut value = Value::from(1);
        for depth in 0..40 {
            value = match depth % 3 {
                0 => Value::List(vec![value]),
                1 => Dict::from_iter([("deeper", value)]).into(),
                _ => Value::Tuple(vec![value, Value::None]),
            };
        }
        echoed(&at, [value]).await
    }
}
