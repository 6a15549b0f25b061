//! [`AppBuilder`]: how an application is put together.

use std::any::Any;
use std::sync::Arc;

use salamander_value::Str;

use super::drivers::Opened;
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
    pub(super) settings: Settings,
    broker: Option<Arc<dyn Broker>>,
    urls: Vec<Str>,
    backend: Option<Arc<dyn Backend>>,
    result_url: Option<Str>,
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

    /// On the broker of this URL: `memory://`, `embedded:///var/lib/tasks.db`, `redis://localhost/0`, `amqp://localhost//`, ...
    #[must_use]
    pub fn broker_url(self, url: impl Into<Str>) -> Self {
        self.broker_urls([url.into()])
    }

    /// On the broker that answers first of these, where the driver can change between them.
    #[must_use]
    pub fn broker_urls(mut self, urls: impl IntoIterator<Item = Str>) -> Self {
        self.urls = urls.into_iter().collect();
        self
    }

    /// With results kept as this URL says: `rpc://`, `redis://localhost/1`, `db+sqlite:///results.db`, ...
    #[must_use]
    pub fn result_backend(mut self, url: impl Into<Str>) -> Self {
        self.result_url = Some(url.into());
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
    /// [`Kind::Misuse`] without a broker, for URLs that no driver knows, and for two tasks of one name; [`Kind::Unsupported`] for drivers that
    /// this build does not have; those of the drivers.
    pub fn build(self) -> Result<App> {
        let settings = self.settings;
        let none = "an application needs a broker: `AppBuilder::broker_url`, or `AppBuilder::broker`";
        let opened = match self.broker {
            Some(broker) => Opened::Given(broker),
            None if self.urls.is_empty() => return Err(Error::new(Kind::Misuse, none)),
            None => Opened::open(&self.urls, &settings)?,
        };
        let backend = match (self.backend, self.result_url) {
            (Some(backend), _) => Some(backend),
            (None, Some(url)) => opened.backend(&url, &settings)?,
            (None, None) => None,
        };
        let queues = self.queues.unwrap_or_else(|| Queues::of_settings(&settings));
        let queues = self.given.into_iter().fold(queues, Queues::with);
        let router = Router { queues, routes: self.routes };
        let app = App::made(settings, opened.broker(), backend, router, self.states);
        self.tasks.into_iter().try_for_each(|register| register(&app))?;
        Ok(app)
    }
}
