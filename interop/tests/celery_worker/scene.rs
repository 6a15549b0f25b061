//! [`Scene`]: a worker with one child process on each broker, and what sends to it.

use interop::queues::Directory;
use interop::servers::{RabbitMq, Store};
use salamander_codec::Arguments;
use salamander_tasks::{App, AsyncResult, Result, Signature};
use salamander_value::{Exception, Value};

use crate::programs::Server;
use crate::programs::worker::{LONG, Worker, up};

/// How the worker is called.
pub(crate) const NODE: &str = "one@here";

/// A settings file that changes nothing.
pub(crate) const NO_SETTINGS: &str = "[celery]\n";

/// A broker, a worker with one child process, and what sends to it.
pub(crate) struct Scene {
    pub(crate) app: App,
    pub(crate) worker: Worker,
    _servers: (Option<Store>, Option<Server>, Directory),
}

impl Scene {
    pub(crate) fn redis(settings: &str, arguments: &[&str]) -> Option<Self> {
        let server = Store::redis()?;
        let url = server.url();
        Some(Self::on(&url, &url, settings, arguments, (Some(server), None)))
    }

    pub(crate) fn rabbitmq(settings: &str, arguments: &[&str]) -> Option<Self> {
        let url = RabbitMq::shared()?.vhost();
        Some(Self::on(&url, "rpc://", settings, arguments, (None, None)))
    }

    pub(crate) fn embedded(name: &str, settings: &str, arguments: &[&str]) -> Self {
        let (up, port) = up(name, &["--no-demo"]);
        let url = format!("pyro://localhost:{port}/kombu.broker");
        Self::on(&url, "rpc://", settings, arguments, (None, Some(up)))
    }

    fn on(
        broker: &str,
        backend: &str,
        settings: &str,
        arguments: &[&str],
        (store, up): (Option<Store>, Option<Server>),
    ) -> Self {
        let directory = Directory::new();
        let file = directory.file("celery.toml");
        std::fs::write(&file, settings).unwrap();
        let always = ["-P", "prefork", "-c", "1", "-n", NODE, "--settings", file.to_str().unwrap()];
        let worker = Worker::start(broker, backend, &[&always[..], arguments].concat());
        let app = App::builder().broker_url(broker).result_backend(backend).build().unwrap();
        Self { app, worker, _servers: (store, up, directory) }
    }

    pub(crate) async fn sent(&self, name: &str, arguments: impl Arguments) -> AsyncResult {
        Signature::new(name, arguments).send(&self.app).await.unwrap()
    }

    pub(crate) async fn result(&self, name: &str, arguments: impl Arguments) -> Result<Value> {
        self.sent(name, arguments).await.get_within(LONG).await
    }

    pub(crate) async fn adds(&self) {
        assert_eq!(self.result("tasks.add", (5, 5)).await.unwrap(), Value::Int(10));
    }
}

pub(crate) fn exception(result: Result<Value>) -> Exception {
    result.unwrap_err().exception().unwrap().clone()
}
