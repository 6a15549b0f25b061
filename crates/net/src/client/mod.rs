//! The calling side: connections, and the proxies that share them.

mod batch;
mod connection;
mod handshake;
mod items;
mod place;
mod pool;
mod proxy;
mod reply;
mod request;
mod slots;

pub use batch::{Batch, BatchResults};
pub use items::ItemStream;
pub use proxy::{Metadata, Proxy};
pub use request::{Answer, Request, Response};
