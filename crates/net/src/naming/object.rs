//! The name server as an object: Pyro's methods over a [`NameRegistry`].

use std::sync::Arc;

use futures_core::Stream;
use futures_util::StreamExt;
use salamander_macros::expose;
use salamander_object::CallContext;
use salamander_value::{Exception, Value};
use serde::{Deserialize, Deserializer};

use super::registry::NameRegistry;

/// What is registered as `Pyro.NameServer`.
///
/// Everything but `ping` may wait for the disk, or for a regular expression, and so has a thread of its own.
pub(super) struct NameServer {
    pub(super) names: Arc<NameRegistry>,
    /// Only clients that have shown a certificate may change anything.
    pub(super) certified: bool,
}

impl NameServer {
    /// Refuses a change by somebody who is not known.
    fn may_change(&self, context: &CallContext) -> Result<(), Exception> {
        match context.session() {
            Some(session) if self.certified && session.certificate().is_none() => {
                let message = "changes of this name server need a client certificate: the settings are SSL_CLIENTCERT and SSL_CLIENTKEY";
                Err(Exception::pyro("SecurityError", message))
            }
            _ => Ok(()),
        }
    }
}

#[expose(crate = "crate::__private")]
impl NameServer {
    /// Returns the number of name registrations.
    #[blocking]
    fn count(&self) -> Result<usize, Exception> {
        self.names.count()
    }

    /// Lookup the given name, returns an URI if found, or a tuple of it and its metadata.
    #[blocking]
    fn lookup(&self, name: &str, #[default(Truth(false))] return_metadata: Truth) -> Result<Value, Exception> {
        self.names.lookup(name, return_metadata.0)
    }

    /// Register a name with an URI. If safe is true, name cannot be registered twice. The uri can be a string or an URI
    /// object. Metadata must be None, or a collection of strings.
    #[blocking]
    fn register(
        &self,
        context: &CallContext,
        name: Value,
        uri: Value,
        #[default(Truth(false))] safe: Truth,
        #[default(Value::None)] metadata: Value,
    ) -> Result<(), Exception> {
        self.may_change(context)?;
        self.names.register(text(&name)?, &uri, safe.0, &metadata)
    }

    /// Update the metadata for an existing registration.
    #[blocking]
    fn set_metadata(&self, context: &CallContext, name: Value, metadata: Value) -> Result<(), Exception> {
        self.may_change(context)?;
        self.names.set_metadata(text(&name)?, &metadata)
    }

    /// Remove a registration, or all with a prefix or matching a regex. Returns the number of items removed.
    #[blocking]
    fn remove(
        &self,
        context: &CallContext,
        name: Option<String>,
        prefix: Option<String>,
        regex: Option<String>,
    ) -> Result<usize, Exception> {
        self.may_change(context)?;
        self.names.remove(name.as_deref(), prefix.as_deref(), regex.as_deref())
    }

    /// Retrieve the registered items as a dictionary name-to-URI, filtered by prefix or by regex; for clients of Pyro 4 by
    /// metadata too.
    #[blocking]
    fn list(
        &self,
        prefix: Option<String>,
        regex: Option<String>,
        #[default(Truth(false))] return_metadata: Truth,
        #[default(Value::None)] metadata_all: Value,
        #[default(Value::None)] metadata_any: Value,
    ) -> Result<Value, Exception> {
        let tags = [&metadata_all, &metadata_any].into_iter().filter(|tags| !tags.is_none()).count();
        if tags == 0 {
            return self.names.list(prefix.as_deref(), regex.as_deref(), return_metadata.0);
        }
        if tags + usize::from(prefix.is_some()) + usize::from(regex.is_some()) > 1 {
            return Err(Exception::value_error("you can only filter on one thing at a time"));
        }
        if !metadata_all.truth() && !metadata_any.truth() {
            return self.names.list(None, None, return_metadata.0);
        }
        self.names.yplookup(&metadata_all, &metadata_any, return_metadata.0)
    }

    /// Do a yellow-pages lookup for registrations that have all or any of the given metadata tags.
    #[blocking]
    fn yplookup(
        &self,
        #[default(Value::None)] meta_all: Value,
        #[default(Value::None)] meta_any: Value,
        #[default(Truth(true))] return_metadata: Truth,
    ) -> Result<Value, Exception> {
        self.names.yplookup(&meta_all, &meta_any, return_metadata.0)
    }

    /// Register a name for so many seconds, unless it is renewed; else as register.
    #[blocking]
    fn register_for(
        &self,
        context: &CallContext,
        name: Value,
        uri: Value,
        seconds: f64,
        #[default(Truth(false))] safe: Truth,
        #[default(Value::None)] metadata: Value,
    ) -> Result<(), Exception> {
        self.may_change(context)?;
        self.names.register_for(text(&name)?, &uri, seconds, safe.0, &metadata)
    }

    /// Let registrations live for so many seconds from now. Names are a str, a collection, or a dict of names to the URIs that
    /// they must still have. Returns the names of those that were still there and have a lifetime.
    #[blocking]
    fn renew(&self, context: &CallContext, names: Value, seconds: f64) -> Result<Vec<String>, Exception> {
        self.may_change(context)?;
        self.names.renew(&names, seconds)
    }

    /// Remove registrations that have a lifetime; names as in renew. Returns the number of items removed.
    #[blocking]
    fn release(&self, context: &CallContext, names: Value) -> Result<usize, Exception> {
        self.may_change(context)?;
        self.names.release(&names)
    }

    /// The changes from now on of the names that begin with prefix, as dicts: event (registered, changed, removed, expired),
    /// name, uri, metadata; or event (missed) and count, where there were more than the watcher took.
    fn watch(&self, #[default(String::new())] prefix: String) -> impl Stream<Item = Value> + use<> {
        self.names.watch(&prefix).map(Value::from)
    }

    /// A simple test method to check if the name server is running correctly.
    fn ping(&self) {
        self.names.ping();
    }
}

/// What Python takes for true or false, which is anything. (Pyro's own `resolve` gives its delay, a float, where the flag
/// for metadata stands.)
struct Truth(bool);

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(value.truth()))
    }
}

fn text(name: &Value) -> Result<&str, Exception> {
    name.as_str().ok_or_else(|| Exception::type_error("name must be a str"))
}
