//! [`Error`]: why a task was not sent, run or answered.

use std::fmt;
use std::sync::Arc;

use salamander_value::{Exception, Raised};

/// The result of what concerns tasks.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a task was not sent, run or answered.
///
/// Its [`Kind`] tells whose matter it is. What the task itself raised is found with [`Error::exception`] and matched by class with
/// [`Error::is`].
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    exception: Option<Exception>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What an [`Error`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The library was used wrongly: a bad URL, a setting that is not known, arguments that the task does not take or that cannot
    /// be encoded.
    Misuse,
    /// What came is no message as Celery sends them, or of a content type that is not accepted.
    Message,
    /// There is no connection to the broker or the backend, or it broke.
    Connection,
    /// The broker or backend answers, and refuses: a login, a queue that is there with other properties, a full disk.
    Refused,
    /// This driver or pool cannot do that at all.
    Unsupported,
    /// The deadline passed.
    Deadline,
    /// The task ended in an exception.
    Task,
    /// The task was revoked.
    Revoked,
    /// What was waited for was closed.
    Closed,
}

impl Error {
    /// An error of a kind. The message says what was wrong, where, and what would be right.
    #[cold]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), exception: None, source: None }))
    }

    /// An error with what led to it.
    #[cold]
    pub fn with_source(
        kind: Kind,
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), exception: None, source: Some(source.into()) }))
    }

    /// What a task raised.
    #[cold]
    pub fn of_task(kind: Kind, exception: Exception) -> Self {
        // A task that goes on with it raises the same.
        let source = Some(Raised(exception.clone()).into());
        Self(Arc::new(Inner { kind, message: exception.to_string(), exception: Some(exception), source }))
    }

    /// What it is about.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What the task raised, if that is what happened.
    pub fn exception(&self) -> Option<&Exception> {
        self.0.exception.as_ref()
    }

    /// Whether the task raised an exception of this class, or of one that derives from it among those that are known.
    pub fn is(&self, class: &str) -> bool {
        self.exception().is_some_and(|exception| exception.is(class))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("kind", &self.0.kind).field("message", &self.0.message).finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A message that is none, in the words of kombu and Celery.
impl From<salamander_wire::WireError> for Error {
    fn from(error: salamander_wire::WireError) -> Self {
        let kind = match error.kind() {
            salamander_wire::WireErrorKind::NotInstalled | salamander_wire::WireErrorKind::Encode => Kind::Misuse,
            _ => Kind::Message,
        };
        Self::with_source(kind, error.to_string(), error)
    }
}
