//! XML-RPC, as Python's `xmlrpc.server` and `xmlrpc.client` have it.

mod client;
mod coding;
mod dispatch;
mod multicall;
mod options;
mod server;

pub use client::Client;
pub use multicall::MultiCall;
pub use options::XmlRpc;
pub use salamander_codec::xmlrpc::{Fault, Options};
