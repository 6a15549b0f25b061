//! [`App`]: tasks, where they are sent to, and where their results are.

mod builder;
mod config;
mod drivers;
mod names;
mod read;
mod settings;

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use salamander_object::Registry;
use salamander_value::Str;

pub use builder::AppBuilder;
pub use settings::Settings;

use crate::backend::Backend;
use crate::broker::Broker;
use crate::call::{Known, new_id};
use crate::control::LogicalClock;
use crate::permits::Permits;
use crate::routing::{Queues, Router};
use crate::task::{States, Task, TaskOptions};
use crate::{Error, Kind, Result};

/// Why something that all share is not to be had.
pub(crate) const NO_STORE: &str = "neither the broker nor the result backend is a store that all share: queues in Redis or of salamander's own are, and results in Redis \
                                   or a database";

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
    states: States,
    router: Router,
    /// The queues that have been declared.
    declared: RwLock<HashSet<Str>>,
    /// Where results would go that are messages, if nobody waits for them.
    own_id: Str,
    clock: LogicalClock,
}

impl App {
    /// An application on a broker, and a result backend if results are wanted.
    pub fn new(settings: Settings, broker: Arc<dyn Broker>, backend: Option<Arc<dyn Backend>>) -> Self {
        let router = Router { queues: Queues::of_settings(&settings), routes: Vec::new() };
        Self::made(settings, broker, backend, router, States::default())
    }

    fn made(
        settings: Settings,
        broker: Arc<dyn Broker>,
        backend: Option<Arc<dyn Backend>>,
        router: Router,
        states: States,
    ) -> Self {
        let app = Self(Arc::new(Inner {
            settings,
            broker,
            backend,
            registry: Arc::default(),
            options: RwLock::default(),
            states,
            router,
            declared: RwLock::default(),
            own_id: new_id(),
            clock: LogicalClock::default(),
        }));
        // The names of Celery's own tasks are free in an application that is new.
        _ = crate::builtin::register(&app);
        app
    }

    /// Registers a task under its name.
    ///
    /// # Errors
    /// [`Kind::Misuse`] where the name is taken.
    pub fn register<T: Task>(&self, task: T) -> Result<()> {
        let options = task.options();
        let name = options.name.clone();
        options.check(T::MEMBERS).map_err(|error| Error::new(Kind::Misuse, format!("the task {name}: {error}")))?;
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

    /// What is kept of permits where this application is: by the broker, or else by the result backend.
    pub fn permits(&self) -> Option<&dyn Permits> {
        self.0.broker.permits().or_else(|| self.0.backend.as_ref()?.permits())
    }

    /// The result backend.
    pub fn backend(&self) -> Option<&Arc<dyn Backend>> {
        self.0.backend.as_ref()
    }

    /// The functions of the tasks, as objects by their names; Celery's own among them.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.0.registry
    }

    /// The names of the program's own tasks, in order.
    pub fn task_names(&self) -> Vec<String> {
        let mut names = self.registry().ids();
        names.retain(|name| !name.starts_with(crate::builtin::PREFIX));
        names.sort_unstable();
        names
    }

    /// The options of a task.
    pub fn task(&self, name: &str) -> Option<Arc<TaskOptions>> {
        self.0.options.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All that is known of a task here.
    pub(crate) fn known(&self, name: &str) -> Option<Known> {
        let members = self.registry().get(name)?.members();
        self.task(name).map(|options| Known { options, members })
    }

    /// The queues and routes.
    pub fn router(&self) -> &Router {
        &self.0.router
    }

    /// What the application was given of this type for its tasks.
    pub fn state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.states.get()
    }

    /// Where results of tasks sent from here go, if they are messages.
    pub(crate) fn reply_to(&self) -> Str {
        self.backend().and_then(|backend| backend.reply_to()).unwrap_or_else(|| self.0.own_id.clone())
    }

    /// What counts what happens here, and what was heard of.
    pub(crate) fn clock(&self) -> &LogicalClock {
        &self.0.clock
    }

    pub(crate) fn is_declared(&self, queue: &str) -> bool {
        self.0.declared.read().unwrap_or_else(PoisonError::into_inner).contains(queue)
    }

    pub(crate) fn set_declared(&self, queue: Str) {
        self.0.declared.write().unwrap_or_else(PoisonError::into_inner).insert(queue);
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
