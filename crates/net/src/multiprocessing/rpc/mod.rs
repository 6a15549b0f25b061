//! Calls over connections, as the well-known recipe has them: a message is a function's name, its arguments by position and by
//! name; the reply is the result, or the exception itself.

mod exception;
mod form;
mod proxy;
mod server;

pub use form::Form;
pub use proxy::RpcProxy;
pub use server::RpcServer;

/// The name of these calls, for [`Builder::without_key`](crate::Builder::without_key) and the like.
pub const MULTIPROCESSING: &str = "multiprocessing";
