//! Our program as a worker: for Python's client, over each broker, and with child processes.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod brokers;
mod losses;
mod prefork;
#[path = "../programs/mod.rs"]
mod programs;
mod scene;
