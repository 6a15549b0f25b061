//! [`Beside`]: ports beside a daemon's at which the same is served by other protocols.

use std::sync::{Arc, Mutex, PoisonError};

use super::shared::{DaemonHandle, Shared};

/// A port beside a daemon's, at which what is registered there can be called by another protocol; see [`DaemonHandle::beside`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beside {
    /// The protocol, as people call it.
    pub protocol: &'static str,
    /// Where clients find it.
    pub location: String,
    /// Lines of code that call a function `add` there, each with its language.
    pub samples: Vec<(&'static str, String)>,
}

/// What is served beside a daemon.
pub(crate) type Neighbours = Mutex<Vec<Arc<Beside>>>;

impl DaemonHandle {
    /// The ports at which the same can be called by protocols that need one of their own, such as multiprocessing connections and ZeroMQ,
    /// as long as they are served.
    pub fn beside(&self) -> Vec<Beside> {
        let neighbours = self.0.beside.lock().unwrap_or_else(PoisonError::into_inner);
        neighbours.iter().map(|beside| Beside::clone(beside)).collect()
    }

    /// Says that there is such a port, until what this gives is dropped.
    pub(crate) fn announce(&self, beside: Beside) -> Announced {
        let (shared, beside) = (self.0.clone(), Arc::new(beside));
        shared.beside.lock().unwrap_or_else(PoisonError::into_inner).push(beside.clone());
        Announced { shared, beside }
    }
}

/// Takes a [`Beside`] back when it is dropped.
pub(crate) struct Announced {
    shared: Arc<Shared>,
    beside: Arc<Beside>,
}

impl Drop for Announced {
    fn drop(&mut self) {
        let mut neighbours = self.shared.beside.lock().unwrap_or_else(PoisonError::into_inner);
        neighbours.retain(|beside| !Arc::ptr_eq(beside, &self.beside));
    }
}
