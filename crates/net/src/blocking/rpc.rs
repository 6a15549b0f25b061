//! The blocking twin of the proxy for calls over multiprocessing connections and ZeroMQ.

use std::time::Duration;

use salamander_codec::Arguments;
use serde::de::DeserializeOwned;

use super::wait;
use crate::error::Result;
use crate::multiprocessing::{self, Form, Options};

/// Calls functions of a server that follows the recipe; the blocking twin of [`RpcProxy`](multiprocessing::RpcProxy).
#[derive(Clone, Debug)]
pub struct RpcProxy(multiprocessing::RpcProxy);

impl RpcProxy {
    /// A proxy for the server there, over a multiprocessing connection; for ZeroMQ it is `RpcProxy::from(zeromq::Options::new().proxy(...))`.
    /// Nothing is connected yet.
    pub fn new(options: Options, location: &str) -> Self {
        Self(options.proxy(location))
    }

    /// The blocking twin of [`RpcProxy::with_form`](multiprocessing::RpcProxy::with_form).
    #[must_use]
    pub fn with_form(&self, form: Form) -> Self {
        Self(self.0.with_form(form))
    }

    /// The blocking twin of [`RpcProxy::with_timeout`](multiprocessing::RpcProxy::with_timeout).
    #[must_use]
    pub fn with_timeout(&self, timeout: Option<Duration>) -> Self {
        Self(self.0.with_timeout(timeout))
    }

    /// The blocking twin of [`RpcProxy::call`](multiprocessing::RpcProxy::call).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn call<T: DeserializeOwned>(&self, name: &str, arguments: impl Arguments + Sync) -> Result<T> {
        wait(self.0.call(name, arguments))?
    }
}

impl From<multiprocessing::RpcProxy> for RpcProxy {
    fn from(proxy: multiprocessing::RpcProxy) -> Self {
        Self(proxy)
    }
}
