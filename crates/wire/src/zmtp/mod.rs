//! ZMTP, what ZeroMQ's sockets speak to each other over streams: a greeting, a handshake, and messages of several parts.
//!
//! A [`Session`] is one end of a connection, without a socket: hand it what comes in, and send what it writes. It is spoken here as far as
//! sockets need it that ask and answer (`REQ`, `REP`, `DEALER`, `ROUTER`).
//!
//! # Wire
//! ZMTP 3.1 (<https://rfc.zeromq.org/spec/37/>) with the mechanism `NULL`, and 3.0, which it contains. Ends that speak an older version or
//! another mechanism are refused.

mod command;
mod frame;
mod greeting;
mod session;
mod socket_type;

pub use crate::STEP;

pub use frame::{Started, begin, finish, write_part};
pub use greeting::GREETING_LEN;
pub use session::{MAX_COMMAND, MAX_PARTS, Session};
pub use socket_type::SocketType;
