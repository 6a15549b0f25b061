//! Salamander on the network: daemons that serve objects, proxies that call them, name servers that find them.
// Here is where the outer world is read: the clock, the environment, the host's name.
#![allow(clippy::disallowed_methods)]

pub mod blocking;
mod client;
mod config;
mod daemon;
mod error;
mod features;
pub mod naming;
mod python;
mod stream;
mod uri;
mod wirelog;
mod zone;

pub use client::{Answer, Batch, BatchResults, ItemStream, Metadata, Proxy, Request, Response};
pub use config::{Config, ConfigError, ConfigErrorKind, IpVersion, LogLevel, Secret, ServerType, ThreadPoolSize};
pub use daemon::{Builder, Daemon, DaemonHandle, Handshake};
pub use error::{Error, Kind, Result};
pub use naming::{NameServer, Registration, resolve};
pub use salamander_codec::{Args, Arguments, Codec};
pub use salamander_object::{CallContext, Session};
pub use salamander_value::{Blob, Exception, Value};
pub use uri::{Location, NAME_SERVER_PORT, Protocol, Uri, UriError};

/// The id of the object by which every daemon tells of itself.
pub const DAEMON_NAME: &str = "Pyro.Daemon";

/// The id and the name of a name server.
pub const NAME_SERVER_NAME: &str = naming::NAME_SERVER;

/// What the attributes' rendered code calls.
#[doc(hidden)]
pub mod __private {
    pub use salamander_object::*;
    pub use salamander_value::{Blob, Exception, from_reader};

    pub use crate::{Error, ItemStream, Proxy, blocking};
}
