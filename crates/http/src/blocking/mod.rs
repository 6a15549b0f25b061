//! The clients without `async`, for programs and threads that wait; see [`salamander_net::blocking`].

pub mod jsonrpc;
pub mod xmlrpc;
