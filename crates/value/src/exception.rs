//! [`Exception`]: an exception as data, and how Rust's errors become Python's.

use std::error::Error as StdError;
use std::fmt;
use std::io::ErrorKind;

use crate::{Dict, Str, Value};

/// A Python exception as data: its class, arguments, attributes and remote traceback.
///
/// A method that fails returns one, or any error that becomes one: `?` turns every Rust error into the exception that a
/// Python programmer expects (a missing file into `FileNotFoundError`, a failed parse into `ValueError`, anything
/// unknown into `RuntimeError`). For that `Exception` is not itself a `std::error::Error`; [`Raised`] is.
///
/// ```
/// use salamander_value::Exception;
///
/// fn parse(text: &str) -> Result<i64, Exception> {
///     Ok(text.parse::<i64>()?)
/// }
/// assert!(parse("x").unwrap_err().is("ValueError"));
/// assert!(Exception::key_error("spam").is("LookupError"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Exception {
    class: Str,
    args: Vec<Value>,
    attributes: Dict,
    of_arguments: OfArguments,
}

/// Whether an exception says that the arguments of a call do not fit. It does not travel, and tells no two exceptions apart.
#[derive(Clone, Copy, Default)]
struct OfArguments(bool);

impl PartialEq for OfArguments {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// The attribute in which Pyro keeps the lines of the remote traceback.
const TRACEBACK: &str = "_pyroTraceback";

impl Exception {
    /// An exception of a class, named with its module (`builtins.ValueError`, `shop.SoldOut`), with one argument.
    pub fn new(class: &str, message: impl Into<Value>) -> Self {
        Self::with_args(class, vec![message.into()])
    }

    /// An exception of a class with any arguments.
    pub fn with_args(class: &str, args: Vec<Value>) -> Self {
        Self {
            class: exception_class(class).into(),
            args,
            attributes: Dict::new(),
            of_arguments: OfArguments::default(),
        }
    }

    /// `ValueError`
    pub fn value_error(message: impl Into<Value>) -> Self {
        Self::new("builtins.ValueError", message)
    }

    /// `TypeError`
    pub fn type_error(message: impl Into<Value>) -> Self {
        Self::new("builtins.TypeError", message)
    }

    /// `KeyError`; the argument is the missing key itself.
    pub fn key_error(key: impl Into<Value>) -> Self {
        Self::new("builtins.KeyError", key)
    }

    /// `IndexError`
    pub fn index_error(message: impl Into<Value>) -> Self {
        Self::new("builtins.IndexError", message)
    }

    /// `AttributeError`
    pub fn attribute_error(message: impl Into<Value>) -> Self {
        Self::new("builtins.AttributeError", message)
    }

    /// `ZeroDivisionError`
    pub fn zero_division_error(message: impl Into<Value>) -> Self {
        Self::new("builtins.ZeroDivisionError", message)
    }

    /// `RuntimeError`
    pub fn runtime_error(message: impl Into<Value>) -> Self {
        Self::new("builtins.RuntimeError", message)
    }

    /// `StopIteration`, without an argument.
    pub fn stop_iteration() -> Self {
        Self::with_args("builtins.StopIteration", Vec::new())
    }

    /// One of Pyro's own exceptions, by its short name: `NamingError`, `DaemonError`, `SecurityError`, ...
    pub fn pyro(class: &str, message: impl Into<Value>) -> Self {
        Self::new(&format!("Pyro5.errors.{class}"), message)
    }

    /// The same with an attribute, which the Python side finds on the exception object.
    #[must_use]
    pub fn with_attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(name, value);
        self
    }

    /// The same, raised because the arguments of a call do not fit what is called, which has not run.
    #[must_use]
    pub fn of_arguments(mut self) -> Self {
        self.of_arguments = OfArguments(true);
        self
    }

    /// Whether it was raised because the arguments of a call did not fit; known only where that happened, not to a remote caller.
    pub fn is_of_arguments(&self) -> bool {
        self.of_arguments.0
    }

    /// The class with its module, as `builtins.ValueError`.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The class without its module, as `ValueError`.
    pub fn class_name(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or_default()
    }

    /// Whether the class is this one or, among Python's and Pyro's own, derives from it. The name may be given with its
    /// module or without.
    pub fn is(&self, class: &str) -> bool {
        if self.class == *class || self.class_name() == class {
            return true;
        }
        let wanted = class.rsplit('.').next().unwrap_or_default();
        let mut name = self.class_name();
        while let Some(base) = base_class(name, &self.class) {
            if base == wanted {
                return true;
            }
            name = base;
        }
        false
    }

    /// The arguments it was made with.
    pub fn args(&self) -> &[Value] {
        &self.args
    }

    /// What Python's `str(exception)` gives.
    pub fn message(&self) -> String {
        match &self.args[..] {
            [] => String::new(),
            [Value::Str(text)] if self.class_name() != "KeyError" => text.to_string(),
            [arg] => arg.to_string(),
            args => Value::Tuple(args.to_vec()).to_string(),
        }
    }

    /// The attributes that were set on it.
    pub fn attributes(&self) -> &Dict {
        &self.attributes
    }

    /// The attributes, to change.
    pub fn attributes_mut(&mut self) -> &mut Dict {
        &mut self.attributes
    }

    /// The lines of the remote traceback; empty where there is none.
    pub fn traceback(&self) -> Vec<&str> {
        let lines = self.attributes.get(TRACEBACK).and_then(Value::as_slice);
        lines.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Puts lines where Pyro's clients look for the remote traceback.
    pub fn set_traceback(&mut self, lines: Vec<String>) {
        self.attributes.insert(TRACEBACK, Value::List(lines.into_iter().map(Value::from).collect()));
    }

    /// The dict that stands for it on the wire.
    pub fn to_dict(&self) -> Dict {
        Dict::from_iter([
            ("__class__", Value::Str(self.class.clone())),
            ("__exception__", Value::Bool(true)),
            ("args", Value::Tuple(self.args.clone())),
            ("attributes", Value::Dict(Box::new(self.attributes.clone()))),
        ])
    }

    /// The exception that this dict stands for.
    ///
    /// # Errors
    /// Gives the dict back where it is none, or holds more than an exception can.
    pub fn from_dict(dict: Dict) -> Result<Self, Dict> {
        let known = ["__class__", "__exception__", "args", "attributes"];
        let fits = dict.get("__exception__").is_some_and(Value::truth)
            && matches!(dict.get("__class__"), Some(Value::Str(_)))
            && matches!(dict.get("args"), Some(Value::Tuple(_) | Value::List(_)))
            && matches!(dict.get("attributes"), None | Some(Value::Dict(_)))
            && dict.keys().all(|key| key.as_str().is_some_and(|key| known.contains(&key)));
        if !fits {
            return Err(dict);
        }
        let mut exception = Self {
            class: Str::default(),
            args: Vec::new(),
            attributes: Dict::new(),
            of_arguments: OfArguments::default(),
        };
        for (key, value) in dict {
            match (key.as_str(), value) {
                (Some("__class__"), Value::Str(class)) => exception.class = class,
                (_, Value::Tuple(args) | Value::List(args)) => exception.args = args,
                (_, Value::Dict(attributes)) => exception.attributes = *attributes,
                _ => {}
            }
        }
        Ok(exception)
    }
}

impl fmt::Display for Exception {
    /// As the last line of a Python traceback: `ValueError: what was wrong`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.class.strip_prefix("builtins.").unwrap_or(&self.class);
        match self.message() {
            message if message.is_empty() => f.write_str(class),
            message => write!(f, "{class}: {message}"),
        }
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        if !self.attributes.is_empty() {
            write!(f, " {:?}", self.attributes)?;
        }
        Ok(())
    }
}

/// An [`Exception`] as a Rust error, for the chain of sources of other errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised(pub Exception);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Raised {}

impl<E: StdError + 'static> From<E> for Exception {
    fn from(error: E) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
        while let Some(current) = cause {
            if let Some(Raised(exception)) = current.downcast_ref() {
                return exception.clone();
            }
            if let Some(error) = current.downcast_ref::<crate::Error>() {
                return error.exception();
            }
            cause = current.source();
        }
        let class = class_of_error(&error);
        Exception::new(class, error.to_string())
    }
}

/// The Python class of one of the standard library's errors.
fn class_of_error(error: &(dyn StdError + 'static)) -> &'static str {
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        return match error.kind() {
            ErrorKind::NotFound => "builtins.FileNotFoundError",
            ErrorKind::PermissionDenied => "builtins.PermissionError",
            ErrorKind::ConnectionRefused => "builtins.ConnectionRefusedError",
            ErrorKind::ConnectionReset => "builtins.ConnectionResetError",
            ErrorKind::ConnectionAborted => "builtins.ConnectionAbortedError",
            ErrorKind::BrokenPipe => "builtins.BrokenPipeError",
            ErrorKind::AlreadyExists => "builtins.FileExistsError",
            ErrorKind::WouldBlock => "builtins.BlockingIOError",
            ErrorKind::TimedOut => "builtins.TimeoutError",
            ErrorKind::Interrupted => "builtins.InterruptedError",
            ErrorKind::UnexpectedEof => "builtins.EOFError",
            ErrorKind::NotADirectory => "builtins.NotADirectoryError",
            ErrorKind::IsADirectory => "builtins.IsADirectoryError",
            ErrorKind::InvalidInput | ErrorKind::InvalidData => "builtins.ValueError",
            ErrorKind::OutOfMemory => "builtins.MemoryError",
            _ => "builtins.OSError",
        };
    }
    let value_error = error.is::<std::num::ParseIntError>()
        || error.is::<std::num::ParseFloatError>()
        || error.is::<std::str::ParseBoolError>()
        || error.is::<std::char::ParseCharError>()
        || error.is::<std::net::AddrParseError>()
        || error.is::<std::str::Utf8Error>()
        || error.is::<std::string::FromUtf8Error>();
    if value_error {
        "builtins.ValueError"
    } else if error.is::<std::num::TryFromIntError>() {
        "builtins.OverflowError"
    } else {
        "builtins.RuntimeError"
    }
}

/// The class with its module, for one of Python's own that is named without.
pub fn exception_class(name: &str) -> String {
    if !name.contains('.') && (name == "BaseException" || base_class(name, "builtins").is_some()) {
        format!("builtins.{name}")
    } else {
        name.to_owned()
    }
}

/// The class that one of Python's or Pyro's exceptions derives from.
fn base_class(name: &str, full_name: &str) -> Option<&'static str> {
    if full_name.starts_with("Pyro") {
        match name {
            "PyroError" => return Some("Exception"),
            "CommunicationError" | "NamingError" | "DaemonError" | "SecurityError" => return Some("PyroError"),
            "ConnectionClosedError" | "TimeoutError" | "ProtocolError" => return Some("CommunicationError"),
            "MessageTooLargeError" | "SerializeError" => return Some("ProtocolError"),
            _ => {}
        }
    }
    Some(match name {
        "Exception" | "GeneratorExit" | "KeyboardInterrupt" | "SystemExit" | "BaseExceptionGroup" => "BaseException",
        "ArithmeticError" | "AssertionError" | "AttributeError" | "BufferError" | "EOFError" | "ImportError"
        | "LookupError" | "MemoryError" | "NameError" | "OSError" | "ReferenceError" | "RuntimeError"
        | "StopAsyncIteration" | "StopIteration" | "SyntaxError" | "SystemError" | "TypeError" | "ValueError"
        | "Warning" | "ExceptionGroup" => "Exception",
        "FloatingPointError" | "OverflowError" | "ZeroDivisionError" => "ArithmeticError",
        "ModuleNotFoundError" => "ImportError",
        "IndexError" | "KeyError" => "LookupError",
        "UnboundLocalError" => "NameError",
        "BlockingIOError" | "ChildProcessError" | "ConnectionError" | "FileExistsError" | "FileNotFoundError"
        | "InterruptedError" | "IsADirectoryError" | "NotADirectoryError" | "PermissionError"
        | "ProcessLookupError" | "TimeoutError" | "IOError" | "EnvironmentError" => "OSError",
        "BrokenPipeError" | "ConnectionAbortedError" | "ConnectionRefusedError" | "ConnectionResetError" => {
            "ConnectionError"
        }
        "NotImplementedError" | "RecursionError" => "RuntimeError",
        "IndentationError" => "SyntaxError",
        "TabError" => "IndentationError",
        "UnicodeError" => "ValueError",
        "UnicodeDecodeError" | "UnicodeEncodeError" | "UnicodeTranslateError" => "UnicodeError",
        "BytesWarning"
        | "DeprecationWarning"
        | "EncodingWarning"
        | "FutureWarning"
        | "ImportWarning"
        | "PendingDeprecationWarning"
        | "ResourceWarning"
        | "RuntimeWarning"
        | "SyntaxWarning"
        | "UnicodeWarning"
        | "UserWarning" => "Warning",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_match_by_name_and_by_base() {
        let error = Exception::new("FileNotFoundError", "gone");
        assert_eq!(error.class(), "builtins.FileNotFoundError");
        assert!(error.is("OSError") && error.is("Exception") && error.is("builtins.FileNotFoundError"));
        assert!(!error.is("ValueError"));
        let error = Exception::pyro("SerializeError", "bad");
        assert!(error.is("CommunicationError") && error.is("Pyro5.errors.SerializeError"));
        assert!(!Exception::new("shop.SoldOut", "x").is("Exception"));
    }

    #[test]
    fn rust_errors_become_pythons() {
        let of = |e: Exception| e.class_name().to_owned();
        assert_eq!(of("x".parse::<f64>().unwrap_err().into()), "ValueError");
        assert_eq!(of(std::fs::read("/nowhere/at/all").unwrap_err().into()), "FileNotFoundError");
        assert_eq!(of(u8::try_from(300i32).unwrap_err().into()), "OverflowError");
        assert_eq!(of(fmt::Error.into()), "RuntimeError");
        assert_eq!(of(Raised(Exception::key_error(3)).into()), "KeyError");
    }

    #[test]
    fn text_is_pythons() {
        assert_eq!(Exception::key_error("a").to_string(), "KeyError: 'a'");
        assert_eq!(Exception::stop_iteration().to_string(), "StopIteration");
        assert_eq!(
            Exception::with_args("ValueError", vec![1.into(), "b".into()]).to_string(),
            "ValueError: (1, 'b')"
        );
    }

    #[test]
    fn dicts_that_hold_more_are_no_exceptions() {
        let mut error = Exception::value_error("bad").with_attribute("code", 3);
        error.set_traceback(vec!["line 1\n".into()]);
        assert_eq!(Exception::from_dict(error.to_dict()).unwrap(), error);
        assert_eq!(error.traceback(), ["line 1\n"]);
        let mut dict = error.to_dict();
        dict.insert("more", 1);
        assert!(Exception::from_dict(dict).is_err());
    }
}
