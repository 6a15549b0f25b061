//! What can go wrong with a call, from the caller's side.

use std::fmt;
use std::sync::Arc;

use salamander_value::{Exception, Raised};
use salamander_wire::WireError;

use crate::config::ConfigError;
use crate::uri::UriError;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call gave no result.
///
/// Its [`Kind`] tells which of five things went wrong: the use of this library, the peer's protocol, the method that was
/// called, the connection, or the time. A remote exception is found with [`Error::exception`] and matched by class:
///
/// ```
/// # use salamander_net::{Error, Exception};
/// # let error = Error::from(Exception::key_error("spam"));
/// if error.is("KeyError") {
///     eprintln!("not there: {}", error.exception().unwrap().args()[0]);
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    source: Option<Raised>,
    /// There was no connection, so nothing was sent.
    unsent: bool,
}

/// Which side an [`Error`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The library was used wrongly: a bad URI, arguments that cannot be encoded, a result of another type.
    Misuse,
    /// The peer broke the protocol, or speaks another.
    Protocol,
    /// The method that was called raised an exception.
    Remote,
    /// There is no connection, or it broke.
    Connection,
    /// One end refused the other when they met: an object that the daemon does not have, too many clients, a hook's no, a
    /// certificate that is not accepted.
    Refused,
    /// The deadline passed.
    Deadline,
    /// A name is not known, or no name server was found.
    Naming,
}

impl Error {
    /// An error of a kind, for clients of other protocols.
    #[cold]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        let class = match kind {
            Kind::Misuse => "builtins.ValueError",
            Kind::Protocol => "Pyro5.errors.ProtocolError",
            Kind::Remote => "builtins.Exception",
            Kind::Connection => "Pyro5.errors.ConnectionClosedError",
            Kind::Refused => "Pyro5.errors.CommunicationError",
            Kind::Deadline => "Pyro5.errors.TimeoutError",
            Kind::Naming => "Pyro5.errors.NamingError",
        };
        let source = Some(Raised(Exception::new(class, message.clone())));
        Self(Arc::new(Inner { kind, message, source, unsent: false }))
    }

    /// An error that stands for this exception where it is raised again.
    #[cold]
    pub(crate) fn with_exception(kind: Kind, exception: Exception) -> Self {
        let message = exception.message();
        Self(Arc::new(Inner { kind, message, source: Some(Raised(exception)), unsent: false }))
    }

    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::new(Kind::Misuse, message)
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(Kind::Protocol, message)
    }

    pub(crate) fn connection(message: impl Into<String>) -> Self {
        Self::new(Kind::Connection, message)
    }

    /// The same error, of a call that was not sent.
    #[cold]
    pub(crate) fn of_unsent(self) -> Self {
        let Inner { kind, message, source, .. } = &*self.0;
        Self(Arc::new(Inner { kind: *kind, message: message.clone(), source: source.clone(), unsent: true }))
    }

    /// Which side it comes from.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The remote exception, where the method that was called raised one.
    pub fn exception(&self) -> Option<&Exception> {
        match (self.0.kind, &self.0.source) {
            (Kind::Remote, Some(Raised(exception))) => Some(exception),
            _ => None,
        }
    }

    /// Whether it is a remote exception of this class, or of one that derives from it among Python's and Pyro's own.
    pub fn is(&self, class: &str) -> bool {
        self.exception().is_some_and(|exception| exception.is(class))
    }

    /// Whether it is certain that the call was not sent: no connection was made. Then it can be made again, even if it must not
    /// be made twice.
    pub fn is_unsent(&self) -> bool {
        self.0.unsent
    }

    /// Whether the same call may succeed if it is made once more, on a new connection.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, Kind::Connection | Kind::Deadline)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    /// With the remote traceback, because this is what `main` prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if let Some(exception) = self.exception() {
            let traceback = exception.traceback();
            if !traceback.is_empty() {
                write!(f, "\n +--- remote traceback:")?;
                for line in traceback.iter().flat_map(|lines| lines.lines()) {
                    write!(f, "\n | {line}")?;
                }
                write!(f, "\n +---")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|raised| raised as _)
    }
}

impl From<Exception> for Error {
    fn from(exception: Exception) -> Self {
        let (kind, message) = (Kind::Remote, exception.to_string());
        Self(Arc::new(Inner { kind, message, source: Some(Raised(exception)), unsent: false }))
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::protocol(error.to_string())
    }
}

impl From<salamander_value::Error> for Error {
    fn from(error: salamander_value::Error) -> Self {
        Self::with_exception(Kind::Misuse, error.exception())
    }
}

impl From<UriError> for Error {
    fn from(error: UriError) -> Self {
        Self::with_exception(Kind::Misuse, error.exception())
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::with_exception(Kind::Misuse, error.exception())
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::connection(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_passes_through_a_method_as_the_exception_it_was() {
        let error = Error::from(Exception::key_error("spam"));
        assert!(error.is("LookupError") && !error.is("ValueError"));
        assert_eq!(Exception::from(error), Exception::key_error("spam"));
        let closed = Exception::from(Error::connection("gone"));
        assert!(closed.is("CommunicationError"));
    }
}
