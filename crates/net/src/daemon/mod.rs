//! The serving side: a daemon, its connections, and the doors that clients come through.

mod answer;
mod batch;
mod beside;
mod builder;
mod callables;
mod client;
mod connection;
mod daemon_object;
mod door;
mod error_reply;
mod handshake;
mod ids;
mod items;
mod leases;
pub(crate) mod listen;
mod objects;
mod recognise;
mod routed;
mod scratch;
mod server;
mod shared;

pub use beside::Beside;
pub use builder::{Builder, Handshake, PYRO5};
pub use callables::Callable;
pub use client::{Client, Door, Recognised};
pub use ids::CorrelationIds;
pub use objects::Remote;
pub use server::Daemon;
pub use shared::DaemonHandle;

pub(crate) use server::Counted;
