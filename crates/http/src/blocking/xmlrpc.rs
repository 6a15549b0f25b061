//! The blocking twins of the client of XML-RPC.

use std::sync::Arc;
use std::time::Duration;

use salamander_codec::Arguments;
use salamander_codec::xmlrpc::Options;
use salamander_net::{__changing as changing, __waiting as waiting, Config, Result};
use salamander_value::Value;
use serde::de::DeserializeOwned;

use crate::xmlrpc;

/// Calls a server of XML-RPC; the blocking twin of [`Client`](xmlrpc::Client).
///
/// ```no_run
/// # fn example() -> salamander_net::Result<()> {
/// let server = salamander_http::blocking::xmlrpc::Client::new("http://localhost:9090")?;
/// let sum: i64 = server.call("add", (3, 4))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Client(xmlrpc::Client);

impl Client {
    /// The blocking twin of [`Client::new`](xmlrpc::Client::new).
    ///
    /// # Errors
    /// As there.
    pub fn new(url: &str) -> Result<Self> {
        xmlrpc::Client::new(url).map(Self)
    }

    /// The blocking twin of [`Client::with_config`](xmlrpc::Client::with_config).
    ///
    /// # Errors
    /// As there.
    pub fn with_config(url: &str, config: Arc<Config>) -> Result<Self> {
        xmlrpc::Client::with_config(url, config).map(Self)
    }

    changing! {
        (self)
        options(options: Options);
        allow_none(allow: bool);
        timeout(timeout: Option<Duration>);
        compress_beyond(bytes: usize);
        max_response(bytes: usize);
    }

    waiting! {
        (&self)
        call<T: DeserializeOwned>(method: &str, arguments: impl Arguments) -> T;
    }

    /// Calls that are made together, by `system.multicall`.
    pub fn multicall(&self) -> MultiCall<'_> {
        MultiCall(self.0.multicall())
    }
}

impl From<xmlrpc::Client> for Client {
    fn from(client: xmlrpc::Client) -> Self {
        Self(client)
    }
}

/// Calls that are made together; the blocking twin of [`MultiCall`](xmlrpc::MultiCall).
#[must_use = "calls are made when they are sent"]
#[derive(Debug)]
pub struct MultiCall<'c>(xmlrpc::MultiCall<'c>);

impl MultiCall<'_> {
    /// Adds a call.
    ///
    /// # Errors
    /// As [`MultiCall::add`](xmlrpc::MultiCall::add).
    pub fn add(&mut self, method: &str, arguments: impl Arguments) -> Result<()> {
        self.0.add(method, arguments)
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no calls.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    waiting! {
        (self)
        send() -> Vec<Result<Value>>;
    }
}
