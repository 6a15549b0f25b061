//! Salamander on the network: where objects are, how to find them, and what is set up how.
// Here is where the outer world is read: the clock, the environment, the host's name.
#![allow(clippy::disallowed_methods)]

mod config;
pub mod naming;
mod python;
mod uri;

pub use config::{Config, ConfigError, ConfigErrorKind, IpVersion, LogLevel, Secret, ServerType, ThreadPoolSize};
pub use uri::{Location, NAME_SERVER_PORT, Protocol, Uri, UriError};
