//! [`State`]: what can be said of a task.

use std::fmt;

use salamander_value::Str;

/// A state of a task; the built-in ones, or any of a program's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing is known of it.
    #[default]
    Pending,
    /// It is known that there is no such task, neither in a queue nor among the results. Nobody stores it, and Celery has no name for it.
    Unknown,
    /// A worker has it.
    Received,
    /// It runs.
    Started,
    /// It has a result.
    Success,
    /// It has raised an exception.
    Failure,
    /// It will be run again.
    Retry,
    /// It will not run any more.
    Revoked,
    /// A worker has refused it; in events alone.
    Rejected,
    /// It has asked for its result to be ignored.
    Ignored,
    /// A program's own, as `PROGRESS`.
    Custom(Str),
}

impl State {
    /// The name, as backends store it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::Unknown => "UNKNOWN",
            Self::Received => "RECEIVED",
            Self::Started => "STARTED",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Retry => "RETRY",
            Self::Revoked => "REVOKED",
            Self::Rejected => "REJECTED",
            Self::Ignored => "IGNORED",
            Self::Custom(name) => name,
        }
    }

    /// Whether it is the last one.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Revoked)
    }

    /// Whether the result is an exception.
    pub fn is_exception(&self) -> bool {
        matches!(self, Self::Retry | Self::Failure | Self::Revoked)
    }

    /// Whether asking for the result raises the exception.
    pub fn is_propagated(&self) -> bool {
        matches!(self, Self::Failure | Self::Revoked)
    }

    /// Which of two states counts where both are known: the one with the lower number.
    pub fn precedence(&self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Custom(_) | Self::Ignored => 2,
            Self::Revoked => 3,
            Self::Started => 4,
            Self::Received => 5,
            Self::Rejected => 6,
            Self::Retry => 7,
            Self::Pending => 8,
            Self::Unknown => 9,
        }
    }
}

impl From<&str> for State {
    fn from(name: &str) -> Self {
        let known = [
            Self::Pending,
            Self::Unknown,
            Self::Received,
            Self::Started,
            Self::Success,
            Self::Failure,
            Self::Retry,
            Self::Revoked,
            Self::Rejected,
            Self::Ignored,
        ];
        known.into_iter().find(|state| state.as_str() == name).unwrap_or_else(|| Self::Custom(name.into()))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
