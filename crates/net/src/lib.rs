//! Salamander on the network: daemons that serve objects, proxies that call them, name servers that find them.
// Here is where the outer world is read: the clock, the environment, the host's name.
#![allow(clippy::disallowed_methods)]

mod address;
mod blob;
pub mod blocking;
mod client;
mod config;
mod connected;
mod daemon;
mod dialect;
mod ends;
mod error;
mod features;
pub mod multiprocessing;
pub mod naming;
mod pipe;
pub mod plain;
mod python;
mod rpc;
mod socket;
mod stream;
mod tls;
mod uri;
mod wirelog;
pub mod zeromq;
mod zone;

pub use blob::SerializedBlob;
pub use client::{
    Answer, AttributeInfo, Batch, BatchResults, Dialer, Greeting, Interface, ItemStream, Metadata, MethodInfo,
    ParamInfo, ParamUse, Proxy, RawAnswer, RawReply, Request, Response, TypeInfo,
};
pub use config::{
    Config, ConfigError, ConfigErrorKind, IpVersion, LogLevel, NoDelay, Secret, ServerType, ThreadPoolSize,
};
pub use connected::ConnectedSocket;
pub use daemon::{
    Beside, Builder, Callable, Client, CorrelationIds, Daemon, DaemonHandle, Door, Handshake, PYRO5, Recognised,
    Remote,
};
pub use error::{Error, Kind, Result};
pub use naming::{KeptName, NameServer, Registration, Watch, resolve};
pub use salamander_codec::{Args, Arguments, Classes, Codec, Generation};
pub use salamander_object::{Annotations, CallContext, FailedCall, InstanceMode, Session, Tracked};
pub use salamander_value::{Blob, Exception, Value};
pub use socket::Socket;
pub use tls::{AlternativeName, Certificate, CertificateError, DistinguishedName, Encryption};
pub use uri::{Location, NAME_SERVER_PORT, Protocol, Uri, UriError};

/// The id of the object by which every daemon tells of itself.
pub const DAEMON_NAME: &str = "Pyro.Daemon";

/// The id and the name of a name server.
pub const NAME_SERVER_NAME: &str = naming::NAME_SERVER;

/// What the attributes' rendered code calls.
#[doc(hidden)]
pub mod __private {
    pub use salamander_object::*;
    pub use salamander_value::{Blob, Class, Exception, check_class, from_reader, serialize_instance};
    pub use serde;

    pub use crate::{Error, ItemStream, Proxy, blocking};
}
