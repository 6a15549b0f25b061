//! What holds over all workers and clients that share a store: limits of rate and concurrency by key, tasks that are sent once.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod counted;
mod once;
mod permits;
mod stores;
