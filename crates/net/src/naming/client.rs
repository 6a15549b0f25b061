//! [`NameServer`]: a name server, as its clients see it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use salamander_codec::Args;
use salamander_value::{Dict, Set, Value, from_value};

use super::locate;
use crate::client::Proxy;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::uri::Uri;

/// A name server: ours or Pyro's own.
#[derive(Clone, Debug)]
pub struct NameServer(Proxy);

/// What a name server knows of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The URI, as it was registered.
    pub uri: String,
    /// The metadata tags.
    pub metadata: BTreeSet<String>,
}

impl NameServer {
    /// Finds a name server: on this machine, else by broadcast, as the settings of the environment say.
    ///
    /// # Errors
    /// [`Kind::Naming`](crate::Kind::Naming) where none answers.
    pub async fn locate() -> Result<Self> {
        Self::locate_with(None, None, Config::global()?).await
    }

    /// Finds the name server at a host (or `./u:path`) and port; where no host is given, by broadcast too.
    ///
    /// # Errors
    /// [`Kind::Naming`](crate::Kind::Naming) where none answers.
    pub async fn locate_with(host: Option<&str>, port: Option<u16>, config: Arc<Config>) -> Result<Self> {
        locate::locate(host, port, true, &config).await.map(Self)
    }

    /// The proxy that calls go through.
    pub fn proxy(&self) -> &Proxy {
        &self.0
    }

    /// Checks that it answers.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn ping(&self) -> Result<()> {
        self.0.call("ping", ()).await
    }

    /// How many names are registered.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn count(&self) -> Result<usize> {
        self.0.call("count", ()).await
    }

    /// The URI of a name.
    ///
    /// # Errors
    /// A `NamingError` of the name server where the name is not known.
    pub async fn lookup(&self, name: &str) -> Result<Uri> {
        self.0.call("lookup", (name,)).await
    }

    /// The URI of a name, waiting so long at most for somebody to register it.
    ///
    /// # Errors
    /// As [`NameServer::lookup`].
    pub async fn lookup_within(&self, name: &str, delay: Duration) -> Result<Uri> {
        retry(delay, || self.lookup(name)).await
    }

    /// The URI and the metadata of a name.
    ///
    /// # Errors
    /// As [`NameServer::lookup`].
    pub async fn lookup_with_metadata(&self, name: &str) -> Result<(Uri, BTreeSet<String>)> {
        let (uri, metadata): (Uri, BTreeSet<String>) = self.0.call("lookup", (name, true)).await?;
        Ok((uri, metadata))
    }

    /// Registers a name, in the place of what it stood for before.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn register(&self, name: &str, uri: &Uri) -> Result<()> {
        self.0.call("register", (name, uri.to_string())).await
    }

    /// Registers a name with more to say: not if it is taken (`safe`), and with metadata.
    ///
    /// # Errors
    /// A `NamingError` of the name server where it is `safe` and the name is taken.
    pub async fn register_with<S: Into<String>>(
        &self,
        name: &str,
        uri: &Uri,
        safe: bool,
        metadata: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let keywords = Dict::from_iter([("safe", Value::from(safe)), ("metadata", tags(metadata))]);
        let args = Args { positional: vec![name.into(), uri.to_string().into()], keywords };
        self.0.call("register", args).await
    }

    /// Replaces the metadata of a name.
    ///
    /// # Errors
    /// A `NamingError` of the name server where the name is not known.
    pub async fn set_metadata<S: Into<String>>(
        &self,
        name: &str,
        metadata: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        self.0.call("set_metadata", vec![name.into(), tags(metadata)]).await
    }

    /// Removes a name; tells how many were removed.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn remove(&self, name: &str) -> Result<usize> {
        self.0.call("remove", (name,)).await
    }

    /// Removes all names that begin so; tells how many.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn remove_prefix(&self, prefix: &str) -> Result<usize> {
        self.0.call("remove", keyword("prefix", prefix)).await
    }

    /// Removes all names that a regular expression matches from their start; tells how many.
    ///
    /// # Errors
    /// A `NamingError` of the name server where the expression is none.
    pub async fn remove_regex(&self, regex: &str) -> Result<usize> {
        self.0.call("remove", keyword("regex", regex)).await
    }

    /// All names.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn list(&self) -> Result<BTreeMap<String, Registration>> {
        self.listed("list", keyword("return_metadata", true)).await
    }

    /// All names that begin so.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn list_prefix(&self, prefix: &str) -> Result<BTreeMap<String, Registration>> {
        let mut args = keyword("prefix", prefix);
        args.keywords.insert("return_metadata", true);
        self.listed("list", args).await
    }

    /// All names that a regular expression matches from their start.
    ///
    /// # Errors
    /// A `NamingError` of the name server where the expression is none.
    pub async fn list_regex(&self, regex: &str) -> Result<BTreeMap<String, Registration>> {
        let mut args = keyword("regex", regex);
        args.keywords.insert("return_metadata", true);
        self.listed("list", args).await
    }

    /// The names that have all of these tags in their metadata.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn with_all<S: Into<String>>(
        &self,
        metadata: impl IntoIterator<Item = S>,
    ) -> Result<BTreeMap<String, Registration>> {
        self.tagged("meta_all", tags(metadata)).await
    }

    /// The names that have any of these tags in their metadata.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn with_any<S: Into<String>>(
        &self,
        metadata: impl IntoIterator<Item = S>,
    ) -> Result<BTreeMap<String, Registration>> {
        self.tagged("meta_any", tags(metadata)).await
    }

    async fn tagged(&self, which: &str, tags: Value) -> Result<BTreeMap<String, Registration>> {
        if self.0.metadata().await?.methods.iter().any(|method| method == "yplookup") {
            return self.listed("yplookup", keyword(which, tags)).await;
        }
        // A name server of Pyro 4, which gives everything where there are no tags.
        if !tags.truth() {
            return Ok(BTreeMap::new());
        }
        let mut args = keyword(&format!("metadata_{}", which.trim_start_matches("meta_")), tags);
        args.keywords.insert("return_metadata", true);
        self.listed("list", args).await
    }

    async fn listed(&self, method: &str, args: Args) -> Result<BTreeMap<String, Registration>> {
        let names: BTreeMap<String, (String, Value)> = self.0.call(method, args).await?;
        names
            .into_iter()
            .map(|(name, (uri, metadata))| {
                let metadata = match metadata {
                    Value::None => BTreeSet::new(),
                    metadata => from_value(&metadata)?,
                };
                Ok((name, Registration { uri, metadata }))
            })
            .collect()
    }
}

pub(super) fn tags<S: Into<String>>(metadata: impl IntoIterator<Item = S>) -> Value {
    Set::from_iter(metadata.into_iter().map(Into::into)).into()
}

fn keyword(name: &str, value: impl Into<Value>) -> Args {
    Args { positional: Vec::new(), keywords: Dict::from_iter([(name, value.into())]) }
}

/// Asks again and again, as long as a name is not known and the time is not over.
pub(super) async fn retry<T, F>(delay: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let start = Instant::now();
    loop {
        let done = ask().await;
        let unknown = |error: &Error| error.is("NamingError") || error.kind() == crate::Kind::Naming;
        match done {
            Err(error) if unknown(&error) && start.elapsed() < delay => {
                let left = delay.saturating_sub(start.elapsed());
                tokio::time::sleep(LOOKUP_PAUSE.max(delay / 5).min(left)).await;
            }
            done => return done,
        }
    }
}

/// The shortest pause between two look-ups.
const LOOKUP_PAUSE: Duration = Duration::from_millis(200);
