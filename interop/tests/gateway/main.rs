//! The HTTP gateway: the same as Python's where both are the same, and what is our own.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod calls;
mod limits;
mod page;
mod same;
mod streams;
