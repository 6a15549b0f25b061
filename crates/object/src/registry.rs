//! [`Registry`]: the objects of a daemon by their ids.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use salamander_value::Exception;

use crate::Object;

/// Objects by id, in the order in which they were registered.
#[derive(Default)]
pub struct Registry {
    objects: RwLock<Objects>,
    /// Counts changes, so that who remembers an object knows when to look again.
    generation: AtomicU64,
}

#[derive(Default)]
struct Objects {
    /// With the place of each in the order.
    by_id: HashMap<Arc<str>, (u64, Arc<dyn Object>)>,
    order: BTreeMap<u64, Arc<str>>,
    registered: u64,
}

impl Objects {
    fn remove(&mut self, id: &str) -> Option<Arc<dyn Object>> {
        let (place, object) = self.by_id.remove(id)?;
        self.order.remove(&place);
        Some(object)
    }
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers an object under an id.
    ///
    /// # Errors
    /// Pyro's `DaemonError` where the id is taken.
    pub fn register(&self, id: &str, object: Arc<dyn Object>) -> Result<(), Exception> {
        let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        if objects.by_id.get(id).is_some_and(|(_, other)| other.is_gone()) {
            objects.remove(id);
        }
        if objects.by_id.contains_key(id) {
            return Err(Exception::pyro("DaemonError", "an object or class is already registered with that id"));
        }
        let (place, id) = (objects.registered, Arc::<str>::from(id));
        objects.registered += 1;
        objects.by_id.insert(id.clone(), (place, object));
        objects.order.insert(place, id);
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Takes an object out; calls under way finish.
    pub fn unregister(&self, id: &str) -> Option<Arc<dyn Object>> {
        let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        let object = objects.remove(id)?;
        self.generation.fetch_add(1, Ordering::Release);
        Some(object)
    }

    /// The object of an id.
    pub fn get(&self, id: &str) -> Option<Arc<dyn Object>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.by_id.get(id).map(|(_, object)| object.clone()).filter(|object| !object.is_gone())
    }

    /// All ids in the order of registration.
    pub fn ids(&self) -> Vec<String> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let there =
            objects.order.values().filter(|id| objects.by_id.get(*id).is_some_and(|(_, object)| !object.is_gone()));
        there.map(|id| String::from(&**id)).collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.by_id.values().filter(|(_, object)| !object.is_gone()).count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number that changes with every change.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ids()).finish()
    }
}
