//! What the codecs are measured with: the same values each time, on both sides.

use salamander_value::{Dict, Value};

/// The names and values.
pub fn corpus() -> Vec<(&'static str, Value)> {
    vec![
        ("call", call()),
        ("record", record(&mut Numbers(7))),
        ("records", records()),
        ("integers", integers()),
        ("floats", floats()),
        ("text", text()),
        ("unicode", unicode()),
        ("bytes", bytes()),
    ]
}

/// A small call as Pyro sends it: object, method, arguments.
fn call() -> Value {
    let sum = Value::Tuple(vec![1_234_567.into(), 7_654_321.into()]);
    Value::Tuple(vec!["example.calculator".into(), "add".into(), sum, Value::from(Dict::default())])
}

fn records() -> Value {
    let mut numbers = Numbers(11);
    Value::List((0..100).map(|_| record(&mut numbers)).collect())
}

fn record(numbers: &mut Numbers) -> Value {
    let id = numbers.next();
    let address = Dict::from_iter([
        ("street", Value::from(format!("{} Salamander Street", id % 1000).as_str())),
        ("city", "Amphibia".into()),
        ("position", Value::Tuple(vec![Value::Float(id as f64 / 1e7), Value::Float(-(id as f64) / 3e6)])),
    ]);
    let tags = ["newt", "axolotl", "olm"].map(Value::from);
    Value::from(Dict::from_iter([
        ("id", Value::Int(id as i64)),
        ("name", format!("Customer number {id}").as_str().into()),
        ("email", format!("customer{id}@example.org").as_str().into()),
        ("active", Value::Bool(id.is_multiple_of(3))),
        ("referrer", Value::None),
        ("balance", Value::Float(id as f64 / 100.0)),
        ("address", address.into()),
        ("tags", Value::List(tags.to_vec())),
    ]))
}

/// 1000 integers of all sizes up to 64 bits, half of them negative.
fn integers() -> Value {
    let mut numbers = Numbers(13);
    let integer = |_| {
        let number = numbers.next() as i64 * numbers.next() as i64 >> (numbers.next() % 60);
        Value::Int(if numbers.next().is_multiple_of(2) { number } else { -number })
    };
    Value::List((0..1000).map(integer).collect())
}

/// 1000 floats that need all their digits.
fn floats() -> Value {
    let mut numbers = Numbers(17);
    Value::List((0..1000).map(|_| Value::Float(numbers.next() as f64 / numbers.next().max(1) as f64)).collect())
}

/// 10 KiB of English with quotes and line ends.
fn text() -> Value {
    let line = "The salamander's skin is \"moist\", and it isn't fond of the sun;\nit hides under logs by day.\n";
    let text: String = line.chars().cycle().take(10 * 1024).collect();
    text.as_str().into()
}

/// 10,240 characters, most of them beyond ASCII.
fn unicode() -> Value {
    let line = "Der Grottenolm \u{2013} ţestoasa şi şalamandra \u{2013} サンショウウオ \u{1f98e} ";
    let text: String = line.chars().cycle().take(10 * 1024).collect();
    text.as_str().into()
}

/// 64 KiB
fn bytes() -> Value {
    let mut numbers = Numbers(19);
    let bytes: Vec<u8> = (0..64 * 1024).map(|_| numbers.next() as u8).collect();
    salamander_value::Blob::from(bytes).into()
}

/// Numbers of 31 bits that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}
