//! Tests against the real Python libraries: what several of them need.
//!
//! These tests start processes and read the environment, which the crates they test may not.
#![allow(clippy::disallowed_methods)]

pub mod codec_peer;
pub mod description;
pub mod python;
