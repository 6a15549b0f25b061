//! [`KeptName`]: a name that is there as long as its owner is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use salamander_codec::Args;
use salamander_value::{Dict, Value};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::{NameServer, tags};
use crate::error::{Error, Result};
use crate::uri::Uri;

/// A registration that is renewed as long as this is kept, and removed when it is dropped or closed; made by
/// [`NameServer::keep`].
///
/// It is renewed in the background, three times in its lifetime. Where the name server has lost it, it is registered again,
/// unless somebody else has taken the name meanwhile: then [`KeptName::is_lost`]. A process that is killed leaves a name that
/// expires by itself.
#[must_use = "the name is removed when this is dropped"]
pub struct KeptName {
    name: String,
    lost: Arc<AtomicBool>,
    close: CancellationToken,
    renewing: Option<JoinHandle<Result<()>>>,
}

impl NameServer {
    /// Registers a name for so long, unless it is renewed; not if it is taken (`safe`), and with metadata.
    ///
    /// # Errors
    /// A `NamingError` of the name server where it is `safe` and the name is taken, a `ValueError` for a lifetime of nothing or of
    /// more than ten years, an `AttributeError` where the name server is Pyro's own, which has no lifetimes.
    pub async fn register_for<S: Into<String>>(
        &self,
        name: &str,
        uri: &Uri,
        lifetime: Duration,
        safe: bool,
        metadata: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        self.put_for(name, uri, lifetime, safe, tags(metadata)).await
    }

    async fn put_for(&self, name: &str, uri: &Uri, lifetime: Duration, safe: bool, metadata: Value) -> Result<()> {
        let keywords = Dict::from_iter([("safe", Value::from(safe)), ("metadata", metadata)]);
        let positional = vec![name.into(), uri.to_string().into(), lifetime.as_secs_f64().into()];
        self.proxy().call("register_for", Args { positional, keywords }).await
    }

    /// Lets names that were registered with a lifetime live so long from now; gives those that were still there.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn renew<S: Into<String>>(
        &self,
        names: impl IntoIterator<Item = S>,
        lifetime: Duration,
    ) -> Result<Vec<String>> {
        let names: Vec<Value> = names.into_iter().map(|name| name.into().into()).collect();
        self.proxy().call("renew", vec![Value::List(names), lifetime.as_secs_f64().into()]).await
    }

    /// Removes names that were registered with a lifetime; tells how many there were.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn release<S: Into<String>>(&self, names: impl IntoIterator<Item = S>) -> Result<usize> {
        let names: Vec<Value> = names.into_iter().map(|name| name.into().into()).collect();
        self.proxy().call("release", vec![Value::List(names)]).await
    }

    /// Registers a name, with metadata, and keeps it there until what this gives is dropped. After `lifetime` without a sign of
    /// life it is gone. Not if the name is taken by another URI.
    ///
    /// # Errors
    /// As [`NameServer::register_for`].
    pub async fn keep<S: Into<String>>(
        &self,
        name: &str,
        uri: &Uri,
        lifetime: Duration,
        metadata: impl IntoIterator<Item = S>,
    ) -> Result<KeptName> {
        let (lost, close) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
        let metadata = tags(metadata);
        let owner = Owner { names: self.clone(), name: name.to_owned(), uri: uri.clone(), lifetime, metadata };
        owner.register().await?;
        let renewing = tokio::spawn(owner.renew_until(close.clone(), Arc::clone(&lost)));
        Ok(KeptName { name: name.to_owned(), lost, close, renewing: Some(renewing) })
    }
}

/// Who renews a name.
struct Owner {
    names: NameServer,
    name: String,
    uri: Uri,
    lifetime: Duration,
    metadata: Value,
}

impl Owner {
    async fn renew_until(self, close: CancellationToken, lost: Arc<AtomicBool>) -> Result<()> {
        let pause = self.lifetime / 3;
        let mut wait = pause;
        loop {
            tokio::select! {
                () = close.cancelled() => {
                    return self.names.proxy().call::<usize>("release", vec![self.lease()]).await.map(drop);
                }
                () = tokio::time::sleep(wait) => {}
            }
            wait = match self.renew().await {
                Ok(()) => pause,
                Err(error) if is_taken(&error) => {
                    tracing::warn!("the name {} is lost: {error}", self.name);
                    lost.store(true, Ordering::Release);
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!("the name {} could not be renewed: {error}", self.name);
                    pause.min(RETRY)
                }
            };
        }
    }

    async fn register(&self) -> Result<()> {
        let put = self.names.put_for(&self.name, &self.uri, self.lifetime, true, self.metadata.clone()).await;
        match put {
            // It is his own already: of a run before that was killed, or of a call whose answer was lost.
            Err(error) if is_taken(&error) => {
                if self.prolong().await? {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            put => put,
        }
    }

    async fn renew(&self) -> Result<()> {
        if self.prolong().await? { Ok(()) } else { self.register().await }
    }

    /// Renews what is registered; tells whether it was there.
    async fn prolong(&self) -> Result<bool> {
        let args = vec![self.lease(), self.lifetime.as_secs_f64().into()];
        let renewed: Vec<String> = self.names.proxy().call("renew", args).await?;
        Ok(!renewed.is_empty())
    }

    /// The registration that is this one's: another's under the same name is left alone.
    fn lease(&self) -> Value {
        Dict::from_iter([(self.name.as_str(), self.uri.to_string())]).into()
    }
}

/// Whether somebody else has the name.
fn is_taken(error: &Error) -> bool {
    error.is("NamingError") && error.to_string().contains("name already registered")
}

/// How soon a renewal that failed is tried again, at the latest.
const RETRY: Duration = Duration::from_secs(1);

impl KeptName {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether somebody else has the name by now. It is not renewed any more then.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Removes the name, and waits until that is done.
    ///
    /// # Errors
    /// Where the name server cannot be reached, and where the name was lost before.
    pub async fn close(mut self) -> Result<()> {
        self.close.cancel();
        match self.renewing.take() {
            Some(renewing) => renewing.await.map_err(|error| Error::connection(error.to_string()))?,
            None => Ok(()),
        }
    }
}

impl Drop for KeptName {
    fn drop(&mut self) {
        self.close.cancel();
    }
}

impl fmt::Debug for KeptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptName({:?}{})", self.name, if self.is_lost() { ", lost" } else { "" })
    }
}
