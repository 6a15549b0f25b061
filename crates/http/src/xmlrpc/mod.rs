//! XML-RPC, as Python's `xmlrpc.server` and `xmlrpc.client` have it.

mod coding;
mod dispatch;
mod options;
mod server;

pub use options::XmlRpc;
pub use salamander_codec::xmlrpc::{Fault, Options};
