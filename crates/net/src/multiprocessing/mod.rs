//! Connections as Python's `multiprocessing.connection` has them, and calls over them.
//!
//! [`Options`] opens both ends: [`Listener`] and [`Connection`] are Python's `Listener` and what its `Client` gives. They carry
//! messages of bytes, or values by pickle, which is read as data: nothing that arrives is imported, constructed or called.
//!
//! ```no_run
//! use salamander_net::multiprocessing::Options;
//!
//! # async fn example() -> Result<(), salamander_net::Error> {
//! // Python: `Listener(("localhost", 6000), authkey=b"secret")`
//! let mut listener = Options::new().authkey("secret").listen("localhost:6000").await?;
//! // Python: `Client(("localhost", 6000), authkey=b"secret")`
//! let mut client = Options::new().authkey("secret").connect("localhost:6000").await?;
//! client.send(&("hello", [1, 2, 3])).await?;
//! let mut connection = listener.accept().await;
//! let (text, numbers): (String, Vec<i64>) = connection.recv().await?.unwrap();
//! # Ok(())
//! # }
//! ```

mod connection;
mod exchange;
mod listener;
mod options;
mod server;

pub use crate::rpc::{Form, RpcProxy};
pub use connection::Connection;
pub use listener::Listener;
pub use options::Options;
pub use server::RpcServer;

pub(crate) use connection::settings;

/// The name of calls over these connections, for [`Builder::without_key`](crate::Builder::without_key) and the like.
pub const MULTIPROCESSING: &str = "multiprocessing";
