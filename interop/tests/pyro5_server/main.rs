//! Our proxy against Pyro5's daemon, and against ours: one set of cases for both, with every serializer.
//!
//! A case that gives something has it compared: what comes from either daemon has to be the same.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod arguments;
mod attributes;
mod batches;
mod blocking;
mod context;
mod exceptions;
mod failures;
mod sharing;
mod streams;
mod values;

use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

use interop::pyro5::SERIALIZERS;
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::Server;
use salamander::{Codec, Config, Location, Proxy, Uri};

/// A daemon to try, with one serializer.
pub(crate) struct At {
    /// The URI of the object `thing`.
    pub(crate) uri: Uri,
    pub(crate) codec: Codec,
}

impl At {
    /// A new proxy for `thing`.
    pub(crate) fn proxy(&self) -> Proxy {
        self.proxy_with(&[])
    }

    /// A new proxy for `thing`, with settings by the names of environment variables.
    pub(crate) fn proxy_with(&self, settings: &[(&str, &str)]) -> Proxy {
        let config = Arc::new(Config::from_vars(settings.iter().copied()).unwrap());
        Proxy::with_config(self.uri.clone(), config).unwrap().with_serializer(self.codec)
    }

    /// A new proxy for another object.
    pub(crate) fn named(&self, id: &str) -> Proxy {
        let location: &Location = self.uri.location().unwrap();
        let uri = Uri::new(id, location.clone()).unwrap();
        Proxy::with_config(uri, Arc::default()).unwrap().with_serializer(self.codec)
    }

    /// A new object that no other case uses: a `shelf`, a `counter` or a `row`.
    pub(crate) async fn own(&self, kind: &str) -> Proxy {
        let id: String = self.proxy().call("make", (kind,)).await.unwrap();
        self.named(&id)
    }
}

/// A key for notes that nobody else uses.
pub(crate) fn key() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("rust {} {}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs a case with every serializer on both daemons, and compares what it gives.
pub(crate) async fn on_both<R: Debug>(case: impl AsyncFn(At) -> R) {
    let ours = Ours::start().await;
    let theirs = Uri::from_str(&Server::shared().uri).unwrap();
    between(&theirs, &ours.uri, case).await;
}

/// The same on two daemons that were set up for it.
pub(crate) async fn between<R: Debug>(theirs: &Uri, ours: &Uri, case: impl AsyncFn(At) -> R) {
    for name in SERIALIZERS {
        let codec = Codec::from_str(name).unwrap();
        // Shown where the case fails.
        println!("with {name} against Pyro5:");
        let from_theirs = case(At { uri: theirs.clone(), codec }).await;
        println!("with {name} against ours:");
        let from_ours = case(At { uri: ours.clone(), codec }).await;
        assert_eq!(format!("{from_ours:?}"), format!("{from_theirs:?}"), "with {name} the daemons differ");
    }
}

/// Tests of which each is an async function of a daemon.
macro_rules! cases {
    ($($(#[$doc:meta])* async fn $name:ident($at:ident) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            async fn case($at: crate::At) $(-> $result)? $body
            crate::on_both(case).await;
        }
    )*};
}
pub(crate) use cases;
