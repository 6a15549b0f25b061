//! The name server as an object: Pyro's methods over a [`NameRegistry`].

use std::sync::Arc;

use salamander_macros::expose;
use salamander_value::{Exception, Value};
use serde::{Deserialize, Deserializer};

use super::registry::NameRegistry;

/// What is registered as `Pyro.NameServer`.
///
/// Everything but `ping` may wait for the disk, or for a regular expression, and so has a thread of its own.
pub(super) struct NameServer(pub(super) Arc<NameRegistry>);

#[expose(crate = "crate::__private")]
impl NameServer {
    /// Returns the number of name registrations.
    #[blocking]
    fn count(&self) -> Result<usize, Exception> {
        self.0.count()
    }

    /// Lookup the given name, returns an URI if found, or a tuple of it and its metadata.
    #[blocking]
    fn lookup(&self, name: &str, #[default(Truth(false))] return_metadata: Truth) -> Result<Value, Exception> {
        self.0.lookup(name, return_metadata.0)
    }

    /// Register a name with an URI. If safe is true, name cannot be registered twice. The uri can be a string or an URI
    /// object. Metadata must be None, or a collection of strings.
    #[blocking]
    fn register(
        &self,
        name: Value,
        uri: Value,
        #[default(Truth(false))] safe: Truth,
        #[default(Value::None)] metadata: Value,
    ) -> Result<(), Exception> {
        self.0.register(text(&name)?, &uri, safe.0, &metadata)
    }

    /// Update the metadata for an existing registration.
    #[blocking]
    fn set_metadata(&self, name: Value, metadata: Value) -> Result<(), Exception> {
        self.0.set_metadata(text(&name)?, &metadata)
    }

    /// Remove a registration, or all with a prefix or matching a regex. Returns the number of items removed.
    #[blocking]
    fn remove(
        &self,
        name: Option<String>,
        prefix: Option<String>,
        regex: Option<String>,
    ) -> Result<usize, Exception> {
        self.0.remove(name.as_deref(), prefix.as_deref(), regex.as_deref())
    }

    /// Retrieve the registered items as a dictionary name-to-URI, filtered by prefix or by regex.
    #[blocking]
    fn list(
        &self,
        prefix: Option<String>,
        regex: Option<String>,
        #[default(Truth(false))] return_metadata: Truth,
    ) -> Result<Value, Exception> {
        self.0.list(prefix.as_deref(), regex.as_deref(), return_metadata.0)
    }

    /// Do a yellow-pages lookup for registrations that have all or any of the given metadata tags.
    #[blocking]
    fn yplookup(
        &self,
        #[default(Value::None)] meta_all: Value,
        #[default(Value::None)] meta_any: Value,
        #[default(Truth(true))] return_metadata: Truth,
    ) -> Result<Value, Exception> {
        self.0.yplookup(&meta_all, &meta_any, return_metadata.0)
    }

    /// A simple test method to check if the name server is running correctly.
    fn ping(&self) {
        self.0.ping();
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
