//! [`Batch`]: calls that are made together.

use std::fmt;

use salamander_codec::Arguments;
use salamander_net::Result;
use salamander_value::Value;

use super::message::{self, Received, broken};
use super::{Inner, Way, posting};

/// Calls that are sent in one message, from [`Client::batch`](super::Client::batch).
pub struct Batch<'c> {
    client: &'c Inner,
    /// Methods and parameters; whether there is a response.
    calls: Vec<(String, Vec<u8>, bool)>,
}

impl<'c> Batch<'c> {
    pub(super) fn new(client: &'c Inner) -> Self {
        Self { client, calls: Vec::new() }
    }

    /// Adds a call.
    ///
    /// # Errors
    /// Parameters that cannot be sent.
    pub fn call(&mut self, method: &str, params: impl Arguments) -> Result<&mut Self> {
        self.calls.push((method.to_owned(), message::params(&params, &self.client.settings)?, true));
        Ok(self)
    }

    /// Adds a notification.
    ///
    /// # Errors
    /// Parameters that cannot be sent.
    pub fn notify(&mut self, method: &str, params: impl Arguments) -> Result<&mut Self> {
        self.calls.push((method.to_owned(), message::params(&params, &self.client.settings)?, false));
        Ok(self)
    }

    /// Sends the batch, and gives what each of its calls has come to, in their order; notifications give nothing.
    ///
    /// # Errors
    /// Where the batch as a whole fails.
    pub async fn send(self) -> Result<Vec<Result<Value>>> {
        if self.calls.is_empty() {
            return Ok(Vec::new());
        }
        let Self { client, calls } = self;
        let mut ids = Vec::new();
        let mut messages = Vec::with_capacity(calls.len());
        for (method, params, is_call) in calls {
            let id = is_call.then(|| match &client.way {
                Way::Posting(_) => ids.len() as u64,
                Way::Live(live) => live.next_id(),
            });
            ids.extend(id);
            messages.push(message::request(id, &method, &params, &client.settings));
        }
        let whole = [&b"["[..], &messages.join(&b","[..]), b"]"].concat();
        client
            .in_time(async {
                match &client.way {
                    Way::Live(live) => live.exchange(&ids, whole).await,
                    Way::Posting(server) => {
                        let answer = posting::exchange(server, whole).await?;
                        if ids.is_empty() {
                            return Ok(Vec::new());
                        }
                        let mut responses = match message::read(&answer, &client.settings)? {
                            Received::Batch(responses) => responses,
                            // The server refuses the batch as a whole.
                            Received::Response(response) => return response.result.map(|_| Vec::new()),
                            _ => return Err(broken("it is no response")),
                        };
                        let results = ids.iter().map(|id| {
                            let found = responses.iter().position(|response| response.id == Some(*id));
                            found.map_or_else(
                                || Err(broken("a response is missing")),
                                |at| responses.swap_remove(at).result,
                            )
                        });
                        Ok(results.collect())
                    }
                }
            })
            .await
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<jsonrpc::Batch of {}>", self.calls.len())
    }
}
