//! What can go wrong between values, tokens and bytes.

use std::fmt;

use crate::Exception;

/// The result of reading or writing a value.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a value or with its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The bytes are not of the format, or end too early.
    Malformed,
    /// Containers nest deeper than the limit.
    TooDeep,
    /// Something is larger than its limit, shared parts counted each time.
    TooLarge,
    /// The format cannot carry this value, as Python's serializer refuses it.
    Unsupported,
    /// A number does not fit.
    Overflow,
    /// A value is of another type than what is asked for.
    Type,
    /// A list, dict or set as a key of a dict or a member of a set.
    Unhashable,
    /// Text that is not Unicode where Unicode is asked for (lone surrogates).
    Unicode,
    /// Refused for safety, as Python's side refuses it.
    Security,
    /// What a `Serialize` or `Deserialize` implementation said.
    Custom,
}

/// Why a value could not be read or written.
///
/// It becomes the Python exception that the Python library raises in the same place; see [`Error::exception`].
#[derive(Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    kind: Kind,
    message: String,
    offset: Option<usize>,
    class: Option<&'static str>,
    /// What a conversion of the user's raised.
    raised: Option<Exception>,
}

impl Error {
    /// An error of a kind, with what it says.
    #[cold]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), offset: None, class: None, raised: None }))
    }

    /// An exception that was raised while a value was converted.
    #[cold]
    pub fn raised(exception: Exception) -> Self {
        let mut error = Self::new(Kind::Custom, exception.message());
        error.0.raised = Some(exception);
        error
    }

    /// Bytes that are not of the format.
    #[cold]
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, message)
    }

    /// The bytes end inside a value.
    #[cold]
    pub fn eof() -> Self {
        Self::new(Kind::Malformed, "the data ends in the middle of a value")
    }

    /// A value that is not of the type asked for.
    #[cold]
    pub fn expected(what: &str, got: &str) -> Self {
        Self::new(Kind::Type, format!("expected {what}, got {got}"))
    }

    /// Nesting beyond `limit`.
    #[cold]
    pub fn too_deep(limit: usize) -> Self {
        Self::new(Kind::TooDeep, format!("nesting is too deep (more than {limit} levels)"))
    }

    /// The same error, found at this byte of the input.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// The same error, raised in Python as this class instead of the kind's own.
    #[must_use]
    pub fn as_class(mut self, class: &'static str) -> Self {
        self.0.class = Some(class);
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What is wrong, without its place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The byte of the input where it was found, if that is known.
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    /// The Python class that stands for this error, unless a conversion raised an exception of its own ([`Error::exception`]).
    pub fn class(&self) -> &'static str {
        self.0.class.unwrap_or(match self.0.kind {
            Kind::Malformed | Kind::TooLarge | Kind::Custom => "builtins.ValueError",
            Kind::TooDeep => "builtins.RecursionError",
            Kind::Type | Kind::Unhashable => "builtins.TypeError",
            Kind::Overflow => "builtins.OverflowError",
            Kind::Unicode => "builtins.ValueError",
            Kind::Unsupported => "Pyro5.errors.SerializeError",
            Kind::Security => "Pyro5.errors.SecurityError",
        })
    }

    /// The Python exception that stands for this error.
    pub fn exception(&self) -> Exception {
        match &self.0.raised {
            Some(exception) => exception.clone(),
            None => Exception::new(self.class(), self.to_string()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match self.0.offset {
            Some(offset) => write!(f, " (at byte {offset})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Custom, message.to_string())
    }

    fn invalid_type(unexpected: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::new(Kind::Type, format!("expected {expected}, got {unexpected}"))
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Custom, message.to_string())
    }
}
