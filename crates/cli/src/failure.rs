//! [`Failure`]: what went wrong, with the exit code that says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

use salamander::{ConfigError, Error, Exception, Kind, Value};

use crate::json;
use crate::output::{Lines, Output, Shown};

/// Why a command has not done what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The peer or the work failed.
    Failed(String),
    /// The command line, or a setting, is wrong.
    Usage(String),
    /// Nothing answers there.
    Nobody(String),
    /// A remote method raised an exception.
    Raised(Box<Exception>),
    /// Nobody reads our output any more; there is nobody to tell.
    Closed,
}

impl Failure {
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self::Failed(message.to_string())
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn nobody(message: impl fmt::Display) -> Self {
        Self::Nobody(message.to_string())
    }

    /// What the program says with its exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Closed => 0,
            Self::Failed(_) | Self::Raised(_) => 1,
            Self::Usage(_) => 2,
            Self::Nobody(_) => 3,
        })
    }

    /// The same failure with a hint, where it is one of one line.
    pub(crate) fn with_hint(self, hint: &str) -> Self {
        match self {
            Self::Failed(message) => Self::Failed(format!("{message}; {hint}")),
            Self::Usage(message) => Self::Usage(format!("{message}; {hint}")),
            Self::Nobody(message) => Self::Nobody(format!("{message}; {hint}")),
            other => other,
        }
    }

    /// No failure, where all that failed is to tell: a server serves on if nobody reads what it prints.
    pub(crate) fn unless_closed(self) -> Result<(), Self> {
        if matches!(self, Self::Closed) { Ok(()) } else { Err(self) }
    }

    /// Tells the user, on the standard error output.
    pub(crate) fn report(&self, output: Output) {
        if matches!(self, Self::Closed) {
            return;
        }
        if output.is_json() {
            eprintln!("{}", json::text(&self.as_value()));
            return;
        }
        eprintln!("Error: {}", Shown(&self.to_string(), Lines::Many));
        if let Self::Raised(exception) = self {
            let traceback = exception.traceback();
            if !traceback.is_empty() {
                eprintln!(" +--- remote traceback:");
                for line in traceback.iter().flat_map(|lines| lines.lines()) {
                    eprintln!(" | {}", Shown(line, Lines::One));
                }
                eprintln!(" +---");
            }
        }
    }

    fn as_value(&self) -> Value {
        let fields = match self {
            Self::Raised(exception) => vec![
                ("class", exception.class().into()),
                ("message", exception.message().into()),
                ("args", Value::List(exception.args().to_vec())),
                ("traceback", exception.traceback().concat().into()),
            ],
            other => vec![("class", Value::None), ("message", other.to_string().into())],
        };
        Value::from(salamander::Dict::from_iter([("error", Value::from(salamander::Dict::from_iter(fields)))]))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(message) | Self::Usage(message) | Self::Nobody(message) => f.write_str(message),
            Self::Raised(exception) => exception.fmt(f),
            Self::Closed => f.write_str("the output is closed"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match (error.kind(), error.exception()) {
            (_, Some(exception)) => Self::Raised(Box::new(exception.clone())),
            (Kind::Misuse, _) => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        Self::Raised(Box::new(exception))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

/// Of writing our output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::failed(format!("cannot write the output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_of_an_error_has_its_exit_code() {
        let code = |failure: Failure| format!("{:?}", failure.exit_code());
        assert_eq!(code(Error::from(Exception::key_error("x")).into()), format!("{:?}", ExitCode::from(1)));
        assert_eq!(
            code("no uri".parse::<salamander::Uri>().map_err(Error::from).unwrap_err().into()),
            format!("{:?}", ExitCode::from(2))
        );
        assert_eq!(code(Failure::nobody("there")), format!("{:?}", ExitCode::from(3)));
        assert_eq!(code(io::Error::from(io::ErrorKind::BrokenPipe).into()), format!("{:?}", ExitCode::SUCCESS));
    }

    #[test]
    fn exceptions_are_told_as_json_too() {
        let failure = Failure::from(Exception::value_error("bad"));
        assert_eq!(
            json::text(&failure.as_value()),
            r#"{"error": {"class": "builtins.ValueError", "message": "bad", "args": ["bad"], "traceback": ""}}"#
        );
    }
}
