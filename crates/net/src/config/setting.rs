//! What a setting may be: its type, how text and TOML become it, and how it is shown.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use salamander_codec::Codec;
use salamander_value::Value;

use crate::python::parse_int;

/// A value as it stands in the environment or in a file.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Text(&'a str),
    Toml(&'a toml::Value),
}

/// A type of settings.
pub(super) trait Setting: Sized {
    /// The setting that this text means.
    ///
    /// # Errors
    /// Says what would be right.
    fn of_text(text: &str) -> Result<Self, String>;

    /// The setting that this value of a file means, where it is not text.
    fn of_toml(_value: &toml::Value) -> Option<Result<Self, String>> {
        None
    }

    /// As Python's `str()`.
    fn show(&self) -> String;

    /// As the value that it is in Python.
    fn value(&self) -> Value {
        self.show().into()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        match given {
            Given::Text(text) => Self::of_text(text),
            Given::Toml(toml::Value::String(text)) => Self::of_text(text),
            Given::Toml(value) => Self::of_toml(value).unwrap_or_else(|| Self::of_text(&plain(value))),
        }
    }
}

/// The text that means the same as a number or flag in a file.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        // Which is no text that any setting of another type than these would take.
        other => other.type_str().to_owned(),
    }
}

/// `SERVERTYPE`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServerType {
    /// `thread`
    #[default]
    Thread,
    /// `multiplex`
    Multiplex,
}

/// `PREFER_IP_VERSION`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IpVersion {
    /// `0`: in the order in which the system gives them.
    #[default]
    Any,
    /// `4`
    V4,
    /// `6`
    V6,
}

/// `LOGLEVEL`: the levels of Python's `logging`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// `NOTSET`: everything.
    NotSet,
    /// `DEBUG`
    Debug,
    /// `INFO`
    Info,
    /// `WARNING`, or `WARN`
    Warning,
    /// `ERROR`
    Error,
    /// `CRITICAL`, or `FATAL`
    Critical,
}

/// `THREADPOOL_SIZE`: 80 unless it is set, which is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ThreadPoolSize(Option<usize>);

/// `SOCK_NODELAY`: Pyro's default is no; what has been set is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoDelay(Option<bool>);

/// A password, which is not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl ThreadPoolSize {
    /// A size that has been set.
    pub fn new(size: usize) -> Self {
        Self(Some(size))
    }

    /// The size.
    pub fn get(self) -> usize {
        self.0.unwrap_or(80)
    }

    /// The size, where it has been set.
    pub fn given(self) -> Option<usize> {
        self.0
    }
}

impl NoDelay {
    /// Whether small packets are sent without delay: they are, unless somebody has said no. Several calls may be under way
    /// on a connection here, and one that waits for the acknowledgement of another is slow for nothing.
    pub fn get(self) -> bool {
        self.0.unwrap_or(true)
    }
}

impl From<bool> for NoDelay {
    fn from(given: bool) -> Self {
        Self(Some(given))
    }
}

impl Secret {
    /// The password.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl Setting for String {
    fn of_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn of_toml(_value: &toml::Value) -> Option<Result<Self, String>> {
        Some(Err("a string".to_owned()))
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Setting for Secret {
    fn of_text(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }

    fn of_toml(_value: &toml::Value) -> Option<Result<Self, String>> {
        Some(Err("a string".to_owned()))
    }

    fn show(&self) -> String {
        if self.0.is_empty() { String::new() } else { "***".to_owned() }
    }
}

impl<T: Setting> Setting for Option<T> {
    fn of_text(text: &str) -> Result<Self, String> {
        // What is empty is held for nothing by Pyro too.
        if text.is_empty() { Ok(None) } else { T::of_text(text).map(Some) }
    }

    fn of_toml(value: &toml::Value) -> Option<Result<Self, String>> {
        T::of_toml(value).map(|read| read.map(Some))
    }

    fn show(&self) -> String {
        self.as_ref().map_or("None".to_owned(), Setting::show)
    }

    fn value(&self) -> Value {
        self.as_ref().map(Setting::value).into()
    }
}

impl Setting for bool {
    fn of_text(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "0" | "off" | "no" | "false" => Ok(false),
            "1" | "on" | "yes" | "true" => Ok(true),
            _ => Err("1, on, yes or true, or else 0, off, no or false".to_owned()),
        }
    }

    fn show(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        Value::from(*self)
    }
}

impl Setting for NoDelay {
    fn of_text(text: &str) -> Result<Self, String> {
        bool::of_text(text).map(Self::from)
    }

    fn show(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        // As Pyro shows it where nothing has been said.
        Value::from(self.0.unwrap_or(false))
    }
}

impl Setting for Vec<String> {
    fn of_text(text: &str) -> Result<Self, String> {
        Ok(text.split(',').map(|item| item.trim().to_owned()).collect())
    }

    fn of_toml(value: &toml::Value) -> Option<Result<Self, String>> {
        let items = value.as_array().into_iter().flatten().map(|item| item.as_str().map(str::to_owned));
        let items = value.is_array().then(|| items.collect()).flatten();
        Some(items.ok_or("a list of strings".to_owned()))
    }

    fn show(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        Value::from(self.clone())
    }
}

impl Setting for Duration {
    fn of_text(text: &str) -> Result<Self, String> {
        // Python takes underscores between digits.
        let digit = |at: Option<char>| at.is_some_and(|c| c.is_ascii_digit());
        let grouped = |at: usize| digit(text[..at].chars().next_back()) && digit(text[at + 1..].chars().next());
        let well_grouped = text.match_indices('_').all(|(at, _)| grouped(at));
        let seconds = well_grouped.then(|| text.trim().replace('_', "").parse().ok()).flatten();
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or("seconds, 0 or more, as in 2.5".to_owned())
    }

    fn show(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        Value::from(self.as_secs_f64())
    }
}

impl Setting for ThreadPoolSize {
    fn of_text(text: &str) -> Result<Self, String> {
        usize::of_text(text).ok().filter(|&size| size > 0).map(Self::new).ok_or("a number, 1 or more".to_owned())
    }

    fn show(&self) -> String {
        self.get().to_string()
    }

    fn value(&self) -> Value {
        self.get().into()
    }
}

impl Setting for NonZeroU32 {
    fn of_text(text: &str) -> Result<Self, String> {
        u32::of_text(text).ok().and_then(Self::new).ok_or("a number, 1 or more".to_owned())
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn value(&self) -> Value {
        self.get().into()
    }
}

macro_rules! numbers {
    ($($type:ty: $right:literal;)*) => {$(
        impl Setting for $type {
            fn of_text(text: &str) -> Result<Self, String> {
                parse_int(text).ok_or($right.to_owned())
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn value(&self) -> Value {
                (*self).into()
            }
        }
    )*};
}
numbers! {
    u16: "a port number, 0 to 65535";
    u32: "a number, 0 or more";
    usize: "a number, 0 or more";
}

impl Setting for IpVersion {
    fn of_text(text: &str) -> Result<Self, String> {
        match parse_int::<u8>(text) {
            Some(0) => Ok(IpVersion::Any),
            Some(4) => Ok(IpVersion::V4),
            Some(6) => Ok(IpVersion::V6),
            _ => Err("0, 4 or 6".to_owned()),
        }
    }

    fn show(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        let number = match self {
            IpVersion::Any => 0,
            IpVersion::V4 => 4,
            IpVersion::V6 => 6,
        };
        number.into()
    }
}

/// A setting that is one of some words.
macro_rules! words {
    ($($type:ty: $right:literal, $($word:literal => $value:expr,)*;)*) => {$(
        impl Setting for $type {
            fn of_text(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok($value),)*
                    _ => Err($right.to_owned()),
                }
            }

            fn show(&self) -> String {
                // The first of the words that mean it.
                let words = [$(($word, $value)),*];
                words.iter().find(|(_, value)| value == self).map(|(word, _)| (*word).to_owned()).unwrap_or_default()
            }
        }
    )*};
}
words! {
    ServerType: "thread or multiplex",
        "thread" => ServerType::Thread,
        "multiplex" => ServerType::Multiplex,
    ;
    LogLevel: "NOTSET, DEBUG, INFO, WARNING, ERROR or CRITICAL",
        "NOTSET" => LogLevel::NotSet,
        "DEBUG" => LogLevel::Debug,
        "INFO" => LogLevel::Info,
        "WARNING" => LogLevel::Warning,
        "WARN" => LogLevel::Warning,
        "ERROR" => LogLevel::Error,
        "CRITICAL" => LogLevel::Critical,
        "FATAL" => LogLevel::Critical,
    ;
}

impl Setting for Vec<Codec> {
    fn of_text(text: &str) -> Result<Self, String> {
        let right = |right| format!("names of serializers: {right}");
        text.split(',').map(|name| Codec::of_text(name.trim()).map_err(right)).collect()
    }

    fn of_toml(value: &toml::Value) -> Option<Result<Self, String>> {
        Some(Vec::<String>::of_toml(value)?.and_then(|names| Self::of_text(&names.join(","))))
    }

    fn show(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        Value::List(self.iter().map(Setting::value).collect())
    }
}

impl Setting for Codec {
    fn of_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| Self::ALL.map(Codec::name).join(", "))
    }

    fn show(&self) -> String {
        self.name().to_owned()
    }
}
