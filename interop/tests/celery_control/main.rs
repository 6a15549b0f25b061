//! Remote control: Python's Celery asks our workers, we ask Celery's, and ours among themselves.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod mingling;
mod ours;
#[path = "../programs/mod.rs"]
mod programs;
mod python;
mod revoking;

use std::time::Duration;

use interop::servers::{RabbitMq, Store};
use programs::worker::LONG;
use salamander_tasks::control::Reply;
use salamander_tasks::{App, AsyncResult, Control, Result, Signature};
use salamander_value::{Exception, Value};

/// A broker and a result backend, which last as long as this does.
pub(crate) struct Place {
    pub(crate) broker: String,
    pub(crate) backend: String,
    _server: Option<Store>,
}

impl Place {
    /// A server of Redis for both; none where the test is left out.
    pub(crate) fn redis() -> Option<Self> {
        let server = Store::redis()?;
        Some(Self { broker: server.url(), backend: server.url(), _server: Some(server) })
    }

    /// RabbitMQ, and results as messages; none where the test is left out.
    pub(crate) fn rabbitmq() -> Option<Self> {
        let broker = RabbitMq::shared()?.vhost();
        Some(Self { broker, backend: "rpc://".to_owned(), _server: None })
    }

    /// An application of ours there.
    pub(crate) fn app(&self) -> App {
        app(&self.broker, &self.backend)
    }
}

pub(crate) fn app(broker: &str, backend: &str) -> App {
    App::builder().broker_url(broker).result_backend(backend).build().unwrap()
}

/// Asks this worker alone, however long that takes on a machine that is busy.
pub(crate) fn asked(app: &App, worker: &str) -> Control {
    app.control().destination([worker]).timeout(LONG)
}

/// Waits until a worker of Celery's listens: on Redis it says that it is ready a moment before it subscribes to what is told to all.
pub(crate) async fn listens(app: &App, worker: &str) {
    let within = Duration::from_secs(1);
    let asked = app.control().destination([worker]).timeout(within);
    until("it listens", || async { !asked.ping().await.unwrap().is_empty() }).await;
}

/// The answer of the one worker that was asked.
#[track_caller]
pub(crate) fn only(replies: Result<Vec<Reply>>) -> Value {
    let mut replies = replies.unwrap();
    assert_eq!(replies.len(), 1, "{replies:?}");
    replies.remove(0).value
}

pub(crate) async fn sent(app: &App, name: &str, arguments: impl salamander_codec::Arguments) -> AsyncResult {
    Signature::new(name, arguments).send(app).await.unwrap()
}

/// Looks until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + LONG;
    while !holds().await {
        assert!(tokio::time::Instant::now() < end, "not within {LONG:?}: {what}");
        // Between two looks; nobody tells.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a list of what is known of tasks has this one.
pub(crate) fn has(tasks: &Value, id: &str) -> bool {
    let id = Some(Value::from(id));
    let is_it = |task: &Value| task.get("id").or_else(|| task.get("request")?.get("id")).cloned() == id;
    tasks.as_slice().unwrap_or_default().iter().any(is_it)
}

pub(crate) fn exception(result: Result<Value>) -> Exception {
    result.unwrap_err().exception().unwrap().clone()
}
