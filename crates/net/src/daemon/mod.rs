//! The serving side: a daemon, its connections, and the door that Pyro 5 clients come through.

mod answer;
mod batch;
mod builder;
mod connection;
mod daemon_object;
mod door;
mod error_reply;
mod handshake;
mod items;
mod routed;
mod scratch;
mod server;
mod shared;

pub use builder::{Builder, Handshake};
pub use server::Daemon;
pub use shared::DaemonHandle;
