//! Encrypted connections, with Python at the other end: Pyro5's clients against our daemon, our proxies against Pyro5's.
//!
//! Settings are Pyro's own, the same for both sides.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod both;
mod clients;
mod daemons;
mod doors;
mod files;
mod names;
mod turns;

use std::sync::Arc;

use interop::certs::borrowed;
use salamander::{Config, Proxy, Uri};

/// Settings by the names of environment variables.
type Settings = Vec<(&'static str, String)>;

/// A proxy with these settings.
fn proxy(uri: &str, settings: &Settings) -> Proxy {
    let config = Config::from_vars(borrowed(settings)).expect("the settings are right");
    Proxy::with_config(uri.parse::<Uri>().expect("a URI"), Arc::new(config)).expect("the files are right")
}
