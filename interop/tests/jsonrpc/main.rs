//! Our server of JSON-RPC: the specification's examples, plain connections, HTTP, WebSockets, limits, encryption, our client, and two independent Python
//! implementations of each side.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod client;
mod doors;
mod guarded;
mod limits;
mod peers;
mod sockets;
mod specification;
