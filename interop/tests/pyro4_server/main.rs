//! Our proxy against Pyro4's daemon, and against ours by Pyro4's protocol: the cases of Pyro5's daemon, with pickle too.
//!
//! That a Python daemon is one of Pyro4 is for the proxies to find out; ours speaks both, and is told.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../pyro5_server/arguments.rs"]
mod arguments;
#[path = "../pyro5_server/at.rs"]
mod at;
#[path = "../pyro5_server/attributes.rs"]
mod attributes;
#[path = "../pyro5_server/batches.rs"]
mod batches;
#[path = "../pyro5_server/blocking.rs"]
mod blocking;
#[path = "../pyro5_server/context.rs"]
mod context;
#[path = "../pyro5_server/exceptions.rs"]
mod exceptions;
#[path = "../pyro5_server/failures.rs"]
mod failures;
mod keys;
mod naming;
#[path = "../pyro5_server/office.rs"]
mod office;
#[path = "../pyro5_server/sharing.rs"]
mod sharing;
#[path = "../pyro5_server/streams.rs"]
mod streams;
#[path = "../pyro5_server/values.rs"]
mod values;

pub(crate) use at::{At, between, cases, key, on_both};

/// The daemons of either side.
mod peers {
    pub(crate) use interop::pyro4::{SERIALIZERS, server, shared};
    use interop::pyro5::ours::Ours;
    use salamander::{Builder, Generation};

    /// What proxies speak to ours.
    pub(crate) const GENERATION: Option<Generation> = Some(Generation::Pyro4);

    pub(crate) async fn ours(settings: &[(&str, &str)], set_up: impl FnOnce(Builder) -> Builder) -> Ours {
        interop::pyro4::ours(settings, "127.0.0.1:0", set_up).await
    }
}
