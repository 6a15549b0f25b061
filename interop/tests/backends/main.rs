//! Result backends: ours by one contract, and beside Celery's.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod beside;
mod celery;
mod database;
mod embedded;
mod redis;
mod rpc;
