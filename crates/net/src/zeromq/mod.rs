//! Calls over ZeroMQ, as the recipe has them that [`multiprocessing`](crate::multiprocessing) follows too: a message is
//! `(name, args, kwargs)`, and the reply is the result or the exception itself.
//!
//! A server is a `REP` or a `ROUTER` socket that `REQ` and `DEALER` sockets connect to, those of other devices among them; a client is a
//! `REQ` socket. In Python, with pyzmq:
//!
//! ```python
//! socket = zmq.Context.instance().socket(zmq.REQ)
//! socket.connect("tcp://localhost:17001")
//! socket.send_pyobj(("add", (2, 3), {}))      # or send_json(["add", [2, 3], {}])
//! print(socket.recv_pyobj())                  # or recv_json()
//! ```
//!
//! ```no_run
//! use salamander_net::Daemon;
//! use salamander_net::zeromq::Options;
//!
//! # async fn example() -> Result<(), salamander_net::Error> {
//! let daemon = Daemon::bind("localhost:0").await?;
//! let calls = Options::new().serve(&daemon, "localhost:17001").await?;
//! calls.spawn(); // it ends with the daemon
//!
//! let server = Options::new().proxy("localhost:17001");
//! let five: i64 = server.call("add", (2, 3)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Wire
//! ZMTP 3.0 and 3.1 with the mechanism `NULL`: nobody shows who he is, and nothing is hidden.

mod connection;
mod options;
mod server;

pub use crate::rpc::{Form, RpcProxy};
pub use options::{Options, ServerType};
pub use server::RpcServer;

pub(crate) use connection::Connection;

/// The name of these calls, for [`Builder::without_key`](crate::Builder::without_key) and the like.
pub const ZEROMQ: &str = "zeromq";
