//! The calling side: connections, and the proxies that share them.

mod batch;
mod calling;
mod connection;
mod dial;
mod greeting;
mod handshake;
mod interface;
mod items;
mod place;
mod pool;
mod proxy;
mod raw;
mod reply;
mod request;
mod slots;
mod value;

pub use batch::{Batch, BatchResults};
pub use dial::Dialer;
pub use greeting::Greeting;
pub use interface::{AttributeInfo, Interface, MethodInfo, ParamInfo, ParamUse, TypeInfo};
pub use items::ItemStream;
pub use proxy::{Metadata, Proxy};
pub use raw::{RawAnswer, RawReply};
pub use request::{Answer, Request, Response};
