//! Values for property tests.

use proptest::prelude::*;
use salamander_value::{BigInt, Complex, Dict, Value};

/// Any value that marshal carries without loss and that equals itself.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    let float = any::<f64>().prop_filter("equals itself", |number| !number.is_nan());
    let scalar = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i16>().prop_map(Value::from),
        (any::<i128>(), 0..5u32).prop_map(|(number, power)| Value::from(BigInt::from(number).pow(power))),
        float.clone().prop_map(Value::Float),
        (float.clone(), float).prop_map(|(re, im)| Value::Complex(Complex { re, im })),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Value::from(&bytes[..])),
    ];
    scalar.prop_recursive(6, 200, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::List),
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Tuple),
            prop::collection::vec((".{0,10}", inner), 0..20).prop_map(|entries| {
                // Which class a dict would be of is another matter.
                Value::from(entries.into_iter().filter(|(key, _)| key != "__class__").collect::<Dict>())
            }),
        ]
    })
}
