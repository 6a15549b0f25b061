//! Which objects there are, and what they expose.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use salamander_net::{Error, Interface, Kind, Registration, Value};
use salamander_value::Dict;

use super::Inner;
use super::request::Refused;
use crate::body::Body;

/// How many names are given at once.
const MOST_NAMES: usize = 200;

/// How long one of many objects may take to describe itself.
const LOOK: Duration = Duration::from_secs(3);

/// All names that are exposed.
pub(super) async fn exposed(inner: &Inner) -> Result<BTreeMap<String, Registration>, Error> {
    let pattern = &*inner.options.expose;
    inner
        .objects
        .ask(async |names| if pattern.is_empty() { names.list().await } else { names.list_regex(pattern).await })
        .await
}

/// The answer where names cannot be listed.
pub(super) fn failed(inner: &Inner, error: Error) -> Response<Body> {
    tracing::info!("names cannot be listed: {error}");
    match error.kind() {
        Kind::Remote | Kind::Protocol | Kind::Misuse => inner.answers.exception(&error.into()),
        _ => inner.answers.refused(Refused::NoNameServer),
    }
}

/// The exposed names that hold a text, in capitals or not.
pub(super) async fn names(inner: &Arc<Inner>, search: &str) -> Response<Body> {
    let names = match exposed(inner).await {
        Ok(names) => names,
        Err(error) => return failed(inner, error),
    };
    let search = search.to_lowercase();
    let found: Vec<_> = names.iter().filter(|(name, _)| name.to_lowercase().contains(&search)).collect();
    let described = found.iter().take(MOST_NAMES).map(|(name, registration)| {
        let tags = registration.metadata.iter().map(|tag| Value::from(&**tag)).collect();
        Value::from(Dict::from_iter([("name", Value::from(&***name)), ("metadata", Value::List(tags))]))
    });
    let document = [("names", Value::List(described.collect())), ("total", found.len().into())];
    inner.answers.document(Dict::from_iter(document))
}

/// What one of many objects exposes.
pub(super) async fn describe(inner: &Inner, name: &str) -> Result<Interface, String> {
    let described = async {
        let object = inner.objects.find(name).await?;
        object.proxy.interface().await
    };
    match tokio::time::timeout(LOOK, described).await {
        Ok(Ok(interface)) => Ok(interface),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", LOOK.as_secs())),
    }
}
