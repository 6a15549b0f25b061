//! Our proxy against Pyro5's daemon, and against ours: one set of cases for both, with every serializer.
//!
//! A case that gives something has it compared: what comes from either daemon has to be the same.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod arguments;
mod at;
mod attributes;
mod batches;
mod blocking;
mod context;
mod exceptions;
mod failures;
mod office;
mod sharing;
mod streams;
mod values;

pub(crate) use at::{At, between, cases, key, on_both};

/// The daemons of either side.
mod peers {
    pub(crate) use interop::pyro5::SERIALIZERS;
    use interop::pyro5::ours::Ours;
    use interop::pyro5::peer::Server;
    use salamander::{Builder, Generation};

    /// What proxies speak to ours.
    pub(crate) const GENERATION: Option<Generation> = None;

    pub(crate) fn shared() -> &'static Server {
        Server::shared()
    }

    pub(crate) fn server(arguments: &[&str], settings: &[(&str, &str)]) -> Server {
        Server::start(arguments, settings)
    }

    pub(crate) async fn ours(settings: &[(&str, &str)], set_up: impl FnOnce(Builder) -> Builder) -> Ours {
        Ours::with(settings, "127.0.0.1:0", set_up).await
    }
}
