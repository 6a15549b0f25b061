//! Our server of JSON-RPC: the specification's examples, plain connections, HTTP, WebSockets, our client, and two independent Python implementations of each side.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod client;
mod doors;
mod peers;
mod specification;
