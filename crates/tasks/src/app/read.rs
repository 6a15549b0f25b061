//! Settings out of values, as Python's programs and files have them.

use std::time::Duration;

use salamander_value::{Dict, Str, Value};

use crate::broker::ExchangeKind;
use crate::call::RetryPolicy;
use crate::task::RateLimit;

/// What a setting may be read as.
pub(super) trait FromSetting: Sized {
    /// What it should be, in words.
    fn expected() -> &'static str;

    /// Out of a value, if it fits.
    fn from_setting(value: &Value) -> Option<Self>;
}

impl FromSetting for bool {
    fn expected() -> &'static str {
        "true or false"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            Value::Str(text) => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl FromSetting for $ty {
            fn expected() -> &'static str {
                "a whole number"
            }

            fn from_setting(value: &Value) -> Option<Self> {
                match value {
                    Value::Int(number) => <$ty>::try_from(*number).ok(),
                    _ => None,
                }
            }
        }
    )*};
}
numbers!(u8, u32, u64, usize);

impl FromSetting for Str {
    fn expected() -> &'static str {
        "text"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        value.as_str().map(Str::from)
    }
}

impl FromSetting for Duration {
    fn expected() -> &'static str {
        "a number of seconds"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        Duration::try_from_secs_f64(number(value)?).ok()
    }
}

impl FromSetting for Vec<Str> {
    fn expected() -> &'static str {
        "a list of texts"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::Str(one) => Some(vec![one.clone()]),
            Value::Set(items) => items.iter().map(Str::from_setting).collect(),
            value => value.as_slice()?.iter().map(Str::from_setting).collect(),
        }
    }
}

impl FromSetting for Dict {
    fn expected() -> &'static str {
        "a table"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        value.as_dict().cloned()
    }
}

impl FromSetting for ExchangeKind {
    fn expected() -> &'static str {
        "direct, topic or fanout"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        ExchangeKind::named(value.as_str()?)
    }
}

impl FromSetting for RateLimit {
    fn expected() -> &'static str {
        "a rate, as 10/m"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::Str(text) => text.parse().ok(),
            value => Some(RateLimit { count: number(value)?, per: Duration::from_secs(1) }),
        }
    }
}

impl FromSetting for RetryPolicy {
    fn expected() -> &'static str {
        "a table of max_retries, interval_start, interval_step and interval_max"
    }

    fn from_setting(value: &Value) -> Option<Self> {
        let mut policy = Self::default();
        for (name, value) in value.as_dict()?.iter() {
            match name.as_str()? {
                "max_retries" => policy.max_retries = Option::from_setting(value)?,
                "interval_start" => policy.interval_start = number(value)?,
                "interval_step" => policy.interval_step = number(value)?,
                "interval_max" => policy.interval_max = number(value)?,
                _ => return None,
            }
        }
        Some(policy)
    }
}

impl<T: FromSetting> FromSetting for Option<T> {
    fn expected() -> &'static str {
        T::expected()
    }

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            value => T::from_setting(value).map(Some),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::TimeDelta(delta) => Some(delta.total_seconds()),
        _ => None,
    }
}
