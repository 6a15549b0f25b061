//! [`Meter`]: a layer that counts calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use salamander::{Call, Local};

/// Counts the calls that go through it; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicUsize>);

impl Meter {
    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl tower_layer::Layer<Local> for Meter {
    type Service = Metered<Local>;

    fn layer(&self, local: Local) -> Metered<Local> {
        Metered(local, self.clone())
    }
}

/// A service behind a [`Meter`].
#[derive(Clone, Debug)]
pub struct Metered<S>(S, Meter);

impl<S: tower_service::Service<Call>> tower_service::Service<Call> for Metered<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> S::Future {
        self.1.0.fetch_add(1, Ordering::Relaxed);
        self.0.call(call)
    }
}
