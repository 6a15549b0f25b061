//! Names: finding a name server, looking names up, and being a name server.

mod autoclean;
mod broadcast;
mod client;
mod locate;
mod object;
mod pattern;
mod registry;
mod server;
pub mod storage;

pub use client::{NameServer, Registration};
pub use locate::resolve;
pub(crate) use locate::resolve_boxed;
pub use registry::{NAME_SERVER, NameRegistry};
pub use server::{NameServerDaemon, NameServerOptions, serve_names};
