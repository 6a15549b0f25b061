//! [`App`]: tasks, where they are sent to, and where their results are.

mod settings;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use salamander_object::Registry;
use salamander_value::Str;

pub use settings::Settings;

use crate::backend::Backend;
use crate::broker::Broker;
use crate::task::{Task, TaskOptions};
use crate::{Error, Kind, Result};

/// An application: what sends tasks and what runs them have one each. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    settings: Settings,
    broker: Arc<dyn Broker>,
    backend: Option<Arc<dyn Backend>>,
    /// The functions, as objects by the names of the tasks.
    registry: Arc<Registry>,
    options: RwLock<HashMap<Str, Arc<TaskOptions>>>,
}

impl App {
    /// An application on a broker, and a result backend if results are wanted.
    pub fn new(settings: Settings, broker: Arc<dyn Broker>, backend: Option<Arc<dyn Backend>>) -> Self {
        Self(Arc::new(Inner { settings, broker, backend, registry: Arc::default(), options: RwLock::default() }))
    }

    /// Registers a task under its name.
    ///
    /// # Errors
    /// [`Kind::Misuse`] where the name is taken.
    pub fn register<T: Task>(&self, task: T) -> Result<()> {
        let options = task.options();
        let name = options.name.clone();
        let taken = |_| Error::new(Kind::Misuse, format!("there is a task {name} already"));
        self.0.registry.register(&name, Arc::new(T::Store::from(task))).map_err(taken)?;
        self.0.options.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), Arc::new(options));
        Ok(())
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The broker.
    pub fn broker(&self) -> &Arc<dyn Broker> {
        &self.0.broker
    }

    /// The result backend.
    pub fn backend(&self) -> Option<&Arc<dyn Backend>> {
        self.0.backend.as_ref()
    }

    /// The functions of the tasks, as objects by their names.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.0.registry
    }

    /// The options of a task.
    pub fn task(&self, name: &str) -> Option<Arc<TaskOptions>> {
        self.0.options.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("broker", &self.0.broker.url())
            .field("tasks", &self.0.registry)
            .finish_non_exhaustive()
    }
}
