//! [`Leases`]: objects that are taken out when nobody uses them any more.
//!
//! Pyro has nothing of the kind: what a daemon of its registers stays until it is taken out by hand. An object with a lease is in
//! use while a client is connected that has called it or connected for it. When the last of them has left, or where there was
//! none yet, it stays for the time of the lease.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use salamander_object::{Invocation, Member, Members, Object, Request, Session, Step};
use salamander_value::Exception;
use tokio::sync::Notify;

/// The objects of a daemon that have a lease.
#[derive(Default)]
pub(crate) struct Leases {
    /// None where there are no leases.
    time: Option<Duration>,
    leased: Mutex<HashMap<String, Arc<Use>>>,
    granted: Notify,
}

/// An object with a lease.
pub(crate) struct Leased {
    object: Arc<dyn Object>,
    used: Arc<Use>,
}

/// Who uses an object.
struct Use {
    sessions: AtomicUsize,
    /// When it was last registered, called or left.
    last: Mutex<Instant>,
}

/// The leased objects that a session uses; see [`Session::data`].
#[derive(Default)]
struct Used(Mutex<HashSet<usize>>);

/// Counts a session as long as it keeps this.
struct Counted(Arc<Use>);

impl Leases {
    pub(crate) fn new(time: Option<Duration>) -> Self {
        Self { time, ..Self::default() }
    }

    /// Gives an object a lease, if this daemon has any.
    pub(crate) fn grant(&self, id: &str, object: Arc<dyn Object>) -> Arc<dyn Object> {
        if self.time.is_none() {
            return object;
        }
        let used = Arc::new(Use { sessions: AtomicUsize::new(0), last: Mutex::new(Instant::now()) });
        self.leased().insert(id.to_owned(), used.clone());
        self.granted.notify_one();
        Arc::new(Leased { object, used })
    }

    /// Waits until a lease is granted, or has been since the last time.
    pub(crate) async fn granted(&self) {
        self.granted.notified().await;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.leased().is_empty()
    }

    /// How long it may take until a lease that is over is noticed.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.time.map(|time| time / 4)
    }

    /// Forgets an object that is taken out.
    pub(crate) fn forget(&self, id: &str) {
        self.leased().remove(id);
    }

    /// Ends the leases of those that nobody uses, and gives their ids.
    pub(crate) fn expire(&self, now: Instant) -> Vec<String> {
        let Some(time) = self.time else { return Vec::new() };
        let mut leased = self.leased();
        let over = |used: &Use| {
            used.sessions.load(Ordering::Acquire) == 0 && now.saturating_duration_since(*used.last()) > time
        };
        leased.extract_if(|_, used| over(used)).map(|(id, _)| id).collect()
    }

    fn leased(&self) -> MutexGuard<'_, HashMap<String, Arc<Use>>> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Use {
    fn last(&self) -> MutexGuard<'_, Instant> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leased {
    /// The object itself, if it is one with a lease.
    pub(crate) fn unwrap(object: Arc<dyn Object>) -> Arc<dyn Object> {
        let any: &dyn Any = &*object;
        any.downcast_ref::<Self>().map(|leased| leased.object.clone()).unwrap_or(object)
    }

    fn use_by(&self, session: Option<&Arc<Session>>) {
        *self.used.last() = Instant::now();
        let Some(session) = session else { return };
        let used = session.data::<Used>();
        let mut used = used.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The address stands for the object: the session keeps it, so that no other can have the same.
        if used.insert(Arc::as_ptr(&self.used).addr()) {
            self.used.sessions.fetch_add(1, Ordering::AcqRel);
            session.track(Counted(self.used.clone()));
        }
    }
}

impl Object for Leased {
    fn members(&self) -> &'static Members {
        self.object.members()
    }

    fn greeted(&self, session: &Arc<Session>) {
        self.use_by(Some(session));
    }

    fn instance(&self, request: &Request) -> Result<Option<Arc<dyn Object>>, Exception> {
        self.use_by(request.session.as_ref());
        Ok(Some(self.object.instance(request)?.unwrap_or_else(|| self.object.clone())))
    }

    fn is_gone(&self) -> bool {
        self.object.is_gone()
    }

    fn invoke(&self, member: Member, call: &mut Invocation<'_, '_>) -> Step {
        self.object.invoke(member, call)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.last() = Instant::now();
        self.0.sessions.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases").field("time", &self.time).field("leased", &self.leased().len()).finish()
    }
}
