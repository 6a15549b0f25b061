//! What the chapters on security of Pyro5's and Pyro4's documentation warn of, tried against daemons, name servers, gateways and
//! clients of ours, with what happens then. `SECURITY.md` has the table of all of it, with what is tried elsewhere.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod connections;
mod names;
mod network;
#[path = "../programs/mod.rs"]
mod programs;
mod reach;
mod serializers;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use interop::pyro5::peer;
use salamander::{Config, Proxy, Uri};

/// What became of each try of `attacker.py`.
type Outcomes = BTreeMap<String, String>;

/// Runs one of the attacker's commands to its end.
async fn attack(arguments: &[&str]) -> Outcomes {
    let told = peer::script("attacker.py", arguments, &[]).await.expect("the attacker tells");
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// A file that is made only where something runs that should not.
struct Marker(PathBuf);

impl Marker {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let marker = Self(std::env::temp_dir().join(format!("salamander-harm-{}-{number}", std::process::id())));
        let _ = std::fs::remove_file(&marker.0);
        marker
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    #[track_caller]
    fn assert_absent(&self) {
        assert!(!self.0.exists(), "something ran that made {}", self.path());
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A proxy with these settings.
fn proxy(uri: &Uri, settings: &[(&str, &str)]) -> Proxy {
    Proxy::with_config(uri.clone(), Arc::new(Config::from_vars(settings.iter().copied()).unwrap())).unwrap()
}

/// A good call still works.
async fn is_up(uri: &Uri) {
    assert_eq!(proxy(uri, &[]).call::<i64>("add", (1, 2)).await.unwrap(), 3);
}
