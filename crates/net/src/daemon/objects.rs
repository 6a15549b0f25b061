//! What a daemon's owner does with its objects: registers them, takes them out, hands them over.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use salamander_object::{CallContext, Expose, InstanceMode, Instances, Object, Weakly};
use salamander_value::Exception;
use serde::{Serialize, Serializer};

use super::leases::Leased;
use super::shared::DaemonHandle;
use crate::DAEMON_NAME;
use crate::client::Proxy;
use crate::error::Result;
use crate::uri::{Location, Uri};

impl DaemonHandle {
    /// Registers an object under an id and gives its URI.
    ///
    /// # Errors
    /// Where the id is taken.
    pub fn register<T: Expose>(&self, id: &str, object: T) -> Result<Uri> {
        self.register_object(id, Arc::new(T::Store::from(object)))
    }

    /// Registers an object under an id of its own making and gives its URI.
    ///
    /// # Errors
    /// Never for want of an id.
    pub fn register_anonymous<T: Expose>(&self, object: T) -> Result<Uri> {
        self.register(&anonymous(), object)
    }

    /// Registers a type whose instances are made when clients ask for them, as Pyro does for a registered class.
    ///
    /// ```no_run
    /// # use salamander_net::{CallContext, Daemon, Exception, InstanceMode, Result};
    /// # #[derive(Default)] struct Basket;
    /// # #[salamander_macros::expose(crate = "salamander_net::__private")]
    /// # impl Basket { fn add(&self, _item: String) {} }
    /// # async fn example(daemon: Daemon) -> Result<()> {
    /// daemon.register_class("shop.basket", InstanceMode::Session, |_: &CallContext| Ok::<_, Exception>(Basket::default()))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Where the id is taken.
    pub fn register_class<T: Expose, E: Into<Exception>>(
        &self,
        id: &str,
        mode: InstanceMode,
        create: impl Fn(&CallContext) -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Uri> {
        self.register_object(id, Arc::new(Instances::new(mode, create)))
    }

    /// Registers an object without keeping it: when its owner drops the last of it, clients find it no more.
    ///
    /// # Errors
    /// Where the id is taken.
    pub fn register_weak<T: Expose>(&self, id: &str, object: &T::Store) -> Result<Uri> {
        self.register_object(id, Arc::new(Weakly::<T>::new(object)))
    }

    /// Registers anything that can be called.
    ///
    /// # Errors
    /// Where the id is taken.
    pub fn register_object(&self, id: &str, object: Arc<dyn Object>) -> Result<Uri> {
        self.0.registry.register(id, object)?;
        self.uri_for(id)
    }

    /// Registers an object to be handed over: what comes back travels as a proxy, as an argument or as a result, so that whoever
    /// gets it calls this very object.
    ///
    /// Where the daemon has leases ([`Builder::leases`](super::Builder::leases)) the object is taken out when nobody uses it any
    /// more; else it stays until [`DaemonHandle::unregister`].
    ///
    /// # Errors
    /// Where the settings for the proxy are wrong.
    pub fn share<T: Expose>(&self, object: T) -> Result<Remote<T>> {
        let (id, object) = (anonymous(), T::Store::from(object));
        let leased = self.0.leases.grant(&id, Arc::new(object.clone()));
        let uri = self.register_object(&id, leased)?;
        let proxy = Proxy::with_config(uri, self.0.config.clone())?.knowing(T::MEMBERS);
        Ok(Remote { object, proxy })
    }

    /// The object of this daemon that a URI or a proxy leads to, if it is here and of this type: what was handed over comes home
    /// as the object that it is.
    pub fn object<T: Expose>(&self, uri: &Uri) -> Option<T::Store> {
        let here = uri.location().map(Location::to_string)?;
        if here != self.0.location && Some(&here) != self.0.nat_location.as_ref() {
            return None;
        }
        let object: Arc<dyn Any + Send + Sync> = Leased::unwrap(self.0.registry.get(uri.object())?);
        object.downcast::<T::Store>().ok().map(|object| (*object).clone())
    }

    /// Takes an object out; calls under way finish. The daemon's own object stays.
    pub fn unregister(&self, id: &str) -> bool {
        self.0.leases.forget(id);
        id != DAEMON_NAME && self.0.registry.unregister(id).is_some()
    }

    /// The URI of an object id at this daemon, whether there is such an object or not.
    ///
    /// # Errors
    /// Where the id cannot stand in a URI.
    pub fn uri_for(&self, id: &str) -> Result<Uri> {
        let location = self.0.nat_location.as_ref().unwrap_or(&self.0.location);
        Ok(format!("PYRO:{id}@{location}").parse::<Uri>()?)
    }

    /// The same without regard to NAT: the URI at the address that the daemon is bound to.
    ///
    /// # Errors
    /// Where the id cannot stand in a URI.
    pub fn internal_uri_for(&self, id: &str) -> Result<Uri> {
        Ok(format!("PYRO:{id}@{}", self.0.location).parse::<Uri>()?)
    }

    /// A proxy for an object id at this daemon, with the daemon's settings.
    ///
    /// # Errors
    /// Where the id cannot stand in a URI.
    pub fn proxy_for(&self, id: &str) -> Result<Proxy> {
        Proxy::with_config(self.uri_for(id)?, self.0.config.clone())
    }

    /// The ids of all registered objects.
    pub fn registered(&self) -> Vec<String> {
        self.0.registry.ids()
    }
}

/// An id that nobody else has.
fn anonymous() -> String {
    format!("obj_{}", uuid::Uuid::new_v4().simple())
}

/// An object of this process that is handed over as a proxy; see [`DaemonHandle::share`].
///
/// It is the object for its owner, and a `Pyro5.client.Proxy` where it is an argument or a result. A method takes one, from
/// whatever process, as a [`Proxy`].
pub struct Remote<T: Expose> {
    object: T::Store,
    proxy: Proxy,
}

impl<T: Expose> Remote<T> {
    /// The object.
    pub fn object(&self) -> &T::Store {
        &self.object
    }

    /// The proxy as which it travels.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Its URI.
    pub fn uri(&self) -> &Uri {
        self.proxy.uri()
    }
}

impl<T: Expose> Clone for Remote<T> {
    fn clone(&self) -> Self {
        Self { object: self.object.clone(), proxy: self.proxy.clone() }
    }
}

impl<T: Expose> Serialize for Remote<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.proxy.serialize(serializer)
    }
}

impl<T: Expose> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(self.uri()).finish()
    }
}
