//! [`Error`]: why a transfer was not made.

use std::fmt;
use std::io;
use std::path::Path;

/// The result of a transfer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a transfer was not made, or not to its end. What has come stays for the next time, unless it is of no use.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Source>,
}

#[derive(Debug)]
enum Source {
    Call(salamander_net::Error),
    File(io::Error),
}

/// Which side an [`Error`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A call of the server failed, or there was no connection; [`Error::call`] tells more.
    Call,
    /// The file here could not be read or written.
    File,
    /// What came is not what was sent, or the file was changed meanwhile.
    Checksum,
}

impl Error {
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self { kind: Kind::File, message: path.display().to_string(), source: Some(Source::File(error)) }
    }

    pub(crate) fn checksum(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Checksum, message: message.to_string(), source: None }
    }

    /// Which side it comes from.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The call that failed.
    pub fn call(&self) -> Option<&salamander_net::Error> {
        match &self.source {
            Some(Source::Call(error)) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            None => f.write_str(&self.message),
            Some(Source::Call(error)) => error.fmt(f),
            Some(Source::File(error)) => write!(f, "{}: {error}", self.message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.source {
            None => None,
            Some(Source::Call(error)) => Some(error),
            Some(Source::File(error)) => Some(error),
        }
    }
}

impl From<salamander_net::Error> for Error {
    fn from(error: salamander_net::Error) -> Self {
        Self { kind: Kind::Call, message: String::new(), source: Some(Source::Call(error)) }
    }
}
