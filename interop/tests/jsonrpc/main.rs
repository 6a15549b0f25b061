//! Our server of JSON-RPC: the specification's examples, plain connections, HTTP, WebSockets, and two independent clients.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod doors;
mod peers;
mod specification;
