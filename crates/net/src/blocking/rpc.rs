//! The blocking twin of the proxy for calls over multiprocessing connections and ZeroMQ.

use std::time::Duration;

use salamander_codec::Arguments;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::multiprocessing::Options;
use crate::rpc::{self, Form};
use crate::{__changing as changing, __waiting as waiting};

/// Calls functions of a server that follows the recipe; the blocking twin of [`RpcProxy`](crate::multiprocessing::RpcProxy).
#[derive(Clone, Debug)]
pub struct RpcProxy(rpc::RpcProxy);

impl RpcProxy {
    /// A proxy for the server there, over a multiprocessing connection. (For ZeroMQ it is
    /// `RpcProxy::from(zeromq::Options::new().proxy(location))`.) Nothing is connected yet.
    pub fn new(options: Options, location: &str) -> Self {
        Self(options.proxy(location))
    }

    changing! {
        (&self)
        with_form(form: Form);
        with_timeout(timeout: Option<Duration>);
    }

    waiting! {
        (&self)
        call<T: DeserializeOwned>(name: &str, arguments: impl Arguments + Sync) -> T;
    }
}

impl From<rpc::RpcProxy> for RpcProxy {
    fn from(proxy: rpc::RpcProxy) -> Self {
        Self(proxy)
    }
}
