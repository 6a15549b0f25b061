//! Child processes: the same program, started again, which runs one job at a time.
//!
//! A child is told by a variable of its environment that it is one ([`is_child`]). It talks with its parent over its standard input, which
//! is a socket that both read and write. What is said is a [`frame`]; when the socket closes, a child ends.

mod child;
mod children;
mod frame;

pub(crate) use child::{is_child, serve as serve_child};
pub(crate) use children::{ChildOptions, Children};
pub(crate) use frame::Order;
