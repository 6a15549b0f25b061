//! [`Session`]: one client connection, and what is kept for it until it ends.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use salamander_value::Exception;

use crate::{Object, caught};

/// One client connection, as the methods that it calls see it.
///
/// It holds what methods want to have at hand as long as the client is there: data of its own ([`Session::data`]) and resources
/// that are to be freed when it leaves ([`Session::track`]).
pub struct Session {
    id: u64,
    peer: Option<SocketAddr>,
    certificate: Option<Bytes>,
    /// Made when something is kept: most clients need nothing.
    kept: OnceLock<Box<Mutex<Kept>>>,
}

#[derive(Default)]
struct Kept {
    ended: bool,
    data: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    instances: HashMap<u64, Arc<dyn Object>>,
    /// In the order in which they came.
    resources: Vec<(u64, Box<dyn Any + Send>)>,
    last: u64,
}

/// A resource that a [`Session`] keeps.
pub struct Tracked<R> {
    number: u64,
    resource: PhantomData<fn() -> R>,
}

impl Session {
    /// A session with the client at this address, if it has one.
    pub fn new(peer: Option<SocketAddr>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), peer, certificate: None, kept: OnceLock::new() }
    }

    /// The same session, with a client that has shown this certificate, in DER, and that it has its key.
    #[must_use]
    pub fn with_certificate(self, certificate: Option<Bytes>) -> Self {
        Self { certificate, ..self }
    }

    /// A number that no other session of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The address of the client.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The certificate that the client has shown, in DER, where the connection is encrypted and clients are asked for one.
    pub fn certificate(&self) -> Option<&Bytes> {
        self.certificate.as_ref()
    }

    /// Data of this session: one value of each type, made when it is first asked for. What several calls change at once needs a
    /// lock or atomics of its own.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicUsize, Ordering};
    /// # use salamander_object::Session;
    /// #[derive(Default)]
    /// struct Visits(AtomicUsize);
    ///
    /// let session = Session::new(None);
    /// session.data::<Visits>().0.fetch_add(1, Ordering::Relaxed);
    /// assert_eq!(session.data::<Visits>().0.load(Ordering::Relaxed), 1);
    /// ```
    pub fn data<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let found = self.kept().data.get(&TypeId::of::<T>()).cloned();
        let data = found.unwrap_or_else(|| {
            // Made outside the lock, because making it may do anything.
            let made: Arc<dyn Any + Send + Sync> = Arc::new(T::default());
            self.kept().data.entry(TypeId::of::<T>()).or_insert(made).clone()
        });
        data.downcast().unwrap_or_default()
    }

    /// Keeps a resource until the client leaves, and drops it then. Where it has left already, it is dropped at once.
    pub fn track<R: Send + 'static>(&self, resource: R) -> Tracked<R> {
        let mut kept = self.kept();
        kept.last += 1;
        let number = kept.last;
        if kept.ended {
            drop(kept);
            free(Box::new(resource));
        } else {
            kept.resources.push((number, Box::new(resource)));
        }
        Tracked { number, resource: PhantomData }
    }

    /// Gives a resource back, which is not dropped when the client leaves. Nothing, where it has left already.
    pub fn untrack<R: Send + 'static>(&self, tracked: &Tracked<R>) -> Option<R> {
        let mut kept = self.kept();
        let at = kept.resources.iter().position(|(number, _)| *number == tracked.number)?;
        let (_, resource) = kept.resources.remove(at);
        resource.downcast().ok().map(|resource| *resource)
    }

    /// The instance that was made for this session, or that is made for it now.
    pub(crate) fn instance(
        &self,
        key: u64,
        make: impl FnOnce() -> Result<Arc<dyn Object>, Exception>,
    ) -> Result<Arc<dyn Object>, Exception> {
        if let Some(instance) = self.kept().instances.get(&key) {
            return Ok(instance.clone());
        }
        // Two first calls at once may both make one; the first that is there serves both.
        let made = make()?;
        Ok(self.kept().instances.entry(key).or_insert(made).clone())
    }

    /// The client has left: drops all that is kept for it, resources in the order in which they came.
    pub fn end(&self) {
        let Some(kept) = self.kept.get() else {
            // What is tracked from now on is to be dropped at once.
            self.kept().ended = true;
            return;
        };
        let Kept { resources, data, instances, .. } = {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let last = kept.last;
            std::mem::replace(&mut *kept, Kept { ended: true, last, ..Kept::default() })
        };
        // Dropped outside the lock: a drop may do anything.
        resources.into_iter().for_each(|(_, resource)| free(resource));
        free(Box::new((data, instances)));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops something that may panic.
fn free(resource: Box<dyn Any + Send>) {
    if let Err(exception) = caught(|| drop(resource)) {
        tracing::warn!("freeing what was kept for a client failed: {exception}");
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Tracked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tracked({})", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noisy(&'static str, Arc<Mutex<Vec<&'static str>>>);

    impl Drop for Noisy {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0);
            assert_ne!(self.0, "fails");
        }
    }

    #[test]
    fn resources_are_dropped_with_the_session_in_order() {
        let (session, log) = (Session::new(None), Arc::new(Mutex::default()));
        let noisy = |name| Noisy(name, Arc::clone(&log));
        session.track(noisy("a"));
        session.track(noisy("fails"));
        let kept = session.track(noisy("kept"));
        session.track(noisy("b"));
        let kept = session.untrack(&kept).unwrap();
        session.end();
        session.end();
        assert_eq!(*log.lock().unwrap(), ["a", "fails", "b"]);
        let late = session.track(noisy("late"));
        assert!(session.untrack(&late).is_none());
        drop(kept);
        assert_eq!(*log.lock().unwrap(), ["a", "fails", "b", "late", "kept"]);
    }

    #[test]
    fn a_session_that_kept_nothing_is_over_as_well() {
        let (session, log) = (Session::new(None), Arc::new(Mutex::default()));
        session.end();
        session.track(Noisy("late", Arc::clone(&log)));
        assert_eq!(*log.lock().unwrap(), ["late"]);
    }
}
