//! Proxies as the values by which Pyro sends them.

use std::sync::Arc;

use salamander_codec::Codec;
use salamander_value::{Exception, Object, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::proxy::{Metadata, Proxy};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::uri::Uri;

/// The class by which Pyro5 sends a proxy.
const CLASS: &str = "Pyro5.client.Proxy";
/// The class by which Pyro4 sends a proxy; its state begins alike.
const CLASS_OF_PYRO4: &str = "Pyro4.core.Proxy";

impl Proxy {
    /// The proxy that a value stands for: one that Pyro5 or Pyro4 sent, a URI, or the text of one. It calls with these settings,
    /// and connects when it is first used.
    ///
    /// # Errors
    /// For any other value.
    pub fn from_value(value: &Value, config: Arc<Config>) -> Result<Self> {
        let Value::Object(object) = value else { return Self::with_config(Uri::try_from(value)?, config) };
        if ![CLASS, CLASS_OF_PYRO4].contains(&object.class()) {
            return Self::with_config(Uri::try_from(value)?, config);
        }
        let wrong = || Error::from(Exception::value_error("a proxy whose state is not Pyro's"));
        let state = object.state().and_then(Value::as_slice).ok_or_else(wrong)?;
        let [uri, oneway, methods, attrs, rest @ ..] = state else { return Err(wrong()) };
        let mut proxy = Self::with_config(Uri::try_from(uri)?, config)?;
        // Pyro4 has a timeout, and an HMAC key, between; both are its owner's.
        let pyro5 = object.class() == CLASS;
        if let [handshake, serializer, ..] = rest
            && pyro5
        {
            if *handshake != Value::from("hello") {
                proxy = proxy.with_handshake(handshake.clone());
            }
            if let Some(codec) = serializer.as_str().and_then(|name| name.parse::<Codec>().ok()) {
                proxy = proxy.with_serializer(codec);
            }
        }
        let names = |value: &Value| Metadata::names(Some(value));
        let metadata = Metadata { methods: names(methods), oneway: names(oneway), attrs: names(attrs) };
        if metadata != Metadata::default() {
            proxy.knows(metadata);
        }
        Ok(proxy)
    }
}

impl From<&Proxy> for Value {
    fn from(proxy: &Proxy) -> Self {
        let names = |names: &[String]| Value::Tuple(names.iter().map(|name| name.as_str().into()).collect());
        let empty = Metadata::default();
        let metadata = proxy.known().unwrap_or(&empty);
        let state = vec![
            proxy.uri().to_string().into(),
            names(&metadata.oneway),
            names(&metadata.methods),
            names(&metadata.attrs),
            proxy.handshake().clone(),
            Value::None,
        ];
        Object::with_state(CLASS, Value::Tuple(state)).into()
    }
}

impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Value::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    /// With the settings of the environment.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let config = Config::global().map_err(de::Error::custom)?;
        Proxy::from_value(&value, config).map_err(de::Error::custom)
    }
}
