//! [`JsonRpc`]: how JSON-RPC is served.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use salamander_codec::Settings;
use salamander_net::{DaemonHandle, Session};

use super::dispatch::Caller;
use crate::reading::Reading;

/// Serves the functions and objects of a daemon by JSON-RPC 2.0: as a [`Door`](salamander_net::Door) to those who send requests as
/// lines over plain TCP, as a part of a [`Site`](crate::Site) by HTTP and WebSocket. See the [module](crate::jsonrpc).
#[derive(Clone)]
pub struct JsonRpc(pub(super) Arc<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) settings: Arc<Settings>,
    pub(super) max_response: usize,
    pub(super) max_depth: usize,
    pub(super) max_calls: usize,
    pub(super) max_items: usize,
    pub(super) max_under_way: usize,
    pub(super) max_subscriptions: usize,
    /// Messages have the same limit however they come.
    pub(super) reading: Reading,
}

impl Default for JsonRpc {
    fn default() -> Self {
        let mut settings = Settings::default();
        settings.plain_json = true;
        Self(Arc::new(Inner {
            settings: Arc::new(settings),
            max_response: 256 << 20,
            max_depth: 200,
            max_calls: 1000,
            max_items: 10_000,
            max_under_way: 1000,
            max_subscriptions: 100,
            reading: Reading::of(16 << 20),
        }))
    }
}

impl JsonRpc {
    /// With the limits that the methods below tell of.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes a request or batch may have; 16 MiB unless told otherwise.
    #[must_use]
    pub fn max_request(mut self, bytes: usize) -> Self {
        self.inner().reading.most = bytes;
        self
    }

    /// How many bytes a response may have, those to a batch together, and each item of a subscription; 256 MiB unless told otherwise, which
    /// is what our client takes. What would be larger is answered with [`code::LIMIT`](super::code::LIMIT) instead; the call has been made.
    #[must_use]
    pub fn max_response(mut self, bytes: usize) -> Self {
        self.inner().max_response = bytes;
        self
    }

    /// How deep the containers of a message may nest; 200 unless told otherwise.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.inner().max_depth = depth;
        self
    }

    /// How many calls a batch may have; 1,000 unless told otherwise.
    #[must_use]
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.inner().max_calls = calls;
        self
    }

    /// How many items of a stream are answered by HTTP, where they come as one array; 10,000 unless told otherwise.
    #[must_use]
    pub fn max_items(mut self, items: usize) -> Self {
        self.inner().max_items = items;
        self
    }

    /// How many requests of a connection may be under way; the connection is not read while there are as many. 1,000 unless told
    /// otherwise.
    #[must_use]
    pub fn max_under_way(mut self, requests: usize) -> Self {
        self.inner().max_under_way = requests.max(1);
        self
    }

    /// How many streams a connection may be subscribed to; 100 unless told otherwise.
    #[must_use]
    pub fn max_subscriptions(mut self, subscriptions: usize) -> Self {
        self.inner().max_subscriptions = subscriptions;
        self
    }

    /// How long a client may take to send the body of an HTTP request; 30 seconds unless told otherwise.
    #[must_use]
    pub fn body_time(mut self, time: Duration) -> Self {
        self.inner().reading.time = time;
        self
    }

    /// Answers a message that came in some other way, as by HTTP; none where it is all notifications.
    pub async fn answer(&self, daemon: &DaemonHandle, message: impl Into<Bytes>) -> Option<Vec<u8>> {
        let session = Arc::new(Session::new(None));
        let caller = Caller {
            rpc: self.0.clone(),
            daemon: daemon.clone(),
            session: session.clone(),
            ids: Arc::default(),
            subscribing: None,
        };
        let answer = caller.respond(message.into()).await;
        session.end();
        answer.message
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Debug for JsonRpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonRpc").field("max_request", &self.0.reading.most).finish_non_exhaustive()
    }
}
