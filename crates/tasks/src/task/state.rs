//! [`State`]: what an application lends to its tasks.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use salamander_object::{CallContext, FromContext};
use salamander_value::Exception;

use super::TaskContext;

/// What the application was given of this type, for all its tasks together: a pool of connections, settings, a client.
///
/// A task takes it as a parameter, and `AppBuilder::state` gives it.
pub struct State<T>(Arc<T>);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> State<T> {
    /// It, to keep.
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

impl<T: Send + Sync + 'static> FromContext for State<T> {
    fn from_context(context: &CallContext) -> Result<Self, Exception> {
        let missing = || {
            let name = type_name::<T>();
            Exception::runtime_error(format!(
                "the application has no state of the type {name}; App::builder().state(...) gives it"
            ))
        };
        let found = context.extension::<TaskContext>().and_then(|context| context.app()?.state::<T>());
        found.map(State).ok_or_else(missing)
    }
}

/// One value of each type.
#[derive(Clone, Default)]
pub(crate) struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl States {
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), value);
    }

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).cloned()?.downcast().ok()
    }
}
