//! File transfer over remote objects.
//!
//! A [`FileServer`] is a folder as an object, which any daemon serves and any client of Pyro calls. A [`Transfer`] sends files to one and
//! receives files from it: of any size in constant memory, checked by their SHA-256, and going on after a cut where it ended.
//!
//! ```no_run
//! use salamander_files::Transfer;
//! use salamander_net::Proxy;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let files = Proxy::new("PYRONAME:files")?;
//! let report = Transfer::new(&files).receive("report.pdf", "/tmp/report.pdf").await?;
//! println!("{} bytes, {}", report.size, report.checksum);
//! # Ok(()) }
//! ```
// Here is where the outer world is read: the clock and randomness.
#![allow(clippy::disallowed_methods)]

pub mod blocking;
mod client;
mod error;
mod folder;
mod name;
mod part;
mod server;
mod sum;

pub use client::{Progress, Report, Transfer};
pub use error::{Error, Kind, Result};
pub use name::PART;
pub use server::FileServer;
