//! [`AppBuilder`]: how an application is put together.

use std::any::Any;
use std::sync::Arc;

use crate::App;
use crate::app::Settings;
use crate::backend::Backend;
use crate::broker::{Broker, Queue};
use crate::error::{Error, Kind, Result};
use crate::routing::{Queues, Router, Routes};
use crate::task::{States, Task};

type Register = Box<dyn FnOnce(&App) -> Result<()> + Send>;

/// How an application is put together: [`App::builder`].
#[derive(Default)]
pub struct AppBuilder {
    settings: Settings,
    broker: Option<Arc<dyn Broker>>,
    backend: Option<Arc<dyn Backend>>,
    queues: Option<Queues>,
    given: Vec<Queue>,
    routes: Vec<Routes>,
    states: States,
    tasks: Vec<Register>,
}

impl App {
    /// An application that is to be put together.
    pub fn builder() -> AppBuilder {
        AppBuilder::default()
    }
}

impl AppBuilder {
    /// With these settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// With a change of the settings.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// On this broker.
    #[must_use]
    pub fn broker(mut self, broker: Arc<dyn Broker>) -> Self {
        self.broker = Some(broker);
        self
    }

    /// With results kept there.
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backend = Some(backend);
        self
    }

    /// With a task.
    #[must_use]
    pub fn task(mut self, task: impl Task) -> Self {
        self.tasks.push(Box::new(move |app| app.register(task)));
        self
    }

    /// With something that tasks take as [`State<T>`](crate::State): one value of each type.
    #[must_use]
    pub fn state<T: Any + Send + Sync>(mut self, state: T) -> Self {
        self.states.insert(Arc::new(state));
        self
    }

    /// With a queue: one of `task_queues`.
    #[must_use]
    pub fn queue(mut self, queue: Queue) -> Self {
        self.given.push(queue);
        self
    }

    /// With these queues, where the settings' defaults are not what is wanted.
    #[must_use]
    pub fn queues(mut self, queues: Queues) -> Self {
        self.queues = Some(queues);
        self
    }

    /// With routes: one of `task_routes`. The first that knows a task decides.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes.push(routes);
        self
    }

    /// The application.
    ///
    /// # Errors
    /// [`Kind::Misuse`] without a broker, and for two tasks of one name.
    pub fn build(self) -> Result<App> {
        let none = || {
            Error::new(
                Kind::Misuse,
                "an application needs a broker: `AppBuilder::broker_url` or `AppBuilder::broker`",
            )
        };
        let broker = self.broker.ok_or_else(none)?;
        let queues = self.queues.unwrap_or_else(|| Queues::new(self.settings.task_default_queue.clone()));
        let queues = self.given.into_iter().fold(queues, Queues::with);
        let router = Router { queues, routes: self.routes };
        let app = App::made(self.settings, broker, self.backend, router, self.states);
        self.tasks.into_iter().try_for_each(|register| register(&app))?;
        Ok(app)
    }
}
