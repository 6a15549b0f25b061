//! JSON-RPC 2.0 for the functions and objects of a daemon.
//!
//! A function is called by its name ([`register_fn`](salamander_net::DaemonHandle::register_fn)), a method by the id of its object, a dot
//! and its name; parameters by position or by name. [`JsonRpc`] is a [`Door`](salamander_net::Door) for those who send lines over plain
//! TCP, and a part of a [`Site`](crate::Site) for HTTP (POST) and WebSockets, both on `/jsonrpc`.
//!
//! ```no_run
//! use salamander_http::{JsonRpc, Site};
//! use salamander_net::Daemon;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let rpc = JsonRpc::new();
//! let daemon = Daemon::builder().door(Site::new().jsonrpc(rpc.clone())).door(rpc).bind("localhost:0").await?;
//! daemon.serve().await?;
//! # Ok(()) }
//! ```
//!
//! # Batches
//! The calls of a batch are begun in order; those that have to wait go on side by side, 16 at once. The responses are in the
//! order of the requests. Each call goes through the daemon's layers by itself.
//!
//! # Streams
//! A method that gives a stream of items answers by HTTP with an array of all of them. On a WebSocket or plain connection its result
//! is the number of a subscription, and the items come as notifications of the method's name with the parameters `subscription`
//! and `result`; the last has `end` (true) or `error` instead. `rpc.unsubscribe` with the number ends one earlier; it answers
//! `true`, whether it was still there or not. An item is asked for when the connection has taken all before it. Subscriptions
//! end with the connection, or when the client has said that it sends no more.
//!
//! # Values
//! | Python | JSON |
//! |---|---|
//! | `None`, `bool`, `str`, `list` | as they are; lone surrogates are escaped |
//! | `int` of any size | a number with all its digits (4,300 at most) |
//! | `float` | a number; NaN and the infinities are `null` |
//! | `tuple`, `set`, `frozenset` | an array |
//! | `dict` | an object; keys that are numbers, `None`, `bool`, bytes, dates or the like become strings, tuples for keys are an error |
//! | `bytes`, `bytearray` | a string of base 64 |
//! | `datetime`, `date`, `time` | a string in the form of ISO 8601 |
//! | `timedelta` | a number of seconds |
//! | `Decimal`, `UUID` | a string |
//! | `complex` | an array of two numbers |
//! | an instance of a class | an object, with its class in `__class__` |
//!
//! Parameters are read as JSON has them; a type such as `Uuid` is read from its string.
//!
//! # Errors
//! Those of the specification, and those of [`code`]. A method that raises an exception answers with [`code::EXCEPTION`]; where
//! the parameters do not fit it, so that it was not called, with [`code::INVALID_PARAMS`].
//!
//! # Wire
//! JSON-RPC 2.0, where `params` that are `null` are no valid request; OpenRPC 1.3.2 for `rpc.discover`.

mod client;
mod conversation;
mod discover;
mod dispatch;
mod options;
mod post;
mod raw;
mod request;
mod response;
mod scan;
mod websocket;

pub use client::{Batch, Client, Subscription};
pub use options::JsonRpc;
pub use response::code;
