//! Workflows as a whole: the program draws their trees, follows them and cancels them, over Redis and over queues of our own.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod cancelling;
mod drawing;
#[path = "../programs/mod.rs"]
mod programs;
mod working;
