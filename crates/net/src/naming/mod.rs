//! Names: finding a name server, looking names up, and being a name server.

mod client;
mod locate;

pub use client::{NameServer, Registration};
pub use locate::resolve;
