//! Names: finding a name server, looking names up, and being a name server.

mod autoclean;
mod broadcast;
mod changes;
mod client;
mod keep;
mod locate;
mod object;
mod pattern;
mod registry;
mod server;
pub mod storage;
mod watch;

pub use changes::{Change, Changes, Event, WAITING_CHANGES, Watching};
pub use client::{NameServer, Registration};
pub use keep::KeptName;
pub use locate::resolve;
pub(crate) use locate::resolve_boxed;
pub use registry::{NAME_SERVER, NameRegistry};
pub use server::{NameServerDaemon, NameServerOptions, serve_names};
pub use watch::Watch;

/// Whether a regular expression matches a name from its start, as Python's `re.match` takes it and name servers do.
///
/// # Errors
/// Says what is wrong with the expression, or that matching takes too long (2 seconds).
pub fn name_matches(regex: &str, name: &str) -> Result<bool, String> {
    pattern::Pattern::new(regex)?.matches(name)
}
