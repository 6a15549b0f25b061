//! What cases are made of: a daemon to try with one serializer, and how a case is run on both.

use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

use salamander::{Codec, Config, Generation, Location, Proxy, Uri};

use crate::peers;

/// A daemon to try, with one serializer.
pub(crate) struct At {
    /// The URI of the object `thing`.
    pub(crate) uri: Uri,
    pub(crate) codec: Codec,
    /// What proxies speak; none where they are to find out.
    pub(crate) generation: Option<Generation>,
}

impl At {
    /// A daemon of Python, of which proxies have to find out what it speaks.
    pub(crate) fn theirs(uri: &Uri, codec: Codec) -> Self {
        Self { uri: uri.clone(), codec, generation: None }
    }

    fn set_up(&self, proxy: Proxy) -> Proxy {
        let proxy = proxy.with_serializer(self.codec);
        self.generation.map_or(proxy.clone(), |generation| proxy.with_generation(generation))
    }

    /// A new proxy for `thing`.
    pub(crate) fn proxy(&self) -> Proxy {
        self.proxy_with(&[])
    }

    /// A new proxy for `thing`, with settings by the names of environment variables.
    pub(crate) fn proxy_with(&self, settings: &[(&str, &str)]) -> Proxy {
        let config = Arc::new(Config::from_vars(settings.iter().copied()).unwrap());
        self.set_up(Proxy::with_config(self.uri.clone(), config).unwrap())
    }

    /// A new proxy for another object.
    pub(crate) fn named(&self, id: &str) -> Proxy {
        let location: &Location = self.uri.location().unwrap();
        let uri = Uri::new(id, location.clone()).unwrap();
        self.set_up(Proxy::with_config(uri, Arc::default()).unwrap())
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
    let ours = peers::ours(&[], |builder| builder).await;
    let theirs = Uri::from_str(&peers::shared().uri).unwrap();
    between(&theirs, &ours.uri, case).await;
}

/// The same on two daemons that were set up for it.
pub(crate) async fn between<R: Debug>(theirs: &Uri, ours: &Uri, case: impl AsyncFn(At) -> R) {
    for name in peers::SERIALIZERS {
        let codec = Codec::from_str(name).unwrap();
        // Shown where the case fails.
        println!("with {name} against Python's:");
        let from_theirs = case(At::theirs(theirs, codec)).await;
        println!("with {name} against ours:");
        let from_ours = case(At { uri: ours.clone(), codec, generation: peers::GENERATION }).await;
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
