//! The stores that can be shared.

use std::time::Duration;

use interop::queues::{Directory, Queues};
use interop::servers::{Redis, Store};
use salamander_tasks::App;

/// How long something may take on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A store, and how it is reached.
pub(crate) struct Shared {
    pub(crate) name: &'static str,
    broker: String,
    results: Option<String>,
    _server: Server,
}

/// What runs or lies there as long as it is used.
#[allow(dead_code)]
enum Server {
    Redis(Redis),
    Postgres(Box<Store>),
    Queues(Queues),
    File(Directory),
}

impl Shared {
    /// All that are on this machine: a broker's, and where the broker has none a result backend's.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        if let Some(redis) = Redis::start(&[]) {
            all.push(Self { name: "redis", broker: redis.url(), results: None, _server: Server::Redis(redis) });
        }
        let queues = Queues::start();
        all.push(Self {
            name: "our own queues",
            broker: queues.url(),
            results: None,
            _server: Server::Queues(queues),
        });
        let directory = Directory::new();
        let url = format!("db+sqlite:///{}", directory.file("results").display());
        all.push(Self {
            name: "sqlite",
            broker: NOWHERE.into(),
            results: Some(url),
            _server: Server::File(directory),
        });
        if let Some(server) = Store::postgres() {
            let url = server.url().replacen("postgres://", "db+postgresql://", 1);
            let server = Server::Postgres(Box::new(server));
            all.push(Self { name: "postgres", broker: NOWHERE.into(), results: Some(url), _server: server });
        }
        all
    }

    /// Another connection.
    pub(crate) fn app(&self) -> App {
        let app = App::builder().broker_url(&*self.broker);
        match &self.results {
            Some(url) => app.result_backend(&**url),
            None => app,
        }
        .build()
        .unwrap()
    }
}

/// RabbitMQ has no store; nobody connects to it here.
const NOWHERE: &str = "amqp://127.0.0.1:1";
