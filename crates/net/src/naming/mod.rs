//! Names: finding a name server, looking names up, and being a name server.

mod client;
mod locate;
mod pattern;
mod registry;
pub mod storage;

pub use client::{NameServer, Registration};
pub use locate::resolve;
pub(crate) use locate::resolve_boxed;
pub use registry::{NAME_SERVER, NameRegistry};
