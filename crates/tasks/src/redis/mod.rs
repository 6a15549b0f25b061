//! What the broker and the result backend on Redis have in common: places, connections, values.

mod connection;
mod link;
mod pause;
pub(crate) mod permits;
mod place;
mod reply;

pub(crate) use connection::{Connection, Script, Trouble};
pub(crate) use link::{Link, closed};
pub(crate) use pause::Pauses;
pub(crate) use place::Place;
pub(crate) use reply::{array, bytes, flag, integer, text};
