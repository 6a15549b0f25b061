//! The blocking twins of the client of JSON-RPC.

use std::sync::Arc;
use std::time::Duration;

use salamander_codec::Arguments;
use salamander_net::blocking::wait;
use salamander_net::{__changing as changing, __waiting as waiting, Config, Result};
use salamander_value::Value;
use serde::de::DeserializeOwned;

use crate::jsonrpc;

/// Calls a server of JSON-RPC 2.0; the blocking twin of [`Client`](jsonrpc::Client).
///
/// ```no_run
/// # fn example() -> salamander_net::Result<()> {
/// let server = salamander_http::blocking::jsonrpc::Client::new("ws://localhost:9090/jsonrpc")?;
/// let sum: i64 = server.call("add", (3, 4))?;
/// for number in server.subscribe::<u32>("numbers", (10,))? {
///     println!("{}", number?);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Client(jsonrpc::Client);

impl Client {
    /// The blocking twin of [`Client::new`](jsonrpc::Client::new).
    ///
    /// # Errors
    /// As there.
    pub fn new(url: &str) -> Result<Self> {
        jsonrpc::Client::new(url).map(Self)
    }

    /// The blocking twin of [`Client::with_config`](jsonrpc::Client::with_config).
    ///
    /// # Errors
    /// As there.
    pub fn with_config(url: &str, config: Arc<Config>) -> Result<Self> {
        jsonrpc::Client::with_config(url, config).map(Self)
    }

    changing! {
        (self)
        timeout(timeout: Option<Duration>);
        max_message(bytes: usize);
    }

    waiting! {
        (&self)
        call<T: DeserializeOwned>(method: &str, params: impl Arguments) -> T;
        notify(method: &str, params: impl Arguments) -> ();
    }

    /// The blocking twin of [`Client::subscribe`](jsonrpc::Client::subscribe).
    ///
    /// # Errors
    /// As there, and where it is called in asynchronous code.
    pub fn subscribe<T: DeserializeOwned>(&self, method: &str, params: impl Arguments) -> Result<Subscription<T>> {
        wait(self.0.subscribe(method, params))?.map(Subscription)
    }

    /// Calls that are made together.
    pub fn batch(&self) -> Batch<'_> {
        Batch(self.0.batch())
    }
}

impl From<jsonrpc::Client> for Client {
    fn from(client: jsonrpc::Client) -> Self {
        Self(client)
    }
}

/// Calls that are sent in one message; the blocking twin of [`Batch`](jsonrpc::Batch).
#[derive(Debug)]
pub struct Batch<'c>(jsonrpc::Batch<'c>);

impl Batch<'_> {
    /// Adds a call.
    ///
    /// # Errors
    /// As [`Batch::call`](jsonrpc::Batch::call).
    pub fn call(&mut self, method: &str, params: impl Arguments) -> Result<&mut Self> {
        self.0.call(method, params)?;
        Ok(self)
    }

    /// Adds a notification.
    ///
    /// # Errors
    /// As [`Batch::notify`](jsonrpc::Batch::notify).
    pub fn notify(&mut self, method: &str, params: impl Arguments) -> Result<&mut Self> {
        self.0.notify(method, params)?;
        Ok(self)
    }

    waiting! {
        (self)
        send() -> Vec<Result<Value>>;
    }
}

/// The items of a stream, as an iterator; the blocking twin of [`Subscription`](jsonrpc::Subscription).
#[derive(Debug)]
pub struct Subscription<T>(jsonrpc::Subscription<T>);

impl<T: DeserializeOwned> Iterator for Subscription<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        wait(self.0.next()).unwrap_or_else(|error| Some(Err(error)))
    }
}
