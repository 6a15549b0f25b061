//! The name server: what it keeps, and where.

mod pattern;
mod registry;
pub mod storage;

pub use registry::{NAME_SERVER, NameRegistry};
