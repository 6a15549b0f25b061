//! Pyro's own example programs: the programs themselves, and counterparts of their servers in Rust.
//!
//! The counterparts do what the examples do, each in a file by the example's name, and serve the programs of Pyro4 and of Pyro5.
//! `EXAMPLES.md` lists all of them.

mod clock;
mod printed;
mod program;
mod stage;

pub mod r#async;
pub mod attributes;
pub mod autoproxy;
pub mod autoreconnect;
pub mod autoretry;
pub mod banks;
pub mod batchedcalls;
pub mod benchmark;
pub mod blob_dispatch;
pub mod callback;
pub mod callcontext;
pub mod chatbox;
pub mod circular;
pub mod custom_serialization;
pub mod deadlock;
pub mod diffie_hellman;
pub mod disconnects;
pub mod distributed_computing;
pub mod distributed_computing2;
pub mod distributed_computing3;
pub mod distributed_mandelbrot;
pub mod eventloop;
pub mod exceptions;
pub mod filetransfer;
pub mod gui_eventloop;
pub mod handshake;
pub mod hugetransfer;
pub mod instancemode;
pub mod messagebus;
pub mod nonameserver;
pub mod oneway;
pub mod privilege_separation;
pub mod proxysharing;
pub mod resourcetracking;
pub mod robots;
pub mod servertypes;
pub mod shoppingcart;
pub mod ssl;
pub mod stockquotes;
pub mod stockquotes_old;
pub mod streaming;
pub mod thirdpartylib;
pub mod timeout;
pub mod timezones;
pub mod unixdomainsock;
pub mod usersession;
pub mod warehouse;

pub use printed::Printed;
pub use program::{Ended, Program, folder};
pub use stage::Stage;
